using FluentValidation;

namespace GlobalCache.Policy;

/// <summary>
/// How many nodes run, and when (SCALING §2). What these defaults cost and lose on recorded demand is in docs/BENCHMARKS.md, “Scaling”; where no other source is
/// named, the default is the reference model's (SCALING §2). Read by the master at every tick: a change takes effect with the next one.
/// </summary>
public sealed record ScalingPolicy
{
    /// <summary>Fewest nodes that run, whatever the demand. Default 1, 1 – 1 000; 2 where a node's failure should be noticed by nobody.</summary>
    public int Min { get; init; } = 1;

    /// <summary>Most nodes that run; beyond them nodes shed and clients go to the grid. Default 8, <see cref="Min"/> – 1 000.</summary>
    public int Max { get; init; } = 8;

    /// <summary>Nodes kept beyond what demand needs. Default 0, 0 – 100.</summary>
    public int Spare { get; init; }

    /// <summary>Requests a second one node serves at load 1, until its own reports have taught better (<see cref="LearnWeight"/>). Default 55, 0.1 – 1 000 000.</summary>
    public double Capacity { get; init; } = 55;

    /// <summary>Between two decisions. Default 10 s, 100 ms – 5 min; nodes report as often.</summary>
    public TimeSpan Tick { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long resolvers may keep an answer of the nodes' name. Default 60 s, 1 s – 1 h.</summary>
    public TimeSpan Ttl { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>From a change of the zone until all of its servers give the new answer. Default 5 s, 0 – 5 min.</summary>
    public TimeSpan DnsDelay { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>
    /// From the launch of a node until it serves, slow ones included (95 of 100 are faster). Default 120 s, 0 – 1 h. The further ahead must be looked, the
    /// more nodes run in vain: set it to what the fleet's history shows.
    /// </summary>
    public TimeSpan BootP95 { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Demand's level is its mean over this. Default 2 min (ADR 0014; the reference model: 1), one <see cref="Tick"/> – 1 h.</summary>
    public TimeSpan LevelWindow { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Demand's peaks are those of its mean over this. Default 30 s, one <see cref="Tick"/> – 1 h.</summary>
    public TimeSpan PeakWindow { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Demand's slope is fitted over this. Default 15 min (ADR 0014; the reference model: 5), 3 – 1 000 ticks.</summary>
    public TimeSpan SlopeWindow { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>The slope is fitted anew this often. Default 30 s, 0 (each tick) – 1 h.</summary>
    public TimeSpan SlopeEvery { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A slope counts from this many of its standard errors on. Default 2 (ADR 0014; the reference model: 1.5), 0 – 10.</summary>
    public double SlopeErrors { get; init; } = 2;

    /// <summary>Share of a slope that is believed to go on until a node launched now serves. Default 0.3 (ADR 0014; the reference model: 0.8), 0 – 2.</summary>
    public double SlopeShare { get; init; } = 0.3;

    /// <summary>How sure forecasts are to be: the share of the last day's that their margin would have covered. Default 0.80, 0 – 1.</summary>
    public double MarginQuantile { get; init; } = 0.80;

    /// <summary>Least margin on a forecast, as a share of it. Default 0.02 (ADR 0014; the reference model: 0.04), 0 – 10.</summary>
    public double MarginLeast { get; init; } = 0.02;

    /// <summary>Most margin on a forecast. Default 0.60, <see cref="MarginLeast"/> – 10.</summary>
    public double MarginMost { get; init; } = 0.60;

    /// <summary>The margin until an hour of forecasts is known. Default 0.15, 0 – 10.</summary>
    public double MarginStart { get; init; } = 0.15;

    /// <summary>A forecast is weighed against what came this often. Default 60 s, one <see cref="Tick"/> – 1 h.</summary>
    public TimeSpan MarginEvery { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>Forecasts older than this are forgotten. Default 24 h; 60 – 20 000 times <see cref="MarginEvery"/>.</summary>
    public TimeSpan MarginMemory { get; init; } = TimeSpan.FromHours(24);

    /// <summary>Margins are taken anew this often. Default 10 min, 0 – 24 h.</summary>
    public TimeSpan MarginRefresh { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>A node closed must not be needed for this long: closing and opening one costs as much as keeping it. Default 25 min (ADR 0014; the reference model: 15), one <see cref="Tick"/> – 1 000 ticks.</summary>
    public TimeSpan PayBack { get; init; } = TimeSpan.FromMinutes(25);

    /// <summary>
    /// The weekly profile is used while its median error over the last week is below this share; 0: never. Default 0.25, 0 – 1.
    /// </summary>
    public double SeasonTrust { get; init; } = 0.25;

    /// <summary>A week counts half as much as one that came this much later. Default 7 days, 1 – 365 days.</summary>
    public TimeSpan SeasonHalfLife { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Today may be this much below the profile, and <see cref="SeasonMost"/> above it. Default 0.7, 0 – 1.</summary>
    public double SeasonLeast { get; init; } = 0.7;

    /// <summary>See <see cref="SeasonLeast"/>. Default 1.4, 1 – 10.</summary>
    public double SeasonMost { get; init; } = 1.4;

    /// <summary>The profile never asks for more than this many times the present level. Default 3, 1 – 100.</summary>
    public double SeasonLevels { get; init; } = 3;

    /// <summary>How full nodes may become before another is opened. Default 1 (ADR 0014; the reference model: 0.97), 0.1 – 1.</summary>
    public double UpLoad { get; init; } = 1;

    /// <summary>
    /// While demand is surely rising, one node alone is not filled beyond this load before a second serves: the scenario this project was founded on.
    /// Default 0.88, so that it serves at 0.9, 0.1 – 10; 10: no such rule.
    /// </summary>
    public double RisingLoad { get; init; } = 0.88;

    /// <summary>How full the remaining nodes may be after one is closed. Default 0.91 (ADR 0014; the reference model: 0.88), 0.1 – <see cref="UpLoad"/>.</summary>
    public double DownLoad { get; init; } = 0.91;

    /// <summary>Round robin never spreads evenly: the fullest of four nodes has this share more than their mean. Default 0.08 (ADR 0014; the reference model: 0.06), 0 – 1.</summary>
    public double Skew { get; init; } = 0.08;

    /// <summary>
    /// The more nodes, the fewer resolvers each has, and the less even they are: <see cref="Skew"/> grows with this power of the number of nodes. Default 0.5, as
    /// chance has it (ADR 0014; the reference model: 0, the same for all), 0 – 1.
    /// </summary>
    public double SkewGrowth { get; init; } = 0.5;

    /// <summary>Above this load forecasts are not waited for. Default 0.98, 0.1 – 2.</summary>
    public double UrgentLoad { get; init; } = 0.98;

    /// <summary>When urgent, as many nodes are opened as bring the load down to this. Default 0.80, 0.1 – 1.</summary>
    public double UrgentTarget { get; init; } = 0.80;

    /// <summary>A node is closed when it has been superfluous for this long without a break, counted anew after a restart of the master. Default 5 min, 0 – 24 h.</summary>
    public TimeSpan Calm { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A node opened this soon after one was closed shows that closing was a mistake: <see cref="Calm"/> is doubled. Default 30 min, 0 – 24 h.</summary>
    public TimeSpan RegretWithin { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>After this a doubling is taken back. Default 4 h, 0 – 7 days.</summary>
    public TimeSpan RegretFor { get; init; } = TimeSpan.FromHours(4);

    /// <summary>How often <see cref="Calm"/> is doubled at most. Default 1, 0 – 6.</summary>
    public int RegretMost { get; init; } = 1;

    /// <summary>Closings decided an hour, at most. Default 6, 0 (none is ever closed) – 1 000.</summary>
    public int ScaleInsPerHour { get; init; } = 6;

    /// <summary>Launches an hour, at most; those that replace a lost node are not counted. Default 12, 1 – 10 000.</summary>
    public int LaunchesPerHour { get; init; } = 12;

    /// <summary>Hours of nodes a day (any 24 h), at most: growth ends there, nothing is closed for it. Default 192 (8 nodes all day), 1 – 24 000.</summary>
    public double NodeHoursPerDay { get; init; } = 192;

    /// <summary>Spend an hour, in the currency of the price table, at most: growth ends there, nothing is closed for it. Default 1, 0 – 10 000.</summary>
    public decimal SpendPerHour { get; init; } = 1m;

    /// <summary>As <see cref="SpendPerHour"/>, for a day (any 24 h). Default 24, 0 – 240 000.</summary>
    public decimal SpendPerDay { get; init; } = 24m;

    /// <summary>A node that has not reported for this long is silent: full when closing is considered, as it last was when opening is. Default 30 s, one <see cref="Tick"/> – 1 h.</summary>
    public TimeSpan Silence { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>When more than this share of the nodes is silent none is closed; when all are, nothing is decided. Default 0.5, 0 – 1.</summary>
    public double SilentShare { get; init; } = 0.5;

    /// <summary>Demand that falls by more than this share within <see cref="OutageWithin"/> is an outage somewhere, and a storm of retries may follow. Default 0.5, 0 – 1; 1: never.</summary>
    public double OutageFall { get; init; } = 0.5;

    /// <summary>See <see cref="OutageFall"/>. Default 2 min, one <see cref="Tick"/> – 1 000 ticks.</summary>
    public TimeSpan OutageWithin { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Demand must have been above what it fell from for this long before, or it was but a peak that ended. Default 10 min, one <see cref="Tick"/> – 1 000 ticks, <see cref="OutageWithin"/> included.</summary>
    public TimeSpan OutageAfter { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>No node is closed for this long after an outage. Default 30 min, 0 – 24 h.</summary>
    public TimeSpan OutageHold { get; init; } = TimeSpan.FromMinutes(30);

    /// <summary>A report teaches the node's capacity when its load is at least this. Default 0.3, 0.01 – 1.</summary>
    public double LearnFrom { get; init; } = 0.3;

    /// <summary>A report teaches the node's capacity up to this load: beyond it requests are queued or shed. Default 0.95, <see cref="LearnFrom"/> – 1.</summary>
    public double LearnTo { get; init; } = 0.95;

    /// <summary>What one report weighs against all earlier ones. Default 0.05 (half of it is renewed in two minutes), 0 (nothing is learned) – 1.</summary>
    public double LearnWeight { get; init; } = 0.05;

    /// <summary>What is learned lies within this factor of <see cref="Capacity"/>, up and down. Default 2, 1 – 100.</summary>
    public double LearnWithin { get; init; } = 2;

    /// <summary>How a node comes and goes.</summary>
    public LifePolicy Life { get; init; } = new();

    /// <summary>From a decision to open a node until the clients have been told of it: boot, DNS, the tick that decides and the one that sees. 205 s by default.</summary>
    /// <returns>How far ahead demand is to be foreseen.</returns>
    public TimeSpan Horizon() => BootP95 + Ttl + DnsDelay + (2 * Tick);

    /// <summary>How much more than the mean the fullest of so many nodes has, as a share of it.</summary>
    /// <param name="nodes">Nodes in the DNS.</param>
    /// <returns><see cref="Skew"/> for four.</returns>
    public double SkewOf(int nodes) => SkewGrowth == 0 ? Skew : Skew * Math.Pow(nodes / 4.0, SkewGrowth);
}

/// <summary>The ranges stated on <see cref="ScalingPolicy"/>; all broken ones are reported together.</summary>
public sealed class ScalingPolicyValidator : AbstractValidator<ScalingPolicy>
{
    private const int MostTicks = 1000;
    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1);
    private static readonly TimeSpan s_day = TimeSpan.FromDays(1);

    /// <summary>Builds the rules.</summary>
    public ScalingPolicyValidator()
    {
        RuleFor(p => p.Min).InclusiveBetween(1, 1000);
        RuleFor(p => p.Max).LessThanOrEqualTo(1000).GreaterThanOrEqualTo(p => p.Min);
        RuleFor(p => p.Spare).InclusiveBetween(0, 100);
        RuleFor(p => p.Capacity).InclusiveBetween(0.1, 1_000_000);
        RuleFor(p => p.Tick).InclusiveBetween(TimeSpan.FromMilliseconds(100), TimeSpan.FromMinutes(5));
        RuleFor(p => p.Ttl).InclusiveBetween(TimeSpan.FromSeconds(1), s_hour);
        RuleFor(p => p.DnsDelay).InclusiveBetween(TimeSpan.Zero, TimeSpan.FromMinutes(5));
        RuleFor(p => p.BootP95).InclusiveBetween(TimeSpan.Zero, s_hour);
        RuleFor(p => p.BootP95).Must((p, _) => (p.BootP95 / p.Tick) + (p.Ttl / p.Tick) + (p.DnsDelay / p.Tick) + 2 <= MostTicks)
            .WithMessage($"'Boot P95', 'Ttl' and 'Dns Delay' together must not exceed {MostTicks} ticks.");
        RuleFor(p => p.LevelWindow).InclusiveBetween(TimeSpan.Zero, s_hour).GreaterThanOrEqualTo(p => p.Tick).Must(WithinTicks).WithMessage(TooManyTicks);
        RuleFor(p => p.PeakWindow).InclusiveBetween(TimeSpan.Zero, s_hour).GreaterThanOrEqualTo(p => p.Tick).Must(WithinTicks).WithMessage(TooManyTicks);
        RuleFor(p => p.SlopeWindow).Must((p, window) => window / p.Tick is >= 3 and <= MostTicks)
            .WithMessage($"'Slope Window' must be 3 to {MostTicks} ticks.");
        RuleFor(p => p.SlopeEvery).InclusiveBetween(TimeSpan.Zero, s_hour);
        RuleFor(p => p.SlopeErrors).InclusiveBetween(0, 10);
        RuleFor(p => p.SlopeShare).InclusiveBetween(0, 2);
        RuleFor(p => p.MarginQuantile).InclusiveBetween(0, 1);
        RuleFor(p => p.MarginLeast).InclusiveBetween(0, 10);
        RuleFor(p => p.MarginMost).LessThanOrEqualTo(10).GreaterThanOrEqualTo(p => p.MarginLeast);
        RuleFor(p => p.MarginStart).InclusiveBetween(0, 10);
        RuleFor(p => p.MarginEvery).LessThanOrEqualTo(s_hour).GreaterThanOrEqualTo(p => p.Tick);
        RuleFor(p => p.MarginMemory).Must((p, memory) => memory / p.MarginEvery is >= 60 and <= 20_000)
            .WithMessage("'Margin Memory' must be 60 to 20 000 times 'Margin Every'.");
        RuleFor(p => p.MarginRefresh).InclusiveBetween(TimeSpan.Zero, s_day);
        RuleFor(p => p.PayBack).GreaterThanOrEqualTo(p => p.Tick).Must(WithinTicks).WithMessage(TooManyTicks);
        RuleFor(p => p.SeasonTrust).InclusiveBetween(0, 1);
        RuleFor(p => p.SeasonHalfLife).InclusiveBetween(s_day, 365 * s_day);
        RuleFor(p => p.SeasonLeast).InclusiveBetween(0, 1);
        RuleFor(p => p.SeasonMost).InclusiveBetween(1, 10);
        RuleFor(p => p.SeasonLevels).InclusiveBetween(1, 100);
        RuleFor(p => p.UpLoad).InclusiveBetween(0.1, 1);
        RuleFor(p => p.RisingLoad).InclusiveBetween(0.1, 10);
        RuleFor(p => p.DownLoad).GreaterThanOrEqualTo(0.1).LessThanOrEqualTo(p => p.UpLoad);
        RuleFor(p => p.Skew).InclusiveBetween(0, 1);
        RuleFor(p => p.SkewGrowth).InclusiveBetween(0, 1);
        RuleFor(p => p.UrgentLoad).InclusiveBetween(0.1, 2);
        RuleFor(p => p.UrgentTarget).InclusiveBetween(0.1, 1);
        RuleFor(p => p.Calm).InclusiveBetween(TimeSpan.Zero, s_day);
        RuleFor(p => p.RegretWithin).InclusiveBetween(TimeSpan.Zero, s_day);
        RuleFor(p => p.RegretFor).InclusiveBetween(TimeSpan.Zero, 7 * s_day);
        RuleFor(p => p.RegretMost).InclusiveBetween(0, 6);
        RuleFor(p => p.ScaleInsPerHour).InclusiveBetween(0, 1000);
        RuleFor(p => p.LaunchesPerHour).InclusiveBetween(1, 10_000);
        RuleFor(p => p.NodeHoursPerDay).InclusiveBetween(1, 24_000);
        RuleFor(p => p.SpendPerHour).InclusiveBetween(0m, 10_000m);
        RuleFor(p => p.SpendPerDay).InclusiveBetween(0m, 240_000m);
        RuleFor(p => p.Silence).LessThanOrEqualTo(s_hour).GreaterThanOrEqualTo(p => p.Tick);
        RuleFor(p => p.SilentShare).InclusiveBetween(0, 1);
        RuleFor(p => p.OutageFall).InclusiveBetween(0, 1);
        RuleFor(p => p.OutageWithin).GreaterThanOrEqualTo(p => p.Tick).Must(WithinTicks).WithMessage(TooManyTicks);
        RuleFor(p => p.OutageAfter).GreaterThanOrEqualTo(p => p.Tick).Must((p, after) => (p.OutageWithin / p.Tick) + (after / p.Tick) <= MostTicks)
            .WithMessage($"'Outage After' and 'Outage Within' together must not exceed {MostTicks} ticks.");
        RuleFor(p => p.OutageHold).InclusiveBetween(TimeSpan.Zero, s_day);
        RuleFor(p => p.LearnFrom).InclusiveBetween(0.01, 1);
        RuleFor(p => p.LearnTo).LessThanOrEqualTo(1).GreaterThanOrEqualTo(p => p.LearnFrom);
        RuleFor(p => p.LearnWeight).InclusiveBetween(0, 1);
        RuleFor(p => p.LearnWithin).InclusiveBetween(1, 100);
        RuleFor(p => p.Life).NotNull().SetValidator(new LifePolicyValidator());
    }

    private static string TooManyTicks => $"'{{PropertyName}}' must not exceed {MostTicks} ticks.";

    // What is remembered tick by tick is bounded.
    private static bool WithinTicks(ScalingPolicy policy, TimeSpan window) => window / policy.Tick <= MostTicks;
}
