using System.Net;
using FluentValidation;

namespace GlobalCache.Master.Zones;

/// <summary>Which name of which hosted zone is the nodes'.</summary>
internal sealed record Route53Settings
{
    /// <summary>Id of the hosted zone, without <c>/hostedzone/</c>.</summary>
    public required string HostedZone { get; init; }

    /// <summary>The name all nodes share, lower case, without a trailing dot.</summary>
    public required string Name { get; init; }

    /// <summary><c>aws</c>, <c>aws-cn</c> or <c>aws-us-gov</c>: each has one endpoint for the whole of it, and a region to sign for.</summary>
    public string Partition { get; init; } = "aws";

    /// <summary>Somewhere else than AWS' own endpoint; null: AWS.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>The zone's name servers by address; empty: those that Route 53 names for the zone.</summary>
    public IReadOnlyList<IPEndPoint> NameServers { get; init; } = [];

    /// <summary>Where Route 53 is.</summary>
    public Uri Url => Endpoint ?? new Uri(Partition switch
    {
        "aws-cn" => "https://route53.amazonaws.com.cn",
        "aws-us-gov" => "https://route53.us-gov.amazonaws.com",
        _ => "https://route53.amazonaws.com",
    });

    /// <summary>What is signed for, wherever the master runs.</summary>
    public string Region => Partition switch { "aws-cn" => "cn-northwest-1", "aws-us-gov" => "us-gov-west-1", _ => "us-east-1" };
}

/// <summary>The forms stated on <see cref="Route53Settings"/>.</summary>
internal sealed class Route53SettingsValidator : AbstractValidator<Route53Settings>
{
    public Route53SettingsValidator()
    {
        RuleFor(s => s.HostedZone).NotNull().Matches("^[A-Z0-9]{1,32}$").WithMessage("'Hosted Zone' is an id such as Z0123456789ABCDEFGHIJ.");
        RuleFor(s => s.Name).NotNull().MaximumLength(253).Matches(@"^[a-z0-9-]+(\.[a-z0-9-]+)+$").WithMessage("'Name' is a host name in lower case, without a trailing dot.");
        RuleFor(s => s.Partition).NotNull().Matches("^(aws|aws-cn|aws-us-gov)$");
        RuleFor(s => s.NameServers).NotNull().Must(l => l.Count <= 16).WithMessage("At most 16 name servers are asked.");
    }
}
