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
/// Counts launches, hours and money (SCALING §2), on the steady clock. A new master goes on counting where the one before it was (<see cref="Kept"/>): else every
/// restart would give the day's money once more. The first of all begins with what the instances themselves say of their age. Memory: the launches of an hour and 288 figures.
/// </summary>
/// <param name="kept">What the master before has counted; null: there was none.</param>
internal sealed class Limits(DayUse? kept = null)
{
    private const int Slots = 288;
    private static readonly TimeSpan s_slot = TimeSpan.FromMinutes(5), s_hour = TimeSpan.FromHours(1), s_day = TimeSpan.FromDays(1);

    private readonly (long Slot, double Hours, decimal Spend)[] _day = new (long, double, decimal)[Slots];
    private readonly Dictionary<string, Counted> _known = [];
    private TimeSpan? _last;
    private TimeSpan _shift;
    private double _before;
    private decimal _beforeSpend;
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
        if (first) Begin(view.Clock);
        TimeSpan clock = view.Clock + _shift, unseen = first ? Unseen(view.Now) : TimeSpan.Zero;
        double hours = first ? 0 : (clock - _last!.Value).TotalHours, found = 0;
        _last = clock;
        int serving = orders.Count, billed = orders.Count;
        decimal spend = orders.Count * price(""), foundSpend = 0;
        HashSet<string> there = new(nodes.Count);
        foreach (NodeView node in nodes)
        {
            if (node.State == NodeState.Foreign) continue;
            there.Add(node.Instance.Id);
            if (!_known.ContainsKey(node.Instance.Id))
            {
                TimeSpan age = view.Now - node.Instance.Launched;
                if (age < TimeSpan.Zero) age = TimeSpan.Zero;
                _known[node.Instance.Id] = new Counted(clock - age, false);
                if (first && node.IsLive)
                {
                    double was = Math.Min(age.TotalHours, unseen.TotalHours);
                    found += was;
                    foundSpend += (decimal)was * price(node.Instance.Type);
                }
            }

            if (!node.IsLive) continue;
            billed++;
            if (node.IsComing || node.State == NodeState.InService) serving++;
            spend += price(node.Instance.Type);
        }

        foreach ((string id, Counted gone) in _known.Where(k => !there.Contains(k.Key) && clock - k.Value.Launched > s_hour).ToList()) _known.Remove(id);
        long slot = clock.Ticks / s_slot.Ticks;
        ref (long Slot, double Hours, decimal Spend) at = ref _day[slot % Slots];
        bool isNew = at.Slot != slot;
        if (isNew) at = (slot, 0, 0);
        if (isNew || first) Sum(slot);

        at = (slot, at.Hours + (hours * billed), at.Spend + ((decimal)hours * spend));
        if (kept is null) (_before, _beforeSpend) = (_before + found, _beforeSpend + foundSpend);
        else at = (slot, at.Hours + found, at.Spend + foundSpend);
        int launches = _known.Values.Count(k => !k.Replaces && clock - k.Launched < s_hour) + orders.Values.Count(o => o is { Replaces: false, IsTaken: false });
        // What was before the first of all masters is taken to have been used evenly.
        double fading = Math.Max(0, 2 - (clock / s_day));
        double day = (_before * fading) + _hours + at.Hours;
        decimal spent = (_beforeSpend * (decimal)fading) + _spend + at.Spend;
        // A day that was not seen is as if the least had run: it is not free to be used up.
        double ahead = Math.Max(0, (24 * fading) - (_before * fading));
        return new Usage(serving, billed, launches, day, spend, spent, ahead);
    }

    /// <summary>One was launched, though it may not be seen yet.</summary>
    public void Launched(string id, TimeSpan clock, bool replaces) => _known.TryAdd(id, new Counted(clock + _shift, replaces));

    /// <summary>What has been counted, for whoever comes next.</summary>
    /// <param name="now">The wall clock.</param>
    public DayUse? Kept(DateTimeOffset now)
    {
        if (_last is not { } clock) return null;
        double[] hours = new double[DayUse.Hours];
        decimal[] spend = new decimal[DayUse.Hours];
        foreach ((long slot, double h, decimal m) in _day)
        {
            if (slot <= (clock.Ticks / s_slot.Ticks) - Slots) continue;
            long age = (clock.Ticks / s_hour.Ticks) - (slot * s_slot.Ticks / s_hour.Ticks);
            (hours[age], spend[age]) = (hours[age] + h, spend[age] + m);
        }

        return new DayUse(now, clock - s_day, [.. hours.Select(h => Math.Round(h, 4))], [.. spend.Select(m => Math.Round(m, 4))], _before, _beforeSpend);
    }

    // One clock for all masters together, which stands still while nobody counts: how long that was only wall clocks could tell, and one that was wrong by days would make all be forgotten. The day before
    // the very first look is in the ring, too.
    private void Begin(TimeSpan now)
    {
        TimeSpan clock = s_day + (kept?.Counted ?? TimeSpan.Zero);
        _shift = clock - now;
        if (kept is null) return;
        (_before, _beforeSpend) = (kept.Before, kept.SpendBefore);
        long newest = clock.Ticks / s_slot.Ticks, perHour = s_hour.Ticks / s_slot.Ticks, hour = newest / perHour;
        for (int i = 0; i < DayUse.Hours; i++)
        {
            // All of an hour as if it had been at its end: rather counted for too long.
            long slot = Math.Min(newest, ((hour - i + 1) * perHour) - 1);
            if (slot <= newest - Slots) break;
            _day[slot % Slots] = (slot, kept.NodeHours[i], kept.Spend[i]);
        }
    }

    // How long before the first look nobody has counted what runs. By two wall clocks; what is wrong with them costs the nodes that are there a day's hours, and no more.
    private TimeSpan Unseen(DateTimeOffset now)
    {
        if (kept is null || now - kept.At > s_day) return s_day;
        return now > kept.At ? now - kept.At : TimeSpan.Zero;
    }

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
