using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace GlobalCache.Client.Lludp;

/// <summary>One image of a RequestImage (PROTOCOL §5.1).</summary>
/// <param name="Id">The texture.</param>
/// <param name="Discard">0 all of it … 5 the coarsest; −1 with priority 0 is a cancel, with another the coarsest to begin with.</param>
/// <param name="Priority">Higher comes first.</param>
/// <param name="Packet">The first packet wanted: those before it the viewer has.</param>
/// <param name="Type">1: an avatar bake, never to be cached.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ImageRequest(Guid Id, sbyte Discard, float Priority, uint Packet, byte Type)
{
    public const byte Bake = 1;

    public bool Cancels => Discard == -1 && Priority == 0;
}

/// <summary>How a file is cut into packets: 600 bytes with the header, then 1000 each, at most 65 535 in all (PROTOCOL §5.1).</summary>
internal static class ImagePackets
{
    public const int FirstBytes = 600;
    public const int Bytes = 1000;

    /// <summary>The longest file the 16-bit packet count can tell of.</summary>
    public const int MaxSize = FirstBytes + (Bytes * (ushort.MaxValue - 1));

    public static int Count(int size) => size <= FirstBytes ? 1 : 1 + ((size - FirstBytes + Bytes - 1) / Bytes);

    /// <summary>The packet that holds a file's byte <paramref name="offset"/>.</summary>
    public static int Holding(int offset) => offset < FirstBytes ? 0 : 1 + ((offset - FirstBytes) / Bytes);

    /// <summary>Where packet <paramref name="packet"/> of a file of <paramref name="size"/> bytes begins, and how long it is.</summary>
    public static (int Start, int Length) Extent(int size, int packet)
    {
        int start = packet == 0 ? 0 : FirstBytes + (Bytes * (packet - 1));
        return (start, Math.Min(packet == 0 ? FirstBytes : Bytes, size - start));
    }
}

/// <summary>The bodies of the UDP image messages (PROTOCOL §5.1), decoded: read without copies, written into a span that must hold them.</summary>
internal static class ImageMessages
{
    /// <summary>Bytes of an ImageData's body before its data.</summary>
    public const int HeaderOverhead = 25;

    /// <summary>Bytes of an ImagePacket's body before its data.</summary>
    public const int PacketOverhead = 20;

    private const int AgentData = 32;
    private const int Block = 26;

    /// <summary>Images a RequestImage names; one that is cut off does not count.</summary>
    public static int RequestCount(ReadOnlySpan<byte> body) =>
        body.Length <= AgentData ? 0 : Math.Min(body[AgentData], (body.Length - AgentData - 1) / Block);

    public static ImageRequest RequestAt(ReadOnlySpan<byte> body, int index)
    {
        ReadOnlySpan<byte> block = body.Slice(AgentData + 1 + (index * Block), Block);
        return new ImageRequest(
            new Guid(block[..16], bigEndian: true), (sbyte)block[16], BinaryPrimitives.ReadSingleLittleEndian(block[17..]),
            BinaryPrimitives.ReadUInt32LittleEndian(block[21..]), block[25]);
    }

    /// <summary>The same RequestImage with only those images for which <paramref name="keep"/> says so; the bytes it took.</summary>
    public static int WriteRequestsKept(ReadOnlySpan<byte> body, ReadOnlySpan<bool> keep, Span<byte> destination)
    {
        body[..AgentData].CopyTo(destination);
        int at = AgentData + 1, kept = 0;
        for (int i = 0; i < keep.Length; i++)
        {
            if (keep[i])
            {
                body.Slice(AgentData + 1 + (i * Block), Block).CopyTo(destination[at..]);
                at += Block;
                kept++;
            }
        }

        destination[AgentData] = (byte)kept;
        return at;
    }

    /// <summary>A RequestImage of one image; the bytes it took.</summary>
    public static int WriteRequest(Guid agent, Guid session, in ImageRequest request, Span<byte> destination)
    {
        agent.TryWriteBytes(destination, bigEndian: true, out _);
        session.TryWriteBytes(destination[16..], bigEndian: true, out _);
        destination[AgentData] = 1;
        Span<byte> block = destination.Slice(AgentData + 1, Block);
        request.Id.TryWriteBytes(block, bigEndian: true, out _);
        block[16] = (byte)request.Discard;
        BinaryPrimitives.WriteSingleLittleEndian(block[17..], request.Priority);
        BinaryPrimitives.WriteUInt32LittleEndian(block[21..], request.Packet);
        block[25] = request.Type;
        return AgentData + 1 + Block;
    }

    /// <summary>ImageData: packet 0 with the file's size and packet count. False: cut off.</summary>
    public static bool TryReadHeader(ReadOnlySpan<byte> body, out Guid id, out byte codec, out uint size, out ushort packets, out ReadOnlySpan<byte> data)
    {
        (id, codec, size, packets) = (Guid.Empty, 0, 0, 0);
        data = default;
        if (body.Length < HeaderOverhead)
        {
            return false;
        }

        id = new Guid(body[..16], bigEndian: true);
        codec = body[16];
        size = BinaryPrimitives.ReadUInt32LittleEndian(body[17..]);
        packets = BinaryPrimitives.ReadUInt16LittleEndian(body[21..]);
        return TryData(body[23..], out data);
    }

    /// <summary>ImagePacket: packet 1 and on. False: cut off.</summary>
    public static bool TryReadPacket(ReadOnlySpan<byte> body, out Guid id, out ushort packet, out ReadOnlySpan<byte> data)
    {
        (id, packet) = (Guid.Empty, 0);
        data = default;
        if (body.Length < PacketOverhead)
        {
            return false;
        }

        id = new Guid(body[..16], bigEndian: true);
        packet = BinaryPrimitives.ReadUInt16LittleEndian(body[16..]);
        return TryData(body[18..], out data);
    }

    /// <summary>ImageNotInDatabase. False: cut off.</summary>
    public static bool TryReadMissing(ReadOnlySpan<byte> body, out Guid id)
    {
        id = body.Length < 16 ? Guid.Empty : new Guid(body[..16], bigEndian: true);
        return body.Length >= 16;
    }

    /// <summary>Writes the body of the ImageData (<paramref name="packet"/> 0) or ImagePacket that carries this part of a J2C file; the bytes it took.</summary>
    public static int WritePart(Guid id, ReadOnlySpan<byte> file, int packet, Span<byte> destination)
    {
        const byte J2c = 2;
        id.TryWriteBytes(destination, bigEndian: true, out _);
        int at = 16;
        if (packet == 0)
        {
            destination[at] = J2c;
            BinaryPrimitives.WriteUInt32LittleEndian(destination[17..], (uint)file.Length);
            at = 21;
        }

        BinaryPrimitives.WriteUInt16LittleEndian(destination[at..], (ushort)(packet == 0 ? ImagePackets.Count(file.Length) : packet));
        (int start, int length) = ImagePackets.Extent(file.Length, packet);
        BinaryPrimitives.WriteUInt16LittleEndian(destination[(at + 2)..], (ushort)length);
        file.Slice(start, length).CopyTo(destination[(at + 4)..]);
        return at + 4 + length;
    }

    private static bool TryData(ReadOnlySpan<byte> field, out ReadOnlySpan<byte> data)
    {
        int length = BinaryPrimitives.ReadUInt16LittleEndian(field);
        bool whole = length <= field.Length - 2;
        data = whole ? field.Slice(2, length) : default;
        return whole;
    }
}
