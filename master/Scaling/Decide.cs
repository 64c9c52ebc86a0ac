using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// How many nodes there should be (SCALING §2): enough for what demand may become by the time a new node serves; fewer only when fewer will do for as long as
/// closing one takes to pay. Pure but for the state handed in; the clock is an argument.
/// </summary>
internal static class Decide
{
    /// <summary>Slack of a division that should have come out even.</summary>
    private const double Even = 1e-9;

    // More than any policy allows; where they are wanted, no figure is needed.
    private const int MostNodes = 2000;

    /// <summary>
    /// One tick. Called again within half a tick it repeats what it said, and closes nothing; after a gap, or when the clock was set back, it starts anew.
    /// </summary>
    public static Plan Next(ScalingState state, in Observation seen, ScalingPolicy policy, DateTimeOffset now)
    {
        int current = seen.Serving + seen.Booting;
        if (seen.Serving <= 0) return Begin(state, seen, policy, current);
        if (!double.IsFinite(seen.RequestsPerSecond) || seen.RequestsPerSecond < 0 || !double.IsFinite(seen.Capacity) || seen.Capacity <= 0)
            return Freeze(state, current, Reasons.NoFigures);
        if (seen.Silent >= seen.Serving) return Freeze(state, current, Reasons.AllSilent(seen));
        // No request at all is what a broken meter shows too: it tells nothing, and a gap begins.
        if (seen.RequestsPerSecond == 0) return Repeat(state, seen, current, Reasons.NoRequest);
        if (IsRepeated(state, policy, now)) return Repeat(state, seen, current, Reasons.TooSoon);

        state.LastTick = now;
        Demand demand = state.Demand;
        demand.Take(seen.RequestsPerSecond, policy);
        Learn(state, seen, policy, now);

        double level = demand.Level;
        double seasonMost = policy.SeasonLevels * Math.Max(level, 1);
        double expected = demand.Forecast * (1 + state.Ahead.Share(policy));
        double usual = Math.Min(state.Season.Most(now, policy.Horizon()), seasonMost);
        int needed = Nodes(Math.Max(expected, usual), policy.UpLoad, seen.Capacity, policy);
        bool rising = needed == 1 && demand.Slope > 0 && demand.Forecast > policy.RisingLoad * seen.Capacity;
        needed = (rising ? 2 : needed) + policy.Spare;
        bool urgent = demand.KnowsPeak(policy) && demand.Peak > seen.Serving * seen.Capacity * policy.UrgentLoad;
        if (urgent) needed = Math.Max(needed, (int)Math.Ceiling(demand.Highest(policy) * (1 + policy.SkewOf(seen.Serving)) / (seen.Capacity * policy.UrgentTarget)));
        int up = state.LastNeed = Math.Clamp(needed, policy.Min, policy.Max);
        Figures figures = new(seen, level, demand.Slope > 0, Math.Max(expected, usual), usual > expected, urgent, needed, policy);

        if (up > current)
        {
            state.CalmFor = TimeSpan.Zero;
            Regret(state, policy, now);
            return new(up, PlanKind.Out, Reasons.Out(figures, up));
        }

        if (state.Regrets > 0 && now - state.RegrettedAt > policy.RegretFor) (state.Regrets, state.RegrettedAt) = (state.Regrets - 1, now);

        // A silent node may be full.
        double later = Math.Max(level * (1 + state.PayBack.Share(policy)), Math.Min(state.Season.Most(now, policy.PayBack), seasonMost));
        int down = Nodes(later + (seen.Silent * seen.Capacity), policy.DownLoad, seen.Capacity, policy) + policy.Spare;
        down = Math.Clamp(Math.Max(needed, down), policy.Min, policy.Max);
        bool manySilent = seen.Silent > policy.SilentShare * seen.Serving;
        if (down >= seen.Serving || seen.Booting > 0 || manySilent)
        {
            state.CalmFor = TimeSpan.Zero;
            return new(current, PlanKind.Stay, Reasons.Stay(figures, manySilent));
        }

        state.CalmFor += policy.Tick;
        TimeSpan calm = policy.Calm * Math.Pow(2, state.Regrets);
        if (state.CalmFor < calm) return new(current, PlanKind.Stay, Reasons.Calm(figures, down, calm - state.CalmFor));
        if (now < state.OutageUntil) return new(current, PlanKind.Stay, Reasons.Outage(figures, down, state.OutageUntil - now));
        while (state.ScaleIns.TryPeek(out DateTimeOffset oldest) && oldest < now - TimeSpan.FromHours(1)) state.ScaleIns.Dequeue();
        if (state.ScaleIns.Count >= policy.ScaleInsPerHour) return new(current, PlanKind.Stay, Reasons.Budget(figures, down));

        state.ScaleIns.Enqueue(now);
        state.CalmFor = TimeSpan.Zero;
        state.LastIn = now;
        return new(down, PlanKind.In, Reasons.In(figures, down, later, calm));
    }

