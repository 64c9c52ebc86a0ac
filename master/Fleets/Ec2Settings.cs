using System.Net;
using System.Text;
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

    /// <summary>The image of a node.</summary>
    public required string Image { get; init; }

    /// <summary>The subnets for nodes, one a zone, 1 – 6.</summary>
    public required IReadOnlyList<string> Subnets { get; init; }

    /// <summary>The nodes' security group.</summary>
    public required string SecurityGroup { get; init; }

    /// <summary>ARN of the nodes' instance profile.</summary>
    public required string NodeProfileArn { get; init; }

    /// <summary>The parameter that holds the nodes' secrets.</summary>
    public required string NodeSecrets { get; init; }

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
    public string UserData(FleetPolicy policy, NodeType type) => new StringBuilder()
        .Append($"region={Region}\n").Append($"parameter={NodeSecrets}\n").Append($"master={Master}\n")
        .Append($"link={type.LinkBytesPerSecond}\n").Append($"orphan-hours={policy.OrphanHours}\n").ToString();
}

/// <summary>The forms stated on <see cref="Ec2Settings"/>, told together before anything is asked of AWS.</summary>
internal sealed class Ec2SettingsValidator : AbstractValidator<Ec2Settings>
{
    public Ec2SettingsValidator()
    {
        RuleFor(s => s.Region).NotNull().Matches("^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$");
        RuleFor(s => s.Stack).NotNull().Matches("^[a-z0-9-]{1,32}$");
        RuleFor(s => s.Image).NotNull().Matches("^ami-[0-9a-f]{8,17}$");
        RuleFor(s => s.Subnets).NotNull().Must(l => l.Count is >= 1 and <= 6 && l.Distinct().Count() == l.Count).WithMessage("There are 1 to 6 subnets for nodes, each named once.");
        RuleForEach(s => s.Subnets).NotNull().Matches("^subnet-[0-9a-f]{8,17}$");
        RuleFor(s => s.SecurityGroup).NotNull().Matches("^sg-[0-9a-f]{8,17}$");
        RuleFor(s => s.NodeProfileArn).NotNull().Matches("^arn:aws[a-z-]*:iam::[0-9]{12}:instance-profile/.+$");
        RuleFor(s => s.NodeSecrets).NotNull().Matches("^/[A-Za-z0-9_./-]{1,160}$");
        RuleFor(s => s.Master).NotNull().Must(m => m.Port > 0 && !m.Address.Equals(IPAddress.Any) && !m.Address.Equals(IPAddress.IPv6Any)).WithMessage("'Master' is an address that nodes can reach, with its port.");
        RuleFor(s => s.RootDevice).NotNull().Matches("^/dev/[a-z0-9]{2,16}$");
        RuleFor(s => s.Patience).InclusiveBetween(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(2));
    }
}
