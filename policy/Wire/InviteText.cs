using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// An invite as it is handed over: <c>code.fingerprint@host:port</c>. The code lets in once; the fingerprint says which authority the grid has, so
/// that nobody need be trusted blindly; host and port name the master (SECURITY §2).
/// </summary>
/// <param name="Code">16 random bytes, base64url: the secret, and all that <see cref="EnrolmentRequest.Invite"/> needs.</param>
/// <param name="Fingerprint">First 16 bytes of the SHA-256 of the authority's certificate (DER), base64url.</param>
/// <param name="Master">Host and port of the master.</param>
public sealed record InviteText(string Code, string Fingerprint, string Master)
{
    private const int Bytes = 16, Letters = 22;

    /// <summary>A new code.</summary>
    public static string NewCode() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(Bytes));

    /// <summary>The fingerprint of an authority's certificate.</summary>
    public static string FingerprintOf(X509Certificate2 authority)
    {
        ArgumentNullException.ThrowIfNull(authority);
        return Base64Url.EncodeToString(SHA256.HashData(authority.RawData).AsSpan(0, Bytes));
    }

    /// <summary>False: not an invite, or one that was copied in part.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out InviteText? invite)
    {
        invite = null;
        text = text?.Trim() ?? "";
        int at = text.IndexOf('@', StringComparison.Ordinal);
        if (at != 2 * Letters + 1 || text[Letters] != '.' || text.Length - at is < 2 or > 260) return false;
        (string code, string fingerprint) = (text[..Letters], text[(Letters + 1)..at]);
        if (!IsCode(code) || !IsCode(fingerprint)) return false;
        invite = new InviteText(code, fingerprint, text[(at + 1)..]);
        return true;
    }

    /// <summary>Whether this can be a code: 16 bytes in base64url.</summary>
    public static bool IsCode(string? text)
    {
        Span<byte> bytes = stackalloc byte[Bytes];
        return text is { Length: Letters } && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')
            && Base64UrlBytes.TryRead(text, bytes);
    }

    /// <summary>The invite as it is handed over.</summary>
    public override string ToString() => $"{Code}.{Fingerprint}@{Master}";
}
