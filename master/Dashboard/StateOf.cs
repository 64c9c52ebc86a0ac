using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>All that the state is made of, at one moment.</summary>
internal sealed record Facts
{
    /// <summary>When.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The name that the nodes share.</summary>
    public required string Grid { get; init; }

    /// <summary>The last pass.</summary>
    public required Snapshot Snapshot { get; init; }

    /// <summary>The last decisions and steps, oldest first.</summary>
    public IReadOnlyList<HistoryEntry> History { get; init; } = [];

    /// <summary>The policy in force.</summary>
    public required GridPolicy Policy { get; init; }

    /// <summary>What a node of a type costs an hour, as the reconciler counts it.</summary>
    public Func<string, decimal> Price { get; init; } = _ => 0;

    /// <summary>A node's newest report, by its instance; null: none that counts.</summary>
    public Func<string, NodeReport?> Report { get; init; } = _ => null;

    /// <summary>Requests a second that are expected; null: not known.</summary>
    public double? Forecast { get; init; }
}

/// <summary>
/// From what the master's parts hold to what it shows. It remembers what was served and the last day (<see cref="DayPlot"/>), so it has one caller, once a second.
/// </summary>
internal sealed class StateOf
{
    private const int MostDecisions = 60;

    // The first minutes, before there is a node, are no saving.
    private const int LeastMinutes = 10;

    private readonly Ledger _served = new();

    /// <summary>The last 24 hours.</summary>
    public DayPlot Day { get; } = new();

    /// <summary>The state of this moment.</summary>
    public MasterState Take(Facts facts)
    {
        Snapshot seen = facts.Snapshot;
        Dictionary<string, NodeReport?> reports = [];
        foreach (NodeView node in seen.Nodes) reports[node.Instance.Id] = node.State is NodeState.Gone or NodeState.Foreign ? null : facts.Report(node.Instance.Id);
        FleetNode[] nodes = [.. seen.Nodes.OrderBy(n => n.Instance.Slot).ThenBy(n => n.Instance.Generation).Select(n => Node(n, reports[n.Instance.Id], facts))];
        double? demand = Demand(nodes, seen);
        double? capacity = Finite(seen.Seen?.Capacity);
        if (seen.Leads)
        {
            _served.Take(reports.Select(r => (r.Key, r.Value)));
            int serving = nodes.Count(n => n.State == NodeStage.InService);
            Day.Take(facts.Now, new Sample(
                demand ?? double.NaN, capacity * serving ?? double.NaN, seen.Usage.Nodes, seen.Usage.Billed, seen.Usage.SpendPerHour, _served.Total));
        }

        IReadOnlyList<Minute?> day = Day.Last(DayPlot.Minutes);
        return new MasterState
        {
            Now = facts.Now,
            Grid = facts.Grid,
            Leads = seen.Leads,
            Epoch = seen.Epoch,
            Demand = new DemandState
            {
                RequestsPerSecond = demand,
                ForecastPerSecond = Finite(facts.Forecast),
                NodeCapacityPerSecond = capacity,
                Silent = seen.Seen?.Silent ?? 0,
            },
            Plan = seen.Plan is { } plan ? new PlanState { Target = plan.Target, Change = Word(plan.Kind), Reason = plan.Reason } : null,
            Nodes = nodes,
            Ordered = seen.Ordered,
            IsHeld = seen.Orders.IsHeld,
            Dns = new DnsState { Addresses = [.. seen.Published.Select(a => a.ToString()).Order(StringComparer.Ordinal)], TtlSeconds = facts.Policy.Scaling.Ttl.TotalSeconds },
            Cost = Cost(seen.Usage, day, facts),
            Cache = Cache(day),
            Limits = seen.Leads ? Limits(seen.Usage, facts.Policy) : [],
            Decisions = [.. facts.History.TakeLast(MostDecisions).Reverse().Select(h => new DecisionState { At = h.At, Node = h.Node, What = h.What, Reason = h.Reason })],
            Alarms = seen.Alarms,
        };
    }

    private static FleetNode Node(NodeView node, NodeReport? report, Facts facts)
    {
        bool isAnswering = node.State is not (NodeState.Requested or NodeState.Gone or NodeState.Foreign);
        return new FleetNode
        {
            Name = node.Name,
            State = Stage(node.State),
            Since = facts.Snapshot.At - node.For,
            Address = node.Instance.Address?.ToString() ?? "",
            Load = Finite(report?.Load ?? node.Look?.Load),
            RequestsPerSecond = Finite(report?.RequestsPerSecond ?? node.RequestsPerSecond),
            InFlight = report?.InFlight ?? node.Look?.InFlight,
            SentBytesPerSecond = Finite(report?.SentBytesPerSecond),
            InDns = node.InDns,
            IsSilent = isAnswering && node.State != NodeState.Booting && node.Look is null,
            CostPerHour = node.IsLive && node.State != NodeState.Foreign ? facts.Price(node.Instance.Type) : 0,
        };
    }

