using System.Buffers;
using System.Buffers.Text;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// A known number of bytes in base64url without padding (RFC 4648 §5), as strangers send them. The framework's own <c>TryDecodeFromChars</c> throws where a character is not of the alphabet; this says no.
/// </summary>
public static class Base64UrlBytes
{
    /// <summary>Fills <paramref name="bytes"/>; false: it is not those many bytes, and what was written means nothing.</summary>
    /// <param name="text">What was sent; null: nothing was.</param>
    /// <param name="bytes">As many as there have to be.</param>
    public static bool TryRead(string? text, Span<byte> bytes) =>
        text?.Length == Base64Url.GetEncodedLength(bytes.Length) && Base64Url.DecodeFromChars(text, bytes, out _, out int written) == OperationStatus.Done && written == bytes.Length;
}
