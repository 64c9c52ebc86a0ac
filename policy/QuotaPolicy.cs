using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// How much one branch may take from the cache (SECURITY §5): enough for any resident, too little to copy a grid. Counted are distinct
/// assets of the branch's whole day and their bytes, over all nodes.
/// </summary>
public sealed record QuotaPolicy
{
    /// <summary>Distinct assets at once, before the hourly rate holds: a busy region is 2 000 – 5 000. Default 4 000, 100 – 100 000.</summary>
    public int Burst { get; init; } = 4000;

    /// <summary>Distinct assets an hour. Default 10 000, 100 – 1 000 000.</summary>
    public int PerHour { get; init; } = 10_000;

    /// <summary>Distinct assets a day of a branch that has shown nothing yet. Default 5 000, 100 – 1 000 000.</summary>
    public int PerDayNew { get; init; } = 5000;

    /// <summary>How many more a day each of yesterday's claims that matched earns. Default 20, 0 – 1 000.</summary>
    public int PerMatchingClaim { get; init; } = 20;

    /// <summary>Most a day that can be earned. Default 60 000, 100 – 10 000 000; at least <see cref="PerDayNew"/>.</summary>
    public int PerDayMost { get; init; } = 60_000;

    /// <summary>Bytes a day. Default 8 GB, 1 MB – 1 TB.</summary>
    public long BytesPerDay { get; init; } = 8_000_000_000;

    /// <summary>Share of hits that are withheld as a check (k ≥ 2 only): of settled assets, of fresh ones, of contested ones ≤ 2 MiB. Default 1 %, 10 %, 25 %; each 0 – 0.5.</summary>
    public double Withheld { get; init; } = 0.01;

    /// <inheritdoc cref="Withheld"/>
    public double WithheldFresh { get; init; } = 0.10;

    /// <inheritdoc cref="Withheld"/>
    public double WithheldContested { get; init; } = 0.25;

    /// <summary>After this many checks, a branch that answered fewer than half is throttled and flagged. Default 20, 5 – 1 000.</summary>
    public int ChecksBeforeFlag { get; init; } = 20;
}

/// <summary>The ranges stated on <see cref="QuotaPolicy"/>; all broken ones are reported together.</summary>
public sealed class QuotaPolicyValidator : AbstractValidator<QuotaPolicy>
{
    /// <summary>Builds the rules.</summary>
    public QuotaPolicyValidator()
    {
        RuleFor(p => p.Burst).InclusiveBetween(100, 100_000);
        RuleFor(p => p.PerHour).InclusiveBetween(100, 1_000_000);
        RuleFor(p => p.PerDayNew).InclusiveBetween(100, 1_000_000);
        RuleFor(p => p.PerMatchingClaim).InclusiveBetween(0, 1000);
        RuleFor(p => p.PerDayMost).InclusiveBetween(100, 10_000_000).GreaterThanOrEqualTo(p => p.PerDayNew);
        RuleFor(p => p.BytesPerDay).InclusiveBetween(1_000_000, 1_000_000_000_000);
        RuleFor(p => p.Withheld).InclusiveBetween(0, 0.5);
        RuleFor(p => p.WithheldFresh).InclusiveBetween(0, 0.5);
        RuleFor(p => p.WithheldContested).InclusiveBetween(0, 0.5);
        RuleFor(p => p.ChecksBeforeFlag).InclusiveBetween(5, 1000);
    }
}
