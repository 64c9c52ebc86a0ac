using System.Security.Cryptography.X509Certificates;
using GlobalCache.Chaos.World;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Chaos.Parts;

/// <summary>
/// Whether a client's TLS believes a node: the grid's authority has signed it, under the grid's name, and the client's own clock is within its time. A signature is
/// looked at once for each certificate.
/// </summary>
internal sealed class Belief(GridFile file)
{
    private const int Most = 1000;

    private readonly X509Certificate2 _authority = X509Certificate2.CreateFromPem(file.Ca);
    private readonly Dictionary<string, bool> _known = new(StringComparer.Ordinal);

    /// <summary>By the clock of this program.</summary>
    public bool Believes(X509Certificate2 shown, LifeClock clock)
    {
        DateTime now = clock.GetUtcNow().LocalDateTime;
        if (now < shown.NotBefore || now > shown.NotAfter) return false;
        if (_known.TryGetValue(shown.Thumbprint, out bool signed)) return signed;
        if (_known.Count >= Most) _known.Clear();
        using var chain = new X509Chain
        {
            ChainPolicy =
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { _authority },
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
                VerificationTime = clock.GetUtcNow().UtcDateTime,
            },
        };
        return _known[shown.Thumbprint] = chain.Build(shown) && shown.MatchesHostname(file.Host);
    }
}
