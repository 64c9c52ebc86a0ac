using System.Net;
using System.Security.Cryptography;
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

    /// <summary>The master's name where everybody's DNS knows it, on the usual port; null: see <see cref="Master"/>.</summary>
    public string? MasterName { get; init; }

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
internal sealed class GridFolder : KeptGrid
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    private GridFolder(string path, GridSecrets secrets, GridFile file)
        : base(secrets.Office, file, secrets.Nodes.Report) => (Path, Nodes) = (path, secrets.Nodes);

    public string Path { get; }

    /// <summary>What its nodes know.</summary>
    public NodeSecrets Nodes { get; }

    /// <summary>What lies in the store is sealed, named and tagged with these.</summary>
    public GridKeys Keys => Nodes.Keys;

    /// <summary>Where <c>grid.json</c> of a data folder lies.</summary>
    public static string GridJson(string folder) => System.IO.Path.Combine(folder, "grid.json");

    /// <summary>Where the secrets of a data folder lie.</summary>
    public static string KeyFile(string folder) => System.IO.Path.Combine(folder, "grid.keys");

    /// <summary>The name that the folder's grid has, or is to have.</summary>
    /// <exception cref="GridUnusableException">Damaged, or readable by others.</exception>
    public static string HostOf(string folder, string? wanted) => Guarded(folder, () => System.IO.File.Exists(KeyFile(folder)) ? ReadKeys(KeyFile(folder)).Office.Host : wanted ?? NewHost());

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
            Validated(json, Describe(GridSecrets.Create(host, now).Office, facts));
            PrivateFile.TryCreate(keyFile, () => GridSecrets.Create(host, now).Encode());
        }
        GridSecrets secrets = ReadKeys(keyFile);
        if (facts.Host is not null && facts.Host != secrets.Office.Host)
            throw new GridUnusableException($"The grid in {folder} is {secrets.Office.Host} and cannot become {facts.Host}: a grid's name is for good.");
        GridFile file = Validated(json, Describe(secrets.Office, facts));
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

    private static GridFile Validated(string json, GridFile file) => new GridFileValidator().Validate(file) is { IsValid: false } wrong
        ? throw new GridUnusableException($"{json} cannot be written: {string.Join(' ', wrong.Errors.Select(e => e.ErrorMessage))}") : file;

    private static GridSecrets ReadKeys(string path)
    {
        byte[] bytes = PrivateFile.Read(path, SecretFile.MaxBytes);
        if (GridSecrets.TryDecode(bytes, out GridSecrets? secrets)) return secrets;
        throw new GridUnusableException(SecretFile.IsOfOtherVersion(bytes, GridSecrets.Label)
            ? $"{path} was written by another version of this program: run that one, or give another folder with --data to begin a new grid."
            : $"{path} is damaged: put back a copy of it; without it nothing in the grid's store can be read.");
    }

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
        if (file.Host != secrets.Office.Host || file.Ca != secrets.Office.Authority.ExportCertificatePem() || file.ControlKey != OfficeSecrets.PublicHalf(secrets.Office.ControlKey))
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
