using CsCheck;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Scaling;

/// <summary>SCALING §§2, 5: what the policy does in the cases that have a name, and what it never does.</summary>
public sealed class DecideTests
{
    private static readonly ScalingPolicy s_policy = new();

    private static TimeSpan Minutes(double minutes) => TimeSpan.FromMinutes(minutes);

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void The_founding_scenario_opens_a_second_node_once_by_the_time_of_50_requests_and_closes_it_once(int seed)
    {
        SimpleFleet fleet = new(s_policy);
        double[] hours = [0, 1, 3.5, 5, 8, 12];
        double[] rates = [38, 42, 75, 74, 38, 37];
        fleet.Run(TimeSpan.FromHours(12), SimpleFleet.Noisy(at => Between(hours, rates, at.TotalHours), seed));

        Assert.Equal([PlanKind.Out, PlanKind.In], fleet.Actions.Select(a => a.Plan.Kind));
        TimeSpan opened = fleet.Actions[0].At + Minutes(2) - new DateTimeOffset(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);
        Assert.True(Between(hours, rates, opened.TotalHours) is > 45 and < 55, $"{fleet.Actions[0]}");
        Assert.Matches(@"^\d\d requests/s( and rising)? fill 0\.\d\d of one node; within \d+ s \d\d are expected: a second node is opened\.$", fleet.Actions[0].Plan.Reason);
        Assert.Matches(@"^\d\d requests/s fill 0\.\d\d of two nodes; for .* one would have sufficed, .*: one is closed\.$", fleet.Actions[1].Plan.Reason);
    }

    [Theory]
    [InlineData(20)]
    [InlineData(44)]
    [InlineData(60)]
    [InlineData(90)]
    [InlineData(130)]
    [InlineData(175)]
    public void Constant_noisy_demand_costs_two_actions_a_day_at_most(double rate)
    {
        SimpleFleet fleet = new(s_policy, serving: Math.Max(1, (int)(rate / 45)));
        fleet.Run(TimeSpan.FromHours(1), SimpleFleet.Noisy(_ => rate, 7, 0.025));
        fleet.Actions.Clear();
        fleet.Run(TimeSpan.FromHours(24), SimpleFleet.Noisy(_ => rate, 8, 0.025));
        Assert.True(fleet.Actions.Count <= 2, string.Join('\n', fleet.Actions));
    }

    [Fact]
    public void More_demand_never_asks_for_fewer_nodes() =>
        Gen.Select(Gen.Double[1, 500].Array[1, 80], Gen.Double[1, 3]).Sample((rates, more) =>
            Needed([.. rates.Select(r => r * more)], s_policy) >= Needed(rates, s_policy), iter: 2000);

    [Fact]
    public void Demand_and_capacity_together_change_nothing() =>
        Gen.Select(Gen.Double[10, 500].Array[1, 120], Gen.Int[1, 8], Gen.OneOf(Gen.Const(2.0), Gen.Const(4.0), Gen.Const(0.5))).Sample((rates, serving, factor) =>
        {
            (SimpleFleet one, SimpleFleet other) = (new(s_policy, serving), new(s_policy with { Capacity = s_policy.Capacity * factor }, serving));
            return rates.All(r => (one.Tick(r), other.Tick(r * factor)) is var (a, b) && a.Target == b.Target && a.Kind == b.Kind);
        }, iter: 500);

    [Fact]
    public void Targets_keep_to_the_policys_bounds_whatever_is_seen() =>
        Gen.Select(Any, Gen.Int[1, 4], Gen.Int[0, 6], Gen.Int[0, 2]).Sample((seen, min, span, spare) =>
        {
            ScalingPolicy policy = s_policy with { Min = min, Max = min + span, Spare = spare, Calm = TimeSpan.Zero };
            ScalingState state = new();
            DateTimeOffset now = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
            foreach ((Observation one, double seconds) in seen)
            {
                now += TimeSpan.FromSeconds(seconds);
                Plan plan = Decide.Next(state, one, policy, now);
                int current = one.Serving + one.Booting;
                bool fits = plan.Kind switch
                {
                    PlanKind.Out => plan.Target > current && plan.Target <= policy.Max,
                    PlanKind.In => plan.Target < one.Serving && plan.Target >= policy.Min && one.Booting == 0,
                    _ => plan.Target == current,
                };
                if (!fits || !plan.Reason.EndsWith('.') || char.IsLower(plan.Reason[0])) return false;
            }

            return true;
        }, iter: 3000);

