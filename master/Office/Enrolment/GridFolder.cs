using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using GlobalCache.Office.Keys;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>What the operator of a grid of one's own may choose; it stands in <c>grid.json</c>.</summary>
internal sealed record GridFacts
{
    /// <summary>A name for people.</summary>
    public string Name { get; init; } = "GlobalCache";

    /// <summary>The DNS name all nodes share. Null: the folder's; for a new one a name nobody else has, under the top-level domain reserved for private use.</summary>
    public string? Host { get; init; }

    /// <summary>Port of the nodes, and of enrolment.</summary>
    public required int Port { get; init; }

    /// <summary>Where a master serves enrolments and sessions under a name of its own; null: the nodes do.</summary>
    public IPEndPoint? Master { get; init; }

    /// <summary>See <see cref="GridFile.NameServers"/>.</summary>
    public IReadOnlyList<string> NameServers { get; init; } = [];

    /// <summary>Addresses to begin with.</summary>
    public IReadOnlyList<string> Nodes { get; init; } = [];

    /// <summary>See <see cref="GridFile.ClaimWithinSeconds"/>.</summary>
    public int ClaimWithinSeconds { get; init; } = 900;

    /// <summary>The virtual worlds shared.</summary>
    public IReadOnlyList<SharedGrid> Grids { get; init; } = [];
}

