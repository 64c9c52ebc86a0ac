using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>Clients' public keys and what is proved with them: P-256, one spelling, signatures as r ‖ s. Everything else is refused.</summary>
internal static class ClientKeys
{
    private const string P256 = "1.2.840.10045.3.1.7";
    private const int KeyBytes = 91, SignatureBytes = 64;

    // Who is not known is checked against a key nobody has: the answer takes as long.
    private static readonly string Nobody = NobodysKey();

    /// <summary>A public key in its one form; false for another curve, another algorithm, or bytes too many.</summary>
    public static bool TryNormalise(string? text, [NotNullWhen(true)] out string? publicKey)
    {
        publicKey = null;
        Span<byte> bytes = stackalloc byte[KeyBytes + 1];
        if (text is null || !Convert.TryFromBase64String(text, bytes, out int length) || length != KeyBytes) return false;
        try
        {
            using ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(bytes[..length], out int read);
            if (read != KeyBytes || key.ExportParameters(includePrivateParameters: false).Curve.Oid.Value != P256) return false;
            byte[] again = key.ExportSubjectPublicKeyInfo();
            if (!again.AsSpan().SequenceEqual(bytes[..length])) return false;
            publicKey = Convert.ToBase64String(again);
            return true;
        }
        catch (CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Whether the key's owner has signed this nonce for this client. Null for the key: nobody has.</summary>
    public static bool Proves(string? publicKey, string nonce, string client, string proof)
    {
        Span<byte> signature = stackalloc byte[SignatureBytes];
        if (!Base64UrlBytes.TryRead(proof, signature)) return false;
        using ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(publicKey ?? Nobody), out _);
        return key.VerifyData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{client}"), signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)
            && publicKey is not null;
    }

    private static string NobodysKey()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
    }
}
