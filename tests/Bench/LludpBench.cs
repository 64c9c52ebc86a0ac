using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Bench;

/// <summary>
/// Forwarded UDP at 2 000 packets a second, half each way, through the pump and directly in turn. Latency is from before the send to after the
/// receive of each packet, both ends in this process; what is added is the difference of the two, median of the rounds.
/// </summary>
/// <param name="PacketsPerSecond">Rate that was asked for.</param>
/// <param name="Packets">Sent through the pump, all rounds.</param>
/// <param name="Lost">Of these, not received.</param>
/// <param name="DirectMedianMicroseconds">Latency without the pump.</param>
/// <param name="DirectP99Microseconds">Latency without the pump.</param>
/// <param name="MedianMicroseconds">Latency through the pump.</param>
/// <param name="P99Microseconds">Latency through the pump.</param>
/// <param name="AddedMedianMicroseconds">Median of the rounds' differences.</param>
/// <param name="AddedP99Microseconds">Median of the rounds' differences.</param>
/// <param name="BytesAllocatedPerPacket">Whole process, above a direct round; the quietest round.</param>
/// <param name="CpuMicrosecondsPerPacket">Whole process, above a direct round; median of the rounds.</param>
/// <param name="IdleCpuPercent">Of one core, with one open circuit on which nothing is sent.</param>
public sealed record LludpFigures(
    int PacketsPerSecond, int Packets, int Lost, double DirectMedianMicroseconds, double DirectP99Microseconds, double MedianMicroseconds,
    double P99Microseconds, double AddedMedianMicroseconds, double AddedP99Microseconds, double BytesAllocatedPerPacket,
    double CpuMicrosecondsPerPacket, double IdleCpuPercent);

/// <summary>Measures <see cref="LludpFigures"/>; about 20 s.</summary>
public static class LludpBench
{
    private const int Rate = 2000;
    private const int Rounds = 7;
    private const int PacketsPerRound = Rate;

    /// <summary>Opens a circuit between two sockets of its own and measures it.</summary>
    public static async Task<LludpFigures> RunAsync()
    {
        var directory = new Directory();
        var identity = new CircuitIdentity(1, Guid.NewGuid(), Guid.NewGuid());
        await using var pump = new UdpPump(identity, directory, new CircuitEvents(static _ => { }, static _ => { }), new ClientLimits(), TimeProvider.System, NullLogger.Instance);
        using var sim = new End(9);
        using var viewer = new End(4);
        IPEndPoint local = pump.Open(sim.Address) ?? throw new InvalidOperationException("no UDP socket");
        viewer.Send(UseCircuitCode(identity), local.Serialize());
        SocketAddress upstream = sim.Accept();

        TimeSpan idleFrom = Environment.CpuUsage.TotalTime;
        await Task.Delay(TimeSpan.FromSeconds(2));
        double idle = (Environment.CpuUsage.TotalTime - idleFrom).TotalSeconds / 2 * 100;

        Task<Round> Direct() => RoundAsync(sim, viewer.Address.Serialize(), viewer, sim.Address.Serialize());
        Task<Round> Pumped() => RoundAsync(sim, upstream, viewer, local.Serialize());
        await Direct();
        await Pumped();
        var direct = new List<Round>();
        var pumped = new List<Round>();
        for (int i = 0; i < Rounds; i++)
        {
            direct.Add(await Direct());
            pumped.Add(await Pumped());
        }

        return new LludpFigures(Rate, Rounds * PacketsPerRound, pumped.Sum(r => r.Lost),
            Median(direct.Select(r => r.Median)), Median(direct.Select(r => r.P99)), Median(pumped.Select(r => r.Median)), Median(pumped.Select(r => r.P99)),
            Median(pumped.Zip(direct, (p, d) => p.Median - d.Median)), Median(pumped.Zip(direct, (p, d) => p.P99 - d.P99)),
            Math.Max(0, pumped.Zip(direct, (p, d) => p.Allocated - d.Allocated).Min()) / (double)PacketsPerRound,
            Median(pumped.Zip(direct, (p, d) => p.CpuMicroseconds - d.CpuMicroseconds)) / PacketsPerRound, idle);
    }

    private sealed record Round(double Median, double P99, int Lost, long Allocated, double CpuMicroseconds);

