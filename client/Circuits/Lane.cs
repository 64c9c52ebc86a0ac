namespace GlobalCache.Client.Circuits;

/// <summary>One direction of a circuit: how its numbers shift, what we sent into it, which acks we owe its receiver, how far away that is.</summary>
internal sealed class Lane(long ticksPerSecond, SequencePage? page = null)
{
    private byte _pingId;
    private long _pingStart = Circuit.Never;

    public SequenceMap Map { get; } = new(page);

    public ReliablePackets Sent { get; } = new(ticksPerSecond);

    public PendingAcks Acks { get; } = new(ticksPerSecond);

    /// <summary>Averaged round trip to this direction's receiver; 0 until one is measured. Clamped to 0.1 – 2 s as viewers do (PROTOCOL §1.6).</summary>
    public long Ping { get; private set; }

    /// <summary>When this direction wants to be looked after.</summary>
    public long Deadline => Math.Min(Sent.Deadline, Map.Started ? Acks.Deadline : Circuit.Never);

    public void PingStarted(byte id, long now) => (_pingId, _pingStart) = (id, now);

    public void PingCompleted(byte id, long now)
    {
        if (id != _pingId || _pingStart == Circuit.Never)
        {
            return;
        }

        long sample = Math.Clamp(now - _pingStart, ticksPerSecond / 10, 2 * ticksPerSecond);
        Ping = Ping == 0 ? sample : ((4 * Ping) + sample) / 5;
        _pingStart = Circuit.Never;
    }
}
