using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Reconcile;

/// <summary>The master dies in the middle of what it does.</summary>
internal sealed class CrashException : Exception;

/// <summary>A steady clock that is moved by hand, and what a master's wall clock makes of it. Timers never fire: nothing waits in the simulation.</summary>
internal sealed class SimulatedClock(SimulatedWorld world) : TimeProvider
{
    private static readonly DateTimeOffset s_begin = new(2026, 1, 11, 16, 0, 0, TimeSpan.Zero);

    public TimeSpan Offset { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => world.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => s_begin + world.Now + Offset;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Never();

    private sealed class Never : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => true;

        public void Dispose()
        {
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}

/// <summary>A machine with a node on it.</summary>
internal sealed class SimulatedNode
{
    public required string Id { get; init; }
    public required LaunchOrder Order { get; init; }
    public required IPAddress Address { get; init; }
    public required DateTimeOffset Launched { get; init; }
    public required TimeSpan VisibleAt { get; init; }
    public required TimeSpan RunsAt { get; init; }
    public required TimeSpan ReadyAt { get; init; }
    public Marks? Marks { get; set; }
    public bool IsEnded { get; set; }
    public TimeSpan EndedAt { get; set; }

    /// <summary>It hangs: the machine runs, nobody answers.</summary>
    public bool Hangs { get; set; }

    public bool WasLost { get; set; }
    public Intent Told { get; set; }
    public long Epoch { get; set; }
    public bool IsRetired { get; set; }
    public double Share { get; set; }
    public TimeSpan LastRequest { get; set; }
    public TimeSpan? OutSince { get; set; }
    public bool WasPublished { get; set; }
    public TimeSpan? DrainSince { get; set; }
}

/// <summary>
/// A cloud, a zone, its resolvers and their clients on one virtual clock. Clients are mass, in cohorts that look a name up at different times: most with every
/// TTL, some ten minutes late, 2 % fifteen (SCALING §1). What breaks a rule is written down the moment it happens.
/// </summary>
internal sealed class SimulatedWorld
{
    private readonly Random _random;
    private readonly List<Cohort> _cohorts = [];
    private readonly Dictionary<IPAddress, SimulatedNode> _byAddress = [];
    private readonly Dictionary<(int, int, int), SimulatedNode> _byToken = [];
    private readonly List<(TimeSpan At, HashSet<IPAddress> Set)> _pending = [];
    private int _made;

    public SimulatedWorld(ScalingPolicy policy, int seed = 1)
    {
        (Policy, _random) = (policy, new Random(seed));
        Add(6, 0.90, policy.Ttl);
        Add(20, 0.08, TimeSpan.FromSeconds(600));
        Add(15, 0.02, TimeSpan.FromSeconds(900));

        void Add(int count, double mass, TimeSpan hold)
        {
            for (int i = 0; i < count; i++) _cohorts.Add(new Cohort { Mass = mass / count, Hold = hold, Due = hold * i / count });
        }
    }

    public ScalingPolicy Policy { get; set; }

    public TimeSpan Now { get; private set; }

    /// <summary>Requests a second.</summary>
    public Func<TimeSpan, double> Demand { get; set; } = _ => 30;

    public double Capacity { get; init; } = 55;

    /// <summary>The operator wants no node.</summary>
    public bool MayBeEmpty { get; set; }

    public (double Low, double High) Boot { get; set; } = (45, 120);

    /// <summary>How long a new machine is not shown.</summary>
    public TimeSpan Hidden { get; set; } = TimeSpan.Zero;

    /// <summary>Share of launches for which there is no room.</summary>
    public double NoCapacity { get; set; }

    /// <summary>Share of calls that are refused as too many, and of those whose answer is lost though they were heard.</summary>
    public double Throttled { get; set; }

    /// <summary>Before each call, and after what it did: the place for crashes, pauses and other masters.</summary>
    public Func<string, bool, Task>? OnCall { get; set; }

    public List<SimulatedNode> Nodes { get; } = [];

    public List<Instance> Foreign { get; } = [];

    public HashSet<IPAddress> Published { get; private set; } = [];

    public HashSet<IPAddress> InForce { get; private set; } = [];

    public bool WasEverPublished { get; private set; }

    public List<string> Broken { get; } = [];

    public double Requests { get; private set; }

    public double Lost { get; private set; }

    /// <summary>Of the lost: those sent to a node that had been ended.</summary>
    public double ToEnded { get; private set; }

    public int Launches { get; private set; }

    public double NodeHours { get; private set; }

    public int LiveCount => Nodes.Count(n => !n.IsEnded);

    public async Task BeforeAsync(string call)
    {
        if (OnCall is { } hook) await hook(call, false);
    }

    public async Task AfterAsync(string call)
    {
        if (OnCall is { } hook) await hook(call, true);
        if (Throttled > 0 && _random.NextDouble() < Throttled / 2) throw new TimeoutException();
    }

    public bool IsThrottled() => Throttled > 0 && _random.NextDouble() < Throttled / 2;

    public bool HasNoRoom() => NoCapacity > 0 && _random.NextDouble() < NoCapacity;

    public bool Knows(LaunchOrder order) => _byToken.ContainsKey((order.Slot, order.Generation, order.Attempt));

    public SimulatedNode Make(LaunchOrder order, DateTimeOffset now)
    {
        if (_byToken.TryGetValue((order.Slot, order.Generation, order.Attempt), out SimulatedNode? there)) return there;
        int number = ++_made;
        double boot = Boot.Low + (_random.NextDouble() * (Boot.High - Boot.Low));
        var node = new SimulatedNode
        {
            Id = $"i-{number}",
            Order = order,
            Address = new IPAddress([10, (byte)(number >> 16), (byte)(number >> 8), (byte)number]),
            Launched = now,
            VisibleAt = Now + Hidden,
            RunsAt = Now + TimeSpan.FromSeconds(boot / 3),
            ReadyAt = Now + TimeSpan.FromSeconds(boot),
            Marks = new Marks(Intent.Serve, order.Epoch),
        };
        Launches++;
        Nodes.Add(node);
        _byAddress[node.Address] = node;
        _byToken[(order.Slot, order.Generation, order.Attempt)] = node;
        int serving = Nodes.Count(n => !n.IsEnded && !n.WasLost && n.Marks!.Intent == Intent.Serve);
        if (serving > Policy.Max) Breaks($"{serving} nodes, {Policy.Max} are the most");
        if (Nodes.Any(n => !n.IsEnded && n != node && n.Order.Slot == order.Slot && n.Order.Generation == order.Generation)) Breaks($"slot {order.Slot} was launched twice");
        return node;
    }

    public void Mark(SimulatedNode node, Marks marks)
    {
        node.Marks = marks;
        node.DrainSince = marks.Intent == Intent.Drain ? node.DrainSince ?? Now : null;
    }

    public void End(SimulatedNode node)
    {
        if (node.IsEnded) return;
        if (!node.WasLost && !node.Hangs)
        {
            if (node.Marks!.Intent != Intent.Drain) Breaks($"{node.Id} was ended, and was to serve");
            if (Published.Contains(node.Address) || InForce.Contains(node.Address)) Breaks($"{node.Id} was ended while in the DNS");
            bool isForced = Now - node.DrainSince >= Policy.Life.DrainMost;
            if (node.WasPublished)
            {
                if (!(Now - node.OutSince >= Policy.Ttl + Policy.DnsDelay)) Breaks($"{node.Id} was ended {Now - node.OutSince} after it left the DNS");
                if (!isForced && Now - node.LastRequest < TimeSpan.FromSeconds(50)) Breaks($"{node.Id} was ended {Now - node.LastRequest} after a request");
            }
        }

        (node.IsEnded, node.EndedAt) = (true, Now);
    }

    public TimeSpan Publish(HashSet<IPAddress> set)
    {
        if (set.Count == 0 && !MayBeEmpty) Breaks("the DNS was emptied");
        if (Published.SetEquals(set)) return Now;
        WasEverPublished = true;
        Published = set;
        foreach (SimulatedNode node in Nodes) if (set.Contains(node.Address)) node.WasPublished = true;
        TimeSpan at = Now + Policy.DnsDelay;
        _pending.Add((at, set));
        return at;
    }

    public IReadOnlySet<IPAddress> Answers()
    {
        HashSet<IPAddress> all = [.. InForce];
        foreach ((_, HashSet<IPAddress> set) in _pending) all.UnionWith(set);
        return all;
    }

    public bool IsInSync(TimeSpan at) => Now >= at;

    /// <summary>Somebody else puts an address in the zone, or an old one comes back.</summary>
    public void Intrude(IPAddress address)
    {
        Published = [.. Published, address];
        InForce = [.. InForce, address];
    }

    public void Fail(SimulatedNode node, bool hangs)
    {
        node.WasLost = true;
        if (hangs) node.Hangs = true;
        else (node.IsEnded, node.EndedAt) = (true, Now);
    }

    public double RateOf(SimulatedNode node) => Math.Max(0, node.Share) * Demand(Now);

    public bool Answers(SimulatedNode node) => node is { IsEnded: false, Hangs: false } && Now >= node.ReadyAt;

    /// <summary>Time goes on.</summary>
    public void Advance(TimeSpan by)
    {
        double rate = Demand(Now), seconds = by.TotalSeconds;
        double total = rate * seconds;
        if (WasEverPublished) Requests += total;
        foreach (SimulatedNode node in Nodes)
        {
            if (!node.IsEnded) NodeHours += seconds / 3600;
            if (node.Share < 1e-9) continue;
            if (node.Share * total > 0.02) node.LastRequest = Now + by;
            if (Answers(node)) continue;
            Lost += node.Share * total;
            if (node.IsEnded && !node.WasLost) ToEnded += node.Share * total;
        }

        Now += by;
        while (_pending.Count > 0 && _pending[0].At <= Now)
        {
            InForce = _pending[0].Set;
            _pending.RemoveAt(0);
            foreach (SimulatedNode node in Nodes)
            {
                if (InForce.Contains(node.Address)) node.OutSince = null;
                else if (!node.IsEnded) node.OutSince ??= Now;
            }
        }

        foreach (Cohort cohort in _cohorts)
        {
            // Who found nothing asks again at once.
            if (cohort.Due > Now && (cohort.At.Count > 0 || InForce.Count == 0)) continue;
            if (cohort.Due <= Now) cohort.Due = Now + cohort.Hold;
            Spread(cohort, -1);
            cohort.At = InForce;
            Spread(cohort, 1);
        }

        if (Nodes.Count > 64) Nodes.RemoveAll(n => n.IsEnded && Now - n.EndedAt > TimeSpan.FromHours(1));
    }

    private void Spread(Cohort cohort, int sign)
    {
        if (cohort.At.Count == 0) return;
        foreach (IPAddress address in cohort.At)
            if (_byAddress.TryGetValue(address, out SimulatedNode? node)) node.Share += sign * cohort.Mass / cohort.At.Count;
    }

    private void Breaks(string rule) => Broken.Add($"{Now}: {rule}");

    private sealed class Cohort
    {
        public required double Mass { get; init; }
        public required TimeSpan Hold { get; init; }
        public required TimeSpan Due { get; set; }
        public HashSet<IPAddress> At { get; set; } = [];
    }
}
