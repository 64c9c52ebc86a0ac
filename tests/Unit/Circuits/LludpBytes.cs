using System.Buffers.Binary;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Tests.Circuits;

/// <summary>Datagrams written by hand, independently of the codec under test (only acks are read back with it).</summary>
internal static class LludpBytes
{
    public static readonly Guid Agent = new("11111111-2222-3333-4444-555555555555");
    public static readonly Guid Session = new("66666666-7777-8888-9999-aaaaaaaaaaaa");
    public const uint Code = 0x12345678;

    /// <summary>Hex with blanks and comments-free, as the protocol document prints it.</summary>
    public static byte[] Hex(string hex) => Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    public static byte[] Packet(PacketFlags flags, uint sequence, ReadOnlySpan<byte> message, params uint[] acks)
    {
        byte[] packet = new byte[6 + message.Length + (acks.Length > 0 ? 1 + (4 * acks.Length) : 0)];
        packet[0] = (byte)(flags | (acks.Length > 0 ? PacketFlags.Acks : PacketFlags.None));
        BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(1), sequence);
        message.CopyTo(packet.AsSpan(6));
        for (int i = 0; i < acks.Length; i++)
        {
            BinaryPrimitives.WriteUInt32BigEndian(packet.AsSpan(6 + message.Length + (4 * i)), acks[i]);
        }

        if (acks.Length > 0)
        {
            packet[^1] = (byte)acks.Length;
        }

        return packet;
    }

    public static byte[] PacketAck(params uint[] ids)
    {
        byte[] message = new byte[5 + (4 * ids.Length)];
        new byte[] { 0xFF, 0xFF, 0xFF, 0xFB, (byte)ids.Length }.CopyTo(message, 0);
        for (int i = 0; i < ids.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(5 + (4 * i)), ids[i]);
        }

        return message;
    }

    public static byte[] UseCircuitCode(uint sequence, uint code = Code, Guid? session = null, Guid? agent = null)
    {
        byte[] message = new byte[40];
        new byte[] { 0xFF, 0xFF, 0x00, 0x03 }.CopyTo(message, 0);
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(4), code);
        (session ?? Session).TryWriteBytes(message.AsSpan(8), bigEndian: true, out _);
        (agent ?? Agent).TryWriteBytes(message.AsSpan(24), bigEndian: true, out _);
        return Packet(PacketFlags.Reliable, sequence, message);
    }

    public static uint SequenceOf(ReadOnlySpan<byte> packet) => BinaryPrimitives.ReadUInt32BigEndian(packet[1..]);

    /// <summary>Every ack a packet carries, appended or as a PacketAck.</summary>
    public static List<uint> AcksOf(byte[] packet, out bool isPacketAck)
    {
        Assert.True(Datagram.TryRead(packet, packet.Length, out Datagram datagram));
        var ids = new List<uint>();
        for (int i = 0; i < datagram.Header.AckCount; i++)
        {
            ids.Add(datagram.AckAt(i));
        }

        isPacketAck = datagram.Message == Message.PacketAck;
        if (isPacketAck && datagram.TryOpen(new byte[8192], out ReadOnlySpan<byte> body))
        {
            for (int i = 0; i < Housekeeping.AckCount(body); i++)
            {
                ids.Add(Housekeeping.AckAt(body, i));
            }
        }

        return ids;
    }
}
