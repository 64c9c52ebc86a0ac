using System.Runtime.InteropServices;

namespace GlobalCache.Client.Assets;

/// <summary>Bytes from <paramref name="Start"/> up to, not including, <paramref name="End"/>.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Interval(long Start, long End)
{
    /// <summary>The end of an interval that runs to the end of an asset whose length is not known.</summary>
    public const long Open = long.MaxValue;

    public bool IsEmpty => Start >= End;

    public long Length => Math.Max(0, End - Start);

    public bool Contains(long position) => Start <= position && position < End;

    public bool Intersects(Interval other) => Start < other.End && other.Start < End && !IsEmpty && !other.IsEmpty;

    public Interval Intersect(Interval other) => new(Math.Max(Start, other.Start), Math.Min(End, other.End));
}

/// <summary>A set of byte positions as sorted intervals that neither touch nor overlap.</summary>
internal sealed class IntervalSet
{
    private readonly List<Interval> _intervals = [];

    /// <summary>In order, with at least one byte missing between neighbours.</summary>
    public IReadOnlyList<Interval> Intervals => _intervals;

    public bool Contains(long position)
    {
        int i = FirstEndingAfter(position);
        return i < _intervals.Count && _intervals[i].Start <= position;
    }

    public bool Covers(Interval interval)
    {
        if (interval.IsEmpty) return true;
        int i = FirstEndingAfter(interval.Start);
        return i < _intervals.Count && _intervals[i].Start <= interval.Start && _intervals[i].End >= interval.End;
    }

    public bool Intersects(Interval interval)
    {
        if (interval.IsEmpty) return false;
        int i = FirstEndingAfter(interval.Start);
        return i < _intervals.Count && _intervals[i].Start < interval.End;
    }

    public void Add(Interval interval)
    {
        if (interval.IsEmpty) return;
        // The first that overlaps or touches, and one past the last that does.
        int first = interval.Start == 0 ? 0 : FirstEndingAfter(interval.Start - 1);
        int next = first;
        while (next < _intervals.Count && _intervals[next].Start <= interval.End)
        {
            interval = new Interval(Math.Min(interval.Start, _intervals[next].Start), Math.Max(interval.End, _intervals[next].End));
            next++;
        }
        if (next == first) _intervals.Insert(first, interval);
        else
        {
            _intervals[first] = interval;
            _intervals.RemoveRange(first + 1, next - first - 1);
        }
    }

    /// <summary>The parts of <paramref name="interval"/> that are not in the set, in order.</summary>
    public List<Interval> Gaps(Interval interval)
    {
        List<Interval> gaps = [];
        long position = interval.Start;
        for (int i = FirstEndingAfter(position); i < _intervals.Count && _intervals[i].Start < interval.End; i++)
        {
            if (position < _intervals[i].Start) gaps.Add(new Interval(position, _intervals[i].Start));
            position = _intervals[i].End;
        }
        if (position < interval.End) gaps.Add(new Interval(position, interval.End));
        return gaps;
    }

    // Index of the first interval whose end lies beyond the position.
    private int FirstEndingAfter(long position)
    {
        int low = 0, high = _intervals.Count;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (_intervals[middle].End > position) high = middle;
            else low = middle + 1;
        }
        return low;
    }
}
