namespace GlobalCache.Bench.Scaling;

/// <summary>As many nodes as the peak needs, day and night.</summary>
internal sealed class StaticPeak(int nodes) : Scaler
{
    public override string Name => "static-peak";

    public override int Begin(DemandCurve curve, Setting setting) => nodes;

    public override int? Next(in Sight sight) => null;
}

/// <summary>
/// The scenario that began it, to the letter: 0.9 and rising, one more; 0.4 for a minute, one fewer, which is ended when the TTL has passed.
/// </summary>
internal sealed class FoundingThreshold : Scaler
{
    private readonly Queue<double> _loads = [];
    private double _low;

    public override string Name => "founding-threshold";

    public override int? Next(in Sight sight)
    {
        _loads.Enqueue(sight.MeanLoad);
        if (_loads.Count > 12) _loads.Dequeue();
        if (sight.Booting == 0 && sight.MeanLoad >= 0.9 && _loads.Count > 6 && _loads.TakeLast(3).Average() >= _loads.Take(3).Average())
        {
            _low = 0;
            return sight.Serving + 1;
        }

        _low = sight.MeanLoad <= 0.4 ? _low + DemandCurve.Tick : 0;
        if (sight.Booting > 0 || sight.Draining > 0 || sight.Serving <= 1 || _low < 60) return null;
        _low = 0;
        return sight.Serving - 1;
    }

    public override bool MayEnd(double since, double quiet, Setting setting) => since >= setting.Ttl + setting.DnsDelay;
}

/// <summary>
/// Kubernetes' horizontal pod autoscaler with its defaults, target 0.7: every 20 s (15 there), tolerance 0.1, the highest wish of the last five minutes on
/// the way down, and nodes not ready yet count as idle. It is given our drain, which it does not have.
/// </summary>
internal sealed class PodAutoscaler : Scaler
{
    private const double Target = 0.7;
    private const double Tolerance = 0.1;
    private readonly Queue<double> _seen = [];
    private readonly Queue<(double At, int Wish)> _wishes = [];
    private double _capacity;

    public override string Name => "hpa-0.7";

    public override int Begin(DemandCurve curve, Setting setting)
    {
        _capacity = setting.Capacity;
        return base.Begin(curve, setting);
    }

    public override int? Next(in Sight sight)
    {
        _seen.Enqueue(sight.RequestsPerSecond);
        if (_seen.Count > 3) _seen.Dequeue();
        if (sight.Seconds % 20 != 0) return null;
        int current = sight.Serving + sight.Booting;
        double load = sight.Serving > 0 ? _seen.Average() / (sight.Serving * _capacity) : 9;
        double ratio = load / Target;
        int wish = current;
        if (Math.Abs(ratio - 1) > Tolerance)
        {
            wish = (int)Math.Ceiling((ratio * sight.Serving) - 1e-9);
            if (ratio > 1 && sight.Booting > 0) wish = Math.Max(current, wish);
        }

        wish = Math.Min(wish, current + Math.Max(current, 4));
        _wishes.Enqueue((sight.Seconds, wish));
        while (_wishes.Peek().At < sight.Seconds - 300) _wishes.Dequeue();
        return wish < current ? Math.Max(wish, _wishes.Max(w => w.Wish)) : wish;
    }
}

/// <summary>
/// EC2's target tracking at 0.7: a metric of a minute, about a minute late; three above the target, and it grows in proportion; fifteen below 0.9 of it, and
/// it shrinks. It is given our drain, which it does not have.
/// </summary>
internal sealed class TargetTracking : Scaler
{
    private const double Target = 0.7;
    private readonly List<double> _minute = [];
    private readonly List<double> _metrics = [];
    private double? _late;
    private double _capacity;

    public override string Name => "target-tracking-0.7";

    public override int Begin(DemandCurve curve, Setting setting)
    {
        _capacity = setting.Capacity;
        return base.Begin(curve, setting);
    }

    public override int? Next(in Sight sight)
    {
        _minute.Add(sight.RequestsPerSecond / (Math.Max(sight.Serving, 1) * _capacity));
        if (sight.Seconds % 60 != 50) return null;
        double? metric = _late;
        _late = _minute.Average();
        _minute.Clear();
        if (metric is not { } load) return null;
        _metrics.Add(load);
        if (_metrics.Count > 15) _metrics.RemoveAt(0);
        int wish = Math.Max(1, (int)Math.Ceiling((sight.Serving * load / Target) - 1e-9));
        if (_metrics.Count >= 3 && _metrics.TakeLast(3).Min() > Target) return Math.Max(sight.Serving + sight.Booting, wish);
        if (_metrics.Count < 15 || _metrics.Max() >= 0.9 * Target || sight.Booting > 0 || wish >= sight.Serving) return null;
        _metrics.Clear();
        return wish;
    }
}
