using System.Net;
using System.Text.Json;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;
using Log = GlobalCache.Client.CacheGrid.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Tells the cache grid that what it served is not what the virtual world gives (SECURITY §4). Unlike claims that is not delayed: every minute somebody
/// else may be served the same. What could not be told waits on disk.
/// </summary>
internal sealed class GridDisputes(ClaimSpool spool, SignedRequests requests, TimeProvider time, ILogger log) : IAsyncDisposable
{
    /// <summary>Viewers' requests are waited for no longer than this.</summary>
    private static readonly TimeSpan s_courtesy = TimeSpan.FromSeconds(5);

    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(5), s_longestPause = TimeSpan.FromMinutes(10), s_longestTold = TimeSpan.FromDays(1);
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _stop = new();
    private Task _working = Task.CompletedTask;

    /// <summary>Disputes that wait.</summary>
    public int Waiting
    {
        get { lock (_gate) return spool.Count; }
    }

    /// <summary>Begins to work.</summary>
    public void Start(ViewerTraffic traffic) => _working = Task.Run(() => WorkAsync(traffic));

    /// <summary>The world gives this, and the cache grid something else. Returns at once.</summary>
    public void Add(ClaimLine line)
    {
        lock (_gate) spool.Put(new WaitingClaim(line, Now, Now));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _working;
        lock (_gate) spool.Write();
        _stop.Dispose();
    }

    private long Now => time.GetUtcNow().ToUnixTimeSeconds();

    private async Task WorkAsync(ViewerTraffic traffic)
    {
        TimeSpan pause = s_pause;
        try
        {
            while (true)
            {
                await Task.Delay(TimeSpan.FromSeconds(1), time, _stop.Token);
                WaitingClaim[] due;
                lock (_gate)
                {
                    due = requests.Ready ? spool.Due(Now) : [];
                    spool.Write();
                }
                if (due.Length == 0) continue;
                await Task.WhenAny(traffic.QuietAsync(_stop.Token), Task.Delay(s_courtesy, time, _stop.Token));
                TimeSpan? again = await TellAsync(due, pause);
                if (again is not { } wait)
                {
                    pause = s_pause;
                    continue;
                }
                await Task.Delay(wait, time, _stop.Token);
                pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // What waits is written down.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(log, e);
        }
    }

    /// <summary>Null: done with these. Else after how long to try again.</summary>
    private async Task<TimeSpan?> TellAsync(WaitingClaim[] due, TimeSpan pause)
    {
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new ClaimBatch { Lines = [.. due.Select(d => d.Line)] }, s_json);
        try
        {
            using HttpResponseMessage? answer = await requests.SendAsync(HttpMethod.Post, NodeApi.Disputes, body, "application/json", _stop.Token);
            if (answer?.StatusCode == HttpStatusCode.TooManyRequests && answer.Headers.RetryAfter?.Delta is { } told)
                return told < s_pause ? s_pause : told > s_longestTold ? s_longestTold : told;
            // What is not understood will not be understood the next time either.
            if (answer is null || (!answer.IsSuccessStatusCode && (int)answer.StatusCode is not (400 or 413 or 422))) return pause;
            if (answer.IsSuccessStatusCode) ClientMetrics.Disputes.Add(due.Length);
            else Log.NotTaken(log, (int)answer.StatusCode);
            lock (_gate)
            {
                foreach (WaitingClaim done in due) spool.Remove(done);
                spool.Write();
            }
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || (e is OperationCanceledException && !_stop.IsCancellationRequested))
        {
            Log.LookupFailed(log, HttpTrouble.Reason(e));
            return pause;
        }
    }
}
