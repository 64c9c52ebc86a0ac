using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Node.Keys;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Enrolment;

/// <summary>
/// All secrets of a grid of one's own, in one file: it comes into being whole or not at all, its parts cannot be mixed with another grid's, and any
/// changed bit is noticed. Lines <c>name value</c>, then a hash of all before.
/// </summary>
/// <param name="Host">The name all nodes share; the authority is bound to it.</param>
/// <param name="Authority">The authority's certificate.</param>
/// <param name="AuthorityKey">PKCS#8, as the keys that follow.</param>
/// <param name="ControlKey">Signs the control document.</param>
/// <param name="Keys">What lies in the store is sealed, named and tagged with these.</param>
internal sealed record GridSecrets(string Host, X509Certificate2 Authority, byte[] AuthorityKey, byte[] ControlKey, GridKeys Keys)
{
    /// <summary>Longer files are not ours.</summary>
    public const int MaxBytes = 16 * 1024;

    private const string Label = "globalcache-grid-2";
    private const uint FirstSealKey = 1;
    private static readonly string[] Names = ["host", "authority", "authority-key", "control-key", "seal", "name", "claim", "challenge"];

    /// <summary>Secrets of a new grid.</summary>
    public static GridSecrets Create(string host, DateTimeOffset now)
    {
        using ECDsa authority = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return new GridSecrets(host, GridAuthority.Create(authority, host, now), authority.ExportPkcs8PrivateKey(), NewKey(),
            new GridKeys(new Dictionary<uint, byte[]> { [FirstSealKey] = NewSecret() }, NewSecret(), NewSecret(), NewSecret()));
    }

    /// <summary>A private key of this record, to be disposed of.</summary>
    public static ECDsa Open(byte[] key)
    {
        ECDsa opened = ECDsa.Create();
        opened.ImportPkcs8PrivateKey(key, out _);
        return opened;
    }

    /// <summary>The file's bytes.</summary>
    public byte[] Encode()
    {
        string[] values = [Host, .. new[] { Authority.RawData, AuthorityKey, ControlKey, Keys.Seal[FirstSealKey], Keys.Name, Keys.Claim, Keys.Challenge }
            .Select(Convert.ToBase64String)];
        var text = new StringBuilder(Label).Append('\n');
        foreach ((string name, string value) in Names.Zip(values)) text.Append(name).Append(' ').Append(value).Append('\n');
        return Encoding.ASCII.GetBytes(text.Append(Check(text.ToString())).Append('\n').ToString());
    }

    /// <summary>False: damaged, or another kind of file.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, [NotNullWhen(true)] out GridSecrets? secrets)
    {
        secrets = null;
        string text = Encoding.Latin1.GetString(bytes);
        string[] lines = text.Split('\n');
        if (lines.Length != Names.Length + 3 || lines[0] != Label || lines[^1].Length != 0) return false;
        int body = text.Length - lines[^2].Length - 1;
        if (lines[^2] != Check(text[..body])) return false;
        // From here on it is what was once written; what fails was written by another version.
        var values = new string[Names.Length];
        for (int i = 0; i < Names.Length; i++)
        {
            if (lines[i + 1].Split(' ') is not [{ } name, { Length: > 0 } value] || name != Names[i]) return false;
            values[i] = value;
        }
        try
        {
            byte[][] parts = [.. values.Skip(1).Select(Convert.FromBase64String)];
            if (parts.Skip(3).Any(k => k.Length != SealKeys.Length)) return false;
            secrets = new GridSecrets(values[0], X509CertificateLoader.LoadCertificate(parts[0]), parts[1], parts[2],
                new GridKeys(new Dictionary<uint, byte[]> { [FirstSealKey] = parts[3] }, parts[4], parts[5], parts[6]));
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

    private static string Check(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.Latin1.GetBytes(text)));

    private static byte[] NewSecret() => RandomNumberGenerator.GetBytes(SealKeys.Length);

    private static byte[] NewKey()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return key.ExportPkcs8PrivateKey();
    }
}
