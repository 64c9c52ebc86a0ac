using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;

namespace GlobalCache.Client.Caps;

/// <summary>The notations a reply may come in; decided by its root, never by its Content-Type (PROTOCOL §3.1).</summary>
internal enum Notation : byte
{
    XmlRpc,
    LlsdXml,
    LlsdBinary,
}

internal enum ValueKind : byte
{
    Undefined,
    Boolean,
    Integer,
    Real,
    Uuid,
    String,
    Uri,
    Date,
    Binary,
    Map,
    Array,
}

/// <summary>One value and where its bytes lie.</summary>
/// <param name="Kind">Its type.</param>
/// <param name="KeyStart">Its name within the map around it, as written; length 0 in arrays and at the root.</param>
/// <param name="KeyLength"><inheritdoc cref="Value" path="/param[@name='KeyStart']"/></param>
/// <param name="Start">The value's own first byte: its start tag, its type letter.</param>
/// <param name="ContentStart">What stands between its tags, or behind letter and length.</param>
/// <param name="ContentLength"><inheritdoc cref="Value" path="/param[@name='ContentStart']"/></param>
/// <param name="Next">Index of the first value that is not inside this one.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Value(
    ValueKind Kind, int KeyStart, int KeyLength, int Start, int ContentStart, int ContentLength, int Next);

/// <summary>
/// A login, seed, event queue or features document in any of its notations: a flat tree of values that know where their bytes lie,
/// so that those who patch need not know the notation. Values deeper than asked for are checked but not kept; so memory is bounded
/// by <see cref="MaxValues"/>, whatever a grid sends.
/// </summary>
internal sealed class ReplyDocument
{
    /// <summary>Values kept. A login reply has about 60 at its top, an event queue reply a few hundred in all.</summary>
    public const int MaxValues = 1 << 18;

    private readonly ReadOnlyMemory<byte> _bytes;
    private readonly List<Value> _values;

    private ReplyDocument(ReadOnlyMemory<byte> bytes, Notation notation, List<Value> values) =>
        (_bytes, Notation, _values) = (bytes, notation, values);

    public Notation Notation { get; }

    public ReadOnlySpan<byte> Bytes => _bytes.Span;

    public Value Root => _values[0];

    /// <summary>
    /// Reads <paramref name="bytes"/>, keeping values up to <paramref name="keepDepth"/> containers below the root. Null when it is in
    /// none of the notations, malformed, nested too deep or too large: then it is to be passed on as it is.
    /// </summary>
    public static ReplyDocument? TryRead(ReadOnlyMemory<byte> bytes, int keepDepth)
    {
        var values = new List<Value>();
        ReadOnlySpan<byte> text = bytes.Span.TrimStart(" \t\r\n"u8);
        bool binary = !text.IsEmpty && (text[0] == (byte)'{' || IsBinaryHeader(text));
        Notation? notation = binary
            ? BinaryValues.TryRead(bytes.Span, bytes.Length - text.Length, keepDepth, values) ? Notation.LlsdBinary : null
            : XmlValues.TryRead(bytes.Span, keepDepth, values);
        return notation is { } n ? new ReplyDocument(bytes, n, values) : null;
    }

    /// <summary>The member of <paramref name="map"/> named <paramref name="key"/>; null when it is no map or has no such member.</summary>
    public Value? Find(Value map, ReadOnlySpan<byte> key)
    {
        if (map.Kind != ValueKind.Map) return null;
        foreach (Value member in Children(map))
            if (Bytes.Slice(member.KeyStart, member.KeyLength).SequenceEqual(key)) return member;
        return null;
    }

    /// <summary>What stands directly inside <paramref name="container"/>, in order.</summary>
    public IEnumerable<Value> Children(Value container)
    {
        if (container.Kind is not (ValueKind.Map or ValueKind.Array)) yield break;
        int index = _values.BinarySearch(container, ByStart);
        for (int child = index + 1; child < container.Next; child = _values[child].Next) yield return _values[child];
    }

    public ReadOnlySpan<byte> Key(Value value) => Bytes.Slice(value.KeyStart, value.KeyLength);

    /// <summary>The text of a scalar (in binary of a string or link); null for anything else or longer than <see cref="XmlText.MaxLength"/>.</summary>
    public string? Text(Value? value)
    {
        if (value is not { } v || v.Kind is ValueKind.Map or ValueKind.Array or ValueKind.Binary) return null;
        ReadOnlySpan<byte> content = Content(v);
        if (Notation != Notation.LlsdBinary) return XmlText.Decode(content);
        return v.Kind is ValueKind.String or ValueKind.Uri && content.Length <= XmlText.MaxLength ? Encoding.UTF8.GetString(content) : null;
    }

