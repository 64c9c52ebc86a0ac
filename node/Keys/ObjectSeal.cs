using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Keys;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Keys;

/// <summary>
/// Small objects at rest: key id ‖ nonce ‖ AES-256-GCM, under a key of the object's own, bound to its name: whoever can write to the bucket
/// can neither read one nor put another's in its place.
/// </summary>
/// <param name="keys">The grid's secrets.</param>
/// <param name="purpose">What kind of objects, such as <c>gc/record/1</c>: none passes for one of another kind.</param>
internal sealed class ObjectSeal(GridKeys keys, string purpose)
{
    private const int NonceBytes = 12, TagBytes = 16, HeaderBytes = 4 + NonceBytes;

    public byte[] Seal(string name, ReadOnlySpan<byte> plain)
    {
        byte[] bytes = new byte[HeaderBytes + plain.Length + TagBytes];
        Span<byte> header = bytes.AsSpan(0, HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header, keys.Newest);
        RandomNumberGenerator.Fill(header[4..]);
        using AesGcm aes = Cipher(keys.Seal[keys.Newest], name);
        aes.Encrypt(header[4..], plain, bytes.AsSpan(HeaderBytes, plain.Length), bytes.AsSpan(HeaderBytes + plain.Length), header[..4]);
        return bytes;
    }

    /// <summary>False: damaged, moved from another name, of another kind, or sealed under a key that is gone.</summary>
    public bool TryOpen(string name, ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out byte[]? plain)
    {
        plain = null;
        if (bytes.Length < HeaderBytes + TagBytes || !keys.Seal.TryGetValue(BinaryPrimitives.ReadUInt32LittleEndian(bytes), out byte[]? seal)) return false;
        byte[] opened = new byte[bytes.Length - HeaderBytes - TagBytes];
        using AesGcm aes = Cipher(seal, name);
        try
        {
            aes.Decrypt(bytes.Slice(4, NonceBytes), bytes[HeaderBytes..^TagBytes], bytes[^TagBytes..], opened, bytes[..4]);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        plain = opened;
        return true;
    }

    private AesGcm Cipher(byte[] seal, string name)
    {
        Span<byte> key = stackalloc byte[SealKeys.Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, seal, key, salt: [], info: Encoding.UTF8.GetBytes(purpose + name));
        return new AesGcm(key, TagBytes);
    }
}
