using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// When a grid believes that bytes are what a grid really serves (SECURITY §4): how many independent people must have received them,
/// and what it takes to change its mind. One record for a whole cache grid, read by nodes with every change of the control document.
/// </summary>
public sealed record VouchingPolicy
{
    /// <summary>
    /// k: an asset becomes public when the independent claims for one hash number at least k more than those for all others.
    /// Default 2, 1 – 10. 1 suits a grid of friends and the local mode, 3 one that anybody may join. With 1, networks, ages and spacing do not count.
    /// </summary>
    public int Lead { get; init; } = 2;

    /// <summary>Claims about one asset count no closer together than this; an earlier one is told to come again. Default 10 min, 0 – 1 h; 0 when <see cref="Lead"/> is 1.</summary>
    public TimeSpan ClaimSpacing { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A branch has no weight before it is this old. Default 72 h, 0 – 30 days; 0 when <see cref="Lead"/> is 1.</summary>
    public TimeSpan NewBranchAge { get; init; } = TimeSpan.FromHours(72);

    /// <summary>Whether bytes that a region's own host served may become public. Default no: on open grids anybody may run a region.</summary>
    public bool RegionServed { get; init; }

    /// <summary>Bytes from regions need claims of this many different operators' hosts. Default 2, 1 – 10.</summary>
    public int RegionHosts { get; init; } = 2;

    /// <summary>Independent branches that must contradict a public asset, and outnumber its confirmations, before it is withdrawn. Default 2, 1 – 10.</summary>
    public int WithdrawBranches { get; init; } = 2;

    /// <summary>After this many confirmations the tags of those who claimed are dropped and only counts are kept. Default 5, 1 – 20 (a record stays under 4 KiB).</summary>
    public int ConfirmationsKept { get; init; } = 5;

    /// <summary>Disputes a branch may raise in a day; further ones are answered 429. Default 20, 1 – 10 000.</summary>
    public int DisputesPerDay { get; init; } = 20;

    /// <summary>A branch that has lost this many contests has no weight any more. Default 3, 1 – 100.</summary>
    public int LostContests { get; init; } = 3;

    /// <summary>Published assets expire this many days after they were stored; popular ones come back by capture. Default 180, 1 – 3 650.</summary>
    public int RetentionDays { get; init; } = 180;
}

/// <summary>The ranges stated on <see cref="VouchingPolicy"/>; all broken ones are reported together.</summary>
public sealed class VouchingPolicyValidator : AbstractValidator<VouchingPolicy>
{
    /// <summary>Builds the rules.</summary>
    public VouchingPolicyValidator()
    {
        RuleFor(p => p.Lead).InclusiveBetween(1, 10);
        RuleFor(p => p.ClaimSpacing).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromHours(1));
        RuleFor(p => p.NewBranchAge).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromDays(30));
        RuleFor(p => p.RegionHosts).InclusiveBetween(1, 10);
        RuleFor(p => p.WithdrawBranches).InclusiveBetween(1, 10);
        RuleFor(p => p.ConfirmationsKept).InclusiveBetween(1, 20);
        RuleFor(p => p.DisputesPerDay).InclusiveBetween(1, 10_000);
        RuleFor(p => p.LostContests).InclusiveBetween(1, 100);
        RuleFor(p => p.RetentionDays).InclusiveBetween(1, 3650);
    }
}