    [Fact]
    public void What_is_missing_stale_zero_or_no_figure_never_closes_a_node()
    {
        Gen<(double Rate, int Silent, double Seconds)> real = Gen.Const((150.0, 0, 10.0));
        Gen<(double, int, double)> bad = Gen.OneOf(
            Gen.Const((double.NaN, 0, 10.0)), Gen.Const((double.PositiveInfinity, 0, 10.0)), Gen.Const((-5.0, 0, 10.0)), Gen.Const((0.0, 0, 10.0)),
            Gen.Const((150.0, 4, 10.0)), Gen.Const((150.0, 3, 10.0)), Gen.Const((150.0, 0, 0.0)));
        Gen.Frequency((1, real), (2, bad)).Array[2000].Sample(course =>
        {
            SimpleFleet fleet = new(s_policy with { Calm = TimeSpan.FromSeconds(10) }, serving: 4);
            for (int i = 0; i < 200; i++) fleet.Tick(150);
            fleet.Actions.Clear();
            foreach ((double rate, int silent, double seconds) in course)
            {
                fleet.Now += TimeSpan.FromSeconds(seconds - 10);
                fleet.Tick(rate, Math.Min(silent, fleet.Serving));
            }

            return fleet.Actions.All(a => a.Plan.Kind != PlanKind.In);
        }, iter: 100);
    }

    [Fact]
    public void What_is_seen_twice_counts_once()
    {
        SimpleFleet fleet = new(s_policy, serving: 2);
        DateTimeOffset from = fleet.Now;
        while (fleet.Actions.Count == 0)
        {
            fleet.Tick(20);
            for (int i = 0; i < 20; i++)
            {
                fleet.Now -= s_policy.Tick;
                fleet.Tick(20);
            }
        }

        Assert.True(fleet.Actions[0].At - from >= s_policy.Calm - s_policy.Tick);
    }

