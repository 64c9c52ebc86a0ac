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
/// <param name="kept">What the master before has counted; null: there was none, or it is more than a day ago.</param>
internal sealed class Limits(DayUse? kept = null)
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
        // The day before the first look is in the ring, too.
        TimeSpan clock = view.Clock + s_day;
        double hours = first ? 0 : (clock - _last!.Value).TotalHours, unseen = 0;
        _last = clock;
        if (first) unseen = Begin(clock, view.Now);
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
                _known[node.Instance.Id] = new Counted(clock - age, false);
                if (first && node.IsLive)
                {
                    double was = Math.Min(age.TotalHours, unseen);
                    _before += was;
                    _beforeSpend += (decimal)was * price(node.Instance.Type);
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
        int launches = _known.Values.Count(k => !k.Replaces && clock - k.Launched < s_hour) + orders.Values.Count(o => o is { Replaces: false, IsTaken: false });
        double fading = Fading(clock);
        double day = (_before * fading) + _hours + at.Hours;
        decimal spent = (_beforeSpend * (decimal)fading) + _spend + at.Spend;
        // A day that was not seen is as if the least had run: it is not free to be used up.
        double ahead = Math.Max(0, (24 * fading) - (_before * fading));
        return new Usage(serving, billed, launches, day, spend, spent, ahead);
    }

    /// <summary>One was launched, though it may not be seen yet.</summary>
    public void Launched(string id, TimeSpan clock, bool replaces) => _known.TryAdd(id, new Counted(clock + s_day, replaces));

    /// <summary>What has been counted, for whoever comes next.</summary>
    /// <param name="now">The wall clock.</param>
    public DayUse? Kept(DateTimeOffset now)
    {
        if (_last is not { } clock) return null;
        double[] hours = new double[DayUse.Hours];
        decimal[] spend = new decimal[DayUse.Hours];
        long slot = clock.Ticks / s_slot.Ticks;
        foreach ((long s, double h, decimal m) in _day)
        {
            if (s <= slot - Slots) continue;
            int age = (int)((slot - s) * s_slot / s_hour);
            (hours[age], spend[age]) = (hours[age] + h, spend[age] + m);
        }
        // What was before is taken to have been used evenly.
        double fading = Fading(clock);
        int first = Math.Clamp((int)(clock - _begun).TotalHours, 0, DayUse.Hours - 1);
        for (int i = first; i < DayUse.Hours; i++)
        {
            hours[i] += _before * fading / (DayUse.Hours - first);
            spend[i] += _beforeSpend * (decimal)fading / (DayUse.Hours - first);
        }
        return new DayUse(now, now - (clock - _begun), [.. hours.Select(h => Math.Round(h, 4))], [.. spend.Select(m => Math.Round(m, 4))]);
    }

    /// <summary>How many hours before the first look nobody has counted.</summary>
    private double Begin(TimeSpan clock, DateTimeOffset now)
    {
        _begun = clock;
        if (kept is null || now - kept.At >= s_day) return 24;
        // A clock that was set back is no reason to forget.
        TimeSpan gap = now > kept.At ? now - kept.At : TimeSpan.Zero, seen = kept.At - kept.Begun;
        _begun = clock - gap - (seen < TimeSpan.Zero ? TimeSpan.Zero : seen < s_day ? seen : s_day);
        for (int i = 0; i < DayUse.Hours; i++)
        {
            // Each hour as if all of it had been at its end: rather counted for too long.
            long slot = (clock - gap - (i * s_hour)).Ticks / s_slot.Ticks;
            if (slot <= (clock.Ticks / s_slot.Ticks) - Slots) break;
            _day[slot % Slots] = (slot, kept.NodeHours[i], kept.Spend[i]);
        }
        return gap.TotalHours;
    }

    private double Fading(TimeSpan clock) => Math.Max(0, 1 - ((clock - _begun) / s_day));

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
