using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// How a node comes and goes without a request being lost (SCALING §§3, 4): how long each state may last, and what must be seen before the next. Read by the
/// master at every pass. A shorter drain is cheaper, a longer one safer: 2 % of clients still use an address 15 minutes after its TTL.
/// </summary>
public sealed record LifePolicy
{
    /// <summary>A node asked for must be seen within this; else it counts as refused. Default 300 s, 1 s – 1 h.</summary>
    public TimeSpan RequestedMost { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>A node must answer its checks this soon after it runs; else it is ended. Default 300 s, 1 s – 1 h.</summary>
    public TimeSpan BootingMost { get; init; } = TimeSpan.FromSeconds(300);

    /// <summary>Good checks before a node is published. Default 3, 1 – 100.</summary>
    public int ChecksToServe { get; init; } = 3;

    /// <summary>A node that is not warm by then is published all the same. Default 120 s, 0 – 1 h.</summary>
    public TimeSpan WarmingMost { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Checks missed in a row before a node is lost. Default 3, 1 – 100.</summary>
    public int ChecksToLose { get; init; } = 3;

    /// <summary>A lost node that answers again within this comes back; else it is ended. Default 120 s, 0 – 1 h.</summary>
    public TimeSpan LostMost { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>
    /// A node that is to go stays at least this long after its removal from the DNS is in force, and at least the TTL in any case: where demand is low, a client that
    /// still has its address may not ask for minutes. Default, and null: a third of <see cref="DrainMost"/>, 10 min (ADR 0014; SCALING §3: the TTL);
    /// 0 – <see cref="DrainMost"/>.
    /// </summary>
    public TimeSpan? DrainLeast { get; init; }

    /// <summary>A node that is to go must have had no request for this long. Default 60 s, 1 s – 1 h.</summary>
    public TimeSpan DrainQuiet { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>By then it goes, whoever still comes. Default 1 800 s, 10 s – 24 h.</summary>
    public TimeSpan DrainMost { get; init; } = TimeSpan.FromSeconds(1800);

    /// <summary>How long the node's own consent to its end is waited for. Default 30 s, 0 – 10 min.</summary>
    public TimeSpan RetireMost { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>First pause after the cloud has refused a node; it doubles up to <see cref="BackOffMost"/>. Default 5 s, 0.1 s – 1 h.</summary>
    public TimeSpan BackOff { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>See <see cref="BackOff"/>. Default 120 s, at least it, at most 24 h.</summary>
    public TimeSpan BackOffMost { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How long one master is the only one to act, unless it renews. Default 30 s, 1 s – 10 min.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often it renews. Default 10 s, 0.1 s – half of <see cref="Lease"/>.</summary>
    public TimeSpan LeaseRenew { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A master that cannot show this much left of its lease does not act. Default 15 s, 0 – <see cref="Lease"/>.</summary>
    public TimeSpan LeaseLeast { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>How long a node stays after its removal from the DNS is in force, whatever is seen of it.</summary>
    /// <param name="ttl">The TTL of its address.</param>
    /// <returns><see cref="DrainLeast"/>, or the TTL if that is longer.</returns>
    public TimeSpan StaysAtLeast(TimeSpan ttl)
    {
        TimeSpan least = DrainLeast ?? DrainMost / 3;
        return least > ttl ? least : ttl;
    }
}

/// <summary>The ranges stated on <see cref="LifePolicy"/>; all broken ones are reported together.</summary>
public sealed class LifePolicyValidator : AbstractValidator<LifePolicy>
{
    /// <summary>Builds the rules.</summary>
    public LifePolicyValidator()
    {
        TimeSpan second = TimeSpan.FromSeconds(1);
        TimeSpan hour = TimeSpan.FromHours(1);
        RuleFor(p => p.RequestedMost).InclusiveBetween(second, hour);
        RuleFor(p => p.BootingMost).InclusiveBetween(second, hour);
        RuleFor(p => p.ChecksToServe).InclusiveBetween(1, 100);
        RuleFor(p => p.WarmingMost).InclusiveBetween(TimeSpan.Zero, hour);
        RuleFor(p => p.ChecksToLose).InclusiveBetween(1, 100);
        RuleFor(p => p.LostMost).InclusiveBetween(TimeSpan.Zero, hour);
        RuleFor(p => p.DrainQuiet).InclusiveBetween(second, hour);
        RuleFor(p => p.DrainLeast).GreaterThanOrEqualTo(TimeSpan.Zero).LessThanOrEqualTo(p => p.DrainMost);
        RuleFor(p => p.DrainMost).InclusiveBetween(10 * second, 24 * hour);
        RuleFor(p => p.RetireMost).InclusiveBetween(TimeSpan.Zero, 600 * second);
        RuleFor(p => p.BackOff).InclusiveBetween(0.1 * second, hour);
        RuleFor(p => p.BackOffMost).LessThanOrEqualTo(24 * hour).GreaterThanOrEqualTo(p => p.BackOff);
        RuleFor(p => p.Lease).InclusiveBetween(second, 600 * second);
        RuleFor(p => p.LeaseRenew).GreaterThanOrEqualTo(0.1 * second).Must((p, renew) => renew <= p.Lease / 2)
            .WithMessage("'Lease Renew' must not exceed half of 'Lease'.");
        RuleFor(p => p.LeaseLeast).GreaterThanOrEqualTo(TimeSpan.Zero).LessThanOrEqualTo(p => p.Lease);
    }
}
