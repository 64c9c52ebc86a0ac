using System.Net;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Bench;

/// <summary>The pump as a process of its own, with one circuit; told to, it injects packets among those it forwards.</summary>
internal sealed class PumpProcess : IRegionDirectory
{
    public const string Verb = "serve-pump";

    public static async Task RunAsync(int simPort)
    {
        var tap = new InjectingTap();
        var events = new CircuitEvents(static _ => { }, static _ => { });
        await using var pump = new UdpPump(new CircuitIdentity(1, Guid.Empty, Guid.Empty), new PumpProcess(), events, new ClientLimits(),
            TimeProvider.System, NullLogger.Instance, (_, _) => tap);
        IPEndPoint local = pump.Open(new IPEndPoint(IPAddress.Loopback, simPort)) ?? throw new InvalidOperationException("no UDP socket");
        ToldProcess.Obey(words => words switch
        {
            ["port"] => local.Port,
            ["usage"] => Usage.Now(),
            ["inject", var count] => tap.Left = int.Parse(count),
            ["unacked"] => pump.Regions.Single().Circuit.Unacked(Direction.ToViewer),
            ["regions", var count] => Enumerable.Range(1, int.Parse(count)).Count(i => pump.Open(new IPEndPoint(IPAddress.Parse("127.0.0.9"), 20000 + i)) is not null),
            _ => throw new InvalidOperationException(words[0]),
        });
    }

    public IPEndPoint? MapSim(IPEndPoint sim) => null;

    public string? MapSeed(string realSeed, IPEndPoint sim) => null;

    /// <summary>
    /// Two packets of ours before each that passes to the viewer, as long as there are some left to inject: the last ones reliable, as many as
    /// the circuit takes, and never acked.
    /// </summary>
    private sealed class InjectingTap : ICircuitTap
    {
        private readonly byte[] _body = new byte[40];
        private int _left;

        public int Left
        {
            get => Volatile.Read(ref _left);
            set => Volatile.Write(ref _left, value);
        }

        public long Deadline => Circuit.Never;

        public Verdict Inspect(long now, Direction direction, ref Datagram datagram, Circuit circuit, IDatagramSink sink)
        {
            for (int i = 0; i < 2 && direction == Direction.ToViewer && Left > 0; i++)
            {
                Left--;
                circuit.TryInject(now, Direction.ToViewer, Message.ImagePacket, _body, reliable: Left < ReliablePackets.Capacity, sink, out _);
            }

            return Verdict.Forward;
        }

        public void Acked(long now, Direction direction, long number, uint carrier)
        {
        }

        public void Resent(long now, Direction direction, long number, long sent)
        {
        }

        public void End()
        {
        }

        public void Lost(long now, Direction direction, long number)
        {
        }

        public void Tick(long now, Circuit circuit, IDatagramSink sink)
        {
        }
    }
}
