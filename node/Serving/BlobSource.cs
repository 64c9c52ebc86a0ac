using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Serving;

/// <summary>
/// Public assets from memory, else from the store, where requests for the same one wait for one read. What lies in memory is believed for
/// <see cref="Fresh"/>, then asked after beside being served, and never served later than <see cref="Stale"/> after the store was seen to hold it: what another
/// node has withdrawn is gone here by then. What lies on the node's own disk is asked after before it is served. That an asset is absent is never remembered. Safe for concurrent use.
/// </summary>
/// <param name="store">Where they lie.</param>
/// <param name="keys">The grid's secrets.</param>
/// <param name="cache">The memory.</param>
/// <param name="time">For how long what lies there is believed.</param>
/// <param name="withholds">Whether anything is withheld as a check: then it has to be known how sure an asset is, and its record is read beside it.</param>
/// <param name="disk">The node's own disk, if it has one.</param>
internal sealed class BlobSource(IObjectStore store, GridKeys keys, AssetCache cache, TimeProvider time, Func<bool>? withholds = null, DiskCache? disk = null) : IDisposable
{
    public static readonly TimeSpan Fresh = TimeSpan.FromSeconds(30), Stale = TimeSpan.FromSeconds(45);

    private const int ReadsAtOnce = 64;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Read> _reads = [];
    private readonly RecordSeal _records = new(keys);
    private readonly SemaphoreSlim _turns = new(ReadsAtOnce);
    private readonly SpentMemory _spent = new();

    /// <summary>A read under way: found as long as it is good for those who ask now.</summary>
    private sealed class Read
    {
        public Task<CachedBlob?>? Task { get; set; }
    }

    /// <summary>What lies in memory of the asset, to be served by <see cref="Serve"/> alone. Null says nothing about the store.</summary>
    public CachedBlob? Find(AssetKey key) => cache.Find(key);

    /// <summary>The asset from memory; null: it must be read again first.</summary>
    public SealedBlob? Serve(CachedBlob held)
    {
        TimeSpan age = time.GetElapsedTime(held.CheckedAt);
        if (age >= Stale) return null;
        if (age >= Fresh) _ = ReadAsync(held.Key, held.Blob.Name).ContinueWith(static t => t.Exception, TaskScheduler.Default);
        held.Use();
        return held.Blob;
    }

    /// <summary>The asset as the store has it now; null: absent, withdrawn, or not to be opened.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public Task<CachedBlob?> ReadAsync(AssetKey key, string name)
    {
        lock (_gate)
        {
            if (_reads.TryGetValue(name, out Read? underWay)) return underWay.Task!;
            var read = new Read();
            _reads[name] = read;
            // Elsewhere, so that nothing of it is done under the lock.
            return read.Task = Task.Run(() => ReadNowAsync(read, key, name));
        }
    }

    /// <summary>The object under this name may have changed: nobody is given what was read before.</summary>
    public void Forget(string name)
    {
        lock (_gate)
        {
            _reads.Remove(name);
            cache.Forget(name);
        }
        disk?.Forget(name);
    }

    /// <summary>Asks the store for all that a read of an absent asset asks for, so that whoever is refused for another reason cannot tell; says whether it is there.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public async Task<SealedBlob?> LookAsync(AssetKey key, string name, CancellationToken ct)
    {
        Task<Standing> standing = StandingAsync(name, ct);
        StoredObject? there = await store.GetAsync("a/" + name, ct);
        await standing;
        return there is null ? null : SealedBlob.TryRead(keys, key, name, there);
    }

    public void Dispose() => _turns.Dispose();

    private async Task<CachedBlob?> ReadNowAsync(Read read, AssetKey key, string name)
    {
        await _turns.WaitAsync();
        try
        {
            using var late = new CancellationTokenSource(Patience, time);
            long asked = time.GetTimestamp();
            string path = "a/" + name;
            Task<Standing> standing = StandingAsync(name, late.Token);
            if (cache.Find(key) is { } held && await store.PeekAsync(path, SealedHeader.Length, late.Token) is { } there && there.ETag == held.Blob.Stored)
            {
                // A write meanwhile has taken it out of memory; then this says nothing.
                (held.Standing, held.CheckedAt) = (await standing, asked);
                return held;
            }
            SealedBlob? blob = await FromDiskAsync(key, name, path, late.Token) ?? await FromStoreAsync(key, name, path, late.Token);
            _spent.Read(blob?.Bytes.Length ?? 0);
            CachedBlob? fresh = blob is null ? null : new CachedBlob(key, blob, asked) { Standing = await standing };
            await standing;
            lock (_gate)
            {
                // This was written meanwhile: what was read is good for those who asked before, and for nobody else.
                if (!IsCurrent(read, name)) return fresh;
                if (fresh is null) cache.Forget(name);
                else cache.Add(fresh);
            }
            return fresh;
        }
        catch (OperationCanceledException e)
        {
            throw new StoreTroubleException("The store does not answer.", e);
        }
        finally
        {
            lock (_gate)
            {
                if (IsCurrent(read, name)) _reads.Remove(name);
            }
            _turns.Release();
        }
    }

    /// <summary>Asked for beside every read, whatever it finds. What cannot be read, a later version's record too, is the least sure.</summary>
    private async Task<Standing> StandingAsync(string name, CancellationToken ct)
    {
        if (withholds?.Invoke() != true || await store.GetAsync("v/" + name, ct) is not { } there) return Standing.Settled;
        return _records.TryOpen(name, there.Bytes.Span, out VouchRecord record) ? record.StandingAt(time.GetUtcNow()) : Standing.Contested;
    }

    private async Task<SealedBlob?> FromStoreAsync(AssetKey key, string name, string path, CancellationToken ct)
    {
        if (await store.GetAsync(path, ct) is not { } found || SealedBlob.TryRead(keys, key, name, found) is not { } blob) return null;
        disk?.Offer(name, found);
        return blob;
    }

    private async Task<SealedBlob?> FromDiskAsync(AssetKey key, string name, string path, CancellationToken ct)
    {
        if (disk is null || await disk.FindAsync(name) is not { } kept) return null;
        if (await store.PeekAsync(path, SealedHeader.Length, ct) is { } there && there.ETag == kept.ETag && SealedBlob.TryRead(keys, key, name, kept) is { } blob) return blob;
        disk.Forget(name);
        return null;
    }

    private bool IsCurrent(Read read, string name) => _reads.TryGetValue(name, out Read? there) && there == read;
}
