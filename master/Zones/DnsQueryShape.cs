using System.Buffers.Binary;

namespace GlobalCache.Master.Zones;

/// <summary>
/// What a query looks like, told from its bytes before anything is made of them. The library that reads them answers even what is itself an answer, so that two servers could be set on each other with one
/// forged datagram; it reads any number of questions and records, and follows pointers from one name into another: 64 KB by TCP could so become many MB.
/// </summary>
internal static class DnsQueryShape
{
    private const int Header = 12, LongestName = 255, LongestLabel = 63, Edns = 41;

    // An update (RFC 2136) is another kind of message altogether.
    private const int Update = 5;

    /// <summary>One question with a name that is written out, perhaps what EDNS adds (RFC 6891), and nothing behind it. All else gets no answer.</summary>
    public static bool Fits(ReadOnlySpan<byte> message)
    {
        if (message.Length < Header) return false;
        bool isAnswer = (message[2] & 0x80) != 0;
        int operation = (message[2] >> 3) & 15, extras = Count(message, 10);
        if (isAnswer || operation == Update || Count(message, 4) != 1 || Count(message, 6) != 0 || Count(message, 8) != 0 || extras > 1) return false;
        ReadOnlySpan<byte> rest = message[Header..];
        return SkipName(ref rest) && Skip(ref rest, 4) && (extras == 0 || SkipEdns(ref rest)) && rest.IsEmpty;
    }

    private static int Count(ReadOnlySpan<byte> message, int at) => BinaryPrimitives.ReadUInt16BigEndian(message[at..]);

    private static bool SkipName(ref ReadOnlySpan<byte> rest)
    {
        for (int used = 0; used < LongestName && !rest.IsEmpty;)
        {
            int length = rest[0];
            if (length == 0) return Skip(ref rest, 1);
            used += 1 + length;
            // Longer ones are pointers or of kinds that never came to be.
            if (length > LongestLabel || !Skip(ref rest, 1 + length)) return false;
        }

        return false;
    }

    // The root's name, type, payload size, flags, and options of their own length.
    private static bool SkipEdns(ref ReadOnlySpan<byte> rest)
    {
        if (rest.Length < 11 || rest[0] != 0 || BinaryPrimitives.ReadUInt16BigEndian(rest[1..]) != Edns) return false;
        return Skip(ref rest, 11 + BinaryPrimitives.ReadUInt16BigEndian(rest[9..]));
    }

    private static bool Skip(ref ReadOnlySpan<byte> rest, int bytes)
    {
        if (rest.Length < bytes) return false;
        rest = rest[bytes..];
        return true;
    }
}
