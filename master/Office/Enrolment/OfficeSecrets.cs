using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Office.Keys;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Office.Enrolment;

/// <summary>What whoever keeps the office of a grid knows, and its nodes need not.</summary>
/// <param name="Host">The name all nodes share.</param>
/// <param name="Authority">The authority's certificate; it is bound to that name, or to the domain above it.</param>
/// <param name="AuthorityKey">PKCS#8, as the key that follows.</param>
/// <param name="ControlKey">Signs the control document.</param>
/// <param name="Office">Seals the roll, names clients.</param>
internal sealed record OfficeSecrets(string Host, X509Certificate2 Authority, byte[] AuthorityKey, byte[] ControlKey, OfficeKey Office)
{
    /// <summary>The names of its lines.</summary>
    public static readonly string[] Names = ["host", "authority", "authority-key", "control-key", "office"];

    public const string Label = "globalcache-office-1";

    /// <summary>Of a new grid.</summary>
    /// <param name="host">The name all nodes share.</param>
    /// <param name="domain">What the authority is good for: names that are this one or below it.</param>
    /// <param name="now">It begins here.</param>
    public static OfficeSecrets Create(string host, string domain, DateTimeOffset now)
    {
        using ECDsa authority = ECDsa.Create(ECCurve.NamedCurves.nistP256), control = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new OfficeSecrets(host, GridAuthority.Create(authority, domain, now), authority.ExportPkcs8PrivateKey(), control.ExportPkcs8PrivateKey(), OfficeKey.Create());
    }

    /// <summary>A private key of this record, to be disposed of.</summary>
    public static ECDsa Open(byte[] key)
    {
        ECDsa opened = ECDsa.Create();
        opened.ImportPkcs8PrivateKey(key, out _);
        return opened;
    }

    /// <summary>Public half of a private key of this record: SubjectPublicKeyInfo in base64.</summary>
    public static string PublicHalf(byte[] key)
    {
        using ECDsa opened = Open(key);
        return Convert.ToBase64String(opened.ExportSubjectPublicKeyInfo());
    }

    /// <summary>The values of its lines.</summary>
    public string[] Values => [Host, .. new[] { Authority.RawData, AuthorityKey, ControlKey, Office.Secret }.Select(Convert.ToBase64String)];

    /// <summary>As a secret of its own.</summary>
    public byte[] Encode() => SecretFile.Encode(Label, Names, Values);

    /// <summary>False: damaged, or another kind of secret.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out OfficeSecrets? secrets)
    {
        secrets = null;
        return SecretFile.TryDecode(bytes, Label, Names, out string[]? values) && TryRead(values, out secrets);
    }

    /// <summary>From the values of its lines. It is what was once written; what fails was written by another version.</summary>
    public static bool TryRead(IReadOnlyList<string> values, [NotNullWhen(true)] out OfficeSecrets? secrets)
    {
        secrets = null;
        try
        {
            byte[][] parts = [.. values.Skip(1).Select(Convert.FromBase64String)];
            if (parts.Length != Names.Length - 1 || parts[3].Length != SealKeys.Length) return false;
            foreach (byte[] key in parts[1..3]) Open(key).Dispose();
            secrets = new OfficeSecrets(values[0], X509CertificateLoader.LoadCertificate(parts[0]), parts[1], parts[2], new OfficeKey(parts[3]));
            return true;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return false;
        }
    }

    public override string ToString() => nameof(OfficeSecrets);
}
