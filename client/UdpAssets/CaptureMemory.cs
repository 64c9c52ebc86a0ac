namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// The memory that captures of all circuits share. It is taken before the first byte is kept: what a sim announces is never believed beyond it,
/// and a capture that finds none left does not begin. Thread-safe.
/// </summary>
internal sealed class CaptureMemory(long limit)
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
