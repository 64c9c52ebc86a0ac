using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Master.Reconcile;

/// <summary>Everything a step is made from.</summary>
internal sealed record StepInput
{
    /// <summary>The nodes.</summary>
    public required IReadOnlyList<NodeView> Nodes { get; init; }

    /// <summary>What else was seen.</summary>
    public required FleetView View { get; init; }

    /// <summary>What is remembered. Only read.</summary>
    public required Memory Memory { get; init; }

    /// <summary>How many nodes there should be.</summary>
    public required Plan Plan { get; init; }

    /// <summary>How near the limits are.</summary>
    public required Usage Usage { get; init; }

    /// <summary>The rules.</summary>
    public required ScalingPolicy Policy { get; init; }

    /// <summary>Of the lease.</summary>
    public required long Epoch { get; init; }

    /// <summary>What the next node may cost an hour.</summary>
    public decimal NextPrice { get; init; }

    /// <summary>The machines are somebody's own: they are published while they are well, and neither opened nor closed.</summary>
    public bool IsFixed { get; init; }

    /// <summary>What the operator has ordered.</summary>
    public OperatorOrders Orders { get; init; } = OperatorOrders.None;
}

/// <summary>
/// From what is to what is to be done about it (SCALING §§3, 4): pure, so that the same view always leads to the same effects, and a view in which all is as it
/// should be to none. The order is fixed: intent is written before anything else, a node leaves the DNS before it is told, and is told before it ends.
/// </summary>
internal static class Step
{
    /// <summary>What is seen, for the decision.</summary>
    public static Observation Observe(IReadOnlyList<NodeView> nodes, Memory memory, ScalingPolicy policy)
    {
        int serving = 0, booting = memory.Orders.Count, draining = 0, silent = 0;
        double demand = 0, capacity = 0;
        bool isKnown = false;
        foreach (NodeView node in nodes)
        {
            if (node.IsComing) booting++;
            else if (node.IsLeaving && node.IsReady) draining++;
            if (node.State == NodeState.InService)
            {
                serving++;
                capacity += node.Capacity;
                if (node.Look is not { } look || !double.IsFinite(look.RequestsPerSecond) || look.RequestsPerSecond < 0) silent++;
            }

            if (node.State is NodeState.Gone or NodeState.Foreign || !double.IsFinite(node.RequestsPerSecond)) continue;
            if (node.Look is null && node.State != NodeState.InService) continue;
            demand += node.RequestsPerSecond;
            isKnown = true;
        }

        return new(isKnown ? demand : double.NaN, serving, booting, draining, serving > 0 ? capacity / serving : policy.Capacity, silent);
    }

    /// <summary>The plan while the operator wants no node.</summary>
    public static Plan Held(IReadOnlyList<NodeView> nodes) => nodes.Any(n => n.State is not (NodeState.Gone or NodeState.Foreign))
        ? new Plan(0, PlanKind.In, "The operator has retired all nodes: each goes when its traffic has ended.")
        : new Plan(0, PlanKind.Stay, "The operator has retired all nodes: none is opened until the fleet is to run again.");

    /// <summary>What is to be done now, in this order.</summary>
    public static IReadOnlyList<Effect> Next(StepInput input)
    {
        Changes changes = Change(input);
        List<Effect> effects = [.. changes.Marks];
        Confirm(input, changes, effects);
        if (Publish(input, changes) is { } publish) effects.Add(publish);
        Tell(input, changes, effects);
        effects.AddRange(changes.Launches);
        End(input, changes, effects);
        foreach (NodeView node in input.Nodes)
            if (node.State == NodeState.Foreign) effects.Add(new AlarmEffect(node.Instance.Id, "An instance bears the fleet's tag and no other of its tags: it is not ours, and left alone."));
        return effects;
    }

    /// <summary>Lost nodes for which no other has been asked.</summary>
    public static IEnumerable<NodeView> Owed(IReadOnlyList<NodeView> nodes, Memory memory)
    {
        List<NodeView> lost = [.. nodes.Where(n => n.State == NodeState.Lost)];
        if (lost.Count == 0) return lost;
        ILookup<int, NodeView> slots = nodes.Where(n => n.IsLive && n.State != NodeState.Lost && !n.IsLeaving).ToLookup(n => n.Instance.Slot);
        return lost.Where(n => !memory.Orders.ContainsKey(n.Instance.Slot) && !slots[n.Instance.Slot].Any());
    }

