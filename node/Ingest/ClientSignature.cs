using System.Security.Cryptography;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Ingest;

/// <summary>Whether a client itself says what it is said to say: its key's signature over method, path and body (<see cref="RequestSignature"/>).</summary>
internal static class ClientSignature
{
    private const int Bytes = 64;

    /// <param name="clientKey">P-256, SubjectPublicKeyInfo in base64.</param>
    /// <param name="signature">r ‖ s in base64url.</param>
    /// <param name="method">Upper case.</param>
    /// <param name="path">As the client wrote it.</param>
    /// <param name="body">The whole body.</param>
    public static bool IsGood(string clientKey, string? signature, string method, string path, ReadOnlySpan<byte> body)
    {
        Span<byte> signed = stackalloc byte[Bytes];
        if (!Base64UrlBytes.TryRead(signature, signed)) return false;
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(clientKey), out _);
            return key.KeySize == 256 && key.VerifyData(RequestSignature.Of(method, path, body), signed, HashAlgorithmName.SHA256);
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return false;
        }
    }
}
