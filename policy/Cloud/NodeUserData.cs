using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Policy.Cloud;

/// <summary>
/// What a node is told at its start (its instance's user data, written by the master at the launch): where its master and its store are, and by what it knows the grid. No secret is
/// among it. Lines <c>key=value</c>, the first <c>role=node</c>.
/// </summary>
public sealed record NodeUserData
{
    private const string Role = "node";
    private static readonly string[] s_keys = ["region", "stack", "master", "assets", "state", "link", "orphan-hours", "node-key", "store-key", "grid"];

    /// <summary>Name of the object in <see cref="StateBucket"/> that holds <c>grid.json</c>; the master writes it and a node reads it.</summary>
    public const string GridObject = "control/grid";

    /// <summary><c>region</c>: AWS' region of everything.</summary>
    public required string Region { get; init; }

    /// <summary><c>stack</c>: see <see cref="CloudNames.Stack"/>.</summary>
    public required string Stack { get; init; }

    /// <summary><c>master</c>: the master's private listener, such as <c>10.77.0.4:12441</c>.</summary>
    public required IPEndPoint Master { get; init; }

    /// <summary><c>assets</c>: bucket of assets, records and accounts.</summary>
    public required string AssetBucket { get; init; }

    /// <summary><c>state</c>: bucket of the control document.</summary>
    public required string StateBucket { get; init; }

    /// <summary><c>link</c>: bytes a second that this machine's link to clients carries, 1 000 – 1 000 000 000 000.</summary>
    public required long LinkBytesPerSecond { get; init; }

    /// <summary><c>orphan-hours</c>: see <see cref="FleetPolicy.OrphanHours"/>, 1 – 720.</summary>
    public required int OrphanHours { get; init; }

    /// <summary><c>node-key</c>: id of the KMS key of the nodes' secrets.</summary>
    public required string NodeKey { get; init; }

    /// <summary><c>store-key</c>: id of the KMS key of what master and nodes share.</summary>
    public required string StoreKey { get; init; }

    /// <summary><c>grid</c>: <see cref="FingerprintOf"/> of the grid, so that nobody who can write the bucket can put another in its place.</summary>
    public required string Grid { get; init; }

    /// <summary>By what a grid is known for good: its name, its authority and its control key.</summary>
    /// <param name="grid">What <c>grid.json</c> says.</param>
    /// <returns>SHA-256, 64 hex digits.</returns>
    public static string FingerprintOf(GridFile grid) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"gc/grid-file/1\n{grid.Host}\n{grid.ControlKey}\n{grid.Ca.ReplaceLineEndings("\n").Trim()}")));

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    /// <returns>One form only: a launch that is repeated has to be the same.</returns>
    public string Format() => SettingLines.Format(Role,
        ("region", Region), ("stack", Stack), ("master", Master.ToString()), ("assets", AssetBucket), ("state", StateBucket), ("link", Number(LinkBytesPerSecond)), ("orphan-hours", Number(OrphanHours)),
        ("node-key", NodeKey), ("store-key", StoreKey), ("grid", Grid));

    /// <summary>Reads it.</summary>
    /// <param name="text">At most 16 KB.</param>
    /// <param name="wrong">All that is wrong with it, a sentence each.</param>
    /// <returns>Null: something is.</returns>
    public static NodeUserData? Parse(string text, out IReadOnlyList<string> wrong)
    {
        var lines = SettingLines.Read(text, Role, s_keys);
        string master = lines.One("master", @"^([0-9.]{7,15}|\[[0-9a-f:]{2,39}\]):[0-9]{1,5}$", "the master's private address and port such as 10.77.0.4:12441");
        string link = lines.One("link", "^[0-9]{4,12}$", "bytes a second, 1000 to 999999999999"), hours = lines.One("orphan-hours", "^[0-9]{1,3}$", "1 to 720 hours");
        if (!IPEndPoint.TryParse(master, out IPEndPoint? at) || at.Port == 0)
        {
            if (master.Length > 0) lines.Doubt("master", $"is {master}, which is no address with a port");
            at = new IPEndPoint(IPAddress.None, 0);
        }

        int orphan = Parsed(hours);
        if (hours.Length > 0 && orphan is < 1 or > 720) lines.Doubt("orphan-hours", $"is {hours} and should be 1 to 720");
        var read = new NodeUserData
        {
            Region = lines.One("region", CloudForms.Region, "a region such as eu-central-1"),
            Stack = lines.One("stack", CloudForms.Stack, "1 to 32 lower-case letters, digits and hyphens"),
            Master = at,
            AssetBucket = lines.One("assets", CloudForms.Bucket, "the bucket of assets"),
            StateBucket = lines.One("state", CloudForms.Bucket, "the bucket of state"),
            LinkBytesPerSecond = long.TryParse(link, NumberStyles.None, CultureInfo.InvariantCulture, out long bytes) ? bytes : 0,
            OrphanHours = orphan,
            NodeKey = lines.One("node-key", CloudForms.Key, "a KMS key's id"),
            StoreKey = lines.One("store-key", CloudForms.Key, "a KMS key's id"),
            Grid = lines.One("grid", "^[0-9a-f]{64}$", "the grid's fingerprint, 64 hex digits"),
        };
        wrong = lines.Wrong;
        return wrong.Count == 0 ? read : null;
    }

    private static int Parsed(string number) => int.TryParse(number, NumberStyles.None, CultureInfo.InvariantCulture, out int value) ? value : 0;

    private static string Number(long number) => number.ToString(CultureInfo.InvariantCulture);
}
