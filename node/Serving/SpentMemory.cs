namespace GlobalCache.Node.Serving;

/// <summary>
/// Sealed assets lie on the runtime's large heap, which it lets grow by half and more before it looks for what is no longer used: the cache's budget would then
/// say little about the memory a node takes. So it is told to look whenever <see cref="Enough"/> has been read, beside the requests: there is little to
/// look at, some ten thousand arrays without a reference in them. Safe for concurrent use.
/// </summary>
internal sealed class SpentMemory
{
    /// <summary>Bytes that may lie about, at most, beside what is held.</summary>
    public const int Enough = 16 << 20;

    private long _read;

    /// <summary>So many bytes have been read into memory, and as many dropped sooner or later.</summary>
    public void Read(int bytes)
    {
        long before = Interlocked.Add(ref _read, bytes) - bytes;
        if (before / Enough != (before + bytes) / Enough) ThreadPool.UnsafeQueueUserWorkItem(static _ => GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: false), null);
    }
}
