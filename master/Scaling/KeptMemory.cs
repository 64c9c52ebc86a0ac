using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// What the master has learned of demand, kept in the store as <c>m/demand</c>, so that the next one need not begin with nothing. Losing it costs money for a day and
/// nothing else: so whatever is wrong with it is passed over, and only who leads writes it.
/// </summary>
internal sealed class KeptMemory(IObjectStore store, TimeProvider time)
{
    private const string Name = "m/demand";
    private static readonly TimeSpan s_every = TimeSpan.FromMinutes(5);

    /// <summary>As it was kept; a new one where there is none, or none that can be read.</summary>
    public async Task<ScalingState> RestoreAsync(ScalingPolicy policy, CancellationToken ct)
    {
        try
        {
            return await store.GetAsync(Name, ct) is { } there && ScalingMemory.TryRestore(there.Bytes.ToArray(), policy, out ScalingState state) ? state : new ScalingState();
        }
        catch (StoreTroubleException)
        {
            return new ScalingState();
        }
    }

    /// <summary>Keeps it every five minutes until <paramref name="ct"/>.</summary>
    /// <param name="save">The state as bytes, taken between two passes; null: this master does not lead, or has seen nothing yet.</param>
    /// <param name="ct">Ends it.</param>
    public async Task FollowAsync(Func<byte[]?> save, CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await Task.Delay(s_every, time, ct);
                if (save() is not { } bytes) continue;
                try
                {
                    await store.PutAsync(Name, bytes, (await store.GetAsync(Name, ct))?.ETag, ct);
                }
                catch (StoreTroubleException)
                {
                    // In five minutes again.
                }
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }
}
