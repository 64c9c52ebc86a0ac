using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Sealing;

/// <summary>How the plain bytes are coded inside the seal.</summary>
public enum SealCodec : byte
{
    /// <summary>As they are: byte ranges can be opened alone.</summary>
    Raw = 0,

    /// <summary>One zstd frame.</summary>
    Zstd = 1,
}

/// <summary>
/// The 48 bytes at the start of the sealed stream, little-endian (SECURITY §1): codec u8, dictionary u8 (0 = none, else one of
/// <c>policy/Sealing/Dictionaries</c>), reserved u16, plainLength u32, codedLength u32, reserved u32, SHA-256 of the plain asset.
/// </summary>
/// <param name="Codec">How the plain bytes are coded.</param>
/// <param name="PlainLength">Bytes of the plain asset, 1 or more.</param>
/// <param name="CodedLength">Bytes as they lie in the stream, before padding.</param>
/// <param name="Dictionary">Which dictionary the zstd frame was written with; 0: none.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct InnerHeader(SealCodec Codec, int PlainLength, int CodedLength, byte Dictionary = 0)
{
    /// <summary>Bytes of the inner header.</summary>
    public const int Length = 48;

    private const int DigestAt = 16;

    /// <summary>The SHA-256 in an inner header's bytes.</summary>
    public static ReadOnlySpan<byte> DigestIn(ReadOnlySpan<byte> inner) => inner.Slice(DigestAt, 32);

    /// <summary>
    /// Reads an authenticated inner header. False for an unknown codec or dictionary, reserved bytes that are not zero,
    /// a plain length of 0 or above the type's cap, or coded bytes that are more than the plain ones.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> source, AssetType type, out InnerHeader header)
    {
        header = default;
        if (source.Length < Length || source[2] != 0 || source[3] != 0) return false;
        if (BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) != 0) return false;
        uint plain = BinaryPrimitives.ReadUInt32LittleEndian(source[4..]), coded = BinaryPrimitives.ReadUInt32LittleEndian(source[8..]);
        if (plain == 0 || plain > type.MaxBytes() || coded == 0) return false;
        header = new InnerHeader((SealCodec)source[0], (int)plain, (int)coded, source[1]);
        // Compression is kept only where it saves bytes, so more coded than plain bytes are nobody's honest work.
        return header.Codec switch
        {
            SealCodec.Raw => coded == plain && header.Dictionary == 0,
            SealCodec.Zstd => coded < plain && SealDictionaries.IsKnown(header.Dictionary),
            _ => false,
        };
    }

    /// <summary>Whether an authenticated inner header that cannot be read names something a later version has added: a codec, a dictionary, a reserved field.</summary>
    internal static bool IsLater(ReadOnlySpan<byte> source) => source.Length >= Length
        && (source[0] > (byte)SealCodec.Zstd || !SealDictionaries.IsKnown(source[1]) || source[2] != 0 || source[3] != 0 || BinaryPrimitives.ReadUInt32LittleEndian(source[12..]) != 0);

    internal void Write(Span<byte> destination, ReadOnlySpan<byte> digest)
    {
        destination[..DigestAt].Clear();
        destination[0] = (byte)Codec;
        destination[1] = Dictionary;
        BinaryPrimitives.WriteInt32LittleEndian(destination[4..], PlainLength);
        BinaryPrimitives.WriteInt32LittleEndian(destination[8..], CodedLength);
        digest.CopyTo(destination[DigestAt..]);
    }
}
