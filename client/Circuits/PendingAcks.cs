namespace GlobalCache.Client.Circuits;

/// <summary>
/// Acks we owe the receiver of one direction, in its own numbering: for packets of its we swallowed, and those swallowed packets carried
/// for it. They ride on the next packet that has room, else leave in a PacketAck of our own.
/// </summary>
internal sealed class PendingAcks(long ticksPerSecond)
{
    /// <summary>What one PacketAck or one datagram's appended acks can hold.</summary>
    public const int Capacity = 255;

    private readonly uint[] _ids = new uint[Capacity];

    /// <summary>When they leave by themselves: well within the shortest resend timeout known (OpenSim, 250 ms).</summary>
    public long Deadline { get; private set; } = Circuit.Never;

    public ReadOnlySpan<uint> Ids => _ids.AsSpan(0, Count);

    public int Count { get; private set; }

    /// <summary>Beyond the capacity the oldest is given up: its packet will be resent and acked again.</summary>
    public void Add(uint id, long now)
    {
        if (Count == Capacity)
        {
            _ids.AsSpan(1).CopyTo(_ids);
            Count--;
        }

        _ids[Count++] = id;
        Deadline = Math.Min(Deadline, now + (ticksPerSecond / 20));
    }

    /// <summary>Forgets the first ones: they are on their way.</summary>
    public void Taken(int count)
    {
        _ids.AsSpan(count, Count - count).CopyTo(_ids);
        Count -= count;
        Deadline = Count == 0 ? Circuit.Never : Deadline;
    }
}
