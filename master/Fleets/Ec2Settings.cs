using System.Net;
using FluentValidation;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Master.Fleets;

/// <summary>Where on EC2 nodes are started, and from what; what they may be is the grid's <see cref="FleetPolicy"/>. All of it comes from the stack.</summary>
internal sealed record Ec2Settings
{
    /// <summary>Such as <c>eu-central-1</c>.</summary>
    public required string Region { get; init; }

    /// <summary>See <see cref="CloudNames.Stack"/>; the fleet's name too.</summary>
    public required string Stack { get; init; }

    /// <summary>The subnets for nodes, one a zone, 1 – 6.</summary>
    public required IReadOnlyList<string> Subnets { get; init; }

    /// <summary>The nodes' security group.</summary>
    public required string SecurityGroup { get; init; }

    /// <summary>ARN of the nodes' instance profile.</summary>
    public required string NodeProfileArn { get; init; }

    /// <summary>See <see cref="NodeUserData.AssetBucket"/>.</summary>
    public required string AssetBucket { get; init; }

    /// <summary>See <see cref="NodeUserData.StateBucket"/>.</summary>
    public required string StateBucket { get; init; }

    /// <summary>See <see cref="NodeUserData.NodeKey"/>.</summary>
    public required string NodeKey { get; init; }

    /// <summary>See <see cref="NodeUserData.StoreKey"/>.</summary>
    public required string StoreKey { get; init; }

    /// <summary>See <see cref="NodeUserData.Grid"/>.</summary>
    public required string Grid { get; init; }

    /// <summary>Where nodes find this master: its private listener.</summary>
    public required IPEndPoint Master { get; init; }

    /// <summary>Nodes have public addresses, and are published by them. False: clients come over a private network.</summary>
    public bool HasPublicAddresses { get; init; } = true;

    /// <summary>The image's first disk.</summary>
    public string RootDevice { get; init; } = "/dev/xvda";

    /// <summary>Somewhere else than AWS' own endpoint; null: AWS.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>How long one call may take.</summary>
    public TimeSpan Patience { get; init; } = TimeSpan.FromSeconds(20);

    /// <summary>
    /// What a node is told at its start: plain settings, a line each, no secret and no script (SECURITY §2: the image executes nothing of it, and the node checks each).
    /// </summary>
    public string UserData(FleetPolicy policy, NodeType type) => new NodeUserData
    {
        Region = Region,
        Stack = Stack,
        Master = Master,
        AssetBucket = AssetBucket,
        StateBucket = StateBucket,
        LinkBytesPerSecond = type.LinkBytesPerSecond,
        OrphanHours = policy.OrphanHours,
        NodeKey = NodeKey,
        StoreKey = StoreKey,
        Grid = Grid,
    }.Format();
}

/// <summary>The forms stated on <see cref="Ec2Settings"/>, told together before anything is asked of AWS.</summary>
internal sealed class Ec2SettingsValidator : AbstractValidator<Ec2Settings>
{
    public Ec2SettingsValidator()
    {
        RuleFor(s => s.Region).NotNull().Matches(CloudForms.Region);
        RuleFor(s => s.Stack).NotNull().Matches(CloudForms.Stack);
        RuleFor(s => s.Subnets).NotNull().Must(l => l.Count is >= 1 and <= 6 && l.Distinct().Count() == l.Count).WithMessage("There are 1 to 6 subnets for nodes, each named once.");
        RuleForEach(s => s.Subnets).NotNull().Matches(CloudForms.Subnet);
        RuleFor(s => s.SecurityGroup).NotNull().Matches(CloudForms.SecurityGroup);
        RuleFor(s => s.NodeProfileArn).NotNull().Matches(CloudForms.Profile);
        RuleFor(s => s.AssetBucket).NotNull().Matches(CloudForms.Bucket);
        RuleFor(s => s.StateBucket).NotNull().Matches(CloudForms.Bucket);
        RuleFor(s => s.NodeKey).NotNull().Matches(CloudForms.Key);
        RuleFor(s => s.StoreKey).NotNull().Matches(CloudForms.Key);
        RuleFor(s => s.Grid).NotNull().Matches("^[0-9a-f]{64}$");
        RuleFor(s => s.Master).NotNull().Must(m => m.Port > 0 && !m.Address.Equals(IPAddress.Any) && !m.Address.Equals(IPAddress.IPv6Any)).WithMessage("'Master' is an address that nodes can reach, with its port.");
        RuleFor(s => s.RootDevice).NotNull().Matches("^/dev/[a-z0-9]{2,16}$");
        RuleFor(s => s.Patience).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
    }
}
