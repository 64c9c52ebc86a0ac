using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Whose certificate is believed (PROTOCOL §2.4). The system's roots for every host; a grid's private roots besides, for the
/// grid's own hosts alone, and for these alone a name that stands in the subject instead of a subjectAltName. There is no switch
/// that turns verification off.
/// </summary>
internal sealed class GridTrust(GridDomains domains, X509Certificate2Collection privateRoots)
{
    private static readonly Oid s_serverAuthentication = new("1.3.6.1.5.5.7.3.1");

    /// <summary>Reads a bundle of PEM certificates, such as a viewer's <c>ca-bundle.crt</c>; null with one sentence when it holds none.</summary>
    public static X509Certificate2Collection? ReadRoots(string file, out string error)
    {
        var roots = new X509Certificate2Collection();
        try
        {
            roots.ImportFromPemFile(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or CryptographicException)
        {
            error = $"{file} cannot be read as PEM certificates";
            return null;
        }
        error = roots.Count == 0 ? $"{file} holds no PEM certificate" : "";
        return roots.Count == 0 ? null : roots;
    }

    /// <summary>For <see cref="SslClientAuthenticationOptions.RemoteCertificateValidationCallback"/>.</summary>
    public bool Accepts(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        sender is SslStream stream && certificate is X509Certificate2 leaf && chain is not null
        && Accepts(stream.TargetHostName, leaf, chain, errors);

    /// <summary><paramref name="errors"/> is the system's own verdict on <paramref name="chain"/>.</summary>
    public bool Accepts(string host, X509Certificate2 leaf, X509Chain chain, SslPolicyErrors errors)
    {
        bool own = domains.Contains(host);
        // OpenSSL takes the subject's name for any host when there is no other; we do not.
        if (!leaf.MatchesHostname(host, allowWildcards: true, allowCommonName: own)) return false;
        if ((errors & ~SslPolicyErrors.RemoteCertificateNameMismatch) == SslPolicyErrors.None) return true;
        return own && privateRoots.Count > 0 && ChainsToPrivateRoot(leaf, chain);
    }

    private bool ChainsToPrivateRoot(X509Certificate2 leaf, X509Chain presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.AddRange(privateRoots);
        chain.ChainPolicy.ExtraStore.AddRange(presented.ChainPolicy.ExtraStore);
        chain.ChainPolicy.ApplicationPolicy.Add(s_serverAuthentication);
        // A private root publishes no lists, and asking for them would tell others which grid is visited.
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        chain.ChainPolicy.DisableCertificateDownloads = true;
        bool built = chain.Build(leaf);
        foreach (X509ChainElement element in chain.ChainElements) element.Certificate.Dispose();
        return built;
    }
}
