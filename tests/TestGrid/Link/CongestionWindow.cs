namespace GlobalCache.TestGrid.Link;

/// <summary>
/// How much one TCP connection may have on its way: ten segments at first, twice as much every round trip, less again after
/// a pause. Without it a far link would look better than it is to whoever opens many connections.
/// </summary>
internal sealed class CongestionWindow(LinkShape shape, TimeProvider time)
{
    public const int Segment = 1448;
    private const int Initial = 10 * Segment, Largest = 256 << 10;
    private readonly long roundTrip = LinkDirection.Ticks(shape.RoundTrip, time);
    private readonly long pause = LinkDirection.Ticks(shape.RoundTrip + TimeSpan.FromMilliseconds(200), time);
    private readonly Queue<(long At, int Bytes)> acks = new();
    private int window = shape.SlowStart ? Initial : Largest;
    private int onTheWay;
    private long lastSent = long.MinValue / 2;

    /// <summary>When <paramref name="count"/> more bytes may go at the earliest, given that they are ready at <paramref name="ready"/>.</summary>
    public long Opens(int count, long ready)
    {
        // Linux halves the window for every timeout's worth of silence.
        for (long idle = ready - lastSent; shape.SlowStart && acks.Count == 0 && idle > pause && window > Initial; idle -= pause)
            window = Math.Max(Initial, window / 2);
        while (acks.Count > 0 && (acks.Peek().At <= ready || onTheWay + count > window))
        {
            (long at, int bytes) = acks.Dequeue();
            onTheWay -= bytes;
            window = Math.Min(Largest, window + bytes);
            ready = Math.Max(ready, at);
        }

        return ready;
    }

    /// <summary>Bytes have left the queue: their ack comes one round trip later.</summary>
    public void Sent(int count, long departure)
    {
        onTheWay += count;
        lastSent = departure;
        acks.Enqueue((departure + roundTrip, count));
    }
}
