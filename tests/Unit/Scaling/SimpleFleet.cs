using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Scaling;

/// <summary>A fleet that does as it is told: nodes boot for a while, and go at once.</summary>
internal sealed class SimpleFleet(ScalingPolicy policy, int serving = 1)
{
    private readonly List<DateTimeOffset> _ready = [];

    public ScalingState State { get; } = new();

    public ScalingPolicy Policy { get; set; } = policy;

    public DateTimeOffset Now { get; set; } = new(2026, 3, 2, 12, 0, 0, TimeSpan.Zero);

    public int Serving { get; private set; } = serving;

    public int Booting => _ready.Count;

    public List<(DateTimeOffset At, double Demand, Plan Plan)> Actions { get; } = [];

    /// <summary>One tick under this demand.</summary>
    public Plan Tick(double requestsPerSecond, int silent = 0)
    {
        Serving += _ready.RemoveAll(at => at <= Now);
        Plan plan = Decide.Next(State, new(requestsPerSecond, Serving, Booting, 0, Policy.Capacity, silent), Policy, Now);
        if (plan.Kind is PlanKind.Out or PlanKind.In) Actions.Add((Now, requestsPerSecond, plan));
        for (int i = Serving + Booting; i < plan.Target; i++) _ready.Add(Now + TimeSpan.FromSeconds(60));
        if (plan.Kind == PlanKind.In) Serving = plan.Target;
        Now += Policy.Tick;
        return plan;
    }

    /// <summary>Ticks for this long.</summary>
    public void Run(TimeSpan time, Func<TimeSpan, double> demand)
    {
        DateTimeOffset from = Now;
        while (Now - from < time) Tick(demand(Now - from));
    }

    /// <summary>Demand as a service sees it: a noise of a minute or so, and chance.</summary>
    public static Func<TimeSpan, double> Noisy(Func<TimeSpan, double> demand, int seed, double share = 0.04)
    {
        Random dice = new(seed);
        double noise = 0;
        return at =>
        {
            noise = (0.85 * noise) + (0.53 * Normal());
            double mean = demand(at) * (1 + (share * noise));
            return Math.Max(0.1, mean + (Math.Sqrt(mean / 10) * Normal()));
        };

        double Normal() => Math.Sqrt(-2 * Math.Log(1 - dice.NextDouble())) * Math.Cos(2 * Math.PI * dice.NextDouble());
    }
}
