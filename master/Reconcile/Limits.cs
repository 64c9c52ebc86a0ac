using System.Globalization;
using System.Runtime.InteropServices;
using GlobalCache.Policy;

namespace GlobalCache.Master.Reconcile;

/// <summary>How near the fleet is to what it may be and cost. Figures a day are of the last 24 hours, figures an hour of the last one.</summary>
/// <param name="Nodes">That serve or will.</param>
/// <param name="Billed">That cost, with those on their way out.</param>
/// <param name="LaunchesLastHour">Replacements not counted.</param>
/// <param name="NodeHoursLastDay">Of all that cost.</param>
/// <param name="SpendPerHour">What now runs costs so much an hour.</param>
/// <param name="SpendLastDay">In the price table's currency.</param>
/// <param name="HoursAhead">Of the first day, what is still to come: its least nodes will run then, too.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Usage(int Nodes, int Billed, int LaunchesLastHour, double NodeHoursLastDay, decimal SpendPerHour, decimal SpendLastDay,
    double HoursAhead = 0)
{
    /// <summary>
    /// Why no more may be launched; null: one may. What a day may cost ends growth beyond the least nodes, an hour of the present fleet before it is reached, since
    /// nothing is closed for it.
    /// </summary>
    /// <param name="more">Launches since this was counted.</param>
    /// <param name="exempt">It replaces a lost one: launches an hour are not counted.</param>
    /// <param name="counted">How many of <paramref name="more"/> are not exempt.</param>
    /// <param name="price">What one more costs an hour.</param>
    /// <param name="policy">The limits.</param>
    public string? WhyNot(int more, bool exempt, int counted, decimal price, ScalingPolicy policy)
    {
        if (Nodes + more >= policy.Max) return $"{policy.Max} nodes are the most that may run.";
        if (!exempt && LaunchesLastHour + counted >= policy.LaunchesPerHour) return $"{LaunchesLastHour + counted} nodes were launched within the hour, the most that may be.";
        decimal next = SpendPerHour + ((more + 1) * price);
        if (next > policy.SpendPerHour) return string.Create(CultureInfo.InvariantCulture, $"It would cost {next:0.####} an hour; {policy.SpendPerHour:0.####} are the most.");
        if (Nodes + more < policy.Min) return null;
        double least = HoursAhead * policy.Min;
        if (NodeHoursLastDay + least + Billed + more + 1 > policy.NodeHoursPerDay)
            return string.Create(CultureInfo.InvariantCulture, $"{NodeHoursLastDay:0.0} hours of nodes were used within a day; {policy.NodeHoursPerDay:0.#} are the most.");
        return SpendLastDay + ((decimal)least * price) + next > policy.SpendPerDay
            ? string.Create(CultureInfo.InvariantCulture, $"{SpendLastDay:0.##} were spent within a day; {policy.SpendPerDay:0.##} are the most.")
            : null;
    }
}

/// <summary>
/// Counts launches, hours and money (SCALING §2). On the steady clock; after a restart it begins with what the instances themselves say of their age. Memory: the
/// launches of an hour and 288 figures.
/// </summary>
internal sealed class Limits
{
    private const int Slots = 288;
    private static readonly TimeSpan s_slot = TimeSpan.FromMinutes(5), s_hour = TimeSpan.FromHours(1), s_day = TimeSpan.FromDays(1);

    private readonly (long Slot, double Hours, decimal Spend)[] _day = new (long, double, decimal)[Slots];
    private readonly Dictionary<string, Counted> _known = [];
    private TimeSpan? _last;
    private double _before;
    private decimal _beforeSpend;
    private TimeSpan _begun;
    private double _hours;
    private decimal _spend;

    /// <summary>Takes note of what runs. To be called with every view.</summary>
    /// <param name="nodes">What there is.</param>
    /// <param name="orders">What may come.</param>
    /// <param name="view">Its clocks.</param>
    /// <param name="price">What a node of a type costs an hour; of the empty type: what the next one may cost at most.</param>
    public Usage Take(IReadOnlyList<NodeView> nodes, IReadOnlyDictionary<int, OpenOrder> orders, FleetView view, Func<string, decimal> price)
    {
        bool first = _last is null;
        double hours = first ? 0 : (view.Clock - _last!.Value).TotalHours;
        _last = view.Clock;
        if (first) _begun = view.Clock;
        int serving = orders.Count, billed = orders.Count;
        decimal spend = orders.Count * price("");
        HashSet<string> there = new(nodes.Count);
        foreach (NodeView node in nodes)
        {
            if (node.State == NodeState.Foreign) continue;
            there.Add(node.Instance.Id);
            if (!_known.ContainsKey(node.Instance.Id))
            {
                TimeSpan age = view.Now - node.Instance.Launched;
                if (age < TimeSpan.Zero) age = TimeSpan.Zero;
                _known[node.Instance.Id] = new Counted(view.Clock - age, false);
                if (first && node.IsLive)
                {
                    double was = Math.Min(age.TotalHours, 24);
                    _before += was;
                    _beforeSpend += (decimal)was * price(node.Instance.Type);
                }
            }

            if (!node.IsLive) continue;
            billed++;
            if (node.IsComing || node.State == NodeState.InService) serving++;
            spend += price(node.Instance.Type);
        }

        foreach ((string id, Counted gone) in _known.Where(k => !there.Contains(k.Key) && view.Clock - k.Value.Launched > s_hour).ToList()) _known.Remove(id);
        long slot = view.Clock.Ticks / s_slot.Ticks;
        ref (long Slot, double Hours, decimal Spend) at = ref _day[slot % Slots];
        if (at.Slot != slot || first)
        {
            at = (slot, 0, 0);
            Sum(slot);
        }

        at = (slot, at.Hours + (hours * billed), at.Spend + ((decimal)hours * spend));
        int launches = _known.Values.Count(k => !k.Replaces && view.Clock - k.Launched < s_hour) + orders.Values.Count(o => o is { Replaces: false, IsTaken: false });
        double fading = Math.Max(0, 1 - ((view.Clock - _begun) / s_day));
        double day = (_before * fading) + _hours + at.Hours;
        decimal spent = (_beforeSpend * (decimal)fading) + _spend + at.Spend;
        // A day that was not seen is as if the least had run: it is not free to be used up.
        double ahead = Math.Max(0, (24 * fading) - (_before * fading));
        return new Usage(serving, billed, launches, day, spend, spent, ahead);
    }

    /// <summary>One was launched, though it may not be seen yet.</summary>
    public void Launched(string id, TimeSpan clock, bool replaces) => _known.TryAdd(id, new Counted(clock, replaces));

    // All of a day but the slot that has just begun.
    private void Sum(long slot)
    {
        (_hours, _spend) = (0, 0);
        foreach ((long s, double h, decimal m) in _day)
        {
            if (s <= slot - Slots || s == slot) continue;
            _hours += h;
            _spend += m;
        }
    }

    private sealed record Counted(TimeSpan Launched, bool Replaces);
}
