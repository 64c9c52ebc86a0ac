using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Edge;

namespace GlobalCache.Bench;

/// <summary>What a packet of the load asks of the end that gets it; its first byte behind the message number.</summary>
internal enum Load : byte
{
    /// <summary>Nothing: it was injected on the way.</summary>
    Ignore,

    /// <summary>Forget what is not acked yet: a new round begins.</summary>
    Begin,

    /// <summary>To be acked, <see cref="UdpEnd.AckEvery"/> in one PacketAck.</summary>
    Windowed,

    /// <summary>To be answered at once.</summary>
    Ping,

    /// <summary>Carries the time it was sent; to be noted.</summary>
    Stamped,
}

/// <summary>
/// One end of a circuit as a process: a sim, which sends what it is told, or a viewer, whose thread does what each packet asks. S→V goes the
/// 1 027 bytes of a full ImagePacket, reliable; V→S PacketAcks and 120 bytes of an AgentUpdate.
/// </summary>
internal sealed class UdpEnd(bool isSim)
{
    public const string Verb = "serve-udp-end";
    public const int DataBytes = 1027;
    public const int Window = 32;
    public const int AckEvery = 16;

    private const int UpdateBytes = 120;
    private const int KindAt = 7;
    private const int StampAt = 8;

    private readonly Socket _socket = UdpSockets.Bind(IPAddress.Loopback);
    private readonly byte[] _packet = new byte[DataBytes];
    private readonly byte[] _received = new byte[4096];
    private readonly SocketAddress _source = UdpSockets.NewAddress();
    private readonly double[] _latencies = new double[400_000];
    private readonly uint[] _unacked = new uint[AckEvery];
    private readonly byte[] _acks = [0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFB, AckEvery, .. new byte[4 * AckEvery]];
    private int _unackedCount;
    private int _noted;
    private uint _sequence = 1;
    private volatile bool _receiving;
    private Thread? _receiver;

    /// <summary>Packets per second of one round.</summary>
    internal sealed record Streamed(long Packets, double Seconds, int Stalls)
    {
        public double PerSecond => Packets / Seconds;
    }

    /// <summary>Microseconds there and back.</summary>
    internal sealed record PingPonged(double P50, double P99);

    public void Run()
    {
        _packet[6] = (byte)(isSim ? 0x0A : 0x04);
        if (!isSim)
        {
            BeginReceiving();
        }

        ToldProcess.Obey(words => words switch
        {
            ["port"] => ((IPEndPoint)_socket.LocalEndPoint!).Port,
            ["usage"] => Usage.Now(),
            ["open", var port] => _socket.SendTo(UseCircuitCode(), SocketFlags.None, Loopback(port)),
            ["accept"] => Accept(),
            ["greet", var port] => Greet(Loopback(port)),
            ["stream", var port, var milliseconds] => Stream(Loopback(port), TimeSpan.FromMilliseconds(int.Parse(milliseconds))),
            ["ping", var port, var count] => PingPong(Loopback(port), int.Parse(count)),
            ["steady", var port, var rate, var packets] => Steady(Loopback(port), int.Parse(rate), int.Parse(packets)),
            ["latencies"] => TakeLatencies(),
            _ => throw new InvalidOperationException(words[0]),
        });
    }

    /// <summary>Code 1, session and agent zero: as <see cref="PumpProcess"/> expects.</summary>
    public static byte[] UseCircuitCode() => [0x40, 0, 0, 0, 1, 0, 0xFF, 0xFF, 0, 3, 1, 0, 0, 0, .. new byte[32]];

    private static SocketAddress Loopback(string port) => new IPEndPoint(IPAddress.Loopback, int.Parse(port)).Serialize();

    /// <summary>Waits for the first packet; the port it came from.</summary>
    private int Accept()
    {
        _socket.ReceiveTimeout = 5000;
        _socket.ReceiveFrom(_received, SocketFlags.None, _source);
        return (_source[2] << 8) | _source[3];
    }

    /// <summary>A direction begins with its first packet.</summary>
    private int Greet(SocketAddress to)
    {
        Send(Load.Ignore, DataBytes, to);
        return DataBytes;
    }

    /// <summary>As many as the window lets through.</summary>
    private Streamed Stream(SocketAddress to, TimeSpan duration)
    {
        _socket.ReceiveTimeout = 250;
        Send(Load.Begin, DataBytes, to);
        long start = Stopwatch.GetTimestamp(), sent = 0;
        int outstanding = 0, stalls = 0;
        while (true)
        {
            bool over = Stopwatch.GetElapsedTime(start) >= duration;
            while (!over && outstanding < Window)
            {
                Send(Load.Windowed, DataBytes, to);
                outstanding++;
                sent++;
            }

            if (outstanding == 0)
            {
                return new Streamed(sent, Stopwatch.GetElapsedTime(start).TotalSeconds, stalls);
            }

            try
            {
                int length = _socket.Receive(_received);
                outstanding -= length > 10 && _received[6] == 0xFF ? _received[10] : 0;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                stalls++;
                outstanding = 0;
                Send(Load.Begin, DataBytes, to);
            }
        }
    }

