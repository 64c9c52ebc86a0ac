using System.Buffers.Binary;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>How one kind of end numbers, acks, resends and filters (PROTOCOL §1.6). Times are microseconds, the models' tick.</summary>
internal sealed record LludpManner
{
    public const long Millisecond = 1000, Second = 1_000_000;

    /// <summary>Firestorm: 24-bit numbers, acks within 0.1 s, duplicates looked for only among packets flagged RESENT.</summary>
    public static LludpManner Viewer { get; } = new()
    {
        Mask = 0xFFFFFF,
        AckDelay = 100 * Millisecond,
        AppendsAcks = true,
        AcksPerPacket = 251,
        Resends = 3,
        ChecksEveryNumber = false,
    };

    /// <summary>OpenSimulator: 32-bit numbers, acks every 500 ms, resends without end, the last 1024 reliable numbers never taken twice.</summary>
    public static LludpManner Sim { get; } = new()
    {
        Mask = uint.MaxValue,
        AckDelay = 500 * Millisecond,
        AppendsAcks = false,
        AcksPerPacket = 255,
        Resends = int.MaxValue,
        ChecksEveryNumber = true,
    };

    public required uint Mask { get; init; }

    public required long AckDelay { get; init; }

    public required bool AppendsAcks { get; init; }

    public required int AcksPerPacket { get; init; }

    public required int Resends { get; init; }

    /// <summary>Whether a number seen before is a duplicate even without RESENT.</summary>
    public required bool ChecksEveryNumber { get; init; }
}

/// <summary>
/// One end of a circuit on a virtual clock: numbers, resends, acks, de-duplicates and answers pings as its kind does, and fails the test when
/// the other end (to it: everything behind the proxy) breaks LLUDP's rules.
/// </summary>
internal sealed class LludpEnd(string name, LludpManner manner, uint first, Action<byte[]> transmit)
{
    private const int RememberedNumbers = 1024, PreferredLength = 1200;

    private readonly Dictionary<uint, Outstanding> _unacked = [];
    private readonly HashSet<uint> _reliableSent = [];
    private readonly List<uint> _owed = [];
    private readonly Dictionary<uint, int> _seen = [];
    private readonly HashSet<uint> _copied = [];
    private readonly SortedSet<uint> _duplicates = [];
    private readonly Queue<uint> _recent = new();
    private readonly HashSet<uint> _recentSet = [];
    private uint _next = first;
    private uint _highestSeen;
    private uint _prunedBelow;
    private long _owedSince;
    private long _nextPing;
    private long _pingSent;
    private byte _ping;
    private long _averagePing = LludpManner.Second;

    private sealed class Outstanding
    {
        public required byte[] Wire;
        public required long Due;
        public required int Patience;
        public int Resends;
    }

    /// <summary>Reliable packets of ours, semi-reliable ones not counted, that wait for their ack.</summary>
    public int Unacked => _unacked.Count;

    /// <summary>How far back the oldest of them lies.</summary>
    public uint Span => _unacked.Count == 0 ? 0 : _unacked.Keys.Max(n => (_next - n) & manner.Mask);

    public int Owed => _owed.Count;

    public int Failed { get; private set; }

    public int Resends { get; private set; }

    /// <summary>Packets received that had RESENT set: what the other side lost or thought lost.</summary>
    public int ResentSeen { get; private set; }

    public int ReliableSeen { get; private set; }

    public long LongestSilence { get; private set; }

    public long LastHeard { get; private set; }

    /// <param name="now">When.</param>
    /// <param name="message">What.</param>
    /// <param name="reliable">With an ack wanted.</param>
    /// <param name="resendable">False: semi-reliable, never sent again.</param>
    /// <param name="coded">Zero-coded.</param>
    /// <param name="forEver">Sent again until it is acked, whatever this kind's patience.</param>
    public uint Send(long now, BodyWriter message, bool reliable, bool resendable = true, bool coded = false, bool forEver = false)
    {
        uint number = _next;
        _next = (_next + 1) & manner.Mask;
        byte flags = (byte)((reliable ? Datagram.Reliable : 0) | (coded ? Datagram.ZeroCoded : 0));
        byte[] bare = Datagram.Write(flags, number, message.Plain, []);
        if (reliable)
        {
            _reliableSent.Add(number);
            if (resendable)
            {
                byte[] again = [.. bare];
                again[0] |= Datagram.Resent;
                _unacked[number] = new Outstanding { Wire = again, Due = now + Timeout, Patience = forEver ? int.MaxValue : manner.Resends };
            }
        }

        int room = Math.Min(250, (PreferredLength - bare.Length - 1) / 4);
        if (manner.AppendsAcks && _owed.Count > 0 && room > 0 && message.Message != Message.PacketAck)
        {
            bare = Datagram.Write(flags, number, message.Plain, Take(room));
        }

        transmit(bare);
        return number;
    }

    /// <summary>A number that stands for a packet somebody else has sent in this end's place (a recording).</summary>
    public void SentElsewhere(uint number) => _reliableSent.Add(number);

    /// <summary>OpenSimulator acks UseCircuitCode in a PacketAck numbered 0, outside the numbering.</summary>
    public void AckOutsideNumbering(uint number)
    {
        _owed.Remove(number);
        transmit(Datagram.Write(0, 0, new BodyWriter(Message.PacketAck).U8(1).U32(number).Plain, []));
    }

