using System.Threading.Channels;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Assets;

/// <summary>Asks the cache grid, and never the origin, for one asset. Null: it has none, or is in trouble. Not repeated; ends soon after <paramref name="stop"/>.</summary>
internal delegate Task<byte[]?> AskCacheGrid(AssetKey key, CancellationToken stop);

/// <summary>What a prefetch needs of the client around it.</summary>
/// <param name="Holds">Whether the store has the asset. In memory.</param>
/// <param name="IsExcluded">Whether it must not be kept.</param>
/// <param name="KeepAsync">Checks and stores it.</param>
internal sealed record PrefetchTarget(
    Func<AssetKey, bool> Holds, Func<AssetType, Guid, bool> IsExcluded, Func<AssetKey, byte[], CancellationToken, Task> KeepAsync);

/// <summary>
/// Fetches from the cache grid what messages have named before a viewer asks for it (PROTOCOL §6.3): a little at a time, so much a minute, only
/// while no viewer's request waits, and nothing twice. As long as there is no cache grid nothing is remembered or queued. Thread-safe.
/// </summary>
internal sealed class Prefetch : IAsyncDisposable
{
    private const int AtOnce = 2;
    private const int Waiting = 1024;
    private const int Remembered = 65_536;

    private readonly AskCacheGrid? _grid;
    private readonly PrefetchTarget _target;
    private readonly ViewerTraffic _traffic;
    private readonly ClientLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<AssetKey> _queue = Channel.CreateBounded<AssetKey>(Waiting);
    private readonly Recent<AssetKey, bool> _seen;
    private readonly Queue<long> _begun = [];
    private readonly SemaphoreSlim _turn = new(1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _workers;

    /// <param name="grid">Null: there is none.</param>
    /// <param name="target">Where assets are kept.</param>
    /// <param name="traffic">What comes first.</param>
    /// <param name="limits">Assets a minute.</param>
    /// <param name="time">The clock of that minute.</param>
    /// <param name="log">Never gets to know a UUID.</param>
    public Prefetch(AskCacheGrid? grid, PrefetchTarget target, ViewerTraffic traffic, ClientLimits limits, TimeProvider time, ILogger log)
    {
        (_grid, _target, _traffic, _limits, _time, _log) = (limits.PrefetchPerMinute > 0 ? grid : null, target, traffic, limits, time, log);
        _seen = new Recent<AssetKey, bool>(Remembered, Timeout.InfiniteTimeSpan, time);
        _workers = _grid is null ? Task.CompletedTask : Task.WhenAll(Enumerable.Range(0, AtOnce).Select(_ => WorkAsync(_grid)));
    }

    /// <summary>Assets that wait to be fetched ahead.</summary>
    public int Ahead => _queue.Reader.Count;

    /// <summary>Hints are of use; else nobody need look for them.</summary>
    public bool IsOn => _grid is not null;

    /// <summary>A message has named an asset. Returns at once.</summary>
    public void Hint(AssetKey key)
    {
        if (_grid is null || key.Id == Guid.Empty || (key.Type == AssetType.Animation && BuiltInAnimations.Contain(key.Id))
            || _seen.TryGet(key, out _) || _target.IsExcluded(key.Type, key.Id) || _target.Holds(key)) return;
        if (_queue.Writer.TryWrite(key)) _seen.Set(key, true);
    }

    /// <summary>A viewer has asked for it: it comes, or does not, without our help.</summary>
    public void Asked(AssetKey key)
    {
        if (_grid is not null && !_seen.TryGet(key, out _)) _seen.Set(key, true);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _workers;
        _turn.Dispose();
        _stop.Dispose();
    }

    private async Task WorkAsync(AskCacheGrid grid)
    {
        try
        {
            await foreach (AssetKey key in _queue.Reader.ReadAllAsync(_stop.Token))
            {
                await BudgetAsync();
                await _traffic.QuietAsync(_stop.Token);
                await FetchAsync(grid, key);
            }
        }
        catch (OperationCanceledException)
        {
            // The client is being closed.
        }
    }

    private async Task FetchAsync(AskCacheGrid grid, AssetKey key)
    {
        try
        {
            // Long ago it was named: much may have changed.
            if (_target.IsExcluded(key.Type, key.Id) || _target.Holds(key)) return;
            if (await grid(key, _stop.Token) is { } bytes) await _target.KeepAsync(key, bytes, _stop.Token);
        }
        catch (Exception e) when (e is not OperationCanceledException || !_stop.IsCancellationRequested)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    /// <summary>Waits until fewer than the minute's number have begun within the last minute.</summary>
    private async Task BudgetAsync()
    {
        await _turn.WaitAsync(_stop.Token);
        try
        {
            if (_begun.Count >= _limits.PrefetchPerMinute)
            {
                TimeSpan rest = TimeSpan.FromMinutes(1) - _time.GetElapsedTime(_begun.Dequeue());
                if (rest > TimeSpan.Zero) await Task.Delay(rest, _time, _stop.Token);
            }
            _begun.Enqueue(_time.GetTimestamp());
        }
        finally
        {
            _turn.Release();
        }
    }
}
