using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Office.Keys;

namespace GlobalCache.Office.Enrolment;

/// <summary>The roll at rest: version ‖ nonce ‖ AES-256-GCM. Whoever can write to the store can let nobody in by it, and whoever reads it learns no client's key.</summary>
internal sealed class RollSeal(OfficeKey key)
{
    private const byte Version = 2;
    private const int NonceBytes = 12, TagBytes = 16, HeaderBytes = 1 + NonceBytes;

    public byte[] Seal(Roll roll)
    {
        byte[] plain = JsonSerializer.SerializeToUtf8Bytes(roll), bytes = new byte[HeaderBytes + plain.Length + TagBytes];
        Span<byte> header = bytes.AsSpan(0, HeaderBytes);
        header[0] = Version;
        RandomNumberGenerator.Fill(header[1..]);
        using var aes = new AesGcm(key.Roll, TagBytes);
        aes.Encrypt(header[1..], plain, bytes.AsSpan(HeaderBytes, plain.Length), bytes.AsSpan(HeaderBytes + plain.Length), header[..1]);
        return bytes;
    }

    /// <summary>Whether these are the bytes of a roll whose layout is a later one than this version knows.</summary>
    public static bool IsLater(ReadOnlySpan<byte> bytes) => bytes.Length > 0 && bytes[0] is > Version and < Version + 16;

    /// <summary>False: damaged, another version's, or not this grid's.</summary>
    public bool TryOpen(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out Roll? roll)
    {
        roll = null;
        if (bytes.Length < HeaderBytes + TagBytes || bytes[0] != Version) return false;
        byte[] plain = new byte[bytes.Length - HeaderBytes - TagBytes];
        using var aes = new AesGcm(key.Roll, TagBytes);
        try
        {
            aes.Decrypt(bytes[1..HeaderBytes], bytes[HeaderBytes..^TagBytes], bytes[^TagBytes..], plain, bytes[..1]);
            roll = JsonSerializer.Deserialize<Roll>(plain);
            return roll is not null;
        }
        catch (Exception e) when (e is AuthenticationTagMismatchException or JsonException)
        {
            return false;
        }
    }
}
