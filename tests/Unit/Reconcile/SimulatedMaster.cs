using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Reconcile;

/// <summary>A master over a simulated world: the real loop, the real decision, and everything else made up.</summary>
internal sealed class SimulatedMaster
{
    private readonly SimulatedWorld _world;
    private TimeSpan _due;

    public SimulatedMaster(SimulatedWorld world, SimulatedStore store, string owner, Func<Observation, ScalingPolicy, DateTimeOffset, Plan>? decide = null, Func<string, decimal>? price = null)
    {
        _world = world;
        Clock = new SimulatedClock(world);
        Nodes = new SimulatedNodes(world, Clock);
        Orders = new OrderDesk(store, Clock);
        Lease = new Lease(store, owner, () => world.Policy.Life, Clock);
        State = new ScalingState();
        decide ??= (seen, policy, now) => Decide.Next(State, seen, policy, now);
        Reconciler = new Reconciler(
            new SimulatedFleet(world, Clock), new SimulatedZone(world), Nodes, Lease, () => world.Policy, decide,
            new FleetTerms { Price = price ?? (_ => 0.04m), Jitter = () => 0.5, Orders = Orders, Retired = (node, _) => DenyAsync(node.Id) }, Clock, WatchedLog.Unread);
        _due = world.Now;
    }

    public SimulatedClock Clock { get; }

    public SimulatedNodes Nodes { get; }

    public ScalingState State { get; }

    /// <summary>Nodes whose certificates were denied, each before it was ended.</summary>
    public List<string> Denied { get; } = [];

    /// <summary>What the operator orders.</summary>
    public OrderDesk Orders { get; }

    public Lease Lease { get; }

    public Reconciler Reconciler { get; }

    /// <summary>A plan that is always the same, for what is not about deciding.</summary>
    public static Func<Observation, ScalingPolicy, DateTimeOffset, Plan> Always(Func<int> target) => (seen, _, _) =>
    {
        int current = seen.Serving + seen.Booting, wanted = target();
        PlanKind kind = wanted > current ? PlanKind.Out : wanted < seen.Serving && seen.Booting == 0 ? PlanKind.In : PlanKind.Stay;
        return new Plan(kind == PlanKind.Stay ? current : wanted, kind, $"{wanted} nodes are wanted.");
    };

    private Task DenyAsync(string id)
    {
        Assert.False(_world.Nodes.Single(n => n.Id == id).IsEnded);
        Denied.Add(id);
        return Task.CompletedTask;
    }

    /// <summary>A pass, if one is due.</summary>
    public async Task PassAsync()
    {
        if (_world.Now < _due) return;
        bool isBusy = await Reconciler.StepAsync(CancellationToken.None);
        _due = _world.Now + (isBusy || !Lease.IsHeld ? _world.Policy.Tick / 5 : _world.Policy.Tick);
    }

    public async Task RunAsync(TimeSpan span, Action? each = null)
    {
        TimeSpan until = _world.Now + span;
        while (_world.Now < until)
        {
            await PassAsync();
            each?.Invoke();
            _world.Advance(_due - _world.Now);
        }
    }
}
