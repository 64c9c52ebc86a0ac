using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// The key derivations of the sealed asset (SECURITY §1), all HKDF-SHA256 with outputs of 32 bytes:
/// <c>K_seal → K_grid → K_asset → K_enc, commitment</c>. A derivation costs 5–20 µs: keep K_grid for as long as the process
/// lives and K_asset beside what it opens.
/// </summary>
public static class SealKeys
{
    /// <summary>Length of every key, salt and commitment: 32 bytes.</summary>
    public const int Length = 32;

    /// <summary>K_grid: everything sealed for one grid under one sealing key starts here.</summary>
    /// <param name="sealKey">K_seal, 32 bytes; at a client its local store key.</param>
    /// <param name="gridId">See <see cref="Assets.GridId"/>; not empty.</param>
    public static byte[] DeriveGridKey(ReadOnlySpan<byte> sealKey, string gridId)
    {
        RequireLength(sealKey, nameof(sealKey));
        ArgumentException.ThrowIfNullOrEmpty(gridId);
        byte[] gridKey = new byte[Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, sealKey, gridKey, salt: [], info: Encoding.UTF8.GetBytes("gc/grid/1" + gridId));
        return gridKey;
    }

    /// <summary>
    /// K_asset: opens one sealing of one asset and nothing else. A node gives it to a client in <c>GC-Asset-Key</c>; a client
    /// never writes one to disk or log.
    /// </summary>
    /// <param name="gridKey">K_grid, 32 bytes.</param>
    /// <param name="salt">The header's salt, 32 bytes.</param>
    /// <param name="encodedKey">The encoded asset key (<see cref="Assets.AssetKey.Encode"/>), at most 65 535 bytes.</param>
    /// <param name="contentKey">Receives K_asset, 32 bytes.</param>
    public static void DeriveContentKey(
        ReadOnlySpan<byte> gridKey, ReadOnlySpan<byte> salt, ReadOnlySpan<byte> encodedKey, Span<byte> contentKey)
    {
        RequireLength(gridKey, nameof(gridKey));
        RequireLength(salt, nameof(salt));
        RequireLength(contentKey, nameof(contentKey));
        ReadOnlySpan<byte> label = "gc/asset/1"u8;
        Span<byte> info = encodedKey.Length <= 256 ? stackalloc byte[label.Length + 2 + encodedKey.Length] : new byte[label.Length + 2 + encodedKey.Length];
        label.CopyTo(info);
        BinaryPrimitives.WriteUInt16LittleEndian(info[label.Length..], checked((ushort)encodedKey.Length));
        encodedKey.CopyTo(info[(label.Length + 2)..]);
        HKDF.DeriveKey(HashAlgorithmName.SHA256, gridKey, contentKey, salt, info);
    }

    /// <summary>K_enc: the AES-256-GCM key of the segments.</summary>
    /// <param name="contentKey">K_asset, 32 bytes.</param>
    /// <param name="encryptionKey">Receives K_enc, 32 bytes.</param>
    public static void DeriveEncryptionKey(ReadOnlySpan<byte> contentKey, Span<byte> encryptionKey)
    {
        RequireLength(contentKey, nameof(contentKey));
        RequireLength(encryptionKey, nameof(encryptionKey));
        HKDF.Expand(HashAlgorithmName.SHA256, contentKey, encryptionKey, "enc"u8);
    }

    /// <summary>
    /// The commitment: AES-GCM alone would let one ciphertext open under two keys; whoever holds K_asset can check that this
    /// header was made with it, before decrypting anything.
    /// </summary>
    /// <param name="contentKey">K_asset, 32 bytes.</param>
    /// <param name="commitment">Receives 32 bytes.</param>
    public static void DeriveCommitment(ReadOnlySpan<byte> contentKey, Span<byte> commitment)
    {
        RequireLength(contentKey, nameof(contentKey));
        RequireLength(commitment, nameof(commitment));
        HKDF.Expand(HashAlgorithmName.SHA256, contentKey, commitment, "commit"u8);
    }

    /// <summary>Whether a header's <paramref name="commitment"/> was made with this K_asset. Compares in constant time.</summary>
    public static bool Commits(ReadOnlySpan<byte> contentKey, ReadOnlySpan<byte> commitment)
    {
        Span<byte> expected = stackalloc byte[Length];
        DeriveCommitment(contentKey, expected);
        return CryptographicOperations.FixedTimeEquals(expected, commitment);
    }

    private static void RequireLength(ReadOnlySpan<byte> value, string name)
    {
        if (value.Length != Length) throw new ArgumentException("Must be 32 bytes.", name);
    }
}