    // One node can be filled; several never evenly.
    private static int Nodes(double demand, double load, double capacity, ScalingPolicy policy)
    {
        double full = load * capacity;
        if (demand <= full) return 1;
        int nodes = (int)Math.Clamp(Math.Ceiling(demand / full), 2, MostNodes);
        while (nodes < MostNodes && Math.Ceiling((demand * (1 + policy.SkewOf(nodes)) / full) - Even) > nodes) nodes++;
        return nodes;
    }

    private static void Learn(ScalingState state, in Observation seen, ScalingPolicy policy, DateTimeOffset now)
    {
        Demand demand = state.Demand;
        state.Season.Take(seen.RequestsPerSecond, policy, now);
        if (demand.IsDue(policy.MarginEvery, policy))
        {
            state.Ahead.Take(demand.MissedBy(policy), policy);
            state.PayBack.Take(demand.RoseBy(policy), policy);
        }

        if (demand.IsDue(policy.MarginRefresh, policy))
        {
            state.Ahead.Refresh(policy);
            state.PayBack.Refresh(policy);
        }

        if (demand.Collapsed(policy)) state.OutageUntil = now + policy.OutageHold;
    }

    // The closing before it was a mistake: be slower for a while. Counted once.
    private static void Regret(ScalingState state, ScalingPolicy policy, DateTimeOffset now)
    {
        if (state.LastIn is not { } closed || now - closed >= policy.RegretWithin) return;
        state.Regrets = Math.Min(state.Regrets + 1, policy.RegretMost);
        (state.RegrettedAt, state.LastIn) = (now, null);
    }

    // Nobody serves, so nobody can say what demand is.
    private static Plan Begin(ScalingState state, in Observation seen, ScalingPolicy policy, int current)
    {
        state.CalmFor = TimeSpan.Zero;
        int least = Math.Clamp(Math.Max(policy.Min + policy.Spare, state.LastNeed), policy.Min, policy.Max);
        return least > current
            ? new(least, PlanKind.Out, Reasons.First(seen, least))
            : new(current, PlanKind.Stay, Reasons.Waiting(seen));
    }

    private static Plan Freeze(ScalingState state, int current, string reason)
    {
        state.CalmFor = TimeSpan.Zero;
        return new(current, PlanKind.Frozen, reason);
    }

    // What was seen within half a tick is the same thing seen twice. A gap of a whole level window, or a clock set back, makes all of it old.
    private static bool IsRepeated(ScalingState state, ScalingPolicy policy, DateTimeOffset now)
    {
        if (state.LastTick is not { } last) return false;
        TimeSpan since = now - last;
        if (since.Duration() < policy.Tick / 2) return true;
        if (since > TimeSpan.Zero && since <= policy.LevelWindow + policy.Tick) return false;
        state.Demand.Forget();
        state.CalmFor = TimeSpan.Zero;
        return false;
    }

    private static Plan Repeat(ScalingState state, in Observation seen, int current, string reason) => state.LastNeed > current
        ? new(state.LastNeed, PlanKind.Out, Reasons.Still(seen, state.LastNeed))
        : new(current, PlanKind.Stay, reason);
}
