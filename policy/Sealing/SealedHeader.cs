using System.Buffers.Binary;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// The outer header of a sealed asset, 84 bytes, little-endian (SECURITY §1): <c>GCA1</c>, version u8 = 1, suite u8 = 1
/// (AES-256-GCM), flags u16 = 0, keyId u32, epoch u32, sealedLength u32 (the whole file), salt 32, commitment 32.
/// A view over those bytes. Every segment authenticates all of them.
/// </summary>
public readonly ref struct SealedHeader
{
    /// <summary>Bytes of the header.</summary>
    public const int Length = 84;

    private const int KeyIdAt = 8, EpochAt = 12, SealedLengthAt = 16, SaltAt = 20, CommitmentAt = 52;
    private const byte Version = 1, Suite = 1;

    private SealedHeader(ReadOnlySpan<byte> bytes) => Bytes = bytes;

    /// <summary>The 84 bytes.</summary>
    public ReadOnlySpan<byte> Bytes { get; }

    /// <summary>Which K_seal sealed it; clients write 1.</summary>
    public uint KeyId => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[KeyIdAt..]);

    /// <summary>The vouching record's epoch (SECURITY §4); clients write 0.</summary>
    public uint Epoch => BinaryPrimitives.ReadUInt32LittleEndian(Bytes[EpochAt..]);

    /// <summary>Bytes of the whole sealed asset, this header included.</summary>
    public int SealedLength => BinaryPrimitives.ReadInt32LittleEndian(Bytes[SealedLengthAt..]);

    /// <summary>32 random bytes, fresh at every sealing.</summary>
    public ReadOnlySpan<byte> Salt => Bytes.Slice(SaltAt, SealKeys.Length);

    /// <summary>See <see cref="SealKeys.DeriveCommitment"/>.</summary>
    public ReadOnlySpan<byte> Commitment => Bytes.Slice(CommitmentAt, SealKeys.Length);

    /// <summary>
    /// Reads the header at the start of <paramref name="source"/>. Checks what needs no key: that there are 84 bytes, magic,
    /// version, suite, flags, and that a sealed asset can have the stated length. Allocates nothing.
    /// </summary>
    /// <returns><see cref="SealFault.None"/>, or the first thing wrong.</returns>
    public static SealFault Read(ReadOnlySpan<byte> source, out SealedHeader header)
    {
        header = default;
        if (source.Length < Length) return SealFault.Length;
        header = new SealedHeader(source[..Length]);
        if (!source.StartsWith("GCA1"u8)) return SealFault.Magic;
        if (source[4] != Version || source[5] != Suite || source[6] != 0 || source[7] != 0) return SealFault.Version;
        return SealedLayout.TryFromSealedLength(header.SealedLength, out _) ? SealFault.None : SealFault.Length;
    }

    internal static SealedHeader Write(
        Span<byte> destination, uint keyId, uint epoch, int sealedLength, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> contentKey)
    {
        "GCA1"u8.CopyTo(destination);
        destination[4] = Version;
        destination[5] = Suite;
        destination[6] = destination[7] = 0;
        BinaryPrimitives.WriteUInt32LittleEndian(destination[KeyIdAt..], keyId);
        BinaryPrimitives.WriteUInt32LittleEndian(destination[EpochAt..], epoch);
        BinaryPrimitives.WriteInt32LittleEndian(destination[SealedLengthAt..], sealedLength);
        salt.CopyTo(destination[SaltAt..]);
        SealKeys.DeriveCommitment(contentKey, destination.Slice(CommitmentAt, SealKeys.Length));
        return new SealedHeader(destination[..Length]);
    }
}
