using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Node.Keys;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Enrolment;

/// <summary>The roll at rest: key id ‖ nonce ‖ AES-256-GCM. Whoever can write to the store can let nobody in by it, and whoever reads it learns no client's key.</summary>
internal sealed class RollSeal(GridKeys keys)
{
    private const int NonceBytes = 12, TagBytes = 16, HeaderBytes = 4 + NonceBytes;

    public byte[] Seal(Roll roll)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(roll), bytes = new byte[HeaderBytes + plain.Length + TagBytes];
        Span<byte> header = bytes.AsSpan(0, HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header, keys.Newest);
        RandomNumberGenerator.Fill(header[4..]);
        using AesGcm aes = Cipher(keys.Seal[keys.Newest]);
        aes.Encrypt(header[4..], plain, bytes.AsSpan(HeaderBytes, plain.Length), bytes.AsSpan(HeaderBytes + plain.Length), header[..4]);
        return bytes;
    }

    /// <summary>False: damaged, or not this grid's.</summary>
    public bool TryOpen(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Roll? roll)
    {
        roll = null;
        if (bytes.Length < HeaderBytes + TagBytes || !keys.Seal.TryGetValue(BinaryPrimitives.ReadUInt32LittleEndian(bytes), out byte[]? seal)) return false;
        byte[] plain = new byte[bytes.Length - HeaderBytes - TagBytes];
        using AesGcm aes = Cipher(seal);
        try
        {
            aes.Decrypt(bytes.Slice(4, NonceBytes), bytes[HeaderBytes..^TagBytes], bytes[^TagBytes..], plain, bytes[..4]);
            roll = JsonSerializer.Deserialize<Roll>(plain);
            return roll is not null;
        }
        catch (Exception e) when (e is AuthenticationTagMismatchException or JsonException)
        {
            return false;
        }
    }

    private static AesGcm Cipher(byte[] seal)
    {
        Span<byte> key = stackalloc byte[SealKeys.Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, seal, key, salt: [], info: "gc/roll/1"u8);
        return new AesGcm(key, TagBytes);
    }
}
