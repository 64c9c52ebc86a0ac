using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace GlobalCache.Client.Lludp;

/// <summary>The flag byte every LLUDP datagram begins with (PROTOCOL §1.1).</summary>
[Flags]
internal enum PacketFlags : byte
{
    None = 0,
    Acks = 0x10,
    Resent = 0x20,
    Reliable = 0x40,
    ZeroCoded = 0x80,
}

/// <summary>
/// The outline of one datagram: six header bytes, the message up to <see cref="MessageEnd"/>, then the appended acks
/// (big-endian ids and their count byte), which are never zero-coded.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct PacketHeader(PacketFlags Flags, uint Sequence, byte ExtraLength, int MessageEnd, int AckCount)
{
    /// <summary>Bytes before the message number.</summary>
    public const int Size = 6;

    public bool ZeroCoded => (Flags & PacketFlags.ZeroCoded) != PacketFlags.None;

    public bool Reliable => (Flags & PacketFlags.Reliable) != PacketFlags.None;

    public bool Resent => (Flags & PacketFlags.Resent) != PacketFlags.None;

    public bool HasAcks => (Flags & PacketFlags.Acks) != PacketFlags.None;

    /// <summary>False: shorter than the smallest legal datagram, or the ack count says more than there is.</summary>
    public static bool TryRead(ReadOnlySpan<byte> packet, out PacketHeader header)
    {
        header = default;
        if (packet.Length <= Size)
        {
            return false;
        }

        var flags = (PacketFlags)packet[0];
        int end = packet.Length, acks = 0;
        if ((flags & PacketFlags.Acks) != PacketFlags.None)
        {
            acks = packet[^1];
            end -= 1 + (4 * acks);
            if (end <= Size)
            {
                return false;
            }
        }

        header = new PacketHeader(flags, BinaryPrimitives.ReadUInt32BigEndian(packet[1..]), packet[5], end, acks);
        return true;
    }

    /// <summary>Writes the six bytes before the message. False: no room.</summary>
    public bool TryWrite(Span<byte> packet)
    {
        if (packet.Length < Size)
        {
            return false;
        }

        packet[0] = (byte)Flags;
        BinaryPrimitives.WriteUInt32BigEndian(packet[1..], Sequence);
        packet[5] = ExtraLength;
        return true;
    }
}
