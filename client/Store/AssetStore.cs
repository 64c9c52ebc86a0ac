using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.Win32.SafeHandles;

namespace GlobalCache.Client.Store;

/// <summary>
/// The client's local store (SECURITY §1): every asset sealed in a file of its own under the installation's key, an index in SQLite,
/// a byte budget kept by <see cref="S3Fifo"/>. Safe for concurrent use. Nothing here throws for what a disk may do.
/// </summary>
internal sealed class AssetStore : IAsyncDisposable
{
    private static readonly TimeSpan SlowNotice = TimeSpan.FromMinutes(1);
    private const int KnownIds = 4096;
    private readonly KnownId?[] _known = new KnownId?[KnownIds];
    private readonly StoreState _state;
    private readonly StoreWriter _writer;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly TimeSpan _deadline;
    private long _slowNoted;
    private volatile bool _closed;

    private AssetStore(StoreState state, StoreOptions options, TimeProvider time, ILogger log)
    {
        (_state, _time, _log, _deadline) = (state, time, log, options.ReadDeadline);
        (Folder, Budget) = (options.Folder, options.BudgetBytes);
        _slowNoted = time.GetTimestamp() - time.TimestampFrequency * (long)SlowNotice.TotalSeconds;
        Readers = new DiskReaders(options.ReadDeadline, time);
        _writer = new StoreWriter(state, options.ScrubPeriod, time, log);
    }

    /// <summary>Where it lies.</summary>
    public string Folder { get; }

    /// <summary>What it may take on disk.</summary>
    public long Budget { get; }

    /// <summary>Assets held.</summary>
    public int Count
    {
        get
        {
            lock (_state.Gate) return _state.Held.Count;
        }
    }

    /// <summary>What the store takes on disk, index included; never above the budget.</summary>
    public long BytesOnDisk => _state.OnDisk;

    /// <summary>Neither reads nor writes are under way.</summary>
    internal bool IsIdle => _writer.IsIdle && Readers.IsIdle;

    internal WarmRead Warm { get; } = new();

    internal DiskReaders Readers { get; }

    /// <summary>
    /// Opens the store's folder, creating it if missing, and brings it into order after whatever happened to the last run. Reads the
    /// whole index: about a second for half a million assets.
    /// </summary>
    /// <exception cref="StoreUnusableException">In use by another client, unwritable, sealed under another key. Nothing is left behind.</exception>
    public static AssetStore Open(StoreOptions options, LocalKey key, TimeProvider time, ILogger log) =>
        new(StoreState.Open(options, key, log), options, time, log);

    /// <summary>As <see cref="Open"/>; beside a later version's store, which is left as it is, a small one of this version's own: no viewer need notice that a client was set back.</summary>
    /// <exception cref="StoreUnusableException">As above, of either.</exception>
    public static AssetStore OpenOrBeside(StoreOptions options, LocalKey key, TimeProvider time, ILogger log)
    {
        try
        {
            return Open(options, key, time, log);
        }
        catch (LaterStoreException)
        {
            StoreOptions own = options with { Folder = $"{Path.TrimEndingDirectorySeparator(options.Folder)}-{StoreIndex.Version}", BudgetBytes = Math.Min(options.BudgetBytes, StoreOptions.BesideBudgetBytes) };
            StoreLog.LaterStore(log, options.Folder, own.Folder, own.BudgetBytes);
            return Open(own, key, time, log);
        }
    }

    /// <summary>
    /// The asset, or null when it is not held. Counts as a use. Never touches the disk: whether the bytes are still good shows at
    /// the first read.
    /// </summary>
    public StoredAsset? TryOpen(AssetKey key)
    {
        if (_closed || Readers.Hung) return null;
        ulong id = IdOf(key);
        int length;
        lock (_state.Gate)
        {
            if (!_state.Held.TryUse(id, out length)) return null;
        }
        return new StoredAsset(this, id, key, length);
    }

    /// <summary>Whether the asset is held, without using it.</summary>
    public bool Holds(AssetKey key)
    {
        ulong id = IdOf(key);
        lock (_state.Gate) return _state.Held.Contains(id);
    }

