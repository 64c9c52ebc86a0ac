using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// By how much to distrust a forecast: a quantile of how far the forecasts of the last day were missed. So the margin is wide where demand is wild and narrow
/// where it is calm, with nobody to tune it.
/// </summary>
internal sealed class Margin
{
    // Fewer say nothing of a quantile.
    private const int Fewest = 60;

    private readonly Ring _missed = new(1);
    private double[] _sorted = [];
    private double? _quantile;

    /// <summary>What is remembered, for a master to come.</summary>
    public Ring Missed => _missed;

    /// <summary>A forecast that has come due was missed by this share of it.</summary>
    public void Take(double? missedBy, ScalingPolicy policy)
    {
        _missed.Resize((int)(policy.MarginMemory.Ticks / policy.MarginEvery.Ticks));
        if (missedBy is { } share) _missed.Add(share);
    }

    /// <summary>Takes the quantile anew.</summary>
    public void Refresh(ScalingPolicy policy)
    {
        if (_missed.Count < Fewest) return;
        if (_sorted.Length != _missed.Count) _sorted = new double[_missed.Count];
        for (int i = 0; i < _sorted.Length; i++) _sorted[i] = _missed[i];
        Array.Sort(_sorted);
        double at = (_sorted.Length - 1) * policy.MarginQuantile;
        int below = (int)at;
        int above = Math.Min(below + 1, _sorted.Length - 1);
        _quantile = _sorted[below] + ((_sorted[above] - _sorted[below]) * (at - below));
    }

    /// <summary>The margin, as a share of the forecast.</summary>
    public double Share(ScalingPolicy policy) => Math.Clamp(_quantile ?? policy.MarginStart, policy.MarginLeast, policy.MarginMost);
}