    /// <summary>
    /// Takes what every packet carries. False: a duplicate, or housekeeping that is done with. <paramref name="copy"/>: the network, not the
    /// sender, made this one.
    /// </summary>
    public bool Accept(long now, byte[] wire, bool copy, out Datagram datagram)
    {
        Rules.Check(Datagram.TryRead(wire, out datagram), $"{name} got a datagram it cannot read: {Convert.ToHexString(wire)}");
        LongestSilence = Math.Max(LongestSilence, now - LastHeard);
        LastHeard = now;
        bool fresh = IsFresh(datagram, copy);
        foreach (uint id in datagram.Acks)
        {
            Acked(id);
        }

        if (datagram.IsReliable)
        {
            ReliableSeen++;
            ResentSeen += datagram.IsResent ? 1 : 0;
            _owedSince = _owed.Count == 0 ? now : _owedSince;
            _owed.Add(datagram.Sequence);
        }

        switch (datagram.Message)
        {
            case Message.PacketAck:
                var ids = new BodyReader(datagram.Body);
                int count = ids.U8();
                Rules.Check(count > 0 && datagram.Body.Length >= 1 + (4 * count), $"{name} got a PacketAck with {count} acks in {datagram.Body.Length} bytes");
                for (int n = count; n > 0; n--)
                {
                    Acked(ids.U32());
                }

                return false;
            case Message.StartPingCheck:
                Send(now, new BodyWriter(Message.CompletePingCheck).U8(datagram.Body[0]), reliable: false);
                Forget(BinaryPrimitives.ReadUInt32LittleEndian(datagram.Body.AsSpan(1)));
                return false;
            case Message.CompletePingCheck:
                if (datagram.Body[0] == _ping)
                {
                    long sample = Math.Clamp(now - _pingSent, LludpManner.Second / 10, 2 * LludpManner.Second);
                    _averagePing = ((4 * _averagePing) + sample) / 5;
                }

                return false;
            default:
                return fresh;
        }
    }

    /// <summary>Sends the acks, resends and pings that are due.</summary>
    public void Tick(long now)
    {
        while (_owed.Count > 0 && now - _owedSince >= manner.AckDelay)
        {
            uint[] ids = Take(manner.AcksPerPacket);
            BodyWriter message = new BodyWriter(Message.PacketAck).U8((byte)ids.Length);
            foreach (uint id in ids)
            {
                message.U32(id);
            }

            Send(now, message, reliable: false);
        }

        foreach ((uint number, Outstanding packet) in _unacked.Where(p => p.Value.Due <= now).OrderBy(p => p.Value.Due).ToList())
        {
            if (packet.Resends++ == packet.Patience)
            {
                Failed++;
                _unacked.Remove(number);
                continue;
            }

            Resends++;
            packet.Due = now + Timeout;
            transmit(packet.Wire);
        }

        if (now >= _nextPing)
        {
            uint oldest = _unacked.Count == 0 ? (manner.ChecksEveryNumber ? 0 : _next) : _unacked.Keys.MinBy(n => (n - _next) & manner.Mask);
            _nextPing = now + (5 * LludpManner.Second);
            _pingSent = now;
            Send(now, new BodyWriter(Message.StartPingCheck).U8(++_ping).U32(oldest), reliable: false);
        }
    }

    private long Timeout => Math.Max(LludpManner.Second, manner.ChecksEveryNumber ? 0 : 5 * _averagePing);

    private uint[] Take(int most)
    {
        uint[] taken = [.. _owed.Take(most)];
        _owed.RemoveRange(0, taken.Length);
        return taken;
    }

    private void Acked(uint id)
    {
        Rules.Check(_reliableSent.Contains(id), $"{name} got an ack for {id}, which it has not sent reliably");
        _unacked.Remove(id);
    }

    /// <summary>The duplicate filter, and the rule behind it: a number is used once, and again only with RESENT and the same message.</summary>
    private bool IsFresh(in Datagram datagram, bool copy)
    {
        uint number = datagram.Sequence;
        bool outside = number == 0 && datagram.Message == Message.PacketAck;
        if (outside)
        {
            return true;
        }

        var content = new HashCode();
        content.Add(datagram.Message);
        // A ping's and an ack's content is rewritten with what is known when the copy passes.
        if (datagram.Message is not (Message.StartPingCheck or Message.PacketAck))
        {
            content.AddBytes(datagram.Body);
        }

        int hash = content.ToHashCode();
        bool again = !_seen.TryAdd(number, hash);
        copy = (copy && _copied.Add(number)) || _copied.Contains(number);
        if (again)
        {
            Rules.Check(datagram.IsResent || copy, $"{name} got the number {number} a second time ({datagram.Message}) without RESENT");
            Rules.Check(copy || _seen[number] == hash, $"{name} got another message ({datagram.Message}) under the number {number}");
        }

        if (!datagram.IsReliable)
        {
            return true;
        }

        if (manner.ChecksEveryNumber)
        {
            if (!_recentSet.Add(number))
            {
                return false;
            }

            _recent.Enqueue(number);
            if (_recent.Count > RememberedNumbers)
            {
                _recentSet.Remove(_recent.Dequeue());
            }

            return true;
        }

        bool known = !_duplicates.Add(number);
        Rules.Check(
            known || !again || copy || number >= _prunedBelow || _highestSeen - number > manner.Mask / 2,
            $"{name} was told that everything below {_prunedBelow} is settled, and now gets {number} again");
        _highestSeen = Math.Max(_highestSeen, number);
        return !(datagram.IsResent && known);
    }

    /// <summary>A viewer forgets numbers below OldestUnacked: should one of them come again, it is processed a second time.</summary>
    private void Forget(uint oldest)
    {
        if (!manner.ChecksEveryNumber && oldest < _highestSeen && oldest > 0)
        {
            _duplicates.RemoveWhere(n => n < oldest);
            _prunedBelow = Math.Max(_prunedBelow, oldest);
        }
    }
}

/// <summary>Where a broken rule ends a test.</summary>
internal static class Rules
{
    public static void Check(bool kept, string broken)
    {
        if (!kept)
        {
            Assert.Fail(broken);
        }
    }
}
