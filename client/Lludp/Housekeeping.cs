using System.Buffers.Binary;

namespace GlobalCache.Client.Lludp;

/// <summary>The bodies of the messages that run a circuit (PROTOCOL §1.5): offsets, and nothing a reader would have to allocate.</summary>
internal static class Housekeeping
{
    /// <summary>Ids a PacketAck carries; an id that is cut off does not count. Unlike appended acks they are little-endian.</summary>
    public static int AckCount(ReadOnlySpan<byte> packetAck) =>
        packetAck.IsEmpty ? 0 : Math.Min(packetAck[0], (packetAck.Length - 1) / 4);

    public static uint AckAt(ReadOnlySpan<byte> packetAck, int index) =>
        BinaryPrimitives.ReadUInt32LittleEndian(packetAck[(1 + (4 * index))..]);

    /// <summary>Writes a PacketAck's body of at most 255 ids; the bytes it took.</summary>
    public static int WriteAcks(ReadOnlySpan<uint> ids, Span<byte> body)
    {
        body[0] = (byte)ids.Length;
        for (int i = 0; i < ids.Length; i++)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(body[(1 + (4 * i))..], ids[i]);
        }

        return 1 + (4 * ids.Length);
    }

    /// <summary>StartPingCheck { PingID U8, OldestUnacked U32 }.</summary>
    public static bool TryReadStartPing(ReadOnlySpan<byte> body, out byte ping, out uint oldestUnacked)
    {
        (ping, oldestUnacked) = (0, 0);
        if (body.Length < 5)
        {
            return false;
        }

        ping = body[0];
        oldestUnacked = BinaryPrimitives.ReadUInt32LittleEndian(body[1..]);
        return true;
    }

    public static void WriteStartPing(byte ping, uint oldestUnacked, Span<byte> body)
    {
        body[0] = ping;
        BinaryPrimitives.WriteUInt32LittleEndian(body[1..], oldestUnacked);
    }

    /// <summary>UseCircuitCode { Code U32, SessionID, ID }.</summary>
    public static bool TryReadUseCircuitCode(ReadOnlySpan<byte> body, out uint code, out Guid session, out Guid agent)
    {
        (code, session, agent) = (0, Guid.Empty, Guid.Empty);
        if (body.Length < 36)
        {
            return false;
        }

        code = BinaryPrimitives.ReadUInt32LittleEndian(body);
        session = new Guid(body.Slice(4, 16), bigEndian: true);
        agent = new Guid(body.Slice(20, 16), bigEndian: true);
        return true;
    }
}