    /// <summary>
    /// Keeps an asset. Idempotent: true also when it is held already. False when it was refused: empty, above its type's cap, too big
    /// for the budget, disk full or failing, more than 64 MiB waiting, cancelled before its turn. Never throws for any of these.
    /// The task ends when the asset survives a killed process; <paramref name="plain"/> must not change until then.
    /// </summary>
    public ValueTask<bool> PutAsync(AssetKey key, ReadOnlyMemory<byte> plain, CancellationToken ct)
    {
        if (_closed || plain.IsEmpty || plain.Length > key.Type.MaxBytes()) return new ValueTask<bool>(false);
        ulong id = IdOf(key);
        lock (_state.Gate)
        {
            if (_state.Held.Contains(id)) return new ValueTask<bool>(true);
        }
        return _writer.PutAsync(key, plain, ct);
    }

    /// <summary>Forgets an asset at once, also one whose put waits; its file goes a moment later. Idempotent.</summary>
    public void Drop(AssetKey key)
    {
        ulong id = IdOf(key);
        int bytes;
        lock (_state.Gate) _state.Held.Remove(id, out bytes);
        _state.Opened.Remove(id);
        _writer.Drop(id, bytes);
    }

    /// <summary>Finishes what waits, writes down the uses and gives the folder free. Readers that are still open fail from now on.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_closed) return;
        _closed = true;
        Readers.Dispose();
        await _writer.StopAsync();
    }

    internal OpenAsset? Opened(ulong id) => _state.Opened.Find(id);

    /// <summary>Opens an asset's file and keeps it open for the next ones who ask.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="key">Its name.</param>
    /// <param name="length">Its plain length.</param>
    /// <param name="warmOnly">Give up rather than touch the disk; otherwise this may hang with the disk.</param>
    /// <param name="firstSegment">Receives the opened first segment.</param>
    /// <param name="fault">What is wrong; <see cref="SealFault.None"/> with a null result: only the disk knows.</param>
    /// <exception cref="IOException">Missing or unreadable.</exception>
    internal OpenAsset? OpenFile(ulong id, AssetKey key, int length, bool warmOnly, Span<byte> firstSegment, out SealFault fault)
    {
        fault = SealFault.None;
        Span<byte> name = stackalloc byte[SealKeys.Length];
        _state.Key.NameOf(key.Encode(), name);
        string path = _state.Folder.PathOf(name);
        SafeFileHandle? handle = warmOnly
            ? Warm.TryOpen(path) : File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (handle is null) return null;
        OpenAsset? asset = OpenAsset.Check(handle, id, key, length, _state.Key, warmOnly ? Warm : null, firstSegment, out fault);
        if (asset is not null) _state.Opened.Add(asset);
        return asset;
    }

    /// <summary>Drops what cannot be read, unless it was replaced since <paramref name="open"/> was opened.</summary>
    internal void DropDamaged(ulong id, OpenAsset? open, string reason)
    {
        if (open is not null && _state.Opened.Find(id) is { } now && now != open) return;
        int bytes;
        lock (_state.Gate)
        {
            if (!_state.Held.Remove(id, out bytes)) return;
        }
        StoreLog.DamagedDropped(_log, reason);
        _state.Opened.Remove(id);
        _writer.Drop(id, bytes);
    }

    /// <summary>Says that the disk is slow, once a minute.</summary>
    internal void NoteSlow()
    {
        long noted = Interlocked.Read(ref _slowNoted);
        if (_time.GetElapsedTime(noted) < SlowNotice || Interlocked.CompareExchange(ref _slowNoted, _time.GetTimestamp(), noted) != noted) return;
        StoreLog.DiskSlow(_log, _deadline);
    }

    /// <summary>The first eight bytes of the asset's file name. Those asked for last are remembered: an HMAC costs more than all else here.</summary>
    private ulong IdOf(AssetKey key)
    {
        ref KnownId? known = ref _known[(uint)key.GetHashCode() % KnownIds];
        if (Volatile.Read(ref known) is { } found && found.Key == key) return found.Id;
        Span<byte> name = stackalloc byte[SealKeys.Length];
        _state.Key.NameOf(key.Encode(), name);
        ulong id = ContentFolder.IdOf(name);
        Volatile.Write(ref known, new KnownId(key, id));
        return id;
    }

    private sealed record KnownId(AssetKey Key, ulong Id);
}
