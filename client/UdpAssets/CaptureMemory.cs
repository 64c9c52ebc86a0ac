namespace GlobalCache.Client.UdpAssets;

/// <summary>Memory that many share: taken before the first byte is kept, and refused rather than exceeded. Thread-safe.</summary>
/// <param name="limit">Bytes.</param>
internal class MemoryBudget(long limit)
{
    private long _used;

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

/// <summary>
/// What captures of all circuits share: memory, and patience. What a sim announces is never believed beyond it; a capture that finds none left
/// does not begin.
/// </summary>
/// <param name="limit">Bytes.</param>
/// <param name="patience">How long a capture waits for its next packet; 60 s if not given.</param>
internal sealed class CaptureMemory(long limit, TimeSpan? patience = null) : MemoryBudget(limit)
{
    /// <summary>A capture that has got nothing new for this long is over.</summary>
    public TimeSpan Patience { get; } = patience ?? TimeSpan.FromSeconds(60);
}
