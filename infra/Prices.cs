using FluentValidation;

namespace GlobalCache.Infra;

/// <summary>A type of machine in one region: what AWS asks for it on demand, an hour, and what it is.</summary>
internal sealed record PricedType
{
    public const string X64 = "x64";
    public const string Arm64 = "arm64";

    /// <summary>AWS' name.</summary>
    public required string Name { get; init; }

    /// <summary>On demand, Linux, an hour, in the policy's currency.</summary>
    public required decimal PricePerHour { get; init; }

    /// <summary><see cref="X64"/> or <see cref="Arm64"/>.</summary>
    public string Architecture { get; init; } = X64;

    /// <summary>Virtual processors.</summary>
    public int Processors { get; init; } = 2;

    /// <summary>Baseline of its link, bytes a second.</summary>
    public long LinkBytesPerSecond { get; init; } = 97_600_000;
}

/// <summary>What is said of a machine type in <c>globalcache:prices</c>.</summary>
internal sealed class PricedTypeValidator : AbstractValidator<PricedType>
{
    public PricedTypeValidator()
    {
        RuleFor(t => t.Name).MaximumLength(32).Matches(@"^[a-z0-9-]+\.[a-z0-9-]+$").WithMessage("'{PropertyValue}' is no type of machine such as c6i.large.");
        RuleFor(t => t.PricePerHour).ExclusiveBetween(0m, 1000m).WithMessage("a price an hour is above 0 and below 1 000; it is {PropertyValue}.");
        RuleFor(t => t.Architecture).Must(a => a is PricedType.X64 or PricedType.Arm64).WithMessage("'{PropertyValue}' is neither x64 nor arm64.");
        RuleFor(t => t.Processors).InclusiveBetween(1, 448).WithMessage("processors are 1 to 448; they are {PropertyValue}.");
        RuleFor(t => t.LinkBytesPerSecond).InclusiveBetween(1000, 1_000_000_000_000).WithMessage("a link carries 1 000 to 1 000 000 000 000 bytes a second; it is {PropertyValue}.");
    }
}

/// <summary>
/// Prices as remembered in 2026, in USD; they go up and down, so the owner's word (<c>globalcache:prices</c>) comes first. They decide nothing but what is shown and
/// capped. Links are the baselines of AWS' “network performance” tables.
/// </summary>
internal static class Prices
{
    private static readonly (string Name, string Architecture, int Processors, long Link)[] s_types =
    [
        ("c6i.large", PricedType.X64, 2, 97_600_000), ("c6i.xlarge", PricedType.X64, 4, 195_000_000), ("c7i.large", PricedType.X64, 2, 97_600_000),
        ("m7i.large", PricedType.X64, 2, 97_600_000), ("c7g.large", PricedType.Arm64, 2, 117_000_000), ("t3.small", PricedType.X64, 2, 16_000_000),
        ("t3.medium", PricedType.X64, 2, 32_000_000), ("t4g.small", PricedType.Arm64, 2, 16_000_000), ("t4g.medium", PricedType.Arm64, 2, 32_000_000),
    ];

    private static readonly decimal[] s_virginia = [0.085m, 0.17m, 0.08925m, 0.1008m, 0.0725m, 0.0208m, 0.0416m, 0.0168m, 0.0336m];
    private static readonly decimal[] s_ireland = [0.0912m, 0.1824m, 0.09576m, 0.1122m, 0.0778m, 0.0228m, 0.0456m, 0.0184m, 0.0368m];
    private static readonly decimal[] s_frankfurt = [0.097m, 0.194m, 0.10185m, 0.1207m, 0.0829m, 0.024m, 0.048m, 0.0192m, 0.0384m];

    /// <summary>The table of a region; empty: nothing is known of it.</summary>
    public static IReadOnlyList<PricedType> Of(string region)
    {
        decimal[]? prices = region switch
        {
            "us-east-1" or "us-east-2" or "us-west-2" => s_virginia,
            "eu-west-1" => s_ireland,
            "eu-central-1" => s_frankfurt,
            _ => null,
        };
        return prices is null ? [] :
        [
            .. s_types.Zip(prices, (t, price) => new PricedType
            {
                Name = t.Name, PricePerHour = price, Architecture = t.Architecture, Processors = t.Processors, LinkBytesPerSecond = t.Link,
            }),
        ];
    }
}
