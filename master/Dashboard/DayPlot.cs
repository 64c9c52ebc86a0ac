using System.Runtime.InteropServices;

namespace GlobalCache.Master.Dashboard;

/// <summary>A minute of the fleet, as the plots show it.</summary>
/// <param name="Demand">Highest requests a second; NaN: not known.</param>
/// <param name="Capacity">What those that served could have served; NaN: not known.</param>
/// <param name="Nodes">Most that served or were to.</param>
/// <param name="Billed">Mean number that cost.</param>
/// <param name="Spend">What ran cost an hour.</param>
/// <param name="Hits">Assets served.</param>
/// <param name="Misses">Answered “not here”.</param>
/// <param name="Bytes">Sent to clients.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Minute(double Demand, double Capacity, int Nodes, double Billed, decimal Spend, long Hits, long Misses, long Bytes);

/// <summary>What is seen at one moment.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Sample(double Demand, double Capacity, int Nodes, int Billed, decimal Spend, Tally Served);

/// <summary>
/// The last 24 hours, minute by minute: at most 1 440 of them, whatever happens. In memory alone: a new master begins a new day, as there is no database. One writer,
/// any number of readers.
/// </summary>
internal sealed class DayPlot
{
    /// <summary>Minutes kept.</summary>
    public const int Minutes = 1440;

    private readonly Lock _lock = new();
    private readonly Slot[] _slots = new Slot[Minutes];
    private Tally? _before;
    private long _first = -1;
    private long _last = -1;

    [StructLayout(LayoutKind.Auto)]
    private struct Slot
    {
        public long At;
        public int Samples;
        public Minute Sum;
    }

    /// <summary>One more look. A clock set back adds to the minute it was set back to.</summary>
    public void Take(DateTimeOffset now, in Sample seen)
    {
        long at = MinuteOf(now);
        lock (_lock)
        {
            // What was served before this master looked is not of this day.
            Tally since = _before is { } before ? seen.Served - before : default;
            _before = seen.Served;
            if (_first < 0) _first = at;
            _last = at;
            ref Slot slot = ref _slots[at % Minutes];
            if (slot.At != at || slot.Samples == 0) slot = new Slot { At = at, Sum = new Minute(double.NaN, double.NaN, 0, 0, 0, 0, 0, 0) };
            slot.Samples++;
            Minute sum = slot.Sum;
            slot.Sum = new Minute(
                Higher(sum.Demand, seen.Demand), Higher(sum.Capacity, seen.Capacity), Math.Max(sum.Nodes, seen.Nodes), sum.Billed + seen.Billed, Math.Max(sum.Spend, seen.Spend),
                sum.Hits + since.Hits, sum.Misses + since.Misses, sum.Bytes + since.Bytes);
        }
    }

    /// <summary>The newest so many minutes up to the last look, oldest first; null: nothing was seen then.</summary>
    public IReadOnlyList<Minute?> Last(int minutes)
    {
        lock (_lock)
        {
            if (_last < 0) return [];
            var all = new Minute?[Math.Clamp(minutes, 1, Minutes)];
            for (int i = 0; i < all.Length; i++)
            {
                long at = _last - all.Length + 1 + i;
                if (at < 0) continue;
                Slot slot = _slots[at % Minutes];
                if (slot.At == at && slot.Samples > 0) all[i] = slot.Sum with { Billed = slot.Sum.Billed / slot.Samples };
            }

            return all;
        }
    }

    /// <summary>How many minutes there are to show, gaps included: 0 – <see cref="Minutes"/>.</summary>
    public int Count
    {
        get
        {
            lock (_lock) return _last < 0 ? 0 : (int)Math.Clamp(_last - Math.Min(_first, _last) + 1, 1, Minutes);
        }
    }

    /// <summary>The minute of the last look.</summary>
    public DateTimeOffset End
    {
        get
        {
            lock (_lock) return DateTimeOffset.UnixEpoch + TimeSpan.FromMinutes(Math.Max(0, _last));
        }
    }

    private static long MinuteOf(DateTimeOffset now) => Math.Max(0, (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMinute);

    private static double Higher(double one, double other) => double.IsNaN(one) ? other : double.IsNaN(other) ? one : Math.Max(one, other);
}
