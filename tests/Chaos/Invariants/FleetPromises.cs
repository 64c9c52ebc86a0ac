using GlobalCache.Chaos.Parts;
using GlobalCache.Chaos.World;
using GlobalCache.Master.Fleets;
using GlobalCache.Policy;

namespace GlobalCache.Chaos.Invariants;

/// <summary>
/// <c>NoneEndedWithTraffic</c>: a node that is well is ended only after it has left the DNS for as long as the TTL, without a request under way or just over.
/// <c>LimitsKept</c>: no more nodes, launches, hours, money than the policy says, counted here from what the machines did; a day's end growth and close nothing. <c>NameKept</c>: the nodes' name is never emptied.
/// </summary>
internal sealed class FleetPromises
{
    public const string NoneEndedWithTraffic = nameof(NoneEndedWithTraffic), LimitsKept = nameof(LimitsKept), NameKept = nameof(NameKept);

    /// <summary>What passes while no master leads, and between clocks of two that differ, nobody can count.</summary>
    private const double UncountedHours = 2;

    private static readonly TimeSpan s_hour = TimeSpan.FromHours(1), s_day = TimeSpan.FromDays(1);

    /// <summary>A node that is back may be held for lost for so long.</summary>
    private static readonly TimeSpan s_doubt = TimeSpan.FromMinutes(10);

    private readonly Simulation _world;
    private readonly Promises _promises;
    private readonly Machines _machines;
    private readonly Zone _zone;
    private readonly ScalingPolicy _policy;
    private readonly Queue<TimeSpan> _launches = new(), _losses = new();

    public FleetPromises(Simulation world, Promises promises, Machines machines, Zone zone, ScalingPolicy policy)
    {
        (_world, _promises, _machines, _zone, _policy) = (world, promises, machines, zone, policy);
        machines.Launched = Launched;
        machines.Ending = Ending;
        zone.Changing = (before, after) => promises.Check(NameKept, after.Count > 0, () => $"{before.Count} addresses were taken away, and none is left");
    }

    /// <summary>Ended by an order while well, and whatever else ended.</summary>
    public int Ended { get; private set; }

    /// <summary>Something has happened that a master may take for this node's loss, and it lasts so long: what replaces it is not counted as growth.</summary>
    public void Trouble(Machine machine, TimeSpan length)
    {
        _losses.Enqueue(_world.Now + length);
        machine.TroubledUntil = Later(machine.TroubledUntil, _world.Now + length + s_doubt);
    }

    private void Launched(Machine machine)
    {
        _launches.Enqueue(_world.Now);
        Forget(_launches);
        Forget(_losses);
        Machine[] live = [.. _machines.Live];
        int growing = live.Count(m => m.Marks.Intent == Intent.Serve && IsWell(m));
        _promises.Check(LimitsKept, growing <= _policy.Max, () => $"{growing} nodes that are to serve; {_policy.Max} are the most");
        _promises.Check(LimitsKept, live.Length * Machines.Price <= _policy.SpendPerHour, () => $"{live.Length} machines at {Machines.Price} an hour; {_policy.SpendPerHour} is the most");
        _promises.Check(LimitsKept, _launches.Count <= _policy.LaunchesPerHour + _losses.Count, () => $"{_launches.Count} launches within an hour with {_losses.Count} losses; {_policy.LaunchesPerHour} are the most");
        double hours = HoursWithin(s_day);
        _promises.Check(LimitsKept, growing <= _policy.Min || hours <= _policy.NodeHoursPerDay + UncountedHours, () => $"node {growing} after {hours:0.0} hours of nodes within a day; {_policy.NodeHoursPerDay} are the most");
        _promises.Check(LimitsKept, growing <= _policy.Min || (decimal)(hours - UncountedHours) * Machines.Price <= _policy.SpendPerDay, () => $"node {growing} after {hours:0.0} hours of nodes within a day; {_policy.SpendPerDay} is the most that may be spent");
        _promises.Check(LimitsKept, !live.Any(m => m != machine && m.Order.Slot == machine.Order.Slot && m.Order.Generation == machine.Order.Generation), () => $"slot {machine.Order.Slot} was launched twice");
    }

    private void Ending(Machine machine)
    {
        Ended++;
        if (machine.Node is not { } node || !IsWell(machine)) return;
        _promises.Check(NoneEndedWithTraffic, machine.Marks.Intent == Intent.Drain, () => $"{machine.Id} was ended, and was to serve");
        _promises.Check(NoneEndedWithTraffic, node.Traffic.InFlight == 0, () => $"{machine.Id} was ended with {node.Traffic.InFlight} requests under way");
        TimeSpan? left = _zone.LastNamed(machine.Address);
        TimeSpan away = left is { } at ? _world.Now - at : TimeSpan.MaxValue;
        _promises.Check(NoneEndedWithTraffic, away >= _policy.Ttl, () => $"{machine.Id} was ended {away} after it left the DNS");
        bool isForced = machine.Marks.DrainSince is { } since && Simulation.Begin + _world.Now - since >= _policy.Life.DrainMost;
        _promises.Check(NoneEndedWithTraffic, isForced || node.Traffic.Quiet >= _policy.Life.DrainQuiet - TimeSpan.FromSeconds(10), () => $"{machine.Id} was ended {node.Traffic.Quiet} after a request");
    }

    /// <summary>It answers, and nothing is in the way of its master's seeing so.</summary>
    private bool IsWell(Machine machine) => machine.Node is { IsUp: true, Life: { IsOver: false, Sleeps: false } } && machine.TroubledUntil < _world.Now;

    private double HoursWithin(TimeSpan span) => _machines.Since(_world.Now - span).Sum(m => ((m.EndedAt ?? _world.Now) - Later(m.Launched, _world.Now - span)).TotalHours);

    private void Forget(Queue<TimeSpan> queue)
    {
        while (queue.TryPeek(out TimeSpan at) && _world.Now - at >= s_hour) queue.Dequeue();
    }

    private static TimeSpan Later(TimeSpan one, TimeSpan other) => one > other ? one : other;
}
