using System.Security.Cryptography;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Office.Keys;

/// <summary>
/// The one secret of whoever keeps the grid's office: the roll is sealed with it, clients get their daily pseudonyms by it, and nonces are known by it. Nodes do
/// without it, as the office does without theirs. 32 bytes.
/// </summary>
internal sealed class OfficeKey(byte[] secret)
{
    /// <summary>The secret itself, for the file it is kept in.</summary>
    public byte[] Secret { get; } = secret;

    /// <summary>Seals the roll.</summary>
    public byte[] Roll { get; } = Derive(secret, "gc/roll/1"u8);

    /// <summary>Names clients for a day.</summary>
    public byte[] Pseudonyms { get; } = Derive(secret, "gc/pseudonym/1"u8);

    /// <summary>Marks nonces as the grid's own.</summary>
    public byte[] Nonces { get; } = Derive(secret, "gc/nonce/1"u8);

    public static OfficeKey Create() => new(RandomNumberGenerator.GetBytes(SealKeys.Length));

    public override string ToString() => nameof(OfficeKey);

    private static byte[] Derive(byte[] secret, ReadOnlySpan<byte> purpose)
    {
        byte[] key = new byte[SealKeys.Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, secret, key, salt: [], info: purpose);
        return key;
    }
}
