using System.Buffers.Binary;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Bench;

/// <summary>
/// A viewer as far as one texture goes, as a process: the receive buffer the system gives by default (208 KB on Linux), read at once or once a
/// frame, packets acked together when the first of them has waited long enough (PROTOCOL §1.6: up to 0.1 s).
/// </summary>
internal sealed class TextureViewer : IDisposable
{
    public const string Verb = "serve-texture-viewer";

    private const int MaxAcks = 251;

    private readonly byte[] _packet = new byte[4096];
    private readonly uint[] _unacked = new uint[MaxAcks];
    private readonly byte[] _acks = new byte[11 + (4 * MaxAcks)];
    private Socket _socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
    private SocketAddress _sim = new(AddressFamily.InterNetwork);
    private uint _sequence;
    private int _unackedCount;
    private long _unackedSince;

    /// <summary>One texture.</summary>
    /// <param name="Millis">From the request to the last byte.</param>
    /// <param name="Packets">How many it has.</param>
    /// <param name="Resent">Packets that came with the flag of a resend.</param>
    /// <param name="Right">Every byte is as it was held.</param>
    internal sealed record Fetched(double Millis, int Packets, int Resent, bool Right);

    public static void Run()
    {
        using var viewer = new TextureViewer();
        ToldProcess.Obey(words => words switch
        {
            ["port"] => 0,
            ["open", var port] => viewer.Open(int.Parse(port)),
            ["greeted"] => viewer.Receive(5000) > 0,
            ["fetch", var frame, var ack] => viewer.Fetch(int.Parse(frame), int.Parse(ack)),
            _ => throw new InvalidOperationException(words[0]),
        });
    }

    public void Dispose() => _socket.Dispose();

    /// <summary>A new circuit, from a new port.</summary>
    private int Open(int port)
    {
        _socket.Dispose();
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _sim = new IPEndPoint(IPAddress.Loopback, port).Serialize();
        _sequence = 1;
        _unackedCount = 0;
        return _socket.SendTo(UdpEnd.UseCircuitCode(), SocketFlags.None, _sim);
    }

    /// <param name="frameMillis">Read once in so many; 0: as soon as something comes.</param>
    /// <param name="ackMillis">How long acks are collected; 0: all that is read at one time is acked then.</param>
    private Fetched Fetch(int frameMillis, int ackMillis)
    {
        var texture = new Texture(Guid.NewGuid());
        int resent = 0;
        long start = Stopwatch.GetTimestamp(), frame = start;
        Request(texture.Id);
        while (!texture.Whole && Stopwatch.GetElapsedTime(start).TotalSeconds < 20)
        {
            if (frameMillis > 0)
            {
                frame += frameMillis * Stopwatch.Frequency / 1000;
                TimeSpan left = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), frame);
                Thread.Sleep(left > TimeSpan.Zero ? left : TimeSpan.Zero);
            }

            for (int length = frameMillis > 0 ? Poll() : Receive(5); length > 0; length = Poll())
            {
                resent += (_packet[0] & (byte)PacketFlags.Resent) != 0 ? 1 : 0;
                texture.Take(_packet.AsSpan(0, length));
                Note(BinaryPrimitives.ReadUInt32BigEndian(_packet.AsSpan(1)));
            }

            if (Stopwatch.GetElapsedTime(_unackedSince).TotalMilliseconds >= ackMillis)
            {
                SendAcks();
            }
        }

        double millis = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        SendAcks();
        return new Fetched(millis, texture.Packets, resent, texture.Right);
    }

    private void Request(Guid id)
    {
        Span<byte> packet = stackalloc byte[128];
        packet[0] = (byte)PacketFlags.Reliable;
        BinaryPrimitives.WriteUInt32BigEndian(packet[1..], ++_sequence);
        packet[6] = (byte)Message.RequestImage;
        int length = 7 + ImageMessages.WriteRequest(Guid.Empty, Guid.Empty, new ImageRequest(id, 0, 1000, 0, 0), packet[7..]);
        _socket.SendTo(packet[..length], SocketFlags.None, _sim);
    }

    private void Note(uint sequence)
    {
        _unackedSince = _unackedCount == 0 ? Stopwatch.GetTimestamp() : _unackedSince;
        _unacked[_unackedCount++] = sequence;
        if (_unackedCount == MaxAcks)
        {
            SendAcks();
        }
    }

    private void SendAcks()
    {
        if (_unackedCount == 0)
        {
            return;
        }

        new byte[] { 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF, 0xFB, (byte)_unackedCount }.CopyTo(_acks, 0);
        BinaryPrimitives.WriteUInt32BigEndian(_acks.AsSpan(1), ++_sequence);
        for (int i = 0; i < _unackedCount; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(_acks.AsSpan(11 + (4 * i)), _unacked[i]);
        }

        _socket.SendTo(_acks.AsSpan(0, 11 + (4 * _unackedCount)), SocketFlags.None, _sim);
        _unackedCount = 0;
    }

    private int Poll() => _socket.Available > 0 ? _socket.Receive(_packet) : 0;

    private int Receive(int timeoutMillis) => _socket.Poll(TimeSpan.FromMilliseconds(timeoutMillis), SelectMode.SelectRead) ? _socket.Receive(_packet) : 0;

    /// <summary>What has come of one texture.</summary>
    private sealed class Texture(Guid id)
    {
        private readonly byte[] _file = new byte[PumpProcess.TextureBytes];
        private readonly bool[] _held = new bool[ImagePackets.Count(PumpProcess.TextureBytes)];
        private int _count;

        public Guid Id => id;

        public int Packets => _held.Length;

        public bool Whole => _count == _held.Length;

        public bool Right => Whole && _file.AsSpan().SequenceEqual(PumpProcess.Texture());

        public void Take(Span<byte> packet)
        {
            if (!Datagram.TryRead(packet, packet.Length, out Datagram datagram) || !datagram.TryOpen([], out ReadOnlySpan<byte> body))
            {
                return;
            }

            ushort number = 0;
            ReadOnlySpan<byte> data;
            bool ours = datagram.Message == Message.ImageData
                ? ImageMessages.TryReadHeader(body, out Guid of, out _, out _, out _, out data)
                : ImageMessages.TryReadPacket(body, out of, out number, out data);
            if (ours && of == id && !_held[number])
            {
                _held[number] = true;
                _count++;
                data.CopyTo(_file.AsSpan(ImagePackets.Extent(_file.Length, number).Start));
            }
        }
    }
}
