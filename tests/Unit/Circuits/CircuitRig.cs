using System.Net;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;

namespace GlobalCache.Tests.Circuits;

/// <summary>One circuit on a clock of milliseconds, with everything it sends and says written down.</summary>
internal sealed class CircuitRig : IDatagramSink, IRegionDirectory
{
    public static readonly IPEndPoint Sim = new(IPAddress.Parse("203.0.113.7"), 13005);

    private readonly byte[] _buffer = new byte[16384];

    public CircuitRig(ICircuitTap? tap = null)
    {
        Scope = new CircuitScope(this, new CircuitEvents(Ends.Add, Baked.Add), ticksPerSecond: 1000);
        Circuit = new Circuit(Scope, Sim, tap);
    }

    public Circuit Circuit { get; }

    public CircuitScope Scope { get; }

    public long Now { get; set; }

    public List<SessionEnd> Ends { get; } = [];

    public List<Guid> Baked { get; } = [];

    public List<(Direction Direction, byte[] Bytes)> Sent { get; } = [];

    public Func<IPEndPoint, IPEndPoint?> Map { get; set; } = sim => new IPEndPoint(IPAddress.Loopback, 12102);

    public void Send(Direction direction, ReadOnlySpan<byte> datagram) => Sent.Add((direction, datagram.ToArray()));

    public IPEndPoint? MapSim(IPEndPoint sim) => Map(sim);

    public string? MapSeed(string realSeed, IPEndPoint sim) => realSeed == "https://leave" ? null : "http://127.0.0.1:12080/s/1";

    /// <summary>Hands one datagram in; what came out of it.</summary>
    public List<(Direction Direction, byte[] Bytes)> Receive(Direction direction, byte[] packet)
    {
        int before = Sent.Count;
        packet.CopyTo(_buffer, 0);
        Circuit.Receive(Now, direction, _buffer, packet.Length, this);
        return Sent[before..];
    }

    /// <summary>Hands a datagram in of which exactly one comes out, the same way.</summary>
    public byte[] Pass(Direction direction, byte[] packet)
    {
        (Direction out1, byte[] bytes) = Assert.Single(Receive(direction, packet));
        Assert.Equal(direction, out1);
        return bytes;
    }

    /// <summary>Lets time pass, serving every deadline on its way; what came out.</summary>
    public List<(Direction Direction, byte[] Bytes)> Wait(long milliseconds)
    {
        int before = Sent.Count;
        long end = Now + milliseconds;
        while (Circuit.NextDeadline <= end)
        {
            Now = Math.Max(Now, Circuit.NextDeadline);
            Circuit.Tick(Now, this);
            Assert.True(Circuit.NextDeadline > Now, "a deadline that does not go away");
        }

        Now = end;
        return Sent[before..];
    }
}

/// <summary>A tap of which a test sets what it decides.</summary>
internal sealed class TestTap : ICircuitTap
{
    private int _ticks;

    public delegate Verdict Judge(Direction direction, ref Datagram datagram, Circuit circuit);

    public Judge OnPacket { get; set; } = (Direction _, ref Datagram _, Circuit _) => Verdict.Forward;

    public List<long> AckedNumbers { get; } = [];

    public List<long> LostNumbers { get; } = [];

    public List<long> ResentNumbers { get; } = [];

    public List<uint> Inspected { get; } = [];

    public bool Ended { get; private set; }

    public long Deadline { get; set; } = Circuit.Never;

    public Verdict Inspect(long now, Direction direction, ref Datagram datagram, Circuit circuit, IDatagramSink sink)
    {
        Inspected.Add(datagram.Header.Sequence);
        return OnPacket(direction, ref datagram, circuit);
    }

    public void Acked(long now, Direction direction, long number, uint carrier) => AckedNumbers.Add(number);

    public void Resent(long now, Direction direction, long number, long sent) => ResentNumbers.Add(number);

    public void Lost(long now, Direction direction, long number) => LostNumbers.Add(number);

    public void End() => Ended = true;

    public int Ticks => Volatile.Read(ref _ticks);

    public void Tick(long now, Circuit circuit, IDatagramSink sink)
    {
        Interlocked.Increment(ref _ticks);
        Deadline = Deadline <= now ? Circuit.Never : Deadline;
    }
}
