using System.Buffers.Binary;
using System.Runtime.CompilerServices;

// "Integer", "String" and so on are LLSD's own names for its types.
#pragma warning disable CA1720

namespace GlobalCache.Policy.Assets;

/// <summary>What <see cref="BinaryLlsdReader"/> stands on.</summary>
public enum LlsdToken
{
    /// <summary>Before the first <see cref="BinaryLlsdReader.Read"/>, or behind the document.</summary>
    None,

    /// <summary>The undefined value.</summary>
    Undefined,

    /// <summary>See <see cref="BinaryLlsdReader.Boolean"/>.</summary>
    Boolean,

    /// <summary>See <see cref="BinaryLlsdReader.Integer"/>.</summary>
    Integer,

    /// <summary>See <see cref="BinaryLlsdReader.Real"/>.</summary>
    Real,

    /// <summary>See <see cref="BinaryLlsdReader.Uuid"/>.</summary>
    Uuid,

    /// <summary>UTF-8 text in <see cref="BinaryLlsdReader.Value"/>.</summary>
    String,

    /// <summary>A link, as text in <see cref="BinaryLlsdReader.Value"/>.</summary>
    Uri,

    /// <summary>Octets in <see cref="BinaryLlsdReader.Value"/>.</summary>
    Binary,

    /// <summary>Seconds since 1970 in <see cref="BinaryLlsdReader.Real"/>.</summary>
    Date,

    /// <summary>A map's key, as text in <see cref="BinaryLlsdReader.Value"/>; its value is next.</summary>
    Key,

    /// <summary>An array of <see cref="BinaryLlsdReader.Count"/> values opens.</summary>
    ArrayStart,

    /// <summary>An array closes.</summary>
    ArrayEnd,

    /// <summary>A map of <see cref="BinaryLlsdReader.Count"/> pairs opens.</summary>
    MapStart,

    /// <summary>A map closes.</summary>
    MapEnd,

    /// <summary>The document is malformed, or deeper than allowed; reading on says the same.</summary>
    Malformed,
}

