using System.Buffers.Binary;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Tests.Circuits;

/// <summary>
/// Feeds two ends' packets to a circuit whose tap swallows, holds and injects at random, and keeps its own books of what either end may see: no
/// number twice, resends under the first number, no ack it did not earn, none lost, OldestUnacked never too high. Acks are given in
/// the far end's original numbers; the replay translates them to the numbers that end really saw.
/// </summary>
internal sealed class CircuitReplay
{
    private static readonly byte[] s_marker = [0x0A, 0xDE, 0xAD, 0xBE, 0xEF];

    private readonly Random _random;
    private readonly TestTap _tap;
    private readonly CircuitRig _rig;
    private readonly Way[] _ways = [new(), new()];
    private readonly List<(Direction Direction, uint Sequence, byte[] Packet, long Decide)> _held = [];
    private byte _next;

    /// <summary>One direction's books. Acks kept here are about its packets, so they travel the other way.</summary>
    private sealed class Way
    {
        public Dictionary<uint, string> Used { get; } = [];

        public Dictionary<uint, uint> Numbers { get; } = [];

        public Dictionary<uint, int> SwallowedCopies { get; } = [];

        public HashSet<uint> Unacked { get; } = [];

        public Queue<uint> InjectedSeen { get; } = new();

        /// <summary>Acks the receiver gave, by the sender's number, minus those the sender got.</summary>
        public Dictionary<uint, int> AcksUnderWay { get; } = [];
    }

    public CircuitReplay(int seed)
    {
        _random = new Random(seed);
        _tap = new TestTap { OnPacket = Judge };
        _rig = new CircuitRig(_tap) { Map = _ => null };
    }

    public int Injected { get; private set; }

    public int Swallowed { get; private set; }

    public void Receive(long time, Direction direction, byte[] packet)
    {
        PassTime(time);
        if (Seen(direction, packet) is not { } seen)
        {
            return;
        }

        List<(Direction Direction, byte[] Bytes)> sent = _rig.Receive(direction, seen);
        Assert.InRange(sent.Count, 0, 1);
        foreach ((Direction way, byte[] bytes) in sent)
        {
            Assert.Equal(direction, way);
            Forwarded(direction, seen, bytes);
        }

        uint sequence = LludpBytes.SequenceOf(seen);
        bool reliable = (seen[0] & (byte)PacketFlags.Reliable) != 0, held = _held.Any(h => h.Direction == direction && h.Sequence == sequence);
        if (sent.Count == 0 && !held)
        {
            Swallow(direction, sequence, reliable);
        }

        for (int burst = _random.Next(5) == 0 ? _random.Next(1, 5) : 0; burst > 0; burst--)
        {
            Inject((Direction)_random.Next(2));
        }
    }

    public void Finish()
    {
        PassTime(_rig.Now + 1000);
        PassTime(_rig.Now + 60_000);
        Assert.Equal(0, _rig.Circuit.Counters.UnknownAcks);
        Assert.Equal(0, _rig.Circuit.Unacked(Direction.ToSim) + _rig.Circuit.Unacked(Direction.ToViewer));
        foreach (Direction direction in Enum.GetValues<Direction>())
        {
            // Acks can only travel a direction that has begun.
            if (_ways[1 - (int)direction].Used.Count > 0)
            {
                Assert.All(_ways[(int)direction].AcksUnderWay, a => Assert.True(a.Value <= 0, $"an ack of {a.Key} was lost"));
            }
        }
    }

    private Verdict Judge(Direction direction, ref Datagram datagram, Circuit circuit)
    {
        int chance = _random.Next(100);
        if (chance is >= 13 and < 25)
        {
            _held.Add((direction, datagram.Header.Sequence, datagram.Bytes.ToArray(), _rig.Now + _random.Next(0, 36)));
            return Verdict.Hold;
        }

        return chance < 13 && datagram.Header.Sequence != 0 ? Verdict.Swallow : Verdict.Forward;
    }

