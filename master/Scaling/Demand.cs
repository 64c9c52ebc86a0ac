using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// Demand of the last minutes, tick by tick: its level, its peaks, its slope, and what they let expect of the time a new node takes
/// (SCALING §2: L, y3, b and F). Times are counted in ticks, so that a master which ticks late counts what it has seen and not what it missed.
/// </summary>
internal sealed class Demand
{
    // As many ticks as the policy's validator lets any window have, and one more.
    private const int Room = 1001;

    private readonly Ring _seen = new(Room);
    private readonly Ring _peaks = new(Room);
    private readonly Ring _levels = new(Room);
    private readonly Ring _forecasts = new(Room);

    /// <summary>Ticks since there is a row without a gap.</summary>
    public long Ticks { get; private set; }

    /// <summary>Mean over the level window.</summary>
    public double Level { get; private set; }

    /// <summary>Mean over the peak window.</summary>
    public double Peak { get; private set; }

    /// <summary>Requests a second more each second; 0 when it is not surely rising.</summary>
    public double Slope { get; private set; }

    /// <summary>The level that is expected when a node launched now would serve.</summary>
    public double Forecast { get; private set; }

    /// <summary>One more tick.</summary>
    public void Take(double requestsPerSecond, ScalingPolicy policy)
    {
        _seen.Add(requestsPerSecond);
        Ticks++;
        Peak = _seen.Mean(Ticked(policy.PeakWindow, policy));
        Level = _seen.Mean(Ticked(policy.LevelWindow, policy));
        int window = Ticked(policy.SlopeWindow, policy);
        if (IsDue(policy.SlopeEvery, policy) && Ticks >= window) Slope = Fit(window, policy);
        Forecast = Level + (policy.SlopeShare * Slope * policy.Horizon().TotalSeconds);
        _peaks.Add(Peak);
        _levels.Add(Level);
        _forecasts.Add(Forecast);
    }

    /// <summary>A gap: what was seen before it says nothing of now.</summary>
    public void Forget()
    {
        foreach (Ring ring in (ReadOnlySpan<Ring>)[_seen, _peaks, _levels, _forecasts]) ring.Clear();
        (Ticks, Slope) = (0, 0);
    }

    /// <summary>Whether what happens this often happens at this tick.</summary>
    public bool IsDue(TimeSpan every, ScalingPolicy policy) => (Ticks - 1) % Ticked(every, policy) == 0;

    /// <summary>How far the highest peak since then lay above the forecast of one horizon ago, as a share of it. Null: it was not seen yet.</summary>
    public double? MissedBy(ScalingPolicy policy) => MissedBy(_forecasts, Ticked(policy.Horizon(), policy));

    /// <summary>How far the highest peak since then lay above the level of one pay-back time ago, as a share of it. Null: it was not seen yet.</summary>
    public double? RoseBy(ScalingPolicy policy) => MissedBy(_levels, Ticked(policy.PayBack, policy));

    /// <summary>
    /// Whether demand has collapsed as it does when something is broken, not when people leave: all of a sudden, and from a level that had lasted. The end of
    /// a short peak is none.
    /// </summary>
    public bool Collapsed(ScalingPolicy policy) =>
        Level < (1 - policy.OutageFall) * _levels.Min(Ticked(policy.OutageAfter, policy), Ticked(policy.OutageWithin, policy));

    /// <summary>The highest of the last ticks within the peak window.</summary>
    public double Highest(ScalingPolicy policy) => _seen.Max(Ticked(policy.PeakWindow, policy));

    /// <summary>Whether the peak window is full.</summary>
    public bool KnowsPeak(ScalingPolicy policy) => Ticks >= Ticked(policy.PeakWindow, policy);

    private static int Ticked(TimeSpan window, ScalingPolicy policy) => Math.Clamp((int)(window.Ticks / policy.Tick.Ticks), 1, Room - 1);

    private double? MissedBy(Ring expected, int since) => Ticks > since ? (_peaks.Max(since) / Math.Max(expected[since], 1e-6)) - 1 : null;

    // Least squares. The standard error is the reference's: the spread of what was seen, its slope included, over the spread of the times (√12 ≈ 3.46).
    private double Fit(int window, ScalingPolicy policy)
    {
        double middle = (window - 1) / 2.0;
        double mean = _seen.Mean(window);
        double products = 0;
        double squares = 0;
        double spread = 0;
        for (int i = 0; i < window; i++)
        {
            double x = i - middle;
            double y = _seen[window - 1 - i];
            products += x * y;
            squares += x * x;
            spread += (y - mean) * (y - mean);
        }

        double slope = products / squares / policy.Tick.TotalSeconds;
        double error = Math.Sqrt(spread / window) * 3.46 / (Math.Sqrt(window) * window * policy.Tick.TotalSeconds);
        return slope > 0 && slope > policy.SlopeErrors * error ? slope : 0;
    }
}
