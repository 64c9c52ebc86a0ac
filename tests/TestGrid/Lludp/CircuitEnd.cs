namespace GlobalCache.TestGrid.Lludp;

/// <summary>How one end of a circuit behaves: the two kinds differ in when they ack and how long they try (PROTOCOL §1.6).</summary>
internal sealed record CircuitManner(TimeSpan AckDelay, bool AppendsAcks, TimeSpan ResendAfter, int MaxResends)
{
    /// <summary>Acks in PacketAcks of their own every 500 ms; resends until the circuit dies.</summary>
    public static CircuitManner Simulator { get; } = new(TimeSpan.FromMilliseconds(500), false, TimeSpan.FromSeconds(1), int.MaxValue);

    /// <summary>Acks within 100 ms, appended where it can; three resends.</summary>
    public static CircuitManner Viewer { get; } = new(TimeSpan.FromMilliseconds(100), true, TimeSpan.FromSeconds(1), 3);
}

/// <summary>
/// One end of one circuit: numbers what it sends, resends what is not acked, acks and de-duplicates what it receives,
/// answers pings. Both the stand-in's regions and the simulated viewer stand on it.
/// </summary>
internal sealed class CircuitEnd(CircuitManner manner, Action<byte[]> transmit, TimeProvider time)
{
    private sealed class Outstanding
    {
        public required byte[] Wire;
        public long SentAt;
        public int Tries;
    }

    private const int Remembered = 1024;
    private readonly Lock gate = new();
    private readonly SortedDictionary<uint, Outstanding> unacked = [];
    private readonly List<uint> owed = [];
    private readonly HashSet<uint> seen = [];
    private readonly Queue<uint> seenOrder = new();
    private long owedSince;
    private uint sequence;
    private byte ping;

    /// <summary>Reliable packets not yet acked.</summary>
    public int Unacked
    {
        get { lock (gate) return unacked.Count; }
    }

    /// <summary>Reliable packets given up after all their resends.</summary>
    public int Lost { get; private set; }

    /// <summary>Packets sent once more.</summary>
    public int Resends { get; private set; }

    /// <summary>When anything last came in.</summary>
    public long LastHeard { get; private set; } = time.GetTimestamp();

    /// <summary>Sends one message and says under which number. <paramref name="resendable"/> is false for "semi-reliable" ones.</summary>
    public uint Send(BodyWriter message, byte flags, bool resendable = true)
    {
        byte[] wire;
        uint number;
        lock (gate)
        {
            number = ++sequence;
            uint[] acks = manner.AppendsAcks && message.Message != Message.PacketAck ? TakeOwed_NeedsLock(64) : [];
            wire = Datagram.Write(flags, number, message.Plain, acks);
            if ((flags & Datagram.Reliable) != 0 && resendable)
            {
                byte[] again = acks.Length == 0 ? (byte[])wire.Clone() : Datagram.Write(flags, number, message.Plain, []);
                again[0] |= Datagram.Resent;
                unacked.Add(number, new Outstanding { Wire = again, SentAt = time.GetTimestamp() });
            }
        }

        transmit(wire);
        return number;
    }

    /// <summary>Takes what every packet carries besides its message. False: a duplicate, or housekeeping that is done with.</summary>
    public bool Accept(in Datagram datagram)
    {
        bool fresh = true;
        lock (gate)
        {
            LastHeard = time.GetTimestamp();
            foreach (uint ack in datagram.Acks) unacked.Remove(ack);
            if (datagram.IsReliable)
            {
                fresh = Remember_NeedsLock(datagram.Sequence);
                if (owed.Count == 0) owedSince = LastHeard;
                owed.Add(datagram.Sequence);
            }
        }

        switch (datagram.Message)
        {
            case Message.PacketAck:
                var ids = new BodyReader(datagram.Body);
                lock (gate)
                {
                    for (int n = ids.U8(); n > 0; n--) unacked.Remove(ids.U32());
                }

                return false;
            case Message.StartPingCheck:
                Send(new BodyWriter(Message.CompletePingCheck).U8(datagram.Body[0]), 0);
                return false;
            case Message.CompletePingCheck:
                return false;
            default:
                return fresh;
        }
    }

    /// <summary>OpenSimulator acks UseCircuitCode at once in a PacketAck numbered 0, outside the numbering.</summary>
    public void AckOutsideNumbering(uint number)
    {
        lock (gate) owed.Remove(number);
        transmit(Datagram.Write(0, 0, new BodyWriter(Message.PacketAck).U8(1).U32(number).Plain, []));
    }

    /// <summary>Asks the other end for a sign of life.</summary>
    public void Ping()
    {
        uint oldest;
        lock (gate) oldest = unacked.Count == 0 ? 0 : unacked.First().Key;
        Send(new BodyWriter(Message.StartPingCheck).U8(ping++).U32(oldest), 0);
    }

    /// <summary>Sends the acks and resends that are due. To be called every few dozen milliseconds.</summary>
    public void Tick()
    {
        List<byte[]> due = [];
        BodyWriter? acks = null;
        lock (gate)
        {
            long now = time.GetTimestamp();
            if (owed.Count > 0 && time.GetElapsedTime(owedSince, now) >= manner.AckDelay)
            {
                uint[] ids = TakeOwed_NeedsLock(250);
                acks = new BodyWriter(Message.PacketAck).U8((byte)ids.Length);
                foreach (uint id in ids) acks.U32(id);
            }

            List<uint> given = [];
            foreach ((uint number, Outstanding packet) in unacked)
            {
                if (time.GetElapsedTime(packet.SentAt, now) < manner.ResendAfter) continue;
                if (packet.Tries++ >= manner.MaxResends) given.Add(number);
                else due.Add(packet.Wire);
                packet.SentAt = now;
            }

            foreach (uint number in given) unacked.Remove(number);
            Lost += given.Count;
            Resends += due.Count;
        }

        if (acks is not null) Send(acks, 0);
        foreach (byte[] wire in due) transmit(wire);
    }

    private uint[] TakeOwed_NeedsLock(int most)
    {
        if (owed.Count == 0) return [];
        uint[] taken = [.. owed.Take(most)];
        owed.RemoveRange(0, taken.Length);
        return taken;
    }

    private bool Remember_NeedsLock(uint number)
    {
        if (!seen.Add(number)) return false;
        seenOrder.Enqueue(number);
        if (seenOrder.Count > Remembered) seen.Remove(seenOrder.Dequeue());
        return true;
    }
}