    [Fact]
    public void When_all_are_silent_all_stands_still_and_somebody_is_called()
    {
        SimpleFleet fleet = new(s_policy, serving: 2);
        Plan plan = fleet.Tick(500, silent: 2);
        Assert.Equal((2, PlanKind.Frozen), (plan.Target, plan.Kind));
        Assert.Contains("all two nodes that serve are silent", plan.Reason, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(PlanKind.Frozen, fleet.Tick(double.NaN).Kind);
    }

    [Fact]
    public void A_silent_node_counts_as_full_when_closing_is_considered()
    {
        SimpleFleet known = new(s_policy, serving: 3);
        known.Run(Minutes(20), _ => 50);
        Assert.Contains(known.Actions, a => a.Plan.Kind == PlanKind.In);

        SimpleFleet silent = new(s_policy, serving: 3);
        for (int i = 0; i < 500; i++) silent.Tick(70, silent: 1);
        Assert.Empty(silent.Actions);
    }

    [Fact]
    public void After_a_collapse_no_node_is_closed_for_half_an_hour()
    {
        SimpleFleet fleet = new(s_policy, serving: 4);
        fleet.Run(Minutes(60), _ => 170);
        Assert.Empty(fleet.Actions);
        DateTimeOffset fell = fleet.Now;
        fleet.Run(Minutes(90), _ => 30);
        TimeSpan waited = fleet.Actions[0].At - fell;
        Assert.True(waited >= Minutes(30) && waited < Minutes(45), $"{waited}: {fleet.Actions[0]}");
    }

    [Fact]
    public void The_end_of_a_short_peak_is_no_collapse()
    {
        SimpleFleet fleet = new(s_policy);
        fleet.Run(Minutes(60), _ => 40);
        fleet.Run(Minutes(6), _ => 160);
        DateTimeOffset fell = fleet.Now;
        fleet.Run(Minutes(60), _ => 40);
        Assert.True(fleet.Actions.First(a => a.Plan.Kind == PlanKind.In).At - fell < Minutes(30), string.Join('\n', fleet.Actions));
    }

    [Fact]
    public void Thresholds_that_change_take_effect_with_the_next_tick()
    {
        SimpleFleet fleet = new(s_policy);
        fleet.Run(Minutes(30), _ => 40);
        Assert.Empty(fleet.Actions);
        fleet.Policy = fleet.Policy with { UpLoad = 0.6, DownLoad = 0.5 };
        Assert.Equal((2, PlanKind.Out), (fleet.Tick(40).Target, fleet.Actions.Single().Plan.Kind));
        fleet.Policy = fleet.Policy with { Min = 3, BootP95 = Minutes(10), PayBack = Minutes(60), SlopeWindow = Minutes(20) };
        Assert.Contains("three are the fewest", fleet.Tick(40).Reason);
        fleet.Run(Minutes(30), _ => 40);
        fleet.Policy = s_policy;
        fleet.Run(Minutes(30), _ => 40);
        Assert.Equal(1, fleet.Serving);
    }

    [Fact]
    public void Closings_keep_to_their_budget()
    {
        SimpleFleet fleet = new(s_policy with { ScaleInsPerHour = 1, Calm = TimeSpan.Zero, OutageFall = 1, PayBack = Minutes(1) }, serving: 6);
        double rate = 300;
        fleet.Run(TimeSpan.FromHours(4), _ => rate -= 0.2);
        DateTimeOffset[] closed = [.. fleet.Actions.Where(a => a.Plan.Kind == PlanKind.In).Select(a => a.At)];
        Assert.True(closed.Length > 2);
        Assert.All(closed.Zip(closed.Skip(1)), pair => Assert.True(pair.Second - pair.First >= TimeSpan.FromHours(1)));
    }

    [Theory]
    [InlineData(60)]
    [InlineData(-60)]
    [InlineData(5)]
    public void After_a_gap_or_a_clock_that_jumped_nothing_is_closed_before_a_whole_calm_was_seen(double minutes)
    {
        SimpleFleet fleet = new(s_policy, serving: 2);
        fleet.Run(s_policy.Calm - (2 * s_policy.Tick), _ => 20);
        fleet.Now += Minutes(minutes);
        DateTimeOffset again = fleet.Now;
        fleet.Run(Minutes(20), _ => 20);
        Assert.True(Assert.Single(fleet.Actions).At - again >= s_policy.Calm - s_policy.Tick);
    }

    [Fact]
    public void With_nobody_serving_the_fewest_are_opened_and_draining_ones_are_called_back_first()
    {
        Plan first = Decide.Next(new(), new(double.NaN, 0, 0, 0, 55, 0), s_policy with { Min = 2 }, DateTimeOffset.UnixEpoch);
        Assert.Equal((2, PlanKind.Out, "No node serves: two nodes are opened."), (first.Target, first.Kind, first.Reason));
        Assert.Equal(PlanKind.Stay, Decide.Next(new(), new(double.NaN, 0, 1, 0, 55, 0), s_policy, DateTimeOffset.UnixEpoch).Kind);

        Plan back = Decide.Next(new(), new(100, 1, 0, 1, 55, 0), s_policy, DateTimeOffset.UnixEpoch);
        Assert.Contains(": one that drains is called back, a third node is opened.", back.Reason);
    }

    [Fact]
    public void A_tick_leaves_hardly_anything_to_collect()
    {
        SimpleFleet fleet = new(s_policy);
        fleet.Run(TimeSpan.FromHours(2), SimpleFleet.Noisy(_ => 40, 1));
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1000; i++)
            Decide.Next(fleet.State, new(40 + (i % 3), 1, 0, 0, 55, 0), s_policy, fleet.Now += s_policy.Tick);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    private static Gen<(Observation, double)[]> Any => Gen.Select(
        Gen.Select(
            Gen.OneOf(Gen.Double[0, 1000], Gen.OneOf(Gen.Const(double.NaN), Gen.Const(0.0), Gen.Const(-1.0), Gen.Const(double.PositiveInfinity))),
            Gen.Int[0, 8], Gen.Int[0, 3], Gen.Int[0, 3], Gen.OneOf(Gen.Double[20, 110], Gen.OneOf(Gen.Const(0.0), Gen.Const(double.NaN))), Gen.Int[0, 8],
            (rate, serving, booting, draining, capacity, silent) => new Observation(rate, serving, booting, draining, capacity, Math.Min(silent, serving))),
        Gen.Frequency((3, Gen.Const(10.0)), (1, Gen.Const(0.0)), (1, Gen.Const(3.0)), (1, Gen.Const(3600.0)), (1, Gen.Const(-3600.0)))).Array[1, 60];

    private static int Needed(double[] rates, ScalingPolicy policy)
    {
        ScalingState state = new();
        DateTimeOffset now = DateTimeOffset.UnixEpoch;
        foreach (double rate in rates) Decide.Next(state, new(rate, 1, 0, 0, policy.Capacity, 0), policy with { Max = 1000 }, now += policy.Tick);
        return state.LastNeed;
    }

    private static double Between(double[] xs, double[] ys, double x)
    {
        int i = Math.Clamp(Array.FindLastIndex(xs, known => known <= x), 0, xs.Length - 2);
        return ys[i] + ((ys[i + 1] - ys[i]) * Math.Clamp((x - xs[i]) / (xs[i + 1] - xs[i]), 0, 1));
    }
}
