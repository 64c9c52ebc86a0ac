using System.Buffers.Binary;
using System.Net;
using System.Text;

namespace GlobalCache.TestGrid.Lludp;

/// <summary>Writes message number and fields in template order (PROTOCOL §1.3).</summary>
internal sealed class BodyWriter
{
    private byte[] bytes = new byte[256];
    private int length;

    public BodyWriter(Message message)
    {
        Message = message;
        uint id = (uint)message;
        if (id <= 0xFE) U8((byte)id);
        else if (id <= 0xFFFF) U8(0xFF).U8((byte)id);
        else BinaryPrimitives.WriteUInt32BigEndian(Next(4), id);
    }

    public Message Message { get; }

    public ReadOnlySpan<byte> Plain => bytes.AsSpan(0, length);

    public BodyWriter U8(byte value)
    {
        Next(1)[0] = value;
        return this;
    }

    public BodyWriter U16(ushort value)
    {
        BinaryPrimitives.WriteUInt16LittleEndian(Next(2), value);
        return this;
    }

    public BodyWriter U32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(Next(4), value);
        return this;
    }

    public BodyWriter S32(int value) => U32((uint)value);

    public BodyWriter U64(ulong value)
    {
        BinaryPrimitives.WriteUInt64LittleEndian(Next(8), value);
        return this;
    }

    public BodyWriter F32(float value)
    {
        BinaryPrimitives.WriteSingleLittleEndian(Next(4), value);
        return this;
    }

    public BodyWriter Vector(float x, float y, float z) => F32(x).F32(y).F32(z);

    public BodyWriter Id(Guid value)
    {
        value.TryWriteBytes(Next(16), bigEndian: true, out _);
        return this;
    }

    public BodyWriter Address(IPAddress value)
    {
        value.MapToIPv4().TryWriteBytes(Next(4), out _);
        return this;
    }

    /// <summary>A port is the one integer in network order.</summary>
    public BodyWriter Port(int value)
    {
        BinaryPrimitives.WriteUInt16BigEndian(Next(2), (ushort)value);
        return this;
    }

    public BodyWriter Raw(ReadOnlySpan<byte> value)
    {
        value.CopyTo(Next(value.Length));
        return this;
    }

    public BodyWriter Var1(ReadOnlySpan<byte> value) => U8((byte)value.Length).Raw(value);

    public BodyWriter Var2(ReadOnlySpan<byte> value) => U16((ushort)value.Length).Raw(value);

    /// <summary>A string: one length byte, UTF-8, a NUL that counts.</summary>
    public BodyWriter Text(string value) => Var1(Encoding.UTF8.GetBytes(value + "\0"));

    private Span<byte> Next(int count)
    {
        if (length + count > bytes.Length) Array.Resize(ref bytes, Math.Max(2 * bytes.Length, length + count));
        length += count;
        return bytes.AsSpan(length - count, count);
    }
}

/// <summary>Reads fields in template order. Past the end everything is zero: a missing trailing block reads as empty.</summary>
internal ref struct BodyReader(ReadOnlySpan<byte> body)
{
    private ReadOnlySpan<byte> rest = body;

    /// <summary>Whether a field lay past the end.</summary>
    public bool Overrun { get; private set; }

    public byte U8() => Next(1)[0];

    public sbyte S8() => (sbyte)Next(1)[0];

    public ushort U16() => BinaryPrimitives.ReadUInt16LittleEndian(Next(2));

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Next(4));

    public int S32() => BinaryPrimitives.ReadInt32LittleEndian(Next(4));

    public ulong U64() => BinaryPrimitives.ReadUInt64LittleEndian(Next(8));

    public float F32() => BinaryPrimitives.ReadSingleLittleEndian(Next(4));

    public Guid Id() => new(Next(16), bigEndian: true);

    public ReadOnlySpan<byte> Var1() => Next(U8());

    public ReadOnlySpan<byte> Var2() => Next(U16());

    public string Text() => Encoding.UTF8.GetString(Var1()).TrimEnd('\0');

    public void Skip(int count) => Next(count);

    private ReadOnlySpan<byte> Next(int count)
    {
        if (count > rest.Length)
        {
            Overrun = true;
            rest = default;
            return new byte[count];
        }

        ReadOnlySpan<byte> taken = rest[..count];
        rest = rest[count..];
        return taken;
    }
}
