using System.Buffers.Binary;

namespace GlobalCache.Client.Lludp;

/// <summary>
/// Reads a decoded body field by field, without copies. Once a field is cut off the reader has <see cref="Failed"/>: every further one is empty,
/// so that a message need only be asked at the end, or where what was read is used.
/// </summary>
internal ref struct FieldReader(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> _rest = body;

    public bool Failed { get; private set; }

    public readonly bool AtEnd => _rest.IsEmpty;

    public byte U8() => Take(1) is [byte value] ? value : default;

    public ushort U16() => Take(2) is { IsEmpty: false } field ? BinaryPrimitives.ReadUInt16LittleEndian(field) : default;

    public uint U32() => Take(4) is { IsEmpty: false } field ? BinaryPrimitives.ReadUInt32LittleEndian(field) : default;

    public Guid Id() => Take(16) is { IsEmpty: false } field ? new Guid(field, bigEndian: true) : default;

    /// <summary>A field behind its length in one byte.</summary>
    public ReadOnlySpan<byte> Var1() => Take(U8());

    /// <summary>A field behind its length in two bytes.</summary>
    public ReadOnlySpan<byte> Var2() => Take(U16());

    /// <summary>A field behind its length in four bytes, as the packed object data has them.</summary>
    public ReadOnlySpan<byte> Var4() => Take(U32());

    /// <summary>Passes a text and the NUL that ends it.</summary>
    public void SkipText()
    {
        int end = _rest.IndexOf((byte)0);
        if (end < 0)
        {
            _rest = default;
            Failed = true;
        }
        else
        {
            _rest = _rest[(end + 1)..];
        }
    }

    public void Skip(uint length) => Take(length);

    private ReadOnlySpan<byte> Take(uint length)
    {
        if (length > (uint)_rest.Length)
        {
            _rest = default;
            Failed = true;
            return default;
        }

        ReadOnlySpan<byte> field = _rest[..(int)length];
        _rest = _rest[(int)length..];
        return field;
    }
}
