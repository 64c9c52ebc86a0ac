using System.Runtime.InteropServices;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Assets;

/// <summary>How much of a Range header we act on.</summary>
internal enum RangeKind : byte
{
    /// <summary>No Range header.</summary>
    None,

    /// <summary><c>bytes=a-b</c> or <c>bytes=a-</c>.</summary>
    Single,

    /// <summary>Suffix, several ranges, another unit, a &gt; b, or not a range at all: whole on a hit, passed on as it is on a miss.</summary>
    Odd,
}

/// <summary>The bytes of an asset an answer carries: 206 when <paramref name="Partial"/>, else 200 with everything.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Slice(bool Partial, Interval Bytes, long Total);

/// <summary>A request's Range header (RFC 9110 §14.2), reduced to what PROTOCOL §3.5's table tells apart.</summary>
/// <param name="Kind">The other two are meaningful for <see cref="RangeKind.Single"/> only.</param>
/// <param name="From">First byte asked for.</param>
/// <param name="End">One past the last byte asked for; <see cref="Interval.Open"/> when the range has no end.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct ByteRange(RangeKind Kind, long From, long End)
{
    private static readonly ByteRange Odd = new(RangeKind.Odd, 0, Interval.Open);

    /// <summary>No Range header: the whole asset.</summary>
    public static ByteRange None { get; } = new(RangeKind.None, 0, Interval.Open);

    /// <summary>From here to there, as if a viewer had asked for it.</summary>
    public static ByteRange Of(Interval bytes) => new(RangeKind.Single, bytes.Start, bytes.End);

    /// <summary>What the viewer wants as long as the length is unknown.</summary>
    public Interval Wanted => new(From, End);

    public static ByteRange Parse(StringValues header)
    {
        if (header.Count == 0) return None;
        ReadOnlySpan<char> text = header.Count == 1 ? header[0].AsSpan().Trim(" \t") : "";
        if (!text.StartsWith("bytes=", StringComparison.OrdinalIgnoreCase)) return Odd;
        text = text["bytes=".Length..].Trim(" \t");
        int dash = text.IndexOf('-');
        if (dash <= 0 || !TryNumber(text[..dash], out long from)) return Odd;
        ReadOnlySpan<char> last = text[(dash + 1)..];
        if (last.IsEmpty) return new ByteRange(RangeKind.Single, from, Interval.Open);
        return TryNumber(last, out long to) && from <= to ? new ByteRange(RangeKind.Single, from, to + 1) : Odd;
    }

    /// <summary>The answer for an asset of <paramref name="total"/> bytes: never shorter and never longer than asked (PROTOCOL §3.5).</summary>
    public Slice Of(long total) => Kind == RangeKind.Single && From < total
        ? new Slice(true, new Interval(From, Math.Min(End, total)), total)
        : new Slice(false, new Interval(0, total), total);

    // Digits only. A number too large to hold lies beyond every asset, so it saturates.
    private static bool TryNumber(ReadOnlySpan<char> digits, out long value)
    {
        value = 0;
        if (digits.IsEmpty) return false;
        foreach (char c in digits)
        {
            if (!char.IsAsciiDigit(c)) return false;
            value = value > (Interval.Open - 10) / 10 ? Interval.Open - 1 : Math.Min(value * 10 + (c - '0'), Interval.Open - 1);
        }
        return true;
    }
}
