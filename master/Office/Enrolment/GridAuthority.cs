using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GlobalCache.Office.Enrolment;

/// <summary>
/// The grid's own certificate authority (SECURITY §2): good for nothing but the hosts of this grid. A critical name constraint allows its DNS name
/// alone and no address at all, and no authority can stand below it: who steals it can pass for a node of this grid and for nothing else.
/// </summary>
internal static class GridAuthority
{
    /// <summary>How long a node's certificate is good.</summary>
    public static readonly TimeSpan NodeLifetime = TimeSpan.FromHours(48);

    private const int Years = 10;
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1", NameConstraints = "2.5.29.30";

    // Clocks of clients are wrong by hours oftener than one thinks.
    private static readonly TimeSpan Backdated = TimeSpan.FromHours(24);

    /// <summary>A new authority for the hosts of one name.</summary>
    public static X509Certificate2 Create(ECDsa key, string host, DateTimeOffset now)
    {
        var request = new CertificateRequest($"CN=GlobalCache {host}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: true, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, critical: false));
        request.CertificateExtensions.Add(new X509Extension(NameConstraints, Constraints(host), critical: true));
        using X509Certificate2 whole = request.CreateSelfSigned(now - Backdated, now.AddYears(Years));
        return X509CertificateLoader.LoadCertificate(whole.RawData);
    }

    /// <summary>A certificate with a key of its own, which stays in memory: of a node that is its own master, or of a master.</summary>
    /// <param name="authority">The authority's certificate.</param>
    /// <param name="key">Its key.</param>
    /// <param name="host">The name it bears: that all nodes share, or one below it.</param>
    /// <param name="now">It is good for 48 h from here.</param>
    public static X509Certificate2 Issue(X509Certificate2 authority, ECDsa key, string host, DateTimeOffset now)
    {
        using ECDsa own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 signed = Sign(authority, key, new PublicKey(own), host, null, now);
        using X509Certificate2 whole = signed.CopyWithPrivateKey(own);
        // A key made in memory serves TLS on every system only after a trip through PKCS#12.
        return X509CertificateLoader.LoadPkcs12(whole.Export(X509ContentType.Pkcs12), null);
    }

    /// <summary>A node's certificate for a key that never leaves the node. Nothing of the request is believed but that whoever made it holds the key.</summary>
    /// <param name="authority">The authority's certificate.</param>
    /// <param name="key">Its key.</param>
    /// <param name="host">The name all nodes share.</param>
    /// <param name="node">Which one it is: <c>URI:gc:node/ID</c>.</param>
    /// <param name="pkcs10">The request, DER.</param>
    /// <param name="now">It is good for 48 h from here.</param>
    /// <returns>Null: not a request, not self-signed, or not of a P-256 key.</returns>
    public static X509Certificate2? IssueFor(X509Certificate2 authority, ECDsa key, string host, string node, byte[] pkcs10, DateTimeOffset now)
    {
        try
        {
            var request = CertificateRequest.LoadSigningRequest(pkcs10, HashAlgorithmName.SHA256);
            using ECDsa? theirs = request.PublicKey.GetECDsaPublicKey();
            return theirs?.ExportParameters(false).Curve.Oid.Value == ECCurve.NamedCurves.nistP256.Oid.Value ? Sign(authority, key, request.PublicKey, host, node, now) : null;
        }
        catch (CryptographicException)
        {
            return null;
        }
    }

    private static X509Certificate2 Sign(X509Certificate2 authority, ECDsa key, PublicKey theirs, string host, string? node, DateTimeOffset now)
    {
        var request = new CertificateRequest(new X500DistinguishedName($"CN={host}"), theirs, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.DigitalSignature, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromCertificate(authority, includeKeyIdentifier: true, includeIssuerAndSerial: false));
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(host);
        if (node is not null) names.AddUri(new Uri($"gc:node/{node}"));
        request.CertificateExtensions.Add(names.Build());
        DateTimeOffset until = now + NodeLifetime, end = new(authority.NotAfter);
        return request.Create(authority.SubjectName, X509SignatureGenerator.CreateForECDsa(key), now - Backdated, until < end ? until : end, Serial());
    }

    // RFC 5280 §4.1.2.2: positive, and not zero.
    private static byte[] Serial()
    {
        byte[] serial = RandomNumberGenerator.GetBytes(16);
        serial[0] = (byte)(serial[0] & 0x7F | 0x40);
        return serial;
    }

    // RFC 5280 §4.2.1.10. A kind of name without a rule is free, so that addresses have to be shut out by one: 0.0.0.0/0 and ::/0.
    private static byte[] Constraints(string host)
    {
        var writer = new AsnWriter(AsnEncodingRules.DER);
        using (writer.PushSequence())
        {
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 0)))
            using (writer.PushSequence())
                writer.WriteCharacterString(UniversalTagNumber.IA5String, host, new Asn1Tag(TagClass.ContextSpecific, 2));
            using (writer.PushSequence(new Asn1Tag(TagClass.ContextSpecific, 1)))
            {
                using (writer.PushSequence()) writer.WriteOctetString(new byte[2 * 4], new Asn1Tag(TagClass.ContextSpecific, 7));
                using (writer.PushSequence()) writer.WriteOctetString(new byte[2 * 16], new Asn1Tag(TagClass.ContextSpecific, 7));
            }
        }
        return writer.Encode();
    }
}
