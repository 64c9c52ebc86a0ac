using GlobalCache.Client.Assets;
using GlobalCache.Policy;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Fetches what viewers left unread, once, on few connections and only while no viewer waits: the one load on a grid that a
/// plain viewer does not make (DESIGN §4.2).
/// </summary>
internal sealed class AssetCompletion : IAsyncDisposable
{
    private readonly AssetCapture _capture;
    private readonly AssetOrigin _origin;
    private readonly ViewerTraffic _traffic;
    private readonly HttpMessageInvoker _invoker;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _workers;

    public AssetCompletion(
        AssetCapture capture, AssetOrigin origin, ViewerTraffic traffic, HttpMessageInvoker invoker, ClientLimits limits, TimeProvider time, ILogger log)
    {
        (_capture, _origin, _traffic, _invoker, _time, _log) = (capture, origin, traffic, invoker, time, log);
        _workers = Task.WhenAll(Enumerable.Range(0, limits.CompletionConnections).Select(_ => WorkAsync()));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _workers;
        _stop.Dispose();
    }

    private async Task WorkAsync()
    {
        try
        {
            await foreach (Assembly assembly in _capture.Incomplete.ReadAllAsync(_stop.Token))
            {
                await _traffic.QuietAsync(_stop.Token);
                if (assembly.Remainder() is { } fetch) await CompleteAsync(assembly, fetch);
            }
        }
        catch (OperationCanceledException)
        {
            // The relay is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    private async Task CompleteAsync(Assembly assembly, Fetch fetch)
    {
        using CancellationTokenRegistration closing = _stop.Token.UnsafeRegister(static f => ((Fetch)f!).Stop.Cancel(), fetch);
        await _origin.RunAsync(fetch, _invoker, assembly.Question, _traffic);
        // What the grid will not give is not asked for again, and a grid that is in trouble is left alone (PROTOCOL §3.6.6).
        bool willing = fetch.End is FetchEnd.Delivered or FetchEnd.Stopped;
        if (!willing) _capture.Refuse(assembly);
        _capture.Review(assembly);
        if (!willing && fetch.Status is 429 or >= 500) await Task.Delay(TimeSpan.FromSeconds(fetch.RetryAfterSeconds), _time, _stop.Token);
    }
}
