using System.Diagnostics;
using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Scaling;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Master.Reconcile;

/// <summary>What the last pass saw and decided. Immutable, for the dashboard.</summary>
internal sealed record Snapshot
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>This master leads; otherwise all else is empty.</summary>
    public required bool Leads { get; init; }

    /// <summary>Of the lease.</summary>
    public long Epoch { get; init; }

    /// <summary>All that the cloud shows.</summary>
    public IReadOnlyList<NodeView> Nodes { get; init; } = [];

    /// <summary>Launches that cannot be seen yet.</summary>
    public int Ordered { get; init; }

    /// <summary>The addresses in the DNS; empty: not known.</summary>
    public IReadOnlySet<IPAddress> Published { get; init; } = new HashSet<IPAddress>();

    /// <summary>What the decision was made on; null: none was made yet.</summary>
    public Observation? Seen { get; init; }

    /// <summary>The decision in force, with its reason.</summary>
    public Plan? Plan { get; init; }

    /// <summary>How near the limits are.</summary>
    public Usage Usage { get; init; }

    /// <summary>What the operator has ordered.</summary>
    public OperatorOrders Orders { get; init; } = OperatorOrders.None;

    /// <summary>What somebody must look at.</summary>
    public IReadOnlyList<string> Alarms { get; init; } = [];
}

/// <summary>What a fleet's nodes cost, and whose machines they are.</summary>
internal sealed record FleetTerms
{
    /// <summary>What a node of a type costs an hour; of the empty type: what the next one may cost at most.</summary>
    public Func<string, decimal> Price { get; init; } = _ => 0;

    /// <summary>See <see cref="StepInput.IsFixed"/>.</summary>
    public bool IsFixed { get; init; }

    /// <summary>0 – 1, for pauses that are not to fall together.</summary>
    public Func<double> Jitter { get; init; } = () => 0;

    /// <summary>What the operator orders; null: nobody can.</summary>
    public OrderDesk? Orders { get; init; }

    /// <summary>Done before a node that the operator has retired is ended.</summary>
    public Func<Instance, CancellationToken, Task> Retired { get; init; } = (_, _) => Task.CompletedTask;
}

