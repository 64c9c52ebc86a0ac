namespace GlobalCache.Client.Lludp;

/// <summary>
/// Zero-coding (PROTOCOL §1.4): each run of 1–255 zero bytes is written as <c>00 nn</c>. The reader also takes the wrap form
/// <c>00 00 nn</c> (256 + nn zeros, each further <c>00</c> 256 more) and an input that ends after a <c>00</c>, as viewers do.
/// </summary>
internal static class ZeroCode
{
    /// <summary>What one message may expand to: the viewers' own buffer. Beyond it a datagram is a bomb.</summary>
    public const int MaxExpanded = 8192;

    /// <summary>False: the result does not fit <paramref name="destination"/> or <see cref="MaxExpanded"/>.</summary>
    public static bool TryExpand(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        if (destination.Length > MaxExpanded)
        {
            destination = destination[..MaxExpanded];
        }

        return Expand(source, destination, out written);
    }

    /// <summary>Expands as many bytes as <paramref name="destination"/> holds; the number of bytes that came out.</summary>
    public static int ExpandPrefix(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        Expand(source, destination, out int written);
        return written;
    }

    /// <summary>False: <paramref name="destination"/> is too small. Twice the source's length always suffices.</summary>
    public static bool TryCompress(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        written = 0;
        while (!source.IsEmpty)
        {
            int plain = source.IndexOf((byte)0);
            plain = plain < 0 ? source.Length : plain;
            if (!source[..plain].TryCopyTo(destination[written..]))
            {
                return false;
            }

            written += plain;
            source = source[plain..];
            if (source.IsEmpty)
            {
                break;
            }

            int zeros = source.IndexOfAnyExcept((byte)0);
            zeros = Math.Min(zeros < 0 ? source.Length : zeros, 255);
            if (destination.Length - written < 2)
            {
                return false;
            }

            destination[written++] = 0;
            destination[written++] = (byte)zeros;
            source = source[zeros..];
        }

        return true;
    }

    private static bool Expand(ReadOnlySpan<byte> source, Span<byte> destination, out int written)
    {
        written = 0;
        int at = 0;
        while (at < source.Length)
        {
            ReadOnlySpan<byte> rest = source[at..];
            int plain = rest.IndexOf((byte)0);
            plain = plain < 0 ? rest.Length : plain;
            int fits = Math.Min(plain, destination.Length - written);
            rest[..fits].CopyTo(destination[written..]);
            written += fits;
            at += plain;
            if (fits < plain)
            {
                return false;
            }

            if (at == source.Length)
            {
                break;
            }

            // At a zero. Further zeros are the wrap form; without a count the zero stands for itself.
            int zeros = 0;
            at++;
            while (at < source.Length && source[at] == 0)
            {
                zeros += 256;
                at++;
            }

            zeros += at < source.Length ? source[at++] : 1;
            fits = Math.Min(zeros, destination.Length - written);
            destination.Slice(written, fits).Clear();
            written += fits;
            if (fits < zeros)
            {
                return false;
            }
        }

        return true;
    }
}
