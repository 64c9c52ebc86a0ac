using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace GlobalCache.Client.Lludp;

/// <summary>
/// The UDP twins of the events that name a sim (PROTOCOL §4.3): where their address and seed lie, and the message rebuilt around
/// others. Current viewers refuse them on UDP; old viewers and bots do not.
/// </summary>
internal static class AddressMessages
{
    // Offsets in the body; seeds are var2 strings that count their trailing NUL. No seed: -1.
    private static (int Address, int Seed) Layout(Message message) => message switch
    {
        Message.EnableSimulator => (8, -1),     // Handle U64
        Message.TeleportFinish => (20, 34),     // AgentID, LocationID U32, address, RegionHandle U64
        Message.CrossedRegion => (32, 46),      // AgentID, SessionID, address, RegionHandle U64
        _ => (-1, -1),
    };

    /// <summary>The sim's address, and the seed without its NUL (empty: the message has none). False: not such a message, or cut short, or no usable address.</summary>
    public static bool TryRead(Message message, ReadOnlySpan<byte> body, out IPEndPoint? sim, out string seed)
    {
        (sim, seed) = (null, "");
        (int address, int seedAt) = Layout(message);
        if (address < 0 || body.Length < address + 6 || (seedAt >= 0 && !TrySeed(body, seedAt, out seed)))
        {
            return false;
        }

        ushort port = BinaryPrimitives.ReadUInt16BigEndian(body[(address + 4)..]);
        sim = new IPEndPoint(new IPAddress(body.Slice(address, 4)), port);
        return port != 0;
    }

    /// <summary>The same body with another address and seed (null: its own); everything else, the tail included, keeps its bytes.</summary>
    public static byte[] Rewrite(Message message, ReadOnlySpan<byte> body, IPEndPoint sim, string? seed)
    {
        (int address, int seedAt) = Layout(message);
        byte[] rewritten = seed is null || seedAt < 0 ? body.ToArray() : WithSeed(body, seedAt, seed);
        sim.Address.TryWriteBytes(rewritten.AsSpan(address), out _);
        BinaryPrimitives.WriteUInt16BigEndian(rewritten.AsSpan(address + 4), (ushort)sim.Port);
        return rewritten;
    }

    private static bool TrySeed(ReadOnlySpan<byte> body, int at, out string seed)
    {
        seed = "";
        if (body.Length < at + 2)
        {
            return false;
        }

        int length = BinaryPrimitives.ReadUInt16LittleEndian(body[at..]);
        if (body.Length < at + 2 + length)
        {
            return false;
        }

        seed = Encoding.UTF8.GetString(body.Slice(at + 2, length).TrimEnd((byte)0));
        return true;
    }

    private static byte[] WithSeed(ReadOnlySpan<byte> body, int at, string seed)
    {
        int oldLength = BinaryPrimitives.ReadUInt16LittleEndian(body[at..]);
        ReadOnlySpan<byte> old = body.Slice(at + 2, oldLength);
        int nul = old.EndsWith((byte)0) ? 1 : 0;
        int length = Encoding.UTF8.GetByteCount(seed) + nul;
        byte[] rewritten = new byte[body.Length - oldLength + length];
        body[..at].CopyTo(rewritten);
        BinaryPrimitives.WriteUInt16LittleEndian(rewritten.AsSpan(at), (ushort)length);
        Encoding.UTF8.GetBytes(seed, rewritten.AsSpan(at + 2));
        body[(at + 2 + oldLength)..].CopyTo(rewritten.AsSpan(at + 2 + length));
        return rewritten;
    }
}