    /// <summary>A whole number, whether typed or spelt in a string.</summary>
    public long? Integer(Value? value)
    {
        if (value is { Kind: ValueKind.Integer } v && Notation == Notation.LlsdBinary)
            return BinaryPrimitives.ReadInt32BigEndian(Content(v));
        return long.TryParse(Text(value), NumberStyles.AllowLeadingSign | NumberStyles.AllowLeadingWhite | NumberStyles.AllowTrailingWhite,
            CultureInfo.InvariantCulture, out long number) ? number : null;
    }

    /// <summary>A boolean, typed, numbered or spelt.</summary>
    public bool IsTrue(Value? value)
    {
        if (value is { Kind: ValueKind.Boolean } v && Notation == Notation.LlsdBinary) return Bytes[v.Start] == (byte)'1';
        return Text(value)?.Trim() is "1" or "true";
    }

    public Guid? Uuid(Value? value)
    {
        if (value is { Kind: ValueKind.Uuid } v && Notation == Notation.LlsdBinary) return new Guid(Content(v), bigEndian: true);
        return Guid.TryParse(Text(value), out Guid id) ? id : null;
    }

    /// <summary>Fills <paramref name="octets"/> from a binary value of exactly that length. False for anything else.</summary>
    public bool TryBinary(Value? value, Span<byte> octets)
    {
        if (value is not { Kind: ValueKind.Binary } v || v.ContentLength > 256) return false;
        ReadOnlySpan<byte> content = Content(v);
        if (Notation == Notation.LlsdBinary)
        {
            if (content.Length != octets.Length) return false;
            content.CopyTo(octets);
            return true;
        }
        if (XmlText.Decode(content)?.Trim() is not { } text) return false;
        int written;
        bool read = EncodingOf(v) switch
        {
            BinaryEncoding.Base64 => Convert.TryFromBase64String(text, octets, out written) && written == octets.Length,
            BinaryEncoding.Base16 => text.Length == 2 * octets.Length
                && Convert.FromHexString(text, octets, out _, out written) == OperationStatus.Done,
            _ => false,
        };
        return read;
    }

    /// <summary>Puts <paramref name="text"/> into the place of a string's or number's text.</summary>
    public void PatchText(PatchList patches, Value value, string text)
    {
        if (Notation != Notation.LlsdBinary)
        {
            patches.Replace(value.ContentStart, value.ContentLength, XmlText.Encode(text));
            return;
        }
        byte[] sized = new byte[4 + Encoding.UTF8.GetByteCount(text)];
        BinaryPrimitives.WriteInt32BigEndian(sized, sized.Length - 4);
        Encoding.UTF8.GetBytes(text, sized.AsSpan(4));
        patches.Replace(value.ContentStart - 4, value.ContentLength + 4, sized);
    }

    /// <summary>Puts <paramref name="number"/> into the place of a whole number, in whatever type it stands.</summary>
    public void PatchInteger(PatchList patches, Value value, int number)
    {
        if (Notation == Notation.LlsdBinary && value.Kind == ValueKind.Integer)
        {
            byte[] bytes = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(bytes, number);
            patches.Replace(value.ContentStart, 4, bytes);
        }
        else
        {
            PatchText(patches, value, number.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Puts <paramref name="octets"/> into the place of as many, in the encoding they stand in.</summary>
    public void PatchBinary(PatchList patches, Value value, ReadOnlySpan<byte> octets)
    {
        byte[] with = Notation == Notation.LlsdBinary ? octets.ToArray()
            : EncodingOf(value) == BinaryEncoding.Base16 ? Encoding.ASCII.GetBytes(Convert.ToHexString(octets))
            : Encoding.ASCII.GetBytes(Convert.ToBase64String(octets));
        patches.Replace(value.ContentStart, value.ContentLength, with);
    }

    private static readonly Comparer<Value> ByStart = Comparer<Value>.Create((a, b) => a.Start.CompareTo(b.Start));

    private enum BinaryEncoding
    {
        Base64,
        Base16,
        Base85,
    }

    private ReadOnlySpan<byte> Content(Value value) => Bytes.Slice(value.ContentStart, value.ContentLength);

    /// <summary>From the start tag's attribute; base64 is the default (PROTOCOL §4.2).</summary>
    private BinaryEncoding EncodingOf(Value value)
    {
        ReadOnlySpan<byte> tag = Bytes[value.Start..value.ContentStart];
        return tag.IndexOf("base16"u8) >= 0 ? BinaryEncoding.Base16
            : tag.IndexOf("base85"u8) >= 0 ? BinaryEncoding.Base85 : BinaryEncoding.Base64;
    }

    private static bool IsBinaryHeader(ReadOnlySpan<byte> text) =>
        text.StartsWith("<?"u8) && text[2..].TrimStart(" "u8) is var name && name.Length >= 11
        && Ascii.EqualsIgnoreCase(name[..11], "llsd/binary"u8);
}
