using System.Globalization;
using System.Text;

namespace GlobalCache.Client.Caps;

/// <summary>
/// Text between two tags, decoded and encoded: the five predefined entities and character references, CDATA sections, comments
/// dropped. Any other entity would need a document type, which <see cref="XmlScanner"/> refuses.
/// </summary>
internal static class XmlText
{
    /// <summary>Longest text worth decoding: addresses and URLs. Longer values are never ours to patch.</summary>
    public const int MaxLength = 8192;

    /// <summary>The text that <paramref name="content"/> spells; null when it holds elements, an unknown entity, or too much.</summary>
    public static string? Decode(ReadOnlySpan<byte> content)
    {
        if (content.Length > MaxLength) return null;
        if (content.IndexOfAny((byte)'&', (byte)'<') < 0) return Encoding.UTF8.GetString(content);
        var text = new StringBuilder(content.Length);
        while (!content.IsEmpty)
        {
            int taken;
            if (content.StartsWith("<![CDATA["u8))
            {
                int end = content.IndexOf("]]>"u8);
                if (end < 0) return null;
                text.Append(Encoding.UTF8.GetString(content[9..end]));
                taken = end + 3;
            }
            else if (content.StartsWith("<!--"u8) || content.StartsWith("<?"u8))
            {
                ReadOnlySpan<byte> close = content[1] == (byte)'?' ? "?>"u8 : "-->"u8;
                int end = content[2..].IndexOf(close);
                if (end < 0) return null;
                taken = 2 + end + close.Length;
            }
            else if (content[0] == (byte)'&')
            {
                // The longest reference, "&#x10FFFF;", takes ten bytes.
                int end = content[..Math.Min(content.Length, 12)].IndexOf((byte)';');
                if (end < 0 || Reference(content[1..end]) is not { } rune) return null;
                text.Append(rune);
                taken = end + 1;
            }
            else if (content[0] == (byte)'<')
            {
                return null;
            }
            else
            {
                taken = content.IndexOfAny((byte)'&', (byte)'<');
                if (taken < 0) taken = content.Length;
                text.Append(Encoding.UTF8.GetString(content[..taken]));
            }
            content = content[taken..];
        }
        return text.ToString();
    }

    /// <summary><paramref name="text"/> as it may stand between two tags.</summary>
    public static byte[] Encode(string text) => Encoding.UTF8.GetBytes(text
        .Replace("&", "&amp;", StringComparison.Ordinal)
        .Replace("<", "&lt;", StringComparison.Ordinal)
        .Replace(">", "&gt;", StringComparison.Ordinal));

    private static Rune? Reference(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("amp"u8)) return new Rune('&');
        if (name.SequenceEqual("lt"u8)) return new Rune('<');
        if (name.SequenceEqual("gt"u8)) return new Rune('>');
        if (name.SequenceEqual("quot"u8)) return new Rune('"');
        if (name.SequenceEqual("apos"u8)) return new Rune('\'');
        if (name.Length < 2 || name[0] != (byte)'#') return null;
        bool hex = name[1] is (byte)'x' or (byte)'X';
        NumberStyles style = hex ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        return int.TryParse(name[(hex ? 2 : 1)..], style, CultureInfo.InvariantCulture, out int code) && Rune.IsValid(code)
            ? new Rune(code)
            : null;
    }
}
