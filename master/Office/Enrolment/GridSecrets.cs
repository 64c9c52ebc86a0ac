using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Office.Keys;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Office.Enrolment;

/// <summary>All secrets of a grid of one's own, in one file (<see cref="SecretFile"/>): those of its office, and those of its nodes.</summary>
/// <param name="Host">The name all nodes share; the authority is bound to it.</param>
/// <param name="Authority">The authority's certificate.</param>
/// <param name="AuthorityKey">PKCS#8, as the key that follows.</param>
/// <param name="ControlKey">Signs the control document.</param>
/// <param name="Office">Seals the roll, names clients.</param>
/// <param name="Nodes">What lies in the store is sealed, named and tagged with these.</param>
internal sealed record GridSecrets(string Host, X509Certificate2 Authority, byte[] AuthorityKey, byte[] ControlKey, OfficeKey Office, NodeSecrets Nodes)
{
    private const string Label = "globalcache-grid-3";
    private static readonly string[] s_office = ["host", "authority", "authority-key", "control-key", "office"];
    private static readonly string[] s_names = [.. s_office, .. NodeSecrets.Names];

    /// <summary>Secrets of a new grid.</summary>
    public static GridSecrets Create(string host, DateTimeOffset now)
    {
        using ECDsa authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new GridSecrets(host, GridAuthority.Create(authority, host, now), authority.ExportPkcs8PrivateKey(), NewKey(), OfficeKey.Create(), NodeSecrets.Create());
    }

    /// <summary>A private key of this record, to be disposed of.</summary>
    public static ECDsa Open(byte[] key)
    {
        ECDsa opened = ECDsa.Create();
        opened.ImportPkcs8PrivateKey(key, out _);
        return opened;
    }

    /// <summary>The file's bytes.</summary>
    public byte[] Encode() => SecretFile.Encode(
        Label, s_names, [Host, .. new[] { Authority.RawData, AuthorityKey, ControlKey, Office.Secret }.Select(Convert.ToBase64String), .. Nodes.Values]);

    /// <summary>False: damaged, or another kind of file.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out GridSecrets? secrets)
    {
        secrets = null;
        if (!SecretFile.TryDecode(bytes, Label, s_names, out string[]? values) || !NodeSecrets.TryRead(values[s_office.Length..], out NodeSecrets? nodes)) return false;
        // It is what was once written; what fails was written by another version.
        try
        {
            byte[][] parts = [.. values[1..s_office.Length].Select(Convert.FromBase64String)];
            if (parts[3].Length != SealKeys.Length) return false;
            secrets = new GridSecrets(values[0], X509CertificateLoader.LoadCertificate(parts[0]), parts[1], parts[2], new OfficeKey(parts[3]), nodes);
            foreach (byte[] key in parts[1..3]) Open(key).Dispose();
            return true;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return false;
        }
    }

    /// <summary>Public half of a private key of this record: SubjectPublicKeyInfo in base64.</summary>
    public static string PublicHalf(byte[] key)
    {
        using ECDsa opened = Open(key);
        return Convert.ToBase64String(opened.ExportSubjectPublicKeyInfo());
    }

    public override string ToString() => nameof(GridSecrets);

    private static byte[] NewKey()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }
}
