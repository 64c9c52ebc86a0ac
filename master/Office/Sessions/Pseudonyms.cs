using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Keys;

namespace GlobalCache.Office.Sessions;

/// <summary>
/// What a client is called in its sessions: another name every day (UTC), so that who sees tokens, logs or control documents of two days cannot tell by it who is
/// who. Whoever holds the office's key can reckon it, and by that a client is revoked without being named.
/// </summary>
internal static class Pseudonyms
{
    private const int Bytes = 16;

    /// <summary>The pseudonym of the day that <paramref name="at"/> lies in: 16 bytes of HMAC under the office's key, base64url.</summary>
    public static string Of(OfficeKey key, string client, DateTimeOffset at)
    {
        Span<byte> hash = stackalloc byte[HMACSHA256.HashSizeInBytes];
        HMACSHA256.HashData(key.Pseudonyms, Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"session/{at.ToUnixTimeSeconds() / 86_400}/{client}")), hash);
        return Base64Url.EncodeToString(hash[..Bytes]);
    }
}
