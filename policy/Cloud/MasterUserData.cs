namespace GlobalCache.Policy.Cloud;

/// <summary>
/// What the master is told at its start (its instance's user data, written by <c>pulumi up</c>): where it is and what is its own. No secret and no threshold is among it: those are parameters
/// (<see cref="StackParameters"/>). Lines <c>key=value</c>, the first <c>role=master</c>.
/// </summary>
public sealed record MasterUserData
{
    private const string Role = "master";
    private static readonly string[] s_keys = ["region", "stack", "zone", "name", "master", "assets", "state", "subnets", "group", "profile", "node-key", "master-key", "store-key"];

    /// <summary><c>region</c>: AWS' region of everything.</summary>
    public required string Region { get; init; }

    /// <summary><c>stack</c>: see <see cref="CloudNames.Stack"/>.</summary>
    public required string Stack { get; init; }

    /// <summary><c>zone</c>: id of the hosted zone, without <c>/hostedzone/</c>.</summary>
    public required string HostedZone { get; init; }

    /// <summary><c>name</c>: the host name that all nodes share, in that zone. The master writes its addresses.</summary>
    public required string RecordName { get; init; }

    /// <summary><c>master</c>: the master's own host name, below <see cref="Domain"/>; clients enrol there, on <see cref="CloudPorts.Public"/>.</summary>
    public required string MasterName { get; init; }

    /// <summary><c>assets</c>: bucket of assets, records and accounts.</summary>
    public required string AssetBucket { get; init; }

    /// <summary><c>state</c>: bucket of the master's state and the control document.</summary>
    public required string StateBucket { get; init; }

    /// <summary><c>subnets</c>: for nodes alone, one a zone, with commas between them. 1 – 6, each once.</summary>
    public required IReadOnlyList<string> Subnets { get; init; }

    /// <summary><c>group</c>: the nodes' security group.</summary>
    public required string SecurityGroup { get; init; }

    /// <summary><c>profile</c>: ARN of the nodes' instance profile.</summary>
    public required string NodeProfileArn { get; init; }

    /// <summary><c>master-key</c>: id of the KMS key of the master's own secrets.</summary>
    public required string MasterKey { get; init; }

    /// <summary><c>node-key</c>: id of the KMS key of the nodes' secrets; handed on to them.</summary>
    public required string NodeKey { get; init; }

    /// <summary><c>store-key</c>: id of the KMS key of the buckets and of what master and nodes share.</summary>
    public required string StoreKey { get; init; }

    /// <summary>What the grid's authority is good for: <see cref="RecordName"/> without its first part, such as <c>cache.example.org</c> of <c>nodes.cache.example.org</c>.</summary>
    public string Domain => RecordName[(RecordName.IndexOf('.', StringComparison.Ordinal) + 1)..];

    /// <summary>A stack's master's.</summary>
    /// <param name="names">The stack's.</param>
    /// <param name="masterName">See <see cref="MasterName"/>.</param>
    public static MasterUserData Of(CloudNames names, string masterName) => new()
    {
        Region = names.Region,
        Stack = names.Stack,
        HostedZone = names.HostedZone,
        RecordName = names.RecordName,
        MasterName = masterName,
        AssetBucket = names.AssetBucket,
        StateBucket = names.StateBucket,
        Subnets = names.Subnets,
        SecurityGroup = names.SecurityGroup,
        NodeProfileArn = names.NodeProfileArn,
        MasterKey = names.MasterKey,
        NodeKey = names.NodeKey,
        StoreKey = names.StoreKey,
    };

    /// <summary>As <see cref="Parse"/> reads it.</summary>
    /// <returns>One form only.</returns>
    public string Format() => SettingLines.Format(Role,
        ("region", Region), ("stack", Stack), ("zone", HostedZone), ("name", RecordName), ("master", MasterName), ("assets", AssetBucket), ("state", StateBucket),
        ("subnets", string.Join(',', Subnets)), ("group", SecurityGroup), ("profile", NodeProfileArn), ("master-key", MasterKey), ("node-key", NodeKey), ("store-key", StoreKey));

    /// <summary>Reads it.</summary>
    /// <param name="text">At most 16 KB.</param>
    /// <param name="wrong">All that is wrong with it, a sentence each.</param>
    /// <returns>Null: something is.</returns>
    public static MasterUserData? Parse(string text, out IReadOnlyList<string> wrong)
    {
        var lines = SettingLines.Read(text, Role, s_keys);
        var read = new MasterUserData
        {
            Region = lines.One("region", CloudForms.Region, "a region such as eu-central-1"),
            Stack = lines.One("stack", CloudForms.Stack, "1 to 32 lower-case letters, digits and hyphens"),
            HostedZone = lines.One("zone", CloudForms.HostedZone, "a hosted zone's id such as Z0123456789ABCDEFGHIJ"),
            RecordName = lines.One("name", CloudForms.HostName, "the nodes' host name such as nodes.cache.example.org"),
            MasterName = lines.One("master", CloudForms.HostName, "the master's host name such as master.cache.example.org"),
            AssetBucket = lines.One("assets", CloudForms.Bucket, "the bucket of assets"),
            StateBucket = lines.One("state", CloudForms.Bucket, "the bucket of state"),
            Subnets = lines.One("subnets", "^subnet-[0-9a-f]{8,17}(,subnet-[0-9a-f]{8,17}){0,5}$", "1 to 6 subnets such as subnet-0123456789abcdef0, with commas between them").Split(','),
            SecurityGroup = lines.One("group", CloudForms.SecurityGroup, "a security group such as sg-0123456789abcdef0"),
            NodeProfileArn = lines.One("profile", CloudForms.Profile, "the ARN of the nodes' instance profile"),
            MasterKey = lines.One("master-key", CloudForms.Key, "a KMS key's id"),
            NodeKey = lines.One("node-key", CloudForms.Key, "a KMS key's id"),
            StoreKey = lines.One("store-key", CloudForms.Key, "a KMS key's id"),
        };
        if (read.Subnets.Distinct(StringComparer.Ordinal).Count() != read.Subnets.Count) lines.Doubt("subnets", "names a subnet twice");
        if (read.AssetBucket.Length > 0 && read.AssetBucket == read.StateBucket) lines.Doubt("state", "is the bucket of assets, which keeps no old versions: it needs one of its own");
        if (read.MasterName.Length > 0 && read.RecordName.Length > 0 && (read.MasterName == read.RecordName || !read.MasterName.EndsWith('.' + read.Domain, StringComparison.Ordinal)))
            lines.Doubt("master", $"is {read.MasterName} and should be another name below {read.Domain}, as the nodes' {read.RecordName} is");
        if (read.RecordName.Length > 0 && !read.Domain.Contains('.', StringComparison.Ordinal)) lines.Doubt("name", $"is {read.RecordName} and should have a domain of the grid's own above it");
        wrong = lines.Wrong;
        return wrong.Count == 0 ? read : null;
    }
}
