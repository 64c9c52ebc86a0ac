using System.Collections.Concurrent;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Store;

/// <summary>The client's local store of whole assets. (First shape: in memory; the sealed files follow.)</summary>
internal sealed class AssetStore : IAsyncDisposable
{
    private readonly ConcurrentDictionary<AssetKey, byte[]> _assets = new();

    private AssetStore()
    {
    }

    /// <summary>Opens the store's folder, creating it if missing.</summary>
    /// <exception cref="StoreUnusableException">In use by another client, unwritable, sealed under another key.</exception>
    public static AssetStore Open(StoreOptions options, LocalKey key, TimeProvider time, ILogger log)
    {
        _ = (options, key, time, log);
        return new AssetStore();
    }

    /// <summary>
    /// The asset, or null when it is not held. Counts as a use. Never touches the disk: whether the bytes are still good shows at
    /// the first read.
    /// </summary>
    public StoredAsset? TryOpen(AssetKey key) => _assets.TryGetValue(key, out byte[]? plain) ? new StoredAsset(plain) : null;

    /// <summary>
    /// Keeps an asset. Idempotent: true also when it is held already. False when it was refused: empty, above its type's cap, too big
    /// for the budget, disk full or failing, too many waiting, cancelled before its turn. Never throws for any of these.
    /// <paramref name="plain"/> must not change until the task ends.
    /// </summary>
    public ValueTask<bool> PutAsync(AssetKey key, ReadOnlyMemory<byte> plain, CancellationToken ct)
    {
        if (plain.IsEmpty || plain.Length > key.Type.MaxBytes() || ct.IsCancellationRequested) return new(false);
        _assets.TryAdd(key, plain.ToArray());
        return new(true);
    }

    /// <summary>Forgets an asset, also one that is just being put. Idempotent.</summary>
    public void Drop(AssetKey key) => _assets.TryRemove(key, out _);

    /// <summary>Writes down what is only in memory and gives the folder free.</summary>
    public ValueTask DisposeAsync() => default;
}

/// <summary>One reader of one held asset. Not for concurrent use; open it twice instead.</summary>
internal sealed class StoredAsset(byte[] plain) : IDisposable
{
    /// <summary>Bytes of the plain asset.</summary>
    public int Length => plain.Length;

    /// <summary>
    /// Fills <paramref name="destination"/> with the plain bytes from <paramref name="offset"/> on. False when they cannot be had in
    /// time: damaged or gone (the entry is dropped then) or the disk took longer than <see cref="StoreOptions.ReadDeadline"/> (it is
    /// not). Ask the grid. After false nothing writes to <paramref name="destination"/> any more. Each call has the deadline to itself
    /// and the store enforces it: when the bytes are in the page cache the call completes synchronously, otherwise the disk is read
    /// by a thread of the store's own, so a hung disk blocks no caller. Read as much at once as you can use, at least 64 KiB.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Beyond <see cref="Length"/>.</exception>
    public ValueTask<bool> ReadAsync(int offset, Memory<byte> destination, CancellationToken ct)
    {
        plain.AsSpan(offset, destination.Length).CopyTo(destination.Span);
        return new(true);
    }

    /// <summary>Returns its buffers.</summary>
    public void Dispose()
    {
    }
}
