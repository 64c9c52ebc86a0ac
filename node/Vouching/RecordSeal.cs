using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Node.Keys;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Vouching;

/// <summary>
/// Records at rest: key id ‖ nonce ‖ AES-256-GCM, under a key of the record's own, bound to its name: whoever can write to the bucket
/// can neither read one nor put another's in its place.
/// </summary>
internal sealed class RecordSeal(GridKeys keys)
{
    private const int NonceBytes = 12, TagBytes = 16, HeaderBytes = 4 + NonceBytes;

    public byte[] Seal(string name, VouchRecord record)
    {
        byte[] plain = record.Encode(), bytes = new byte[HeaderBytes + plain.Length + TagBytes];
        Span<byte> header = bytes.AsSpan(0, HeaderBytes);
        BinaryPrimitives.WriteUInt32LittleEndian(header, keys.Newest);
        RandomNumberGenerator.Fill(header[4..]);
        using AesGcm aes = Cipher(keys.Seal[keys.Newest], name);
        aes.Encrypt(header[4..], plain, bytes.AsSpan(HeaderBytes, plain.Length), bytes.AsSpan(HeaderBytes + plain.Length), header[..4]);
        return bytes;
    }

    /// <summary>False: damaged, moved from another name, or sealed under a key that is gone.</summary>
    public bool TryOpen(string name, ReadOnlySpan<byte> bytes, out VouchRecord record)
    {
        record = VouchRecord.Empty;
        if (bytes.Length < HeaderBytes + TagBytes || !keys.Seal.TryGetValue(BinaryPrimitives.ReadUInt32LittleEndian(bytes), out byte[]? seal)) return false;
        byte[] plain = new byte[bytes.Length - HeaderBytes - TagBytes];
        using AesGcm aes = Cipher(seal, name);
        try
        {
            aes.Decrypt(bytes.Slice(4, NonceBytes), bytes[HeaderBytes..^TagBytes], bytes[^TagBytes..], plain, bytes[..4]);
        }
        catch (AuthenticationTagMismatchException)
        {
            return false;
        }
        return VouchRecord.TryDecode(plain, out record);
    }

    private static AesGcm Cipher(byte[] seal, string name)
    {
        Span<byte> key = stackalloc byte[SealKeys.Length];
        HKDF.DeriveKey(HashAlgorithmName.SHA256, seal, key, salt: [], info: Encoding.UTF8.GetBytes("gc/record/1" + name));
        return new AesGcm(key, TagBytes);
    }
}
