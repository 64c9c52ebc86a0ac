namespace GlobalCache.TestGrid.Link;

/// <summary>
/// One direction of a line: a queue served at a fixed rate that every connection and datagram shares, then a fixed way.
/// Only arithmetic; who sends waits by himself.
/// </summary>
internal sealed class LinkDirection(long bitsPerSecond, TimeSpan way, TimeProvider time)
{
    private readonly Lock gate = new();
    private readonly long wayTicks = (long)(way.TotalSeconds * time.TimestampFrequency);
    private long free = time.GetTimestamp();
    private long bytes;

    /// <summary>Bytes that have entered the queue.</summary>
    public long Bytes => Interlocked.Read(ref bytes);

    /// <summary>Queues some bytes: when the last of them has left the queue.</summary>
    public long Departure(int count)
    {
        Interlocked.Add(ref bytes, count);
        lock (gate)
        {
            free = Math.Max(free, time.GetTimestamp()) + (long)((double)count * 8 / bitsPerSecond * time.TimestampFrequency);
            return free;
        }
    }

    /// <summary>Queues some bytes: when the last of them is at the other end.</summary>
    public long Arrival(int count) => Departure(count) + wayTicks;

    /// <summary>When bytes that leave the queue at <paramref name="departure"/> are at the other end.</summary>
    public long ArrivalOf(long departure) => departure + wayTicks;
}

/// <summary>The line between a stand-in grid and everybody: all its HTTP connections and all its regions' datagrams share it.</summary>
internal sealed class SharedLink(LinkShape shape, TimeProvider time)
{
    public LinkDirection Down { get; } = new(shape.DownBitsPerSecond, shape.RoundTrip / 2, time);

    public LinkDirection Up { get; } = new(shape.UpBitsPerSecond, shape.RoundTrip / 2, time);

    public TimeSpan RoundTrip => shape.RoundTrip;
}
