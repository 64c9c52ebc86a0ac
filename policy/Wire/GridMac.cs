using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// What <see cref="EnrolmentApi.GridMac"/> holds (SECURITY §2): base64url of HMAC-SHA256 under the SHA-256 of the admin code, over <c>gc/grid.json/1</c>, a zero byte and the
/// answer's body. Anybody can ask for it and try codes against it, so a code has to be drawn at random, with 128 bits.
/// </summary>
public static class GridMac
{
    /// <summary>No code is longer, in characters.</summary>
    public const int MostCodeLength = 256;

    /// <summary>By a master.</summary>
    /// <param name="codeHash">SHA-256 of the admin code in UTF-8, 32 bytes.</param>
    /// <param name="file"><c>grid.json</c>, byte by byte as it is sent.</param>
    public static string Of(ReadOnlySpan<byte> codeHash, ReadOnlySpan<byte> file) => Base64Url.EncodeToString(HMACSHA256.HashData(codeHash, [.. "gc/grid.json/1\0"u8, .. file]));

    /// <summary>By the operator: whether this came from a master that knows the code's hash. In constant time.</summary>
    /// <param name="code">The admin code.</param>
    /// <param name="file">As it came.</param>
    /// <param name="mac">The header; null: it was not there.</param>
    public static bool IsOf(string code, ReadOnlySpan<byte> file, string? mac) =>
        CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(Of(SHA256.HashData(Encoding.UTF8.GetBytes(code)), file)), Encoding.ASCII.GetBytes(mac ?? ""));
}