    // The nodes' own newest words; the decision's figure is up to a tick older.
    private static double? Demand(FleetNode[] nodes, Snapshot seen)
    {
        double[] known = [.. nodes.Where(n => n.State is not (NodeStage.Gone or NodeStage.Foreign)).Select(n => n.RequestsPerSecond).OfType<double>()];
        return known.Length > 0 ? known.Sum() : Finite(seen.Seen?.RequestsPerSecond);
    }

    private static CostState Cost(in Usage usage, IReadOnlyList<Minute?> day, Facts facts)
    {
        Minute[] known = [.. day.OfType<Minute>()];
        int peak = known.Length > 0 ? known.Max(m => m.Nodes) : usage.Nodes;
        double used = known.Sum(m => m.Billed), most = (double)peak * known.Length;
        decimal each = usage.Billed > 0 ? usage.SpendPerHour / usage.Billed : facts.Price("");
        return new CostState
        {
            Currency = facts.Policy.Fleet.Currency,
            PerHour = usage.SpendPerHour,
            LastDay = usage.SpendLastDay,
            NodeHoursLastDay = usage.NodeHoursLastDay,
            PeakNodes = peak,
            PeakPerHour = peak * each,
            SavedShare = most > 0 && known.Length >= LeastMinutes ? 1 - (used / most) : null,
        };
    }

    private CacheState Cache(IReadOnlyList<Minute?> day)
    {
        Minute[] known = [.. day.OfType<Minute>()], now = [.. day.TakeLast(5).OfType<Minute>()];
        return new CacheState
        {
            Hits = _served.Total.Hits,
            Misses = _served.Total.Misses,
            HitRate = Share(known),
            HitRateNow = Share(now),
            SavedBytes = _served.Total.Bytes,
            SavedBytesLastDay = known.Sum(m => m.Bytes),
        };
    }

    private static LimitState[] Limits(in Usage usage, GridPolicy policy)
    {
        ScalingPolicy scaling = policy.Scaling;
        string currency = policy.Fleet.Currency;
        return
        [
            new() { Name = "max", Meaning = "nodes at once", Used = usage.Nodes, Most = scaling.Max },
            new() { Name = "launchesPerHour", Meaning = "launches in the last hour", Used = usage.LaunchesLastHour, Most = scaling.LaunchesPerHour },
            new() { Name = "nodeHoursPerDay", Meaning = "hours of nodes in the last day", Used = usage.NodeHoursLastDay, Most = scaling.NodeHoursPerDay },
            new() { Name = "spendPerHour", Meaning = $"{currency} an hour", Used = (double)usage.SpendPerHour, Most = (double)scaling.SpendPerHour },
            new() { Name = "spendPerDay", Meaning = $"{currency} in the last day", Used = (double)usage.SpendLastDay, Most = (double)scaling.SpendPerDay },
        ];
    }

    private static double? Share(Minute[] minutes)
    {
        long hits = minutes.Sum(m => m.Hits), all = hits + minutes.Sum(m => m.Misses);
        return all > 0 ? (double)hits / all : null;
    }

    // Neither JSON nor a person has a use for NaN.
    private static double? Finite(double? figure) => figure is { } known && double.IsFinite(known) ? known : null;

    private static NodeStage Stage(NodeState state) => state switch
    {
        NodeState.Requested => NodeStage.Requested,
        NodeState.Booting => NodeStage.Booting,
        NodeState.Warming => NodeStage.Warming,
        NodeState.InService => NodeStage.InService,
        NodeState.Leaving => NodeStage.Leaving,
        NodeState.Draining => NodeStage.Draining,
        NodeState.Terminating => NodeStage.Terminating,
        NodeState.Lost => NodeStage.Lost,
        NodeState.Gone => NodeStage.Gone,
        _ => NodeStage.Foreign,
    };

    private static string Word(PlanKind kind) => kind switch
    {
        PlanKind.Out => "out",
        PlanKind.In => "in",
        PlanKind.Frozen => "frozen",
        _ => "stay",
    };
}