    private static async Task<Round> RoundAsync(End sim, SocketAddress simSendsTo, End viewer, SocketAddress viewerSendsTo)
    {
        sim.Begin();
        viewer.Begin();
        long allocated = GC.GetTotalAllocatedBytes(precise: true);
        TimeSpan cpu = Environment.CpuUsage.TotalTime;

        // A thread that sleeps to the next millisecond: bursts of two packets, one each way, as a busy region's come.
        await Task.Factory.StartNew(() =>
        {
            long start = Stopwatch.GetTimestamp();
            for (int sent = 0; sent < PacketsPerRound; sent += 2)
            {
                while (Stopwatch.GetElapsedTime(start).TotalMilliseconds < sent * 1000.0 / Rate)
                {
                    Thread.Sleep(1);
                }

                sim.SendStamped(1000, simSendsTo);
                viewer.SendStamped(120, viewerSendsTo);
            }

            Thread.Sleep(50);
        }, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

        double cpuMicroseconds = (Environment.CpuUsage.TotalTime - cpu).TotalMicroseconds;
        allocated = GC.GetTotalAllocatedBytes(precise: true) - allocated;
        double[] latencies = [.. sim.Latencies.Concat(viewer.Latencies).Order()];
        return new Round(latencies[latencies.Length / 2], latencies[latencies.Length * 99 / 100], PacketsPerRound - latencies.Length, allocated, cpuMicroseconds);
    }

    private static double Median(IEnumerable<double> values) => values.Order().ElementAt(Rounds / 2);

    private static byte[] UseCircuitCode(CircuitIdentity identity)
    {
        byte[] packet = new byte[46];
        new byte[] { 0x40, 0, 0, 0, 1, 0, 0xFF, 0xFF, 0, 3 }.CopyTo(packet, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(packet.AsSpan(10), identity.CircuitCode);
        identity.SessionId.TryWriteBytes(packet.AsSpan(14), bigEndian: true, out _);
        identity.AgentId.TryWriteBytes(packet.AsSpan(30), bigEndian: true, out _);
        return packet;
    }

    /// <summary>A viewer or a sim: sends numbered packets that carry the time, and a thread that notes when such packets come.</summary>
    private sealed class End : IDisposable
    {
        private readonly Socket _socket = UdpSockets.Bind(IPAddress.Loopback);
        private readonly byte[] _packet = new byte[1100];
        private readonly double[] _latencies = new double[PacketsPerRound];
        private readonly Thread _receiver;
        private uint _sequence = 1;
        private int _received;

        public End(byte message)
        {
            _packet[0] = 0x40;
            _packet[6] = message;
            _receiver = new Thread(Receive) { IsBackground = true };
        }

        public IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

        public IEnumerable<double> Latencies => _latencies.Take(Volatile.Read(ref _received));

        public void Send(byte[] packet, SocketAddress to) => _socket.SendTo(packet, SocketFlags.None, to);

        /// <summary>Waits for the first packet; where it came from.</summary>
        public SocketAddress Accept()
        {
            SocketAddress source = UdpSockets.NewAddress();
            _socket.ReceiveTimeout = 5000;
            _socket.ReceiveFrom(new byte[2048], SocketFlags.None, source);
            _socket.ReceiveTimeout = 0;
            return source;
        }

        public void Begin()
        {
            Volatile.Write(ref _received, 0);
            if (_receiver.ThreadState.HasFlag(System.Threading.ThreadState.Unstarted))
            {
                _receiver.Start();
            }
        }

        public void SendStamped(int length, SocketAddress to)
        {
            BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(1), ++_sequence);
            BinaryPrimitives.WriteInt64LittleEndian(_packet.AsSpan(7), Stopwatch.GetTimestamp());
            _socket.SendTo(_packet.AsSpan(0, length), SocketFlags.None, to);
        }

        public void Dispose() => _socket.Dispose();

        private void Receive()
        {
            byte[] buffer = new byte[2048];
            try
            {
                while (true)
                {
                    int length = _socket.Receive(buffer);
                    long sent = BinaryPrimitives.ReadInt64LittleEndian(buffer.AsSpan(7));
                    if (length > 100 && _received < _latencies.Length)
                    {
                        _latencies[_received] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
                        Volatile.Write(ref _received, _received + 1);
                    }
                }
            }
            catch (SocketException)
            {
                // Disposed.
            }
        }
    }

    private sealed class Directory : IRegionDirectory
    {
        public IPEndPoint? MapSim(IPEndPoint sim) => null;

        public string? MapSeed(string realSeed, IPEndPoint sim) => null;
    }
}
