using System.Buffers.Binary;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Circuits;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Tests.Circuits.LludpBytes;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>A circuit with an <see cref="AssetTap"/> over <see cref="MemoryAssets"/>: both ends have begun, the viewer's packets are numbered from 2.</summary>
internal sealed class AssetTapRig
{
    public static readonly CircuitIdentity Identity = new(Code, Session, Agent);

    private uint _viewerSequence = 1;
    private uint _simSequence = 900;

    public AssetTapRig(ViewerPace? pace = null)
    {
        Pace = pace ?? new ViewerPace(1000);
        Tap = new AssetTap(Assets, Pace, new CaptureMemory(1 << 24), Identity, () => Wakes++, 1000);
        Rig = new CircuitRig(Tap) { Now = 1000 };
        Rig.Receive(ToSim, UseCircuitCode(1));
        FromSim([0xFE, 1, 2]);
        Rig.Sent.Clear();
    }

    public MemoryAssets Assets { get; } = new();

    public ViewerPace Pace { get; }

    public AssetTap Tap { get; }

    public CircuitRig Rig { get; }

    public int Wakes { get; private set; }

    /// <summary>The number of the last packet the viewer sent.</summary>
    public uint ViewerSequence => _viewerSequence;

    /// <summary>Bytes that look like a J2C file of this size in the places that matter here.</summary>
    public static byte[] Picture(int length, uint side = 1024)
    {
        byte[] file = new byte[length];
        new Random(length).NextBytes(file);
        if (length >= 24)
        {
            new byte[] { 0xFF, 0x4F, 0xFF, 0x51, 0, 47, 0, 0 }.CopyTo(file, 0);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(8), side);
            BinaryPrimitives.WriteUInt32BigEndian(file.AsSpan(12), side);
            file.AsSpan(16, 8).Clear();
        }

        return file;
    }

    public Guid Hold(AssetType type, byte[] bytes)
    {
        var id = new Guid(Assets.Held.Count + 1, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8);
        Assets.Held[(type, id)] = bytes;
        return id;
    }

    public static ImageRequest Want(Guid id, sbyte discard = 0, float priority = 1000, uint packet = 0, byte type = 0) => new(id, discard, priority, packet, type);

    public static ImageRequest Cancel(Guid id) => new(id, -1, 0, 0, 0);

    public static byte[] RequestImage(params ImageRequest[] requests)
    {
        byte[] message = new byte[34 + (26 * requests.Length)];
        message[0] = (byte)Message.RequestImage;
        byte[] one = new byte[64];
        for (int i = 0; i < requests.Length; i++)
        {
            int length = ImageMessages.WriteRequest(Agent, Session, requests[i], one);
            one.AsSpan(0, 33).CopyTo(message.AsSpan(1));
            one.AsSpan(33, length - 33).CopyTo(message.AsSpan(34 + (26 * i)));
        }

        message[33] = (byte)requests.Length;
        return message;
    }

    /// <summary>The viewer asks; what came of it at once.</summary>
    public List<Packet> Ask(params ImageRequest[] requests) => FromViewer(RequestImage(requests));

    public List<Packet> FromViewer(byte[] message, params uint[] acks) => FromViewer(PacketFlags.Reliable, message, acks);

    public List<Packet> FromViewer(PacketFlags flags, byte[] message, params uint[] acks) =>
        Read(Rig.Receive(ToSim, LludpBytes.Packet(flags, ++_viewerSequence, message, acks)));

    public List<Packet> FromSim(byte[] message) => Read(Rig.Receive(ToViewer, LludpBytes.Packet(PacketFlags.Reliable, ++_simSequence, message)));

    public List<Packet> Ack(params IEnumerable<Packet> packets) =>
        FromViewer(PacketFlags.None, PacketAck([.. packets.Where(p => p.Direction == ToViewer && p.Reliable).Select(p => p.Sequence)]));

    public List<Packet> Tick()
    {
        int before = Rig.Sent.Count;
        Rig.Circuit.Tick(Rig.Now, Rig);
        return Read(Rig.Sent[before..]);
    }

    public List<Packet> Wait(long milliseconds) => Read(Rig.Wait(milliseconds));

    /// <summary>Acks whatever reaches the viewer after so long, until nothing more comes; all that came, <paramref name="first"/> included.</summary>
    public List<Packet> Drain(List<Packet> first, long ackDelay = 1)
    {
        List<Packet> all = [.. first], fresh = first;
        for (int quiet = 0; quiet < 3;)
        {
            List<Packet> toAck = [.. fresh.Where(p => p.Direction == ToViewer && p.Reliable)];
            fresh = Wait(ackDelay);
            foreach (Packet[] chunk in toAck.Chunk(250))
            {
                fresh.AddRange(Ack(chunk));
            }

            all.AddRange(fresh);
            quiet = fresh.Exists(p => p.Reliable) ? 0 : quiet + 1;
        }

        return all;
    }

    /// <summary>What went out, decoded.</summary>
    internal sealed record Packet(Direction Direction, uint Sequence, bool Reliable, bool Resent, Message Message, byte[] Body, byte[] Bytes)
    {
        public Guid Id => new(Body.AsSpan(0, 16), bigEndian: true);

        /// <summary>The index of an image's packet.</summary>
        public int Index => Message == Message.ImageData ? 0 : BinaryPrimitives.ReadUInt16LittleEndian(Body.AsSpan(16));

        public byte[] Data => Message == Message.ImageData ? Body[25..] : Body[20..];

        public List<ImageRequest> Requests => [.. Enumerable.Range(0, ImageMessages.RequestCount(Body)).Select(i => ImageMessages.RequestAt(Body, i))];

        public List<uint> Acks => AcksOf(Bytes, out _);
    }

    private static List<Packet> Read(List<(Direction Direction, byte[] Bytes)> sent)
    {
        var packets = new List<Packet>();
        byte[] scratch = new byte[ZeroCode.MaxExpanded];
        foreach ((Direction direction, byte[] bytes) in sent)
        {
            Assert.True(Datagram.TryRead(bytes, bytes.Length, out Datagram datagram));
            Assert.True(datagram.TryOpen(scratch, out ReadOnlySpan<byte> body));
            packets.Add(new Packet(direction, datagram.Header.Sequence, datagram.Header.Reliable, datagram.Header.Resent, datagram.Message, body.ToArray(), bytes));
        }

        return packets;
    }
}