    private PingPonged PingPong(SocketAddress to, int count)
    {
        _socket.ReceiveTimeout = 1000;
        double[] times = new double[count];
        for (int i = 0; i < count; i++)
        {
            long sent = Stopwatch.GetTimestamp();
            Send(Load.Ping, DataBytes, to);
            _socket.Receive(_received);
            times[i] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
        }

        return new PingPonged(Statistics.Percentile(times, 50), Statistics.Percentile(times, 99));
    }

    /// <summary>At a rate, whatever comes of them: each millisecond those that are due, in one burst, as a region's come.</summary>
    private int Steady(SocketAddress to, int rate, int packets)
    {
        if (isSim)
        {
            BeginReceiving();
        }

        long start = Stopwatch.GetTimestamp();
        for (int sent = 0; sent < packets; sent++)
        {
            while (Stopwatch.GetElapsedTime(start).TotalSeconds < (double)sent / rate)
            {
                Thread.Sleep(1);
            }

            Send(Load.Stamped, isSim ? DataBytes : UpdateBytes, to);
        }

        Thread.Sleep(100);
        if (isSim)
        {
            _receiving = false;
            _receiver!.Join();
        }

        return packets;
    }

    private double[] TakeLatencies()
    {
        double[] taken = _latencies[..Volatile.Read(ref _noted)];
        Volatile.Write(ref _noted, 0);
        return taken;
    }

    private void BeginReceiving()
    {
        _socket.ReceiveTimeout = isSim ? 50 : 0;
        _receiving = true;
        _receiver = new Thread(Receive) { IsBackground = true };
        _receiver.Start();
    }

    private void Receive()
    {
        byte[] buffer = new byte[4096];
        byte[] answer = new byte[UpdateBytes];
        answer[6] = 0x04;
        while (_receiving)
        {
            try
            {
                if (_socket.ReceiveFrom(buffer, SocketFlags.None, _source) > StampAt + sizeof(long))
                {
                    Answer(buffer, answer);
                }
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                // A sim's round may be over.
            }
        }
    }

    private void Answer(byte[] packet, byte[] answer)
    {
        switch ((Load)packet[KindAt])
        {
            case Load.Begin:
                _unackedCount = 0;
                break;
            case Load.Windowed:
                _unacked[_unackedCount++] = BinaryPrimitives.ReadUInt32BigEndian(packet.AsSpan(1));
                if (_unackedCount == AckEvery)
                {
                    SendAcks();
                }

                break;
            case Load.Ping:
                BinaryPrimitives.WriteUInt32BigEndian(answer.AsSpan(1), Next());
                _socket.SendTo(answer, SocketFlags.None, _source);
                break;
            case Load.Stamped when _noted < _latencies.Length:
                long sent = BinaryPrimitives.ReadInt64LittleEndian(packet.AsSpan(StampAt));
                _latencies[_noted] = Stopwatch.GetElapsedTime(sent).TotalMicroseconds;
                Volatile.Write(ref _noted, _noted + 1);
                break;
        }
    }

    private void SendAcks()
    {
        BinaryPrimitives.WriteUInt32BigEndian(_acks.AsSpan(1), Next());
        for (int i = 0; i < AckEvery; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_acks.AsSpan(11 + (4 * i)), _unacked[i]);
        }

        _unackedCount = 0;
        _socket.SendTo(_acks, SocketFlags.None, _source);
    }

    private void Send(Load kind, int length, SocketAddress to)
    {
        _packet[0] = (byte)(isSim ? 0x40 : 0);
        _packet[KindAt] = (byte)kind;
        BinaryPrimitives.WriteUInt32BigEndian(_packet.AsSpan(1), Next());
        BinaryPrimitives.WriteInt64LittleEndian(_packet.AsSpan(StampAt), Stopwatch.GetTimestamp());
        _socket.SendTo(_packet.AsSpan(0, length), SocketFlags.None, to);
    }

    /// <summary>24 bits, as viewers and OpenSim number; 0 left out.</summary>
    private uint Next()
    {
        uint next = Interlocked.Increment(ref _sequence) & 0xFFFFFF;
        return next == 0 ? Next() : next;
    }
}
