using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// What is usual at this time of the week, learned in slots of five minutes, newer weeks counting more (SCALING §2: P and κ). It knows of Sunday's evening
/// before it rises, and is not used at all while its own last week would not have been foreseen by it.
/// </summary>
internal sealed class Season
{
    /// <summary>Slots in a week.</summary>
    public const int Week = 7 * Day;

    private const int Day = 288;
    private const int Ratios = 12;
    private static readonly TimeSpan s_slot = TimeSpan.FromMinutes(5);
    private static readonly DateTimeOffset s_monday = new(1970, 1, 5, 0, 0, 0, TimeSpan.Zero);

    private readonly double[] _sorted = new double[Week];
    private readonly double[] _profile = new double[Week];
    private bool _trusted;
    private double _today = 1;
    private double _sum;
    private int _ticks;
    private long _slot;

    /// <summary>Per slot of the week: what came, weighted by age; the weights; what came last, and in which slot of all time (−1: never).</summary>
    public double[] Sums { get; } = new double[Week];

    /// <inheritdoc cref="Sums"/>
    public double[] Weights { get; } = new double[Week];

    /// <inheritdoc cref="Sums"/>
    public double[] Latest { get; } = new double[Week];

    /// <inheritdoc cref="Sums"/>
    public int[] Seen { get; } = Enumerable.Repeat(-1, Week).ToArray();

    /// <summary>How the last hour compared with the profile.</summary>
    public Ring Today { get; } = new(Ratios);

    /// <summary>Slots learned, ever.</summary>
    public int Count { get; set; }

    /// <summary>One tick's demand. What a slot's ticks bring in the mean is learned with the last of them.</summary>
    public void Take(double requestsPerSecond, ScalingPolicy policy, DateTimeOffset now)
    {
        long slot = SlotOf(now);
        if (slot != _slot) (_slot, _sum, _ticks) = (slot, 0, 0);
        _sum += requestsPerSecond;
        _ticks++;
        bool last = SlotOf(now + policy.Tick) != slot;
        bool isWhole = _ticks * policy.Tick * 2 >= s_slot;
        if (!last || !isWhole) return;
        double mean = _sum / _ticks;
        (_sum, _ticks) = (0, 0);
        Learn((int)slot, mean, policy);
        if (_trusted) Compare(mean, Profile(slot), policy);
        if (Count % Day == 0) Build(policy);
    }

    /// <summary>The slots of an earlier time, as a master would have learned them.</summary>
    public void Seed(DateTimeOffset first, ReadOnlySpan<double> means, ScalingPolicy policy)
    {
        int slot = (int)SlotOf(first);
        foreach (double mean in means)
        {
            if (double.IsFinite(mean) && mean >= 0) Learn(slot, mean, policy);
            slot++;
        }

        Build(policy);
    }

    /// <summary>What is usual, measured by how today compares, from now until then and a slot longer: the most of it. 0: not known.</summary>
    public double Most(DateTimeOffset now, TimeSpan until)
    {
        if (!_trusted) return 0;
        long slot = SlotOf(now);
        double most = 0;
        for (long i = 0; i <= (until.Ticks / s_slot.Ticks) + 1; i++) most = Math.Max(most, Profile(slot + i));
        return _today * most;
    }

    /// <summary>Takes the profile anew from all that was learned, and whether to trust it.</summary>
    public void Build(ScalingPolicy policy)
    {
        _trusted = false;
        Weigh(policy);
        if (Count < 2 * Day) return;
        int newest = Seen.Max();
        for (int i = 0; i < Week; i++)
            _profile[i] = Weights[i] > 0 ? Sums[i] / Weights[i] : OnAnyDay(i % Day, newest, policy);

        int count = 0;
        for (int i = 0; i < Week; i++)
            if (Seen[i] > newest - Week && Seen[i] >= 0) _sorted[count++] = Latest[i] / Math.Max(_profile[i], 1e-9);
        double usual = Median(_sorted.AsSpan(0, count));
        for (int i = 0; i < count; i++) _sorted[i] = Math.Abs((_sorted[i] / usual) - 1);
        _trusted = Median(_sorted.AsSpan(0, count)) < policy.SeasonTrust;
    }

    // Before 1970 no master ran; a clock that says so is set wrong, and one slot is as good as another.
    private static long SlotOf(DateTimeOffset now) => Math.Max(0, (now - s_monday).Ticks / s_slot.Ticks);

    private static double Fading(long slots, ScalingPolicy policy) => Math.Pow(0.5, slots * (s_slot / policy.SeasonHalfLife));

    private static double Median(Span<double> figures)
    {
        figures.Sort();
        return (figures[(figures.Length - 1) / 2] + figures[figures.Length / 2]) / 2;
    }

    private double Profile(long slot) => _profile[slot % Week];

    private void Learn(int slot, double mean, ScalingPolicy policy)
    {
        int at = slot % Week;
        double faded = Seen[at] < 0 ? 0 : Fading(Math.Max(0, slot - Seen[at]), policy);
        Sums[at] = (Sums[at] * faded) + mean;
        Weights[at] = (Weights[at] * faded) + 1;
        (Latest[at], Seen[at]) = (mean, slot);
        Count++;
    }

    private void Compare(double mean, double usual, ScalingPolicy policy)
    {
        Today.Add(mean / Math.Max(usual, 1e-9));
        Weigh(policy);
    }

    private void Weigh(ScalingPolicy policy)
    {
        if (Today.Count == 0) return;
        Span<double> sorted = stackalloc double[Ratios];
        for (int i = 0; i < Today.Count; i++) sorted[i] = Today[i];
        sorted = sorted[..Today.Count];
        sorted.Sort();
        _today = Math.Clamp(sorted[sorted.Length / 2], policy.SeasonLeast, policy.SeasonMost);
    }

    // A time of the week that was never seen is taken to be as on other days.
    private double OnAnyDay(int slotOfDay, int newest, ScalingPolicy policy)
    {
        double sum = 0;
        double weight = 0;
        for (int at = slotOfDay; at < Week; at += Day)
        {
            if (Seen[at] < 0) continue;
            double faded = Fading(newest - Seen[at], policy);
            sum += Sums[at] * faded;
            weight += Weights[at] * faded;
        }

        return sum / Math.Max(weight, 1e-9);
    }
}