/// <summary>
/// A grid of one's own under the data folder: <c>grid.keys</c> with its secrets, made once and never changed, and <c>grid.json</c>, which tells clients how
/// to find it and holds no secret. What is damaged or of another grid is refused: to make new keys over an old store would lose all that lies in it.
/// </summary>
internal sealed class GridFolder
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };
    private static readonly TimeSpan Renewal = GridAuthority.NodeLifetime / 2;

    private readonly GridSecrets _secrets;
    private readonly Lock _gate = new();
    private X509Certificate2? _certificate;
    private DateTimeOffset _renewAt;

    private GridFolder(string path, GridSecrets secrets, GridFile file) => (Path, _secrets, File) = (path, secrets, file);

    public string Path { get; }

    /// <summary>What <c>grid.json</c> says.</summary>
    public GridFile File { get; }

    /// <summary>What its nodes know.</summary>
    public NodeSecrets Nodes => _secrets.Nodes;

    /// <summary>What lies in the store is sealed, named and tagged with these.</summary>
    public GridKeys Keys => _secrets.Nodes.Keys;

    /// <summary>The roll is sealed, and clients are named, with this.</summary>
    public OfficeKey Office => _secrets.Office;

    /// <summary>The authority's certificate, without its key.</summary>
    public X509Certificate2 Authority => _secrets.Authority;

    /// <summary>Where <c>grid.json</c> of a data folder lies.</summary>
    public static string GridJson(string folder) => System.IO.Path.Combine(folder, "grid.json");

    /// <summary>Where the secrets of a data folder lie.</summary>
    public static string KeyFile(string folder) => System.IO.Path.Combine(folder, "grid.keys");

    /// <summary>The name that the folder's grid has, or is to have.</summary>
    /// <exception cref="GridUnusableException">Damaged, or readable by others.</exception>
    public static string HostOf(string folder, string? wanted) => Guarded(folder, () => System.IO.File.Exists(KeyFile(folder)) ? ReadKeys(KeyFile(folder)).Host : wanted ?? NewHost());

    /// <summary>Opens the folder's grid; makes it at the first start. <c>grid.json</c> is brought in line with <paramref name="facts"/>.</summary>
    /// <exception cref="GridUnusableException">Damaged, another grid's, readable by others, or not to be written.</exception>
    public static GridFolder OpenOrCreate(string folder, GridFacts facts, DateTimeOffset now) => Guarded(folder, () =>
    {
        string keyFile = KeyFile(folder), json = GridJson(folder);
        PrivateFile.CreateFolder(folder);
        if (!System.IO.File.Exists(keyFile))
        {
            if (System.IO.File.Exists(json))
                throw new GridUnusableException($"{json} is there without {keyFile}: put the keys back, or move {json} away to begin a new grid.");
            string host = facts.Host ?? NewHost();
            if (host.Length > 253 || Uri.CheckHostName(host) != UriHostNameType.Dns || host.Contains('_', StringComparison.Ordinal))
                throw new GridUnusableException($"{host} cannot be the grid's name: give a DNS name such as nodes.example.org.");
            // Judged before anything is written.
            Validated(json, Describe(GridSecrets.Create(host, now), facts));
            PrivateFile.TryCreate(keyFile, () => GridSecrets.Create(host, now).Encode());
        }
        GridSecrets secrets = ReadKeys(keyFile);
        if (facts.Host is not null && facts.Host != secrets.Host)
            throw new GridUnusableException($"The grid in {folder} is {secrets.Host} and cannot become {facts.Host}: a grid's name is for good.");
        GridFile file = Validated(json, Describe(secrets, facts));
        if (System.IO.File.Exists(json)) ReadJson(json, keyFile, secrets);
        byte[] bytes = [.. JsonSerializer.SerializeToUtf8Bytes(file, Json), (byte)'\n'];
        if (!System.IO.File.Exists(json) || !System.IO.File.ReadAllBytes(json).AsSpan().SequenceEqual(bytes)) PrivateFile.Write(json, bytes);
        return new GridFolder(folder, secrets, file);
    });

    /// <summary>Opens a grid that is there, as it is: for the commands beside the running node.</summary>
    /// <exception cref="GridUnusableException">As above, or there is none.</exception>
    public static GridFolder Open(string folder) => Guarded(folder, () =>
    {
        string keyFile = KeyFile(folder), json = GridJson(folder);
        if (!System.IO.File.Exists(keyFile) || !System.IO.File.Exists(json))
            throw new GridUnusableException($"There is no grid in {folder} yet: start the node once.");
        GridSecrets secrets = ReadKeys(keyFile);
        return new GridFolder(folder, secrets, ReadJson(json, keyFile, secrets));
    });

    /// <summary>
    /// The certificate to serve with: made in memory, kept for half of its life, then followed by a new one. Earlier ones are still used by
    /// connections and left to them.
    /// </summary>
    public X509Certificate2 NodeCertificate(DateTimeOffset now)
    {
        lock (_gate)
        {
            if (_certificate is not null && now < _renewAt) return _certificate;
            using ECDsa key = GridSecrets.Open(_secrets.AuthorityKey);
            _renewAt = now + Renewal;
            // A master has a name of its own below the nodes'.
            return _certificate = GridAuthority.Issue(_secrets.Authority, key, File.Master.IdnHost, now);
        }
    }

    /// <summary>See <see cref="GridAuthority.IssueFor"/>.</summary>
    public X509Certificate2? CertificateFor(string node, byte[] pkcs10, DateTimeOffset now)
    {
        using ECDsa key = GridSecrets.Open(_secrets.AuthorityKey);
        return GridAuthority.IssueFor(_secrets.Authority, key, _secrets.Host, node, pkcs10, now);
    }

    /// <summary>The key control documents are signed with; the caller's to dispose of.</summary>
    public ECDsa ControlKey() => GridSecrets.Open(_secrets.ControlKey);

    /// <summary>What control documents are checked with, as <c>grid.json</c> tells it; the caller's to dispose of.</summary>
    public ECDsa ControlPublicKey() => ControlEnvelope.PublicKeyOf(File);

    /// <summary>A code as an invite that can be handed over. Where the grid's name is in no DNS it names an address, since whoever joins knows nothing else yet.</summary>
    public InviteText InviteOf(string code) => new(code, InviteText.FingerprintOf(Authority), File switch
    {
        { MasterAddress.Length: > 0 } => File.MasterAddress,
        { NameServers.Count: 0, Nodes.Count: > 0 } when IPEndPoint.TryParse(File.Nodes[0], out IPEndPoint? node) => new IPEndPoint(node.Address, node.Port == 0 ? File.Port : node.Port).ToString(),
        _ => File.Master.Authority,
    });

    private static GridFile Describe(GridSecrets secrets, GridFacts facts) => new()
    {
        Name = facts.Name,
        Host = secrets.Host,
        Port = facts.Port,
        NameServers = facts.NameServers,
        Nodes = facts.Nodes,
        Ca = secrets.Authority.ExportCertificatePem(),
        ControlKey = GridSecrets.PublicHalf(secrets.ControlKey),
        Master = facts.Master is { } at ? new UriBuilder("https", "master." + secrets.Host, at.Port).Uri : new UriBuilder("https", secrets.Host, facts.Port).Uri,
        MasterAddress = facts.Master?.ToString() ?? "",
        ClaimWithinSeconds = facts.ClaimWithinSeconds,
        Grids = facts.Grids,
    };

    private static GridFile Validated(string json, GridFile file) => new GridFileValidator().Validate(file) is { IsValid: false } wrong
        ? throw new GridUnusableException($"{json} cannot be written: {string.Join(' ', wrong.Errors.Select(e => e.ErrorMessage))}") : file;

    private static GridSecrets ReadKeys(string path) => GridSecrets.TryDecode(PrivateFile.Read(path, SecretFile.MaxBytes), out GridSecrets? secrets) ? secrets
        : throw new GridUnusableException($"{path} is damaged: put back a copy of it; without it nothing in the grid's store can be read.");

    private static GridFile ReadJson(string path, string keyFile, GridSecrets secrets)
    {
        GridFile? file;
        try
        {
            file = JsonSerializer.Deserialize<GridFile>(System.IO.File.ReadAllBytes(path), Json);
        }
        catch (JsonException)
        {
            file = null;
        }
        if (file is null || !new GridFileValidator().Validate(file).IsValid)
            throw new GridUnusableException($"{path} is damaged: delete it, the node writes it anew at its next start.");
        if (file.Host != secrets.Host || file.Ca != secrets.Authority.ExportCertificatePem() || file.ControlKey != GridSecrets.PublicHalf(secrets.ControlKey))
            throw new GridUnusableException($"{path} is another grid's than {keyFile}: move the one away that does not belong here.");
        return file;
    }

    private static string NewHost() => $"nodes-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(4))}.globalcache.internal";

    private static T Guarded<T>(string folder, Func<T> open)
    {
        try
        {
            return open();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new GridUnusableException($"The data folder {folder} cannot be used: {e.Message}", e);
        }
    }
}
