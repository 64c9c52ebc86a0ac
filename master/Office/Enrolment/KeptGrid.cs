using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Office.Keys;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>A grid whose office is kept here: what is signed and sealed in its name. Where its secrets come from is others' business.</summary>
/// <param name="secrets">The office's.</param>
/// <param name="file">What <c>grid.json</c> says.</param>
/// <param name="report">Under what nodes and master talk: 32 bytes.</param>
internal class KeptGrid(OfficeSecrets secrets, GridFile file, byte[] report)
{
    private static readonly TimeSpan s_renewal = GridAuthority.NodeLifetime / 2;

    private readonly Lock _gate = new();
    private X509Certificate2? _certificate;
    private DateTimeOffset _renewAt;

    /// <summary>What <c>grid.json</c> says.</summary>
    public GridFile File => file;

    /// <summary>The roll is sealed, and clients are named, with this.</summary>
    public OfficeKey Office => secrets.Office;

    /// <summary>Under what nodes and master talk.</summary>
    public byte[] Report => report;

    /// <summary>The authority's certificate, without its key.</summary>
    public X509Certificate2 Authority => secrets.Authority;

    /// <summary>
    /// The certificate to serve with: made in memory, kept for half of its life, then followed by a new one. Earlier ones are still used by
    /// connections and left to them.
    /// </summary>
    public X509Certificate2 NodeCertificate(DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_certificate is not null && now < _renewAt) return _certificate;
            using ECDsa key = OfficeSecrets.Open(secrets.AuthorityKey);
            _renewAt = now + s_renewal;
            // A master has a name of its own beside or below the nodes'.
            return _certificate = GridAuthority.Issue(secrets.Authority, key, file.Master.IdnHost, now);
        }
    }

    /// <summary>See <see cref="GridAuthority.IssueFor"/>.</summary>
    public X509Certificate2? CertificateFor(string node, byte[] pkcs10, DateTimeOffset now)
    {
        using ECDsa key = OfficeSecrets.Open(secrets.AuthorityKey);
        return GridAuthority.IssueFor(secrets.Authority, key, secrets.Host, node, pkcs10, now);
    }

    /// <summary>The key control documents are signed with; the caller's to dispose of.</summary>
    public ECDsa ControlKey() => OfficeSecrets.Open(secrets.ControlKey);

    /// <summary>What control documents are checked with, as <c>grid.json</c> tells it; the caller's to dispose of.</summary>
    public ECDsa ControlPublicKey() => ControlEnvelope.PublicKeyOf(file);

    /// <summary>A code as an invite that can be handed over. Where the grid's name is in no DNS it names an address, since whoever joins knows nothing else yet.</summary>
    public InviteText InviteOf(string code) => new(code, InviteText.FingerprintOf(Authority), file switch
    {
        { MasterAddress.Length: > 0 } => file.MasterAddress,
        { NameServers.Count: 0, Nodes.Count: > 0 } when IPEndPoint.TryParse(file.Nodes[0], out IPEndPoint? node) => new IPEndPoint(node.Address, node.Port == 0 ? file.Port : node.Port).ToString(),
        _ => file.Master.Authority,
    });

    /// <summary>What <c>grid.json</c> says of a grid.</summary>
    public static GridFile Describe(OfficeSecrets secrets, GridFacts facts) => new()
    {
        Name = facts.Name,
        Host = secrets.Host,
        Port = facts.Port,
        NameServers = facts.NameServers,
        Nodes = facts.Nodes,
        Ca = secrets.Authority.ExportCertificatePem(),
        ControlKey = OfficeSecrets.PublicHalf(secrets.ControlKey),
        Master = facts switch
        {
            { MasterName: { } name } => new Uri($"https://{name}/"),
            { Master: { } at } => new UriBuilder("https", "master." + secrets.Host, at.Port).Uri,
            _ => new UriBuilder("https", secrets.Host, facts.Port).Uri,
        },
        MasterAddress = facts.Master?.ToString() ?? "",
        ClaimWithinSeconds = facts.ClaimWithinSeconds,
        Grids = facts.Grids,
    };
}
