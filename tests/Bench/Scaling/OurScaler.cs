using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Bench.Scaling;

/// <summary>The master's own <see cref="Decide"/>, under the policy's own limit of launches.</summary>
internal sealed class OurScaler(ScalingPolicy policy) : Scaler
{
    private readonly ScalingState _state = new();
    private DateTimeOffset _start;
    private double _capacity;

    public override string Name => "gc";

    public override bool CallsBack => true;

    public override int LaunchesPerHour => policy.LaunchesPerHour;

    /// <summary>The policy's defaults, told of the world they are in.</summary>
    public static ScalingPolicy For(Setting setting) => new()
    {
        Min = setting.Min,
        Max = setting.Max,
        Capacity = setting.Capacity,
        Ttl = TimeSpan.FromSeconds(setting.Ttl),
        DnsDelay = TimeSpan.FromSeconds(setting.DnsDelay),
        BootP95 = TimeSpan.FromSeconds(setting.Boot.High),
    };

    public override int Begin(DemandCurve curve, Setting setting)
    {
        (_start, _capacity) = (curve.Start, setting.Capacity);
        _state.Seed(curve.HistoryStart, curve.History, policy);
        return base.Begin(curve, setting);
    }

    public override int? Next(in Sight sight)
    {
        Observation seen = new(sight.RequestsPerSecond, sight.Serving, sight.Booting, sight.Draining, _capacity, Silent: 0);
        Plan plan = Decide.Next(_state, seen, policy, _start.AddSeconds(sight.Seconds));
        return plan.Kind is PlanKind.Out or PlanKind.In ? plan.Target : null;
    }

    public override bool MayEnd(double since, double quiet, Setting setting) =>
        (since >= setting.DnsDelay + policy.Life.StaysAtLeast(policy.Ttl).TotalSeconds && quiet >= policy.Life.DrainQuiet.TotalSeconds) || since >= policy.Life.DrainMost.TotalSeconds;
}
