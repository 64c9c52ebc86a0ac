using System.Collections.Concurrent;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.Store;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// What the circuits of all sessions share: reads from the store for them, and what becomes of what they have captured. A captured asset waits,
/// bounded in time and memory, until its region has told its grid, and a texture until the grid's stand-in picture is known.
/// </summary>
internal sealed class UdpShelf : IAsyncDisposable
{
    private static readonly TimeSpan s_lastKeeps = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Up to this length what the page cache has is read at once, under the circuit's lock: that never waits (<see cref="StoredAsset.ReadAsync"/>), takes
    /// a tenth of a millisecond, and the request need not be held for a thread that may come too late on a busy machine.
    /// </summary>
    private const int AtOnceBytes = 128 << 10;

    /// <summary>What comes from the cache grid is sent on by UDP up to this length, for which memory is set aside beforehand; a longer one is stored for the next time.</summary>
    private const int FromGridBytes = 512 << 10;

    /// <summary>A request is held for the cache grid only where it usually answers within this (DESIGN §4.3).</summary>
    private static readonly TimeSpan s_gridHold = TimeSpan.FromMilliseconds(25);

    private readonly AssetStore _store;
    private readonly AssetRelay _relay;
    private readonly ClientLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly MemoryBudget _reads;
    private readonly StandInLessons _lessons;
    private readonly GridLookups? _grid;
    private readonly GridChecks? _checks;
    private readonly ClientFigures? _figures;
    private readonly Recent<AssetKey, bool> _asked;
    private readonly ConcurrentDictionary<Task, bool> _work = new();
    private readonly CancellationTokenSource _stop = new();

    /// <param name="store">Stays the caller's.</param>
    /// <param name="relay">The HTTP side: what it keeps and completes is checked there for both.</param>
    /// <param name="prefetch">Gets the hints; disposed with this.</param>
    /// <param name="limits">Memory and waits.</param>
    /// <param name="time">The clock of every wait.</param>
    /// <param name="log">Never gets to know a UUID.</param>
    /// <param name="grid">The cache grid, if there is one.</param>
    /// <param name="checks">What it gave is compared there with what sims send, and claimed.</param>
    /// <param name="figures">Told what viewers got.</param>
    public UdpShelf(
        AssetStore store, AssetRelay relay, Prefetch prefetch, ClientLimits limits, TimeProvider time, ILogger log, GridLookups? grid = null,
        GridChecks? checks = null, ClientFigures? figures = null)
    {
        (_grid, _checks, _figures) = (grid, checks, figures);
        _asked = new Recent<AssetKey, bool>(4096, TimeSpan.FromMinutes(1), time);
        (_store, _relay, Prefetch, _limits, _time, _log) = (store, relay, prefetch, limits, time, log);
        _reads = new MemoryBudget(limits.InjectionBytes);
        Captures = new CaptureMemory(limits.UdpCaptureBytes, limits.UdpCapturePatience);
        _lessons = new StandInLessons(store, relay, limits, time, _stop.Token);
    }

    /// <summary>For what is being captured, and for what was captured and is not stored yet.</summary>
    public CaptureMemory Captures { get; }

    public Prefetch Prefetch { get; }

    /// <summary>Bytes read for circuits, or to be read.</summary>
    public long ReadBytes => _reads.Used;

    public bool IsExcluded(AssetType type, Guid id) => _relay.Intake.IsExcluded(type, id);

    public void ExpectGrid(Session session, Region region) => session.ExpectGrid(region, _time);

    /// <summary>Null: not held, or too much is being read. Otherwise <paramref name="done"/> is called once.</summary>
    public AssetRead? TryRead(AssetKey key, Action done, RegionAssets? from = null)
    {
        Prefetch.Asked(key);
        if (_store.TryOpen(key) is not { } stored)
        {
            return AskGrid(key, done, from);
        }

        if (!_reads.TryReserve(stored.Length))
        {
            stored.Dispose();
            return null;
        }

        var job = new ReadJob(this, stored, done, key, from);
        if (stored.Length <= AtOnceBytes)
        {
            _ = ReadAsync(job);
        }
        else
        {
            ThreadPool.UnsafeQueueUserWorkItem(job, preferLocal: false);
        }

        return job.Read;
    }

    /// <summary>
    /// Asks the cache grid for what is not held, once a minute. Null: the sim is asked at once, and what the cache grid answers is for the next time.
    /// </summary>
    private AssetRead? AskGrid(AssetKey key, Action done, RegionAssets? from)
    {
        if (_grid is null || _stop.IsCancellationRequested || !_grid.Shares(key.GridId) || _asked.TryGet(key, out _))
        {
            return null;
        }

        _asked.Set(key, true);
        TimeSpan hold = _grid.Hold(key.GridId);
        AssetRead? read = hold > TimeSpan.Zero && hold <= s_gridHold && _reads.TryReserve(FromGridBytes)
            ? new AssetRead(FromGridBytes, bytes => _reads.Release(bytes)) : null;
        Track(Task.Run(() => AskGridAsync(_grid, key, hold, read, done, from)));
        return read;
    }