    private static Changes Change(StepInput input)
    {
        var changes = new Changes();
        if (input.IsFixed)
        {
            if (input.Orders.IsHeld) changes.Launches.Add(new AlarmEffect("", "All nodes are to go, but these machines are the operator's own: stop the nodes there."));
            return changes;
        }

        // A pass that retires does nothing else: the next one sees what is left.
        if (Retire(input, changes) || input.Orders.IsHeld) return changes;
        ScalingPolicy policy = input.Policy;
        NodeView[] serving = [.. input.Nodes.Where(n => n.State == NodeState.InService)];
        int current = serving.Length + input.Nodes.Count(n => n.IsComing) + input.Memory.Orders.Count;
        NodeView[] owed = [.. Owed(input.Nodes, input.Memory)];
        bool mayClose = input.View.Clock - input.Memory.Begun >= policy.Calm;
        int want = Math.Max(input.Plan.Target, input.Plan.Kind == PlanKind.In ? 0 : current + owed.Length);
        want = Math.Clamp(want, policy.Min, policy.Max);

        if (want > current) Grow(input, changes, want - current, owed);
        else if (input.Plan.Kind == PlanKind.In && want < current && mayClose) Shrink(input, changes, serving, Math.Min(current - want, serving.Length - 1));
        Again(input, changes);
        GiveUp(input, changes, current - policy.Max);
        return changes;
    }

    // What the operator wants to go, goes. The last one stays in the DNS until another is: Publish sees to that.
    private static bool Retire(StepInput input, Changes changes)
    {
        OperatorOrders orders = input.Orders;
        if (!orders.IsHeld && orders.Retired.Count == 0) return false;
        foreach (NodeView node in input.Nodes)
        {
            if (node.Instance.Marks is not { Intent: Intent.Serve } || node.State is NodeState.Gone or NodeState.Foreign || !(orders.IsHeld || orders.Retires(node))) continue;
            changes.Mark(node, new Marks(Intent.Drain, input.Epoch, input.View.Now), orders.IsHeld ? "The operator retires all nodes." : "The operator retires it.");
        }

        return changes.Marks.Count > 0;
    }

    private static void Grow(StepInput input, Changes changes, int need, NodeView[] owed)
    {
        // A node that has consented to its end is not ready any more, so it is not called back.
        foreach (NodeView node in input.Nodes.Where(n => n.State is NodeState.Leaving or NodeState.Draining && n.IsReady && !input.Orders.Retires(n))
                     .OrderByDescending(n => n.Instance.Marks!.DrainSince).ThenBy(n => n.Instance.Slot).Take(need))
        {
            changes.Mark(node, new Marks(Intent.Serve, input.Epoch), $"It is called back: {input.Plan.Reason}");
            need--;
        }

        if (input.View.Clock < input.Memory.NoLaunchUntil) return;
        int more = 0, counted = 0;
        Dictionary<int, int> lost = [];
        foreach (NodeView node in owed) lost[node.Instance.Slot] = Math.Max(lost.GetValueOrDefault(node.Instance.Slot), node.Instance.Generation);
        foreach (int slot in Slots(input, owed))
        {
            if (need-- <= 0) break;
            (int generation, int attempt) = Next(input, slot);
            // Only its first replacement is: one that does not come up either is a launch like any other.
            bool replaces = lost.TryGetValue(slot, out int before) && generation == before + 1;
            if (input.Usage.WhyNot(more, replaces, counted, input.NextPrice, input.Policy) is { } why)
            {
                changes.Launches.Add(new AlarmEffect("", $"No node is opened though one is wanted: {why}"));
                break;
            }

            string reason = replaces ? $"A node was lost, this one replaces it. {input.Plan.Reason}" : input.Plan.Reason;
            changes.Launches.Add(new LaunchEffect(slot, generation, attempt, replaces, reason));
            more++;
            if (!replaces) counted++;
        }
    }

    // The places that are free: of lost nodes first, then those in which nobody is, then those whose node is on its way out.
    private static IEnumerable<int> Slots(StepInput input, NodeView[] owed)
    {
        HashSet<int> taken = [.. input.Memory.Orders.Keys];
        HashSet<int> leaving = [];
        foreach (NodeView node in input.Nodes)
        {
            if (node.State == NodeState.InService || node.IsComing) taken.Add(node.Instance.Slot);
            else if (node.IsLive) leaving.Add(node.Instance.Slot);
        }

        IEnumerable<int> all = Enumerable.Range(0, input.Policy.Max).Where(s => !taken.Contains(s));
        return owed.Select(n => n.Instance.Slot).Concat(all.OrderBy(leaving.Contains)).Distinct().Where(s => !taken.Contains(s));
    }