    private void PassTime(long time)
    {
        while (_rig.Now < time)
        {
            foreach (var held in _held.Where(h => h.Decide <= _rig.Now).ToList())
            {
                bool swallow = _random.Next(2) == 0;
                int before = _rig.Sent.Count;
                if (!_rig.Circuit.TryDecide(_rig.Now, held.Direction, held.Sequence, swallow ? Verdict.Swallow : Verdict.Forward, default, _rig))
                {
                    Assert.Fail("a packet was not waiting any more");
                }

                _held.Remove(held);
                if (swallow)
                {
                    Swallow(held.Direction, held.Sequence, (held.Packet[0] & (byte)PacketFlags.Reliable) != 0);
                }
                else
                {
                    Forwarded(held.Direction, held.Packet, Assert.Single(_rig.Sent[before..]).Bytes);
                }
            }

            foreach ((Direction direction, byte[] bytes) in _rig.Wait(_held.Count > 0 ? 1 : Math.Max(1, Math.Min(10, time - _rig.Now))))
            {
                Due(direction, bytes);
            }
        }
    }

    private void Due(Direction direction, byte[] bytes)
    {
        if (bytes.AsSpan(6).StartsWith(s_marker))
        {
            SeenInjected(direction, bytes, resent: true);
        }
        else if (bytes.AsSpan(6).StartsWith(LludpBytes.Hex("FFFFFFFB")))
        {
            Assert.True(_ways[(int)direction].Used.TryAdd(LludpBytes.SequenceOf(bytes), "acks"), "number given twice");
            CheckAcks(direction, bytes);
        }
        else
        {
            var held = _held.First(h => h.Direction == direction);
            _held.Remove(held);
            Forwarded(direction, held.Packet, bytes);
        }
    }

    private void Swallow(Direction direction, uint sequence, bool reliable)
    {
        Way way = _ways[(int)direction];
        Assert.False(way.Numbers.ContainsKey(sequence), "a copy of a forwarded packet was swallowed");
        way.SwallowedCopies[sequence] = way.SwallowedCopies.GetValueOrDefault(sequence) + 1;
        if (reliable)
        {
            way.AcksUnderWay[sequence] = way.AcksUnderWay.GetValueOrDefault(sequence) + 1;
        }

        Swallowed++;
    }

    private void Forwarded(Direction direction, byte[] before, byte[] after)
    {
        Way way = _ways[(int)direction];
        uint s = LludpBytes.SequenceOf(before), n = LludpBytes.SequenceOf(after);
        Assert.False(way.SwallowedCopies.ContainsKey(s) && s != 0, "a copy of a swallowed packet was forwarded");
        Assert.True(PacketHeader.TryRead(before, out PacketHeader was));
        Assert.True(PacketHeader.TryRead(after, out PacketHeader header));
        if (s == 0)
        {
            Assert.Equal(0u, n);
        }
        else if (!way.Numbers.TryAdd(s, n))
        {
            Assert.Equal(way.Numbers[s], n);
        }
        else
        {
            Assert.True(way.Used.TryAdd(n, $"packet {s}"), "number given twice");
        }

        way.Used.TryAdd(uint.MaxValue, "begun");
        Message message = MessageId.Read(before.AsSpan(6, was.MessageEnd - 6), was.ZeroCoded);
        if (message == Message.StartPingCheck)
        {
            CheckOldest(way, before, after, [.. _tap.LostNumbers]);
        }
        else if (message != Message.PacketAck)
        {
            Assert.Equal(was.Flags & ~PacketFlags.Acks, header.Flags & ~PacketFlags.Acks);
            Assert.Equal(before.AsSpan(6, was.MessageEnd - 6), after.AsSpan(6, header.MessageEnd - 6));
        }

        CheckAcks(direction, after);
    }