/// <summary>
/// Reads one value of binary LLSD token by token, with every token's place in the bytes so that a value can be replaced where it
/// stands (PROTOCOL §7.5). Never throws, allocates nothing: counts and lengths are held against the bytes that are left, depth is
/// bounded by <see cref="MaxDepth"/>.
/// </summary>
public ref struct BinaryLlsdReader
{
    /// <summary>Containers within containers, at most.</summary>
    public const int MaxDepth = 64;

    private readonly ReadOnlySpan<byte> _bytes;
    private Levels _left;
    private ulong _maps;
    private bool _keyed;
    private bool _done;

    /// <summary>Starts at <paramref name="start"/>; a header such as <c>&lt;? LLSD/Binary ?&gt;</c> found there is stepped over.</summary>
    public BinaryLlsdReader(ReadOnlySpan<byte> bytes, int start = 0)
    {
        _bytes = bytes;
        Position = start + HeaderLength(bytes[start..]);
    }

    /// <summary>The current token.</summary>
    public LlsdToken Token { get; private set; }

    /// <summary>Offset of the current token's first byte: its type letter.</summary>
    public int TokenStart { get; private set; }

    /// <summary>Offset behind the current token; behind the whole document once <see cref="Read"/> has answered false.</summary>
    public int Position { get; private set; }

    /// <summary>Open containers; one that has just opened counts, one that has just closed does not.</summary>
    public int Depth { get; private set; }

    /// <summary>The current value's bytes without letter and length; empty for containers and booleans.</summary>
    public ReadOnlySpan<byte> Value { get; private set; }

    /// <summary>Values or pairs in the container that has just opened.</summary>
    public int Count { get; private set; }

    /// <summary>The current boolean.</summary>
    public readonly bool Boolean => Token == LlsdToken.Boolean && _bytes[TokenStart] == (byte)'1';

    /// <summary>The current integer; 0 for any other token.</summary>
    public readonly int Integer => Token == LlsdToken.Integer ? BinaryPrimitives.ReadInt32BigEndian(Value) : 0;

    /// <summary>The current real (big-endian) or date (little-endian, as the format has it); NaN for any other token.</summary>
    public readonly double Real => Token switch
    {
        LlsdToken.Real => BinaryPrimitives.ReadDoubleBigEndian(Value),
        LlsdToken.Date => BinaryPrimitives.ReadDoubleLittleEndian(Value),
        _ => double.NaN,
    };

    /// <summary>The current UUID; empty for any other token.</summary>
    public readonly Guid Uuid => Token == LlsdToken.Uuid ? new Guid(Value, bigEndian: true) : Guid.Empty;

    /// <summary>Bytes taken by a textual header and the line end behind it; 0 when there is none.</summary>
    public static int HeaderLength(ReadOnlySpan<byte> bytes)
    {
        if (!bytes.StartsWith("<?"u8)) return 0;
        int end = bytes[..Math.Min(bytes.Length, 64)].IndexOf("?>"u8);
        if (end < 0) return 0;
        end += 2;
        return end < bytes.Length && bytes[end] == (byte)'\n' ? end + 1 : end;
    }

    /// <summary>
    /// Steps to the next token. False behind the document's one value (<see cref="LlsdToken.None"/>; what follows it in the bytes is
    /// not looked at) and where it is malformed (<see cref="LlsdToken.Malformed"/>).
    /// </summary>
    public bool Read()
    {
        if (_done || Token == LlsdToken.Malformed)
        {
            if (_done) Token = LlsdToken.None;
            return false;
        }
        TokenStart = Position;
        Value = default;
        Count = 0;
        if (Position >= _bytes.Length) return Fail();
        byte letter = _bytes[Position++];
        bool inMap = Depth > 0 && (_maps >> (Depth - 1) & 1) != 0;

        if (Depth > 0 && _left[Depth - 1] == 0 && !_keyed) return Close(letter, inMap);
        if (inMap && !_keyed)
        {
            _keyed = true;
            return letter == (byte)'k' ? TakeSized(LlsdToken.Key) : Fail();
        }
        if (Depth > 0) _left[Depth - 1]--;
        _keyed = false;
        bool read = letter switch
        {
            (byte)'!' => Take(LlsdToken.Undefined, 0),
            (byte)'0' or (byte)'1' => Take(LlsdToken.Boolean, 0),
            (byte)'i' => Take(LlsdToken.Integer, 4),
            (byte)'r' => Take(LlsdToken.Real, 8),
            (byte)'d' => Take(LlsdToken.Date, 8),
            (byte)'u' => Take(LlsdToken.Uuid, 16),
            (byte)'s' => TakeSized(LlsdToken.String),
            (byte)'l' => TakeSized(LlsdToken.Uri),
            (byte)'b' => TakeSized(LlsdToken.Binary),
            (byte)'[' => Open(LlsdToken.ArrayStart, smallestChild: 1),
            (byte)'{' => Open(LlsdToken.MapStart, smallestChild: 6),
            _ => Fail(),
        };
        _done = read && Depth == 0;
        return read;
    }

    /// <summary>From a container's start to its end, from a key to the end of its value; on any other token stays. False when malformed.</summary>
    public bool Skip()
    {
        if (Token == LlsdToken.Key && !Read()) return false;
        if (Token is not (LlsdToken.ArrayStart or LlsdToken.MapStart)) return Token != LlsdToken.Malformed;
        for (int outer = Depth - 1; Depth > outer;)
            if (!Read()) return false;
        return true;
    }

    private bool Take(LlsdToken token, int length)
    {
        if (length > _bytes.Length - Position) return Fail();
        Value = _bytes.Slice(Position, length);
        Position += length;
        Token = token;
        return true;
    }

    private bool TakeSized(LlsdToken token) => TryLength(1, out int length) ? Take(token, length) : Fail();

    private bool Open(LlsdToken token, int smallestChild)
    {
        if (Depth == MaxDepth || !TryLength(smallestChild, out int count)) return Fail();
        ulong bit = 1UL << Depth;
        _maps = token == LlsdToken.MapStart ? _maps | bit : _maps & ~bit;
        _left[Depth++] = count;
        Count = count;
        Token = token;
        return true;
    }

    private bool Close(byte letter, bool map)
    {
        if (letter != (map ? (byte)'}' : (byte)']')) return Fail();
        Token = map ? LlsdToken.MapEnd : LlsdToken.ArrayEnd;
        _done = --Depth == 0;
        return true;
    }

    /// <summary>A length or count, which the bytes that are left must be able to hold.</summary>
    private bool TryLength(int smallest, out int length)
    {
        length = 0;
        if (_bytes.Length - Position < 4) return false;
        uint stated = BinaryPrimitives.ReadUInt32BigEndian(_bytes[Position..]);
        Position += 4;
        if ((ulong)stated * (uint)smallest > (uint)(_bytes.Length - Position)) return false;
        length = (int)stated;
        return true;
    }

    private bool Fail()
    {
        Token = LlsdToken.Malformed;
        Value = default;
        return false;
    }

    /// <summary>What is left to read in each open container.</summary>
    [InlineArray(MaxDepth)]
    private struct Levels
    {
        private int _first;
    }
}
