using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Office.Stores;

namespace GlobalCache.Node.Control;

/// <summary>
/// Takes banned assets out of the store: at the start, at every change of the list, and until it is done. Once more a minute later, since a node that had not read
/// of the ban yet may have stored one meanwhile. Idempotent, so it does no harm that every node does it.
/// </summary>
internal sealed class Takedown(Ledger ledger, Func<Bans> bans, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan s_look = TimeSpan.FromSeconds(5), s_again = TimeSpan.FromMinutes(1);

    // When each was last taken down, and how often.
    private readonly Dictionary<string, (DateTimeOffset At, int Times)> _done = [];
    private bool _told;

    /// <summary>Takes down what is due now. False: some is left, because of the store.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken ct)
    {
        DateTimeOffset now = time.GetUtcNow();
        Bans banned = bans();
        foreach (string lifted in _done.Keys.Where(n => !banned.Contains(n)).ToList()) _done.Remove(lifted);
        string[] due = [.. banned.Names.Where(n => !_done.TryGetValue(n, out (DateTimeOffset At, int Times) done) || (done.Times < 2 && now - done.At >= s_again))];
        for (int i = 0; i < due.Length; i++)
        {
            try
            {
                await ledger.WithdrawAsync(due[i], ct);
                _done[due[i]] = (now, _done.GetValueOrDefault(due[i]).Times + 1);
            }
            catch (StoreTroubleException e)
            {
                if (!_told) log.NotTakenDown(due.Length - i, e.Message);
                _told = true;
                return false;
            }
        }
        _told = false;
        return true;
    }

    /// <summary>Goes on until <paramref name="ct"/>.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await RunOnceAsync(ct);
                await Task.Delay(s_look, time, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }
}

/// <summary>What is logged of bans, 6070 – 6079.</summary>
internal static partial class TakedownLog
{
    [LoggerMessage(6070, LogLevel.Warning, "{count} banned assets are still in the store: {reason}")]
    public static partial void NotTakenDown(this ILogger log, int count, string reason);
}
