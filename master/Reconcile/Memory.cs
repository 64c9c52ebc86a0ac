using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Master.Reconcile;

/// <summary>An order that the cloud has not shown the instance of.</summary>
internal sealed class OpenOrder
{
    /// <summary>Which of its slot.</summary>
    public required int Generation { get; init; }

    /// <summary>See <see cref="LaunchOrder.Attempt"/>.</summary>
    public required int Attempt { get; init; }

    /// <summary>When it was first given, by this master.</summary>
    public required TimeSpan Since { get; init; }

    /// <summary>It makes good for a node that was lost.</summary>
    public bool Replaces { get; init; }

    /// <summary>The cloud has said yes. Until then the order is repeated.</summary>
    public bool IsTaken { get; set; }
}

/// <summary>
/// What a master remembers between passes: how often and since when. It may be lost at any moment: that only makes waits begin anew. As large as the fleet.
/// </summary>
internal sealed class Memory(TimeSpan begun)
{
    private readonly Dictionary<string, Remembered> _nodes = [];
    private readonly Dictionary<IPAddress, TimeSpan> _orphans = [];

    /// <summary>When this master began to lead.</summary>
    public TimeSpan Begun { get; } = begun;

    /// <summary>By slot: what was ordered and is not to be seen yet.</summary>
    public Dictionary<int, OpenOrder> Orders { get; } = [];

    /// <summary>By slot: all that was ever ordered. Kept with the lease.</summary>
    public Dictionary<int, SlotUse> Slots { get; init; } = [];

    /// <summary>No launches until then: the cloud refused, …</summary>
    public TimeSpan NoLaunchUntil { get; set; }

    /// <summary>… as often as this in a row.</summary>
    public int Refusals { get; set; }

    /// <summary>What is in the DNS, as it was last known.</summary>
    public IReadOnlySet<IPAddress>? Published { get; set; }

    /// <summary>The zone's last change, until it is known to be in force; null: none is on its way.</summary>
    public string? Change { get; set; }

    /// <summary>Addresses that no instance has had for some checks.</summary>
    public bool IsOrphan(IPAddress address, TimeSpan clock, ScalingPolicy policy) =>
        _orphans.TryGetValue(address, out TimeSpan since) && clock - since >= policy.Life.ChecksToLose * policy.Tick;

    /// <summary>There will be no such node; the next attempt waits, the longer the oftener this happens.</summary>
    public void Refused(int slot, OpenOrder order, TimeSpan clock, LifePolicy life, double jitter)
    {
        Orders.Remove(slot);
        Slots[slot] = new SlotUse(order.Generation, order.Attempt, SlotStage.Refused);
        Wait(clock, life, jitter);
    }

    /// <summary>No launch for a while, the longer the oftener this happens.</summary>
    public void Wait(TimeSpan clock, LifePolicy life, double jitter)
    {
        double pause = Math.Min(life.BackOff.TotalSeconds * Math.Pow(2, Math.Min(Refusals++, 20)), life.BackOffMost.TotalSeconds);
        NoLaunchUntil = clock + TimeSpan.FromSeconds(pause * (1 + (jitter / 4)));
    }

    /// <summary>Its consent is asked for from now on; null: no more.</summary>
    public void Retiring(string id, TimeSpan? since)
    {
        if (_nodes.TryGetValue(id, out Remembered? node)) node.RetireSince = since is null ? null : node.RetireSince ?? since;
    }

    /// <summary>It was told so.</summary>
    public void Told(string id, Intent intent)
    {
        if (_nodes.TryGetValue(id, out Remembered? node)) node.Told = intent;
    }

    /// <summary>The cloud was told to end it.</summary>
    public void Ended(string id)
    {
        if (_nodes.TryGetValue(id, out Remembered? node)) node.IsEnded = true;
    }

    /// <summary>The nodes of a view, each with its state.</summary>
    public IReadOnlyList<NodeView> Take(FleetView view, ScalingPolicy policy)
    {
        if (view.Published is not null) Published = view.Published;
        HashSet<string> there = new(view.Instances.Count);
        HashSet<IPAddress> used = new(view.Instances.Count);
        var nodes = new List<NodeView>(view.Instances.Count);
        foreach (Instance instance in view.Instances)
        {
            if (!there.Add(instance.Id)) continue;
            if (!_nodes.TryGetValue(instance.Id, out Remembered? known))
                _nodes[instance.Id] = known = new Remembered { FirstSeen = view.Clock, Since = view.Clock, LastGood = view.Clock, Unseen = instance.State == InstanceState.Pending || WasOrdered(instance) };
            if (instance is { Address: { } address, State: not InstanceState.Terminated }) used.Add(address);
            if (instance.Marks is not null) Seen(instance);
            nodes.Add(known.Look(instance, Published, view, policy));
        }

        foreach ((int slot, OpenOrder order) in Orders.Where(o => view.Clock - o.Value.Since > policy.Life.RequestedMost).ToList()) Refused(slot, order, view.Clock, policy.Life, 0);
        foreach (string gone in _nodes.Keys.Where(id => !there.Contains(id)).ToList()) _nodes.Remove(gone);
        foreach (IPAddress found in _orphans.Keys.Where(a => used.Contains(a) || Published?.Contains(a) != true).ToList()) _orphans.Remove(found);
        foreach (IPAddress address in Published ?? new HashSet<IPAddress>()) if (!used.Contains(address)) _orphans.TryAdd(address, view.Clock);
        return nodes;
    }

