using System.Buffers.Binary;

namespace GlobalCache.TestGrid.Lludp;

/// <summary>
/// One LLUDP datagram as the stand-in grid reads and writes it (PROTOCOL §1.1–1.4). On purpose not the client's codec:
/// the two check each other.
/// </summary>
/// <param name="Flags">The first byte.</param>
/// <param name="Sequence">The header's sequence number.</param>
/// <param name="Message">Which message.</param>
/// <param name="Body">The message's body, zero-coding undone, without number and extra header.</param>
/// <param name="Acks">Acks appended at the end.</param>
internal readonly record struct Datagram(byte Flags, uint Sequence, Message Message, byte[] Body, uint[] Acks)
{
    public const byte ZeroCoded = 0x80, Reliable = 0x40, Resent = 0x20, Appended = 0x10;
    public const int MaxBytes = 8192;

    public bool IsReliable => (Flags & Reliable) != 0;

    public bool IsResent => (Flags & Resent) != 0;

    /// <summary>The flags as the recordings write them: Z, R, S, A.</summary>
    public string FlagLetters => string.Concat(
        (Flags & ZeroCoded) != 0 ? "Z" : "", IsReliable ? "R" : "", IsResent ? "S" : "", (Flags & Appended) != 0 ? "A" : "");

    /// <summary>False for anything that is no datagram: it is then dropped, as every simulator does.</summary>
    public static bool TryRead(ReadOnlySpan<byte> wire, out Datagram datagram)
    {
        datagram = default;
        if (wire.Length < 7) return false;
        byte flags = wire[0];
        uint sequence = BinaryPrimitives.ReadUInt32BigEndian(wire[1..]);
        int extra = wire[5];
        uint[] acks = [];
        ReadOnlySpan<byte> rest = wire[6..];
        if ((flags & Appended) != 0)
        {
            int count = rest[^1], from = rest.Length - 1 - 4 * count;
            if (from < 1) return false;
            acks = new uint[count];
            for (int i = 0; i < count; i++) acks[i] = BinaryPrimitives.ReadUInt32BigEndian(rest[(from + 4 * i)..]);
            rest = rest[..from];
        }

        Span<byte> room = stackalloc byte[MaxBytes];
        scoped ReadOnlySpan<byte> plain = rest;
        if ((flags & ZeroCoded) != 0)
        {
            int length = ZeroCoding.Expand(rest, room);
            if (length < 0) return false;
            plain = room[..length];
        }

        int id = IdLength(plain);
        if (id == 0 || plain.Length < id + extra) return false;
        datagram = new Datagram(flags, sequence, ReadId(plain, id), plain[(id + extra)..].ToArray(), acks);
        return true;
    }

    /// <summary>The bytes on the wire; <paramref name="plain"/> is message number and body.</summary>
    public static byte[] Write(byte flags, uint sequence, scoped ReadOnlySpan<byte> plain, ReadOnlySpan<uint> acks)
    {
        if (!acks.IsEmpty) flags |= Appended;
        Span<byte> room = stackalloc byte[2 * MaxBytes];
        if ((flags & ZeroCoded) != 0) plain = room[..ZeroCoding.Compress(plain, room)];
        byte[] wire = new byte[6 + plain.Length + (acks.IsEmpty ? 0 : 4 * acks.Length + 1)];
        wire[0] = flags;
        BinaryPrimitives.WriteUInt32BigEndian(wire.AsSpan(1), sequence);
        plain.CopyTo(wire.AsSpan(6));
        if (acks.IsEmpty) return wire;
        Span<byte> tail = wire.AsSpan(6 + plain.Length);
        for (int i = 0; i < acks.Length; i++) BinaryPrimitives.WriteUInt32BigEndian(tail[(4 * i)..], acks[i]);
        tail[^1] = (byte)acks.Length;
        return wire;
    }

    private static int IdLength(ReadOnlySpan<byte> plain) => plain switch
    {
        [not 0xFF, ..] => 1,
        [0xFF, not 0xFF, ..] => 2,
        [0xFF, 0xFF, _, _, ..] => 4,
        _ => 0,
    };

    private static Message ReadId(ReadOnlySpan<byte> plain, int length) => (Message)(length switch
    {
        1 => plain[0],
        2 => 0xFF00u | plain[1],
        _ => BinaryPrimitives.ReadUInt32BigEndian(plain),
    });
}

/// <summary>Runs of zero bytes as <c>00 nn</c> (PROTOCOL §1.4).</summary>
internal static class ZeroCoding
{
    /// <summary>How many bytes came out; −1 when the input ends in a run or the output would not fit.</summary>
    public static int Expand(ReadOnlySpan<byte> coded, Span<byte> plain)
    {
        int at = 0;
        for (int i = 0; i < coded.Length; i++)
        {
            int run = 1;
            byte value = coded[i];
            if (value == 0)
            {
                if (++i == coded.Length) return -1;
                run = coded[i];
            }

            if (at + run > plain.Length) return -1;
            plain.Slice(at, run).Fill(value);
            at += run;
        }

        return at;
    }

    /// <summary>How many bytes came out; at worst twice the input.</summary>
    public static int Compress(ReadOnlySpan<byte> plain, Span<byte> coded)
    {
        int at = 0;
        for (int i = 0; i < plain.Length;)
        {
            coded[at++] = plain[i];
            if (plain[i] != 0)
            {
                i++;
                continue;
            }

            int run = 1;
            while (run < 255 && i + run < plain.Length && plain[i + run] == 0) run++;
            coded[at++] = (byte)run;
            i += run;
        }

        return at;
    }
}