    private static void CheckOldest(Way way, byte[] before, byte[] after, HashSet<long> lost)
    {
        Assert.True(PacketHeader.TryRead(before, out PacketHeader was));
        if (was.ZeroCoded)
        {
            return;
        }

        uint s = BinaryPrimitives.ReadUInt32LittleEndian(before.AsSpan(8)), n = BinaryPrimitives.ReadUInt32LittleEndian(after.AsSpan(8));
        Assert.Equal(s == 0, n == 0);
        Assert.All(way.Numbers.Where(p => s != 0 && p.Key >= s), p => Assert.True(p.Value >= n, "OldestUnacked too high"));
        Assert.All(way.Unacked.Where(i => !lost.Contains(i)), i => Assert.True(i >= n || s == 0, "OldestUnacked beyond an injected packet"));
    }

    /// <summary>Every ack that comes out must be one its receiver gave, or one for a swallowed copy.</summary>
    private void CheckAcks(Direction direction, byte[] packet)
    {
        Way acked = _ways[1 - (int)direction];
        foreach (uint id in LludpBytes.AcksOf(packet, out _))
        {
            Assert.True(acked.AcksUnderWay.ContainsKey(id), $"a false ack of {id}");
            acked.AcksUnderWay[id]--;
        }
    }

    private void Inject(Direction direction)
    {
        int before = _rig.Sent.Count;
        bool reliable = _random.Next(5) > 0;
        if (_rig.Circuit.TryInject(_rig.Now, direction, Message.ImagePacket, [.. s_marker[1..], _next++], reliable, _rig, out _))
        {
            byte[] bytes = Assert.Single(_rig.Sent[before..]).Bytes;
            Assert.True(_ways[(int)direction].Used.TryAdd(LludpBytes.SequenceOf(bytes), "injected"), "number given twice");
            SeenInjected(direction, bytes, resent: false);
            Injected++;
        }
        else
        {
            Assert.True(_ways[(int)direction].Used.Count == 0 || (reliable && _rig.Circuit.Closed));
        }
    }

    private void SeenInjected(Direction direction, byte[] bytes, bool resent)
    {
        Way way = _ways[(int)direction];
        uint n = LludpBytes.SequenceOf(bytes);
        Assert.Equal("injected", way.Used[n]);
        Assert.Equal(resent, (bytes[0] & (byte)PacketFlags.Resent) != 0);
        CheckAcks(direction, bytes);
        if ((bytes[0] & (byte)PacketFlags.Reliable) != 0)
        {
            way.Unacked.Add(n);
            if (_random.Next(3) > 0)
            {
                way.InjectedSeen.Enqueue(n);
            }
        }
    }

    /// <summary>The packet as its sender would have written it here: with acks of the numbers it really saw. Null: nothing to send.</summary>
    private byte[]? Seen(Direction direction, byte[] packet)
    {
        Way acked = _ways[1 - (int)direction];
        List<uint> ids = [.. LludpBytes.AcksOf(packet, out bool isPacketAck).Where(s => s == 0 || acked.Numbers.ContainsKey(s))];
        foreach (uint s in ids)
        {
            acked.AcksUnderWay[s] = acked.AcksUnderWay.GetValueOrDefault(s) + 1;
        }

        List<uint> seen = [.. ids.Select(s => s == 0 ? 0 : acked.Numbers[s])];
        while (seen.Count < 200 && acked.InjectedSeen.TryDequeue(out uint injected))
        {
            acked.Unacked.Remove(injected);
            seen.Insert(_random.Next(seen.Count + 1), injected);
        }

        Assert.True(PacketHeader.TryRead(packet, out PacketHeader header));
        uint[] acks = [.. seen];
        return (isPacketAck, acks.Length) switch
        {
            (true, 0) => null,
            (true, _) => LludpBytes.Packet(header.Flags & ~(PacketFlags.Acks | PacketFlags.ZeroCoded), header.Sequence, LludpBytes.PacketAck(acks)),
            _ => LludpBytes.Packet(header.Flags & ~PacketFlags.Acks, header.Sequence, packet.AsSpan(6, header.MessageEnd - 6), acks),
        };
    }
}
