namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// What captures of all circuits share: memory, and patience. Memory is taken before the first byte is kept: what a sim announces is never
/// believed beyond it, and a capture that finds none left does not begin. Thread-safe.
/// </summary>
/// <param name="limit">Bytes.</param>
/// <param name="patience">How long a capture waits for its next packet; 60 s if not given.</param>
internal sealed class CaptureMemory(long limit, TimeSpan? patience = null)
{
    private long _used;

    /// <summary>A capture that has got nothing new for this long is over.</summary>
    public TimeSpan Patience { get; } = patience ?? TimeSpan.FromSeconds(60);

    public long Used => Volatile.Read(ref _used);

    /// <summary>False: that much is not left.</summary>
    public bool TryReserve(long bytes)
    {
        if (Interlocked.Add(ref _used, bytes) <= limit)
        {
            return true;
        }

        Interlocked.Add(ref _used, -bytes);
        return false;
    }

    public void Release(long bytes) => Interlocked.Add(ref _used, -bytes);
}
