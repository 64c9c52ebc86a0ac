using System.Net;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Bench;

/// <summary>
/// The pump as a process of its own, with one circuit. Told to, it injects packets among those it forwards; or it answers every request for a
/// texture from memory.
/// </summary>
internal sealed class PumpProcess : IRegionDirectory
{
    public const string Verb = "serve-pump";
    public const string Assets = "assets";
    public const int TextureBytes = 1 << 20;

    public static async Task RunAsync(int simPort, bool assets)
    {
        var tap = new InjectingTap();
        var identity = new CircuitIdentity(1, Guid.Empty, Guid.Empty);
        long frequency = TimeProvider.System.TimestampFrequency;
        var everything = new Everything();
        var captures = new CaptureMemory(1 << 20);

        // Each circuit learns its pace anew, as a new session does.
        Func<IPEndPoint, Action, ICircuitTap?> taps = assets
            ? (_, wake) => new AssetTap(everything, new ViewerPace(frequency), captures, identity, wake, frequency)
            : (_, _) => tap;
        var events = new CircuitEvents(static _ => { }, static _ => { });
        await using var pump = new UdpPump(identity, new PumpProcess(), events, new ClientLimits(), TimeProvider.System, NullLogger.Instance, taps);
        IPEndPoint local = pump.Open(new IPEndPoint(IPAddress.Loopback, simPort)) ?? throw new InvalidOperationException("no UDP socket");
        ToldProcess.Obey(words => words switch
        {
            ["port"] => local.Port,
            ["usage"] => Usage.Now(),
            ["inject", var count] => tap.Left = int.Parse(count),
            ["unacked"] => pump.Regions.Single().Circuit.Unacked(Direction.ToViewer),
            _ => throw new InvalidOperationException(words[0]),
        });
    }

    /// <summary>What every texture is.</summary>
    public static byte[] Texture()
    {
        byte[] bytes = new byte[TextureBytes];
        new Random(1).NextBytes(bytes);
        return bytes;
    }

    public IPEndPoint? MapSim(IPEndPoint sim) => null;

    public string? MapSeed(string realSeed, IPEndPoint sim) => null;

    /// <summary>Every texture is held, and is the same.</summary>
    private sealed class Everything : IUdpAssets
    {
        private readonly byte[] _texture = Texture();

        public AssetRead? TryRead(AssetType type, Guid id, Action done)
        {
            var read = new AssetRead();
            read.Complete(_texture);
            done();
            return read;
        }

        public bool IsExcluded(Guid texture) => false;

        public void Captured(AssetType type, Guid id, byte[] bytes)
        {
        }

        public void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held)
        {
        }

        public void Hint(AssetType type, Guid id)
        {
        }
    }

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
