using System.Collections.Concurrent;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Learns each grid's stand-in picture before a texture of it that came by UDP is kept: over UDP a grid sends that picture under whatever UUID it
/// does not know, and nothing else tells (PROTOCOL §5.2, §5.5). It is looked for in the store, then over HTTP if the region has granted a capability,
/// else asked of the sim. A grid that does not answer is asked again after a while; meanwhile only the pictures known to everybody are refused.
/// </summary>
internal sealed class StandInLessons(AssetStore store, AssetRelay relay, ClientLimits limits, TimeProvider time, CancellationToken stop)
{
    private readonly ConcurrentDictionary<string, Lazy<Task>> _lessons = new();
    private readonly Recent<string, bool> _unanswered = new(256, limits.AssemblyLifetime, time);

    /// <summary>Ends when the picture is known, or could not be had within <see cref="ClientLimits.GridIdTimeout"/>. Faults only with the client's stop.</summary>
    public Task LearnAsync(string gridId, RegionAssets region)
    {
        Task known = relay.Intake.StandIns.Known(gridId);
        if (known.IsCompleted || _unanswered.TryGet(gridId, out _))
        {
            return Task.CompletedTask;
        }

        return _lessons.GetOrAdd(gridId, _ => new Lazy<Task>(() => TeachAsync(gridId, known, region))).Value;
    }

    private async Task TeachAsync(string gridId, Task known, RegionAssets region)
    {
        try
        {
            await AskAsync(gridId, region);
            await known.WaitAsync(limits.GridIdTimeout, time, stop);
        }
        catch (TimeoutException)
        {
            _unanswered.Set(gridId, true);
        }
        finally
        {
            _lessons.TryRemove(gridId, out _);
        }
    }

    /// <summary>Whatever answers settles the matter in <see cref="AssetIntake"/>, where every such picture is learnt from.</summary>
    private async Task AskAsync(string gridId, RegionAssets region)
    {
        StandInPictures pictures = relay.Intake.StandIns;
        if (await ReadAsync(gridId) is { } held)
        {
            pictures.Refuses(AssetType.Texture, StandInPictures.MissingImage, held);
            pictures.Settle(gridId);
            return;
        }

        if (AssetOrigins.For(region.Session, region.Region!) is { } source)
        {
            (int status, byte[]? bytes, _) = await relay.FetchAsync(source, AssetType.Texture, StandInPictures.MissingImage, stop);
            if (bytes is not null && await relay.Intake.KeepAsync(gridId, AssetType.Texture, StandInPictures.MissingImage, bytes, stop))
            {
                return;
            }

            if (status is StatusCodes.Status404NotFound or StatusCodes.Status410Gone)
            {
                pictures.Settle(gridId);
                return;
            }
        }

        region.Ask(StandInPictures.MissingImage);
    }

    private async Task<byte[]?> ReadAsync(string gridId)
    {
        using StoredAsset? stored = store.TryOpen(new AssetKey(gridId, AssetType.Texture, StandInPictures.MissingImage));
        if (stored is null)
        {
            return null;
        }

        byte[] bytes = new byte[stored.Length];
        return await stored.ReadAsync(0, bytes, stop) ? bytes : null;
    }
}
