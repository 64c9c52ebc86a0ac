using System.Net;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;
using Datagram = GlobalCache.TestGrid.Lludp.Datagram;
using Message = GlobalCache.TestGrid.Lludp.Message;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// Feeds datagrams made wrong on purpose, both ways, through a circuit with its tap, captures and hints. Nothing may be thrown, memory stays bounded,
/// and what comes out can be read again. A new circuit now and then, so that early and late states are both met.
/// </summary>
internal sealed class DatagramFuzz : IDatagramSink, IRegionDirectory, IUdpAssets
{
    private const long TicksPerSecond = 1_000_000, CaptureBytes = 8 << 20;
    private static readonly IPEndPoint s_sim = new(IPAddress.Parse("203.0.113.7"), 13005);

    private readonly Random _random;
    private readonly List<(Direction Direction, byte[] Bytes)> _seeds;
    private readonly Guid[] _ids;
    private readonly byte[] _buffer = new byte[16_384];
    private readonly byte[] _work = new byte[8192];
    private readonly Queue<Action> _reads = new();
    private readonly byte[][] _assets;
    private CaptureMemory _memory = new(CaptureBytes);
    private Circuit _circuit;
    private long _now;
    private uint[] _next = [1, 1];
    private Direction _lastDirection;
    private byte[] _last = [];
    private readonly Queue<uint>[] _sent = [new(), new()];
    private long _reserved;

    public DatagramFuzz(int seed, List<(Direction Direction, byte[] Bytes)> seeds, Guid[] ids)
    {
        (_random, _seeds, _ids) = (new Random(seed), seeds, ids);
        _assets = [.. new[] { 1, 600, 601, 1601, 8000, 98_052 }.Select(n => new byte[n])];
        _circuit = NewCircuit();
    }

    public long Fed { get; private set; }

    public long Sent { get; private set; }

    public long Captured { get; private set; }

    public long Hinted { get; private set; }

    public long ReadsBegun { get; private set; }

    public long Circuits { get; private set; }

    public int MostUnacked { get; private set; }

    /// <summary>The datagram during which something was thrown.</summary>
    public string Last => $"{_lastDirection} {Convert.ToHexString(_last)}";

    /// <summary>One mutated recording or one datagram of random bytes.</summary>
    public void Step()
    {
        if (_random.Next(_circuit.Closed ? 100 : 20_000) == 0)
        {
            _circuit = NewCircuit();
        }

        Direction direction;
        int length;
        if (_random.Next(50) == 0)
        {
            direction = (Direction)_random.Next(2);
            length = _random.Next(0, 64);
            _random.NextBytes(_work.AsSpan(0, length));
        }
        else if (_random.Next(6) == 0)
        {
            // What keeps windows moving: acks of what has been sent.
            direction = (Direction)_random.Next(2);
            length = Acks((Direction)(1 - (int)direction), Math.Min(_random.Next(1, 60), _sent[1 - (int)direction].Count), _next[(int)direction]++);
        }
        else
        {
            bool ends;
            byte[] bytes;
            do
            {
                (direction, bytes) = _seeds[_random.Next(_seeds.Count)];
                // Most circuits are to live long.
                ends = MessageId.Read(bytes.AsSpan(6), (bytes[0] & Datagram.ZeroCoded) != 0) is Client.Lludp.Message.CloseCircuit or Client.Lludp.Message.DisableSimulator;
            }
            while (ends && _random.Next(100) > 0);
            direction = _random.Next(40) == 0 ? (Direction)_random.Next(2) : direction;
            bytes.CopyTo(_work, 0);
            length = Mutate(bytes.Length, direction);
        }

        Feed(direction, _work.AsSpan(0, length));
    }

    public void Feed(Direction direction, ReadOnlySpan<byte> datagram)
    {
        Fed++;
        _lastDirection = direction;
        _last = datagram.ToArray();
        _now += _random.Next(3) == 0 ? _random.Next(200_000) : _random.Next(200);
        datagram.CopyTo(_buffer);
        // A pump's buffer has some room behind the datagram, or none to speak of.
        int room = _random.Next(4) == 0 ? _random.Next(0, 40) : _buffer.Length - datagram.Length;
        _circuit.Receive(_now, direction, _buffer.AsSpan(0, datagram.Length + room), datagram.Length, this);
        while (_reads.Count > 0 && _random.Next(3) > 0)
        {
            _reads.Dequeue()();
        }

        if (_circuit.NextDeadline <= _now || _random.Next(8) == 0)
        {
            _circuit.Tick(_now, this);
        }

        MostUnacked = Math.Max(MostUnacked, Math.Max(_circuit.Unacked(Direction.ToSim), _circuit.Unacked(Direction.ToViewer)));
        Rules.Check(MostUnacked <= ReliablePackets.Capacity, $"{MostUnacked} packets unacked");
        Rules.Check(_memory.Used is >= 0 and <= CaptureBytes, $"captures hold {_memory.Used} bytes");
        Rules.Check(_reserved >= 0, "more memory given back than was taken");
    }

    void IDatagramSink.Send(Direction direction, ReadOnlySpan<byte> datagram)
    {
        Sent++;
        // Read by the product's reader and not always by the grid's, which copies: that one now and then.
        Rules.Check(PacketHeader.TryRead(datagram, out PacketHeader header), "what was sent has no readable header");
        if (header.Reliable && _sent[(int)direction].Count < 2000)
        {
            _sent[(int)direction].Enqueue(header.Sequence);
        }

        Rules.Check(datagram.Length <= _buffer.Length && header.MessageEnd <= datagram.Length, "what was sent ends before it should");
        if (Sent % 16 == 0 && header.ExtraLength == 0 && !header.ZeroCoded)
        {
            Rules.Check(
                Datagram.TryRead(datagram, out Datagram read) || datagram[6] == 0xFF, $"what was sent cannot be read: {Convert.ToHexString(datagram)} {read.Message}");
        }
    }

