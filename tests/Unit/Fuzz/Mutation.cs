using System.Buffers.Binary;

namespace GlobalCache.Tests.Fuzz;

/// <summary>Damage as it happens and as it is made: bits, lengths, pieces cut, doubled, moved and taken from another input, and the numbers that break readers. The same seed gives the same damage.</summary>
internal sealed class Mutation(int seed, IReadOnlyList<byte[]> seeds)
{
    private const int MostBytes = 256 << 10;
    private static readonly byte[][] s_words = [.. new[] { "<", ">", "</", "<!DOCTYPE x [<!ENTITY a \"b\">]>", "&a;", "&#0;", "]]>", "\0", "\r\n", "{", "}", "[", "]", "\"", "\\u0000", "null", "1e999", "-1", "=", ",", "bytes=", "--", "..", "%00", "\u0301", "OggS" }
        .Select(System.Text.Encoding.UTF8.GetBytes)];

    private static readonly long[] s_numbers = [0, 1, -1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];

    private readonly Random _random = new(seed);

    /// <summary>The next input.</summary>
    public byte[] Next()
    {
        byte[] input = [.. seeds[_random.Next(seeds.Count)]];
        for (int i = _random.Next(1, 6); i > 0; i--) input = Damaged(input);
        return input.Length > MostBytes ? input[..MostBytes] : input;
    }

    private byte[] Damaged(byte[] input)
    {
        if (input.Length == 0) return s_words[_random.Next(s_words.Length)];
        int at = _random.Next(input.Length), length = Math.Min(1 << _random.Next(12), input.Length - at);
        switch (_random.Next(9))
        {
            case 0:
                input[at] ^= (byte)(1 << _random.Next(8));
                return input;
            case 1:
                input[at] = (byte)_random.Next(256);
                return input;
            case 2:
                return input[..at];
            case 3:
                return [.. input[..at], .. input[(at + length)..]];
            case 4:
                return [.. input[..(at + length)], .. input[at..]];
            case 5:
                return [.. input[..at], .. s_words[_random.Next(s_words.Length)], .. input[at..]];
            case 6:
                byte[] other = seeds[_random.Next(seeds.Count)];
                int from = _random.Next(other.Length + 1);
                return [.. input[..at], .. other[from..]];
            case 7:
                int to = _random.Next(input.Length - length + 1);
                input.AsSpan(at, length).ToArray().CopyTo(input.AsSpan(to));
                return input;
            default:
                return Numbered(input, at);
        }
    }

    private byte[] Numbered(byte[] input, int at)
    {
        Span<byte> number = stackalloc byte[8];
        long value = s_numbers[_random.Next(s_numbers.Length)];
        if (_random.Next(2) == 0) BinaryPrimitives.WriteInt64LittleEndian(number, value);
        else BinaryPrimitives.WriteInt64BigEndian(number, value);
        number = number[..Math.Min(1 << _random.Next(4), input.Length - at)];
        number.CopyTo(input.AsSpan(at));
        return input;
    }
}