    private bool WasOrdered(Instance instance) =>
        instance.State != InstanceState.Terminated && Orders.TryGetValue(instance.Slot, out OpenOrder? order) && order.Generation == instance.Generation;

    private void Seen(Instance instance)
    {
        if (Orders.TryGetValue(instance.Slot, out OpenOrder? order) && order.Generation <= instance.Generation) Orders.Remove(instance.Slot);
        if (!Slots.TryGetValue(instance.Slot, out SlotUse? use) || use.Generation <= instance.Generation)
            Slots[instance.Slot] = new SlotUse(instance.Generation, 0, SlotStage.Seen);
    }

    private sealed class Remembered
    {
        private NodeState _state = (NodeState)(-1);
        private DateTimeOffset? _said;
        private TimeSpan _saidAt, _missedAt;
        private int _good, _missed;
        private NodeLook? _look;
        private double _rate = double.NaN;
        private double? _capacity;
        private bool _published;
        private TimeSpan? _outSince, _drainSince, _goodSince;

        public required TimeSpan FirstSeen { get; init; }

        public required TimeSpan Since { get; set; }

        public required TimeSpan LastGood { get; set; }

        /// <summary>It was seen from its beginning on, before any client could know of it.</summary>
        public required bool Unseen { get; init; }

        public TimeSpan? RetireSince { get; set; }

        public Intent? Told { get; set; }

        public bool IsEnded { get; set; }

        public NodeView Look(Instance instance, IReadOnlySet<IPAddress>? published, FleetView view, ScalingPolicy policy)
        {
            TimeSpan clock = view.Clock;
            bool inDns = instance.Address is { } address && published?.Contains(address) == true;
            _published |= inDns;
            Check(view.Looks.GetValueOrDefault(instance.Id), instance, clock, policy);
            bool isFresh = _look is not null && clock - _saidAt <= policy.Silence;
            bool isReady = isFresh && _look!.Ready;
            bool isAnswered = instance.Address is { } a && view.Answered?.Contains(a) == true;
            if (inDns || isAnswered) _outSince = null;
            else if (view.Published is not null && (view.Answered is not null || instance.Address is null)) _outSince ??= clock;
            _drainSince = instance.Marks is { Intent: Intent.Drain } ? _drainSince ?? clock : null;
            if (_drainSince is null) RetireSince = null;

            NodeState state = StateOf(instance, inDns, isReady, policy);
            if (state != _state) (_state, Since) = (state, clock);
            bool isWarm = isReady && (_look!.Warm || clock - (_goodSince ?? clock) >= policy.Life.WarmingMost);
            return new NodeView
            {
                Instance = instance,
                State = state,
                For = clock - Since,
                Look = isFresh ? _look : null,
                InDns = inDns,
                IsReady = isReady,
                IsProven = isWarm && _good >= policy.Life.ChecksToServe,
                IsDead = !isFresh && _missed >= policy.Life.ChecksToLose && clock - LastGood >= policy.Life.LostMost,
                IsUnknown = Unseen && !_published,
                RequestsPerSecond = _rate,
                Capacity = _capacity ?? policy.Capacity,
                OutFor = clock - _outSince,
                DrainFor = clock - _drainSince ?? TimeSpan.Zero,
                RetireFor = clock - RetireSince,
                Told = Told,
            };
        }

        // A report seen twice is one; one that never changes is silence. Misses count once a tick, however often is looked.
        private void Check(NodeLook? look, Instance instance, TimeSpan clock, ScalingPolicy policy)
        {
            bool isNew = look is not null && look.At != _said;
            if (isNew)
            {
                (_look, _said, _saidAt) = (look, look!.At, clock);
                if (double.IsFinite(look.RequestsPerSecond) && look.RequestsPerSecond >= 0)
                {
                    _rate = look.RequestsPerSecond;
                    _capacity = LearnedCapacity.Next(_capacity, look.RequestsPerSecond, look.Load, policy);
                }
            }

            if (isNew && look!.Ready)
            {
                (_good, _missed, LastGood) = (_good + 1, 0, clock);
                _goodSince ??= clock;
                return;
            }

            bool isWell = look is { Ready: true } && clock - _saidAt <= policy.Silence;
            if (isWell || instance.State != InstanceState.Running) return;
            if (_missed > 0 && clock - _missedAt < 0.9 * policy.Tick) return;
            (_missed, _missedAt, _good, _goodSince) = (_missed + 1, clock, 0, null);
        }

        private NodeState StateOf(Instance instance, bool inDns, bool isReady, ScalingPolicy policy)
        {
            if (instance.Marks is not { } marks) return NodeState.Foreign;
            if (instance.State == InstanceState.Terminated) return NodeState.Gone;
            if (marks.Intent == Intent.Drain)
            {
                if (instance.State == InstanceState.Stopping || IsEnded) return NodeState.Terminating;
                if (inDns || marks.DnsRemovedAt is null) return NodeState.Leaving;
                return RetireSince is null ? NodeState.Draining : NodeState.Terminating;
            }

            if (instance.State == InstanceState.Stopping) return NodeState.Lost;
            if (instance.State == InstanceState.Pending) return NodeState.Requested;
            bool isMissed = _missed >= policy.Life.ChecksToLose;
            if (inDns) return isMissed || (_state == NodeState.Lost && !isReady) ? NodeState.Lost : NodeState.InService;
            if (isReady) return NodeState.Warming;
            // One that never served is not lost: it has not come up.
            if (_state is NodeState.Lost or NodeState.InService) return NodeState.Lost;
            return _state == NodeState.Warming && !isMissed ? NodeState.Warming : NodeState.Booting;
        }
    }
}