/// <summary>
/// The master's loop: look at everything, decide, do what is to be done in a fixed order, and forget: the next pass begins with what is, so that whatever a
/// crash or a deaf cloud left half done is done by it. Passes come with every tick, and quicker while a node comes or goes.
/// </summary>
internal sealed class Reconciler(
    IFleet fleet, IZone zone, INodes nodes, Lease lease, Func<ScalingPolicy> policy, Func<Observation, ScalingPolicy, DateTimeOffset, Plan> decide, FleetTerms terms,
    TimeProvider time, ILogger log)
{
    private const int AtOnce = 64;

    private readonly long _started = time.GetTimestamp();
    private Limits _limits = new();
    private HashSet<string> _alarms = [], _troubles = [], _troublesBefore = [];
    private Memory? _memory;
    private long _epoch;
    private TimeSpan _decidedAt;
    private Plan? _plan;
    private Observation? _seen;
    private OperatorOrders? _orders;

    /// <summary>The last decisions and steps.</summary>
    public History History { get; } = new();

    /// <summary>What the last pass saw.</summary>
    public Snapshot Snapshot { get; private set; } = new() { At = time.GetUtcNow(), Leads = false };

    private TimeSpan Clock => time.GetElapsedTime(_started);

    /// <summary>Goes on until <paramref name="ct"/>, then gives up the lease.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                bool isBusy = await PassAsync(ct);
                ScalingPolicy now = policy();
                TimeSpan due = isBusy || !lease.IsHeld ? now.Tick / 5 : _decidedAt + now.Tick - Clock;
                // Never without a pause, and never so long that the lease runs out.
                long least = now.Tick.Ticks / 20, most = Math.Max(least, Math.Min(now.Tick.Ticks, now.Life.LeaseRenew.Ticks));
                await Task.Delay(TimeSpan.FromTicks(Math.Clamp(due.Ticks, least, most)), time, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            using var last = new CancellationTokenSource(TimeSpan.FromSeconds(2), time);
            try
            {
                await lease.ReleaseAsync(last.Token);
            }
            catch (OperationCanceledException)
            {
                // It runs out by itself.
            }
        }
    }

    /// <summary>One pass. True: something is under way, and the next should come soon.</summary>
    public async Task<bool> StepAsync(CancellationToken ct)
    {
        (_troublesBefore, _troubles) = (_troubles, []);
        ScalingPolicy rules = policy();
        if (!await LeadAsync(ct)) return false;
        Memory memory = _memory!;
        if (!await HearAsync(ct)) return true;
        OperatorOrders orders = _orders!;
        if (await ViewAsync(memory, ct) is not { } view) return true;
        IReadOnlyList<NodeView> seen = memory.Take(view, rules);
        if (seen.Any(n => n.Instance.Marks?.Epoch > lease.Epoch))
        {
            Trouble("", "Another master has written with a later lease: this one stands back.");
            return false;
        }

        Usage usage = _limits.Take(seen, memory.Orders, view, terms.Price);
        lease.Day = _limits.Kept(view.Now);
        DecideNow(seen, memory, rules, view, orders);
        IReadOnlyList<Effect> effects = Step.Next(new StepInput
        {
            Nodes = seen,
            View = view,
            Memory = memory,
            Plan = _plan!,
            Usage = usage,
            Policy = rules,
            Epoch = lease.Epoch,
            NextPrice = terms.Price(""),
            IsFixed = terms.IsFixed,
            Orders = orders,
        });
        Tell(seen, effects, memory);
        Snapshot = new Snapshot
        {
            At = view.Now,
            Leads = true,
            Epoch = lease.Epoch,
            Nodes = seen,
            Ordered = memory.Orders.Count,
            Published = memory.Published ?? new HashSet<IPAddress>(),
            Seen = _seen,
            Plan = _plan,
            Usage = usage,
            Orders = orders,
            Alarms = [.. _alarms],
        };
        await CarryOutAsync(effects, memory, rules, ct);
        return effects.Any(e => e is not AlarmEffect) || memory.Orders.Count > 0 || memory.Change is not null
            || seen.Any(n => n.IsComing || n.State is NodeState.Leaving or NodeState.Terminating or NodeState.Lost);
    }

    // A mistake of this program, or a trouble that nobody thought of, ends a pass and not the master.
    private async Task<bool> PassAsync(CancellationToken ct)
    {
        using Activity? trace = MasterTraces.Source.StartActivity("pass");
        try
        {
            return await StepAsync(ct);
        }
        catch (Exception e) when (e is not OperationCanceledException || !ct.IsCancellationRequested)
        {
            log.PassFailed(e);
            History.Add(new HistoryEntry(time.GetUtcNow(), "", "trouble", $"A pass ended with {e.GetType().Name}; the next begins anew."));
            return true;
        }
    }

    private async Task<bool> LeadAsync(CancellationToken ct)
    {
        bool leads = await lease.EnsureAsync(ct);
        if (!leads)
        {
            if (_memory is not null) Trouble("", "The lease is another's, or cannot be renewed: this master does nothing until it has it.", "lease");
            _memory = null;
            Snapshot = new Snapshot { At = time.GetUtcNow(), Leads = false };
            return false;
        }

        if (_memory is null || _epoch != lease.Epoch)
        {
            // Another may have led in between, and has counted.
            if (_epoch != lease.Epoch) _limits = new Limits(lease.Day);
            (_epoch, _memory, _plan, _alarms) = (lease.Epoch, new Memory(Clock) { Slots = lease.Slots }, null, []);
            // An order that was written down may have been given.
            foreach ((int slot, SlotUse use) in lease.Slots)
                if (use.Stage == SlotStage.Ordered) _memory.Orders[slot] = new OpenOrder { Generation = use.Generation, Attempt = use.Attempt, Since = Clock };
            Say("", "lease", $"This master leads, under epoch {lease.Epoch}.");
        }

        return true;
    }

    // What cannot be read stands as it was read last. A master that has read nothing yet waits: nothing may be opened against the operator's word.
    private async Task<bool> HearAsync(CancellationToken ct)
    {
        if (terms.Orders is not { } desk)
        {
            _orders = OperatorOrders.None;
            return true;
        }

        try
        {
            OperatorOrders said = await desk.ReadAsync(ct), before = _orders ?? OperatorOrders.None;
            if (said.IsHeld != before.IsHeld) Say("", "order", said.IsHeld ? "The operator retires all nodes: they go, and none is opened." : "The operator lets the fleet run again.");
            foreach (string node in said.Retired.Except(before.Retired).Where(_ => _orders is not null)) Say($"node {node}", "order", "The operator retires it.");
            _orders = said;
            return true;
        }
        catch (StoreTroubleException e)
        {
            Trouble("", _orders is null ? $"What the operator has ordered is not known, so nothing is done: {e.Message}" : $"What the operator orders cannot be read: {e.Message}");
            return _orders is not null;
        }
    }

    private async Task<FleetView?> ViewAsync(Memory memory, CancellationToken ct)
    {
        IReadOnlyList<Instance> instances;
        try
        {
            instances = await fleet.DescribeAsync(ct);
        }
        catch (FleetTroubleException e)
        {
            Trouble("", $"The fleet cannot be seen, so nothing is done: {e.Message}");
            return null;
        }

        var looks = new Dictionary<string, NodeLook>(instances.Count);
        foreach (Instance[] some in instances.Where(i => i is { State: InstanceState.Running, Marks: not null, Address: not null }).Chunk(AtOnce))
        {
            NodeLook?[] said = await Task.WhenAll(some.Select(i => nodes.LookAsync(i, ct)));
            for (int i = 0; i < some.Length; i++) if (said[i] is { } look) looks[some[i].Id] = look;
        }

        IReadOnlySet<IPAddress>? published = null, answered = null;
        try
        {
            published = await zone.ReadAsync(ct);
            if (memory.Change is { } change && await zone.IsInSyncAsync(change, ct)) memory.Change = null;
            bool isAsked = instances.Any(i => i is { Marks.Intent: Intent.Drain, State: InstanceState.Running or InstanceState.Pending });
            if (memory.Change is null && isAsked) answered = await zone.AskAsync(ct);
        }
        catch (ZoneTroubleException e)
        {
            Trouble("the DNS", e.Message);
        }

        return new FleetView { Instances = instances, Published = published, Answered = answered, Looks = looks, Now = time.GetUtcNow(), Clock = Clock };
    }

    // Once a tick; between two the last decision holds, since nodes report no oftener.
    private void DecideNow(IReadOnlyList<NodeView> seen, Memory memory, ScalingPolicy rules, FleetView view, OperatorOrders orders)
    {
        bool isTurned = _plan is not null && orders.IsHeld != (_plan.Target == 0);
        if (_plan is not null && !isTurned && view.Clock - _decidedAt < 0.95 * rules.Tick) return;
        bool onTime = _plan is not null && view.Clock - _decidedAt < 1.5 * rules.Tick;
        _decidedAt = onTime ? _decidedAt + rules.Tick : view.Clock;
        Observation observation = Step.Observe(seen, memory, rules);
        Plan plan = orders.IsHeld ? Step.Held(seen) : decide(observation, rules, view.Now);
        bool isNews = plan.Kind != PlanKind.Stay && (_plan is null || _plan.Kind != plan.Kind || _plan.Target != plan.Target);
        (_plan, _seen) = (plan, observation);
        if (isNews) Say("", "decide", plan.Reason);
    }

    // Each change of state once, each alarm once until it is over.
    private void Tell(IReadOnlyList<NodeView> seen, IReadOnlyList<Effect> effects, Memory memory)
    {
        HashSet<string> alarms = [];
        foreach (NodeView node in seen)
        {
            if (node.For == TimeSpan.Zero && node.State != NodeState.Foreign) Say(node.Name, "state", $"It is {node.State switch
            {
                NodeState.InService => "in service",
                var other => other.ToString().ToLowerInvariant(),
            }}.");
            if (node.For != TimeSpan.Zero) continue;
            if (node.State == NodeState.InService) memory.Refusals = 0;
            // It ended before it began: the next would, too.
            if (node is { State: NodeState.Gone, IsUnknown: true }) memory.Wait(Clock, policy().Life, terms.Jitter());
        }

        foreach (Effect effect in effects)
        {
            if (effect is not AlarmEffect alarm) continue;
            string text = alarm.Node.Length > 0 ? $"{alarm.Node}: {alarm.Reason}" : alarm.Reason;
            if (alarms.Add(text) && !_alarms.Contains(text)) Alarm(alarm.Node, alarm.Reason);
        }

        if (_plan is { Kind: PlanKind.Frozen } frozen && alarms.Add(frozen.Reason) && !_alarms.Contains(frozen.Reason)) Alarm("", frozen.Reason);
        _alarms = alarms;
    }

    private async Task CarryOutAsync(IReadOnlyList<Effect> effects, Memory memory, ScalingPolicy rules, CancellationToken ct)
    {
        HashSet<string> failed = [];
        HashSet<string> ending = [.. effects.OfType<EndEffect>().Select(e => e.On.Instance.Id)];
        foreach (NodeView node in Snapshot.Nodes) if (node.RetireFor is not null && !ending.Contains(node.Instance.Id)) memory.Retiring(node.Instance.Id, null);
        foreach (Effect effect in effects)
        {
            if (effect is AlarmEffect || failed.Contains(effect.Node)) continue;
            if (!await lease.EnsureAsync(ct) || !lease.IsHeld || lease.Epoch != _epoch) return;
            // What is asked now must be answered while nobody else can lead.
            using var within = CancellationTokenSource.CreateLinkedTokenSource(ct);
            using var left = new CancellationTokenSource(lease.Left, time);
            using CancellationTokenRegistration end = left.Token.Register(within.Cancel);
            using Activity? trace = MasterTraces.Source.StartActivity(effect.GetType().Name[..^nameof(Effect).Length].ToLowerInvariant(), ActivityKind.Client);
            trace?.SetTag("gc.node", effect.Node);
            try
            {
                bool done = effect switch
                {
                    MarkEffect mark => await MarkAsync(mark, within.Token),
                    PublishEffect publish => await PublishAsync(publish, failed, memory, rules, within.Token),
                    TellEffect tell => await TellAsync(tell, memory, within.Token),
                    LaunchEffect launch => await LaunchAsync(launch, memory, rules, within.Token),
                    EndEffect over => await EndAsync(over, memory, within.Token),
                    _ => true,
                };
                if (!done) failed.Add(effect.Node);
            }
            catch (Exception e) when (e is FleetTroubleException or ZoneTroubleException or StoreTroubleException)
            {
                failed.Add(effect.Node);
                Trouble(effect.Node, e.Message);
            }
            catch (OperationCanceledException) when (!ct.IsCancellationRequested)
            {
                failed.Add(effect.Node);
                Trouble(effect.Node, "It was not answered in time.");
            }
        }
    }

    private async Task<bool> MarkAsync(MarkEffect effect, CancellationToken ct)
    {
        await fleet.MarkAsync(effect.On.Instance.Id, effect.Marks, ct);
        Say(effect.Node, "mark", effect.Reason);
        return true;
    }

    private async Task<bool> PublishAsync(PublishEffect effect, HashSet<string> failed, Memory memory, ScalingPolicy rules, CancellationToken ct)
    {
        HashSet<IPAddress> wanted = [.. effect.Addresses];
        foreach ((IPAddress address, string owner) in effect.Owners)
        {
            if (!failed.Contains(owner)) continue;
            if (memory.Published?.Contains(address) == true) wanted.Add(address);
            else wanted.Remove(address);
        }

        if ((wanted.Count == 0 && effect.Addresses.Count > 0) || memory.Published?.SetEquals(wanted) == true) return true;
        memory.Change = await zone.PublishAsync(wanted, rules.Ttl, ct);
        Say(effect.Node, "dns", effect.Reason);
        return true;
    }

    private async Task<bool> TellAsync(TellEffect effect, Memory memory, CancellationToken ct)
    {
        if (!await nodes.TellAsync(effect.On.Instance, effect.Intent, lease.Epoch, ct)) return false;
        memory.Told(effect.On.Instance.Id, effect.Intent);
        Say(effect.Node, "tell", effect.Reason);
        return true;
    }

    private async Task<bool> LaunchAsync(LaunchEffect effect, Memory memory, ScalingPolicy rules, CancellationToken ct)
    {
        var use = new SlotUse(effect.Generation, effect.Attempt, SlotStage.Ordered);
        if (memory.Slots.GetValueOrDefault(effect.Slot) != use)
        {
            SlotUse? before = memory.Slots.GetValueOrDefault(effect.Slot);
            memory.Slots[effect.Slot] = use;
            if (!await lease.SaveAsync(ct))
            {
                if (before is null) memory.Slots.Remove(effect.Slot);
                else memory.Slots[effect.Slot] = before;
                Trouble(effect.Node, "It cannot be written down that it is ordered, so it is not.");
                return false;
            }
        }

        if (!memory.Orders.TryGetValue(effect.Slot, out OpenOrder? order))
            memory.Orders[effect.Slot] = order = new OpenOrder { Generation = effect.Generation, Attempt = effect.Attempt, Since = Clock, Replaces = effect.Replaces };
        LaunchAnswer answer = await fleet.LaunchAsync(new LaunchOrder(effect.Slot, effect.Generation, effect.Attempt, lease.Epoch), ct);
        switch (answer.Outcome)
        {
            case LaunchOutcome.Launched:
                order.IsTaken = true;
                if (answer.Instance is { } instance) _limits.Launched(instance.Id, Clock, order.Replaces);
                Say(effect.Node, "launch", effect.Reason);
                return true;
            case LaunchOutcome.Unknown:
                memory.Wait(Clock, rules.Life, terms.Jitter());
                break;
            case LaunchOutcome.NoCapacity:
                memory.Refused(effect.Slot, order, Clock, rules.Life, terms.Jitter());
                break;
            default:
                memory.Refusals = 20;
                memory.Refused(effect.Slot, order, Clock, rules.Life, terms.Jitter());
                Alarm(effect.Node, $"No node can be launched: {answer.Reason}");
                return false;
        }

        Trouble(effect.Node, answer.Reason);
        return false;
    }

    private async Task<bool> EndAsync(EndEffect effect, Memory memory, CancellationToken ct)
    {
        Instance instance = effect.On.Instance;
        memory.Retiring(instance.Id, Clock);
        if (!await nodes.RetireAsync(instance, lease.Epoch, ct) && !effect.Insist) return false;
        // Once more, as late as can be: a late word of another master may have brought it back.
        IReadOnlySet<IPAddress> published = await zone.ReadAsync(ct), answered = await zone.AskAsync(ct);
        if (instance.Address is { } address && (published.Contains(address) || answered.Contains(address)))
        {
            Trouble(effect.Node, "It is in the DNS again, so it is not ended.");
            return false;
        }

        if (_orders!.Retires(effect.On)) await terms.Retired(instance, ct);
        if (!lease.IsHeld) return false;
        await fleet.TerminateAsync(instance.Id, ct);
        memory.Ended(instance.Id);
        Say(effect.Node, "end", effect.Reason);
        return true;
    }

    private void Say(string node, string what, string reason)
    {
        History.Add(new HistoryEntry(time.GetUtcNow(), node, what, reason));
        if (what == "decide") log.Decided(reason);
        else log.Done(node, what, reason);
    }

    // What every pass meets anew is said once.
    private void Trouble(string node, string reason, string what = "trouble")
    {
        string text = $"{node}: {reason}";
        if (!_troubles.Add(text) || _troublesBefore.Contains(text)) return;
        History.Add(new HistoryEntry(time.GetUtcNow(), node, what, reason));
        log.InTrouble(node, reason);
    }

    private void Alarm(string node, string reason)
    {
        History.Add(new HistoryEntry(time.GetUtcNow(), node, "alarm", reason));
        log.MustLook(node, reason);
    }
}

/// <summary>What is logged of the fleet, 7000 – 7099.</summary>
internal static partial class ReconcileLog
{
    [LoggerMessage(7000, LogLevel.Information, "{reason}")]
    public static partial void Decided(this ILogger log, string reason);

    [LoggerMessage(7001, LogLevel.Information, "{node}: {what}. {reason}")]
    public static partial void Done(this ILogger log, string node, string what, string reason);

    [LoggerMessage(7002, LogLevel.Warning, "{node}: {reason}")]
    public static partial void InTrouble(this ILogger log, string node, string reason);

    [LoggerMessage(7004, LogLevel.Error, "A pass ended in the middle; the next begins anew.")]
    public static partial void PassFailed(this ILogger log, Exception e);

    [LoggerMessage(7003, LogLevel.Error, "Somebody must look. {node}: {reason}")]
    public static partial void MustLook(this ILogger log, string node, string reason);
}