    private static (int Generation, int Attempt) Next(StepInput input, int slot)
    {
        SlotUse? use = input.Memory.Slots.GetValueOrDefault(slot);
        return use switch
        {
            null => (1, 0),
            { Stage: SlotStage.Seen } => (use.Generation + 1, 0),
            { Stage: SlotStage.Refused } => (use.Generation, use.Attempt + 1),
            _ => (use.Generation, use.Attempt),
        };
    }

    private static void Shrink(StepInput input, Changes changes, NodeView[] serving, int count)
    {
        // Those that answer stay; then those with the most traffic do.
        foreach (NodeView node in serving.OrderBy(n => n.IsReady).ThenBy(n => double.IsFinite(n.RequestsPerSecond) ? n.RequestsPerSecond : 0).ThenByDescending(n => n.Instance.Slot).Take(count))
            changes.Mark(node, new Marks(Intent.Drain, input.Epoch, input.View.Now), input.Plan.Reason);
    }

    // What was ordered and not answered for is asked for again, whether or not more is wanted: it may be running.
    private static void Again(StepInput input, Changes changes)
    {
        if (input.View.Clock < input.Memory.NoLaunchUntil) return;
        foreach ((int slot, OpenOrder order) in input.Memory.Orders)
            if (!order.IsTaken) changes.Launches.Add(new LaunchEffect(slot, order.Generation, order.Attempt, order.Replaces, "Whether it was started is not known, so it is asked for again."));
    }

    // What has not come up, what has not come back, and what is too many because a lost one came back.
    private static void GiveUp(StepInput input, Changes changes, int tooMany)
    {
        LifePolicy life = input.Policy.Life;
        if (tooMany > 0)
        {
            foreach (NodeView node in input.Nodes.Where(n => n.IsComing && !n.InDns).OrderBy(n => n.State).ThenBy(n => n.Instance.Launched).Take(tooMany))
                changes.Mark(node, new Marks(Intent.Drain, input.Epoch, input.View.Now), $"{input.Policy.Max} nodes are the most that may run.");
        }

        foreach (NodeView node in input.Nodes)
        {
            string? why = node.State switch
            {
                NodeState.Requested when node.For > life.RequestedMost => $"It has not started within {life.RequestedMost.TotalSeconds:0} s.",
                NodeState.Booting when node.For > life.BootingMost => $"It has not answered within {life.BootingMost.TotalSeconds:0} s of its start.",
                NodeState.Lost when node.For > life.LostMost && !node.InDns && node.Instance.State == InstanceState.Running => $"It has not answered for {life.LostMost.TotalSeconds:0} s.",
                _ => null,
            };
            if (why is not null && !changes.Intents.ContainsKey(node.Instance.Id)) changes.Mark(node, new Marks(Intent.Drain, input.Epoch, input.View.Now), why);
        }
    }

    // It is out of the DNS when its owner says so and all of its servers do: from then on the time that resolvers may remember it runs.
    private static void Confirm(StepInput input, Changes changes, List<Effect> effects)
    {
        foreach (NodeView node in input.Nodes)
        {
            if (node is not { State: NodeState.Leaving, InDns: false, OutFor: not null } || changes.Intents.ContainsKey(node.Instance.Id)) continue;
            Marks marks = node.Instance.Marks!;
            effects.Add(new MarkEffect(node, marks with { Epoch = input.Epoch, DnsRemovedAt = input.View.Now }, "No server of the zone names it any more."));
        }
    }

    private static PublishEffect? Publish(StepInput input, Changes changes)
    {
        if (input.View.Published is not { } published) return null;
        HashSet<IPAddress> wanted = new(input.Nodes.Count);
        Dictionary<IPAddress, string> owners = new(input.Nodes.Count);
        List<IPAddress> alive = [];
        foreach (NodeView node in input.Nodes)
        {
            if (node.Instance.Address is not { } address || node.State is NodeState.Gone or NodeState.Foreign) continue;
            owners[address] = node.Name;
            Intent intent = changes.Intents.GetValueOrDefault(node.Instance.Id, node.Instance.Marks!.Intent);
            bool runs = node.Instance.State == InstanceState.Running;
            if (runs && (node.InDns || node is { State: NodeState.Lost, IsUnknown: false })) alive.Add(address);
            if (intent != Intent.Serve || !runs || node.State == NodeState.Lost) continue;
            if (node.State == NodeState.InService || (node.InDns && node.IsReady) || (node.IsProven && node.State is NodeState.Warming or NodeState.Leaving or NodeState.Draining)) wanted.Add(address);
        }

        // Nobody is well: whoever may be is better than nobody.
        bool isHeld = input.Orders.IsHeld && !input.IsFixed, isLast = wanted.Count == 0 && !isHeld;
        if (isLast) wanted.UnionWith(alive);
        bool isEmpty = wanted.Count == 0 && !isHeld;
        foreach (IPAddress address in published)
        {
            // What a foreign instance has is no orphan, and stays.
            if (!owners.ContainsKey(address) && (isEmpty || !input.Memory.IsOrphan(address, input.View.Clock, input.Policy))) wanted.Add(address);
        }

        if ((wanted.Count == 0 && !isHeld) || wanted.SetEquals(published)) return null;
        string[] added = [.. wanted.Where(a => !published.Contains(a)).Select(Name).Order(StringComparer.Ordinal)];
        string[] removed = [.. published.Where(a => !wanted.Contains(a)).Select(Name).Order(StringComparer.Ordinal)];
        string reason = string.Join(' ', new[]
        {
            isLast ? "No node is well, so all that may be are named." : "",
            added.Length > 0 ? $"Added: {string.Join(", ", added)}." : "",
            removed.Length > 0 ? $"Removed: {string.Join(", ", removed)}." : "",
        }.Where(s => s.Length > 0));
        return new PublishEffect(wanted, owners, reason);

        string Name(IPAddress address) => owners.GetValueOrDefault(address, "an address that no node has");
    }