    IPEndPoint? IRegionDirectory.MapSim(IPEndPoint sim) => _random.Next(2) == 0 ? null : new IPEndPoint(IPAddress.Loopback, 12102);

    string? IRegionDirectory.MapSeed(string realSeed, IPEndPoint sim) => _random.Next(2) == 0 ? null : "http://127.0.0.1:12080/s/1";

    AssetRead? IUdpAssets.TryRead(AssetType type, Guid id, Action done)
    {
        if (_random.Next(3) == 0)
        {
            return null;
        }

        ReadsBegun++;
        byte[]? bytes = _random.Next(8) == 0 ? null : _assets[_random.Next(_assets.Length)];
        _reserved += 1000;
        var read = new AssetRead(1000, back => _reserved -= back);
        if (_random.Next(2) == 0)
        {
            read.Complete(bytes);
            done();
        }
        else
        {
            _reads.Enqueue(() =>
            {
                read.Complete(bytes);
                done();
            });
        }

        return read;
    }

    bool IUdpAssets.IsExcluded(Guid texture) => texture == _ids[^1];

    void IUdpAssets.Captured(AssetType type, Guid id, byte[] bytes)
    {
        Captured++;
        Rules.Check(bytes.Length > 0 && bytes.Length <= type.MaxBytes(), $"{bytes.Length} bytes captured");
    }

    void IUdpAssets.CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held) => Captured++;

    void IUdpAssets.Hint(AssetType type, Guid id) => Hinted++;

    private Circuit NewCircuit()
    {
        if (_circuit is not null)
        {
            _circuit.End();
            while (_reads.TryDequeue(out Action? read))
            {
                read();
            }

            Rules.Check(_reserved == 0, $"{_reserved} bytes of reads were never given back");
        }

        Circuits++;
        _memory = new CaptureMemory(CaptureBytes);
        _next = [Start(), Start()];
        _sent[0].Clear();
        _sent[1].Clear();
        var scope = new CircuitScope(this, new CircuitEvents(_ => { }, _ => { }), TicksPerSecond);
        var identity = new CircuitIdentity(FirestormModel.Code, FirestormModel.Session, FirestormModel.Agent);
        return new Circuit(scope, s_sim, new AssetTap(this, new ViewerPace(TicksPerSecond), _memory, identity, () => { }, TicksPerSecond));
    }

    private uint Start() => _random.Next(4) switch { 0 => 0x1000000u - (uint)_random.Next(1, 300), 1 => 0x1000000u + (uint)_random.Next(500), _ => (uint)_random.Next(0, 3) };

    /// <summary>Numbers that go on as a sender's do, so that most come past the circuit's own checks; ids that meet each other; then damage.</summary>
    private int Mutate(int length, Direction direction)
    {
        Span<byte> packet = _work;
        uint number = _random.Next(12) switch
        {
            0 => (uint)_random.Next(),
            1 => _next[(int)direction] - (uint)_random.Next(1, 40),
            2 => _next[(int)direction] + (uint)_random.Next(1, 5000),
            _ => _next[(int)direction]++,
        };
        System.Buffers.Binary.BinaryPrimitives.WriteUInt32BigEndian(packet[1..], number);
        if (_random.Next(3) > 0)
        {
            Rename(packet[..length]);
        }

        for (int damage = _random.Next(8) switch { < 3 => 0, < 6 => 1, _ => _random.Next(1, 8) }; damage > 0; damage--)
        {
            int at = _random.Next(2) == 0 ? _random.Next(Math.Min(length, 80)) : _random.Next(length);
            switch (_random.Next(7))
            {
                case 0:
                    packet[at] = (byte)_random.Next(256);
                    break;
                case 1:
                    packet[at] ^= (byte)(1 << _random.Next(8));
                    break;
                case 2:
                    packet[at] = _random.Next(3) switch { 0 => 0, 1 => 0xFF, _ => 0x7F };
                    break;
                case 3:
                    length = Math.Max(1, at);
                    break;
                case 4:
                    int more = _random.Next(1, 300);
                    _random.NextBytes(packet.Slice(length, more));
                    length += more;
                    break;
                case 5:
                    int end = Math.Min(length, at + _random.Next(1, 40));
                    packet[at..end].Clear();
                    break;
                default:
                    packet[0] ^= (byte)(_random.Next(16) << 4);
                    packet[length - 1] = (byte)_random.Next(6);
                    break;
            }
        }

        return length;
    }

    private int Acks(Direction acked, int count, uint number)
    {
        var ids = new BodyWriter(Message.PacketAck).U8((byte)count);
        for (int i = 0; i < count; i++)
        {
            ids.U32(_sent[(int)acked].Dequeue());
        }

        byte[] packet = Datagram.Write(0, number, ids.Plain, []);
        packet.CopyTo(_work, 0);
        return packet.Length;
    }

    /// <summary>One of a few ids in place of the one the message names, so that requests, answers and captures are of the same assets.</summary>
    private void Rename(Span<byte> packet)
    {
        if ((packet[0] & Datagram.ZeroCoded) != 0 || packet.Length < 80)
        {
            return;
        }

        int at = packet[6] switch { 8 => 40 + (26 * _random.Next(2)), 9 or 10 or 17 => 7, _ => 10 };
        _ids[_random.Next(_ids.Length)].TryWriteBytes(packet[at..], bigEndian: true, out _);
    }
}
