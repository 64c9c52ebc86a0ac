namespace GlobalCache.Client.Assets;

/// <summary>
/// Counts viewers' requests that wait for the grid. The background stands still while there is one, and until none has come for
/// a moment: between a probe of 600 bytes and the range that follows it a viewer is not done.
/// </summary>
internal sealed class ViewerTraffic(TimeSpan settle, TimeProvider time)
{
    private int _waiting;
    private long _lastLeft = time.GetTimestamp();

    public int Waiting => Volatile.Read(ref _waiting);

    public bool Quiet => Waiting == 0 && time.GetElapsedTime(Volatile.Read(ref _lastLeft)) >= settle;

    public void Enter() => Interlocked.Increment(ref _waiting);

    public void Leave()
    {
        Volatile.Write(ref _lastLeft, time.GetTimestamp());
        Interlocked.Decrement(ref _waiting);
    }

    /// <summary>Waits for <see cref="Quiet"/>.</summary>
    public async Task QuietAsync(CancellationToken ct)
    {
        // Asked for again after each pause rather than signalled: costs nothing that matters, and never misses one.
        while (!Quiet) await Task.Delay(settle > TimeSpan.Zero ? settle : TimeSpan.FromMilliseconds(1), time, ct);
    }
}