    private static void Tell(StepInput input, Changes changes, List<Effect> effects)
    {
        bool isServed = input.Orders.IsHeld || input.Nodes.Any(n => n.State == NodeState.InService && changes.Intents.GetValueOrDefault(n.Instance.Id) == Intent.Serve);
        foreach (NodeView node in input.Nodes)
        {
            if (node.Instance is not { State: InstanceState.Running, Marks: { } marks } || node.State == NodeState.Terminating || node.Look is not { } look) continue;
            Intent intent = changes.Intents.GetValueOrDefault(node.Instance.Id, marks.Intent);
            if (look.Intent == intent && node.Told == intent) continue;
            // It would send its clients away, and there is nobody else yet.
            if (intent == Intent.Drain && node.InDns && !isServed) continue;
            effects.Add(new TellEffect(node, intent, intent == Intent.Serve ? "It is to serve." : "It is to serve whoever still comes, and to say that it goes."));
        }
    }

    private static void End(StepInput input, Changes changes, List<Effect> effects)
    {
        ScalingPolicy policy = input.Policy;
        foreach (NodeView node in input.Nodes)
        {
            if (node.Instance.State is not (InstanceState.Running or InstanceState.Pending) || node.Instance.Marks is not { Intent: Intent.Drain } || node.InDns) continue;
            if (!node.IsLeaving || changes.Intents.ContainsKey(node.Instance.Id)) continue;
            if (WhyEnd(node, policy) is not { } why) continue;
            // Whoever answers that it is to serve was called back by another.
            bool silent = node.Look is null or { Intent: Intent.Drain };
            bool insist = silent && (node.IsDead || node.RetireFor >= policy.Life.RetireMost || (node.IsUnknown && node.Look is null));
            effects.Add(new EndEffect(node, insist, why));
        }
    }

    private static string? WhyEnd(NodeView node, ScalingPolicy policy)
    {
        LifePolicy life = policy.Life;
        if (node.IsUnknown) return "No client ever knew of it.";
        if (node.Instance.Marks!.DnsRemovedAt is null || node.OutFor is not { } outFor || outFor < policy.Ttl + policy.DnsDelay) return null;
        if (node.IsDead) return "It has not answered for long, and nobody is sent to it any more.";
        if (node.DrainFor >= life.DrainMost) return $"It has drained for {life.DrainMost.TotalSeconds:0} s, the most that is waited.";
        if (outFor < policy.DnsDelay + life.StaysAtLeast(policy.Ttl)) return null;
        // Once asked for its consent it may say less; that it is quiet was seen before.
        if (node.Look is not { } look) return node.RetireFor is null ? null : "Its traffic had ended, and it answers no more.";
        return look.InFlight == 0 && look.Quiet >= life.DrainQuiet
            ? $"Nobody has been sent to it for {outFor.TotalSeconds:0} s, nothing is in flight, and no request has come for {look.Quiet.TotalSeconds:0} s."
            : null;
    }

    // What this step changes of intents; all that comes later in it goes by them.
    private sealed class Changes
    {
        public List<Effect> Marks { get; } = [];

        public List<Effect> Launches { get; } = [];

        public Dictionary<string, Intent> Intents { get; } = [];

        public void Mark(NodeView node, Marks marks, string reason)
        {
            Intents[node.Instance.Id] = marks.Intent;
            Marks.Add(new MarkEffect(node, marks, reason));
        }
    }
}
