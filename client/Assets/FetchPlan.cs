namespace GlobalCache.Client.Assets;

/// <summary>
/// Decides what to ask the grid for: what is neither held nor coming, as one request from the first gap to the last, unless that
/// would fetch a byte between the gaps for the third time; then each gap by itself (PROTOCOL §3.6.1, §10 test 34).
/// </summary>
internal sealed class FetchPlan
{
    private readonly IntervalSet _twice = new();

    /// <summary>The requests to make for <paramref name="wanted"/>; none when every byte is held or coming.</summary>
    public List<Interval> Ask(Interval wanted, IntervalSet held, IEnumerable<Interval> coming)
    {
        IntervalSet covered = new();
        foreach (Interval interval in held.Intervals) covered.Add(interval);
        foreach (Interval interval in coming) covered.Add(interval);
        List<Interval> gaps = covered.Gaps(wanted);
        if (gaps.Count < 2) return gaps;

        Interval span = new(gaps[0].Start, gaps[^1].End);
        if (_twice.Intersects(span)) return gaps;
        for (int i = 1; i < gaps.Count; i++) _twice.Add(new Interval(gaps[i - 1].End, gaps[i].Start));
        return [span];
    }
}
