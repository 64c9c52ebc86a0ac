namespace GlobalCache.TestGrid.Link;

/// <summary>
/// One direction of a line: a queue served at a fixed rate that every connection and datagram shares, then a fixed way.
/// Only arithmetic; who sends waits by himself. Rates count payload bytes.
/// </summary>
internal sealed class LinkDirection(long bitsPerSecond, TimeSpan way, TimeProvider time)
{
    /// <summary>A router's buffer: datagrams that would wait longer are lost.</summary>
    private static readonly TimeSpan LongestQueue = TimeSpan.FromMilliseconds(300);

    private readonly Lock gate = new();
    private readonly long wayTicks = Ticks(way, time), longestTicks = Ticks(LongestQueue, time);
    private long free = time.GetTimestamp();
    private long bytes;

    /// <summary>Payload bytes that have entered the queue.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    public static long Ticks(TimeSpan span, TimeProvider time) => (long)(span.TotalSeconds * time.TimestampFrequency);

    /// <summary>
    /// Queues bytes that were ready to go at <paramref name="ready"/>: when the last of them has left the queue. A sender
    /// whose timer woke him late says when he should have woken, and the line loses nothing by it.
    /// </summary>
    public long Departure(int count, long ready)
    {
        Interlocked.Add(ref bytes, count);
        lock (gate)
        {
            free = Math.Max(free, ready) + (long)((double)count * 8 / bitsPerSecond * time.TimestampFrequency);
            return free;
        }
    }

    /// <summary>When bytes that leave the queue at <paramref name="departure"/> are at the other end.</summary>
    public long Arrival(long departure) => departure + wayTicks;

    /// <summary>Queues a datagram: when it is at the other end. False: the queue is full, it is lost.</summary>
    public bool TryArrival(int count, out long arrival)
    {
        long now = time.GetTimestamp();
        lock (gate)
        {
            arrival = 0;
            if (free - now > longestTicks) return false;
        }

        arrival = Arrival(Departure(count, now));
        return true;
    }
}

/// <summary>The line between a stand-in grid and everybody: all its HTTP connections and all its regions' datagrams share it.</summary>
internal sealed class SharedLink(LinkShape shape) : IDisposable
{
    public LinkDirection Down { get; } = new(shape.DownBitsPerSecond, shape.RoundTrip / 2, TimeProvider.System);

    public LinkDirection Up { get; } = new(shape.UpBitsPerSecond, shape.RoundTrip / 2, TimeProvider.System);

    public LinkClock Clock { get; } = new();

    public LinkShape Shape => shape;

    public void Dispose() => Clock.Dispose();
}