    private async Task AskGridAsync(GridLookups grid, AssetKey key, TimeSpan hold, AssetRead? read, Action done, RegionAssets? from)
    {
        byte[]? bytes = null;
        try
        {
            bytes = await grid.AskAsync(key, _stop.Token);
            if (bytes is not null && _relay.Intake.Refuses(key.Type, key.Id, bytes))
            {
                bytes = null;
            }
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }

        if (read is not null)
        {
            if (bytes is null)
            {
                grid.HeldInVain(key.GridId, hold);
            }

            read.Complete(bytes?.Length <= FromGridBytes ? bytes : null);
            if (bytes?.Length <= FromGridBytes) Tell(from, ServedFrom.Injected, key, bytes.Length);
            done();
        }

        try
        {
            if (bytes is not null)
            {
                _checks?.Served(key, bytes, from?.Region is { } region ? AssetOrigins.For(from.Session, region) : null);
            }

            if (bytes is not null && !_store.Holds(key))
            {
                await _relay.Intake.KeepAsync(key.GridId, key.Type, key.Id, bytes, _stop.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // The client is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    /// <summary>A capture has ended: whole, or (with <paramref name="held"/>) in part. Returns at once.</summary>
    public void Take(RegionAssets from, AssetType type, Guid id, byte[] bytes, bool[]? held)
    {
        if (from.Region is not { } region || IsExcluded(type, id) || (held is not null && bytes.Length > _limits.CompleteTextureUpToBytes)
            || _stop.IsCancellationRequested || !Captures.TryReserve(bytes.Length))
        {
            return;
        }

        Track(Task.Run(() => KeepAsync(from, region, type, id, bytes, held)));
    }

    /// <summary>Keeps what is complete already, as long as that takes no more than a moment.</summary>
    public async ValueTask DisposeAsync()
    {
        await Prefetch.DisposeAsync();
        await Task.WhenAny(Task.WhenAll(_work.Keys), Task.Delay(s_lastKeeps, _time));
        await _stop.CancelAsync();
        await Task.WhenAll(_work.Keys);
        _stop.Dispose();
    }

    private void Tell(RegionAssets? to, ServedFrom from, AssetKey key, int bytes)
    {
        if (to is not null) _figures?.Add(new Visitor(to.Session, to.Session.Root, key.GridId), new Served(from, key.Type, bytes, TimeSpan.Zero), _time.GetLocalNow());
    }

    private void Track(Task work)
    {
        _work[work] = true;
        _ = work.ContinueWith(done => _work.TryRemove(done, out _), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    private async Task ReadAsync(ReadJob job)
    {
        byte[]? bytes = null;
        try
        {
            using (job.Stored)
            {
                byte[] whole = GC.AllocateUninitializedArray<byte>(job.Stored.Length);
                bytes = await job.Stored.ReadAsync(0, whole, _stop.Token) ? whole : null;
            }
        }
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            Log.BackgroundFailed(_log, e);
        }

        if (bytes is null)
        {
            Log.StoreMissed(_log);
        }
        else
        {
            ClientMetrics.Injected.Add(1);
            Tell(job.From, ServedFrom.Injected, job.Key, bytes.Length);
        }

        job.Read.Complete(bytes);
        job.Done();
        job.Leave();
    }

    private async Task KeepAsync(RegionAssets from, Region region, AssetType type, Guid id, byte[] bytes, bool[]? held)
    {
        try
        {
            string gridId = await region.GridId.WaitAsync(_limits.GridIdTimeout * 2, _time, _stop.Token);
            if (type == AssetType.Texture && id != StandInPictures.MissingImage)
            {
                await _lessons.LearnAsync(gridId, from);
            }

            if (held is not null)
            {
                TopUp(from.Session, region, id, bytes, held);
            }
            else if (await _relay.Intake.KeepAsync(gridId, type, id, bytes, _stop.Token))
            {
                ClientMetrics.Captured.Add(1);
                Tell(from, ServedFrom.Captured, new AssetKey(gridId, type, id), bytes.Length);
                if (_checks is not null && _checks.Shares(gridId))
                {
                    await _checks.ReceivedAsync(new AssetKey(gridId, type, id), bytes, await from.SenderAsync(_stop.Token));
                }
            }
        }
        catch (Exception e) when (e is TimeoutException or OperationCanceledException)
        {
            // Nobody has told whose asset this is, or the client is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
        finally
        {
            Captures.Release(bytes.Length);
        }
    }

    /// <summary>Over HTTP, where the region grants it; else the part is dropped.</summary>
    private void TopUp(Session session, Region region, Guid id, byte[] bytes, bool[] held)
    {
        if (AssetOrigins.For(session, region) is not { } source)
        {
            return;
        }

        var parts = new IntervalSet();
        for (int packet = 0; packet < held.Length; packet++)
        {
            if (held[packet])
            {
                (int start, int length) = ImagePackets.Extent(bytes.Length, packet);
                parts.Add(new Interval(start, start + length));
            }
        }

        _relay.TopUp(source, id, bytes, parts.Intervals);
    }

    /// <summary>One read on the pool. Its memory is free when both have left it: the reader, who may have given up long ago, and whoever uses the bytes.</summary>
    private sealed class ReadJob : IThreadPoolWorkItem
    {
        private readonly UdpShelf _shelf;
        private readonly int _length;
        private int _users = 2;

        public ReadJob(UdpShelf shelf, StoredAsset stored, Action done, AssetKey key, RegionAssets? from)
        {
            (_shelf, Stored, Done, Key, From, _length) = (shelf, stored, done, key, from, stored.Length);
            Read = new AssetRead(_length, _ => Leave());
        }

        public StoredAsset Stored { get; }

        public AssetRead Read { get; }

        public Action Done { get; }

        public AssetKey Key { get; }

        public RegionAssets? From { get; }

        public void Leave()
        {
            if (Interlocked.Decrement(ref _users) == 0)
            {
                _shelf._reads.Release(_length);
            }
        }

        void IThreadPoolWorkItem.Execute() => _ = _shelf.ReadAsync(this);
    }
}
