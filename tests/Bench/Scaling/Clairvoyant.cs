namespace GlobalCache.Bench.Scaling;

/// <summary>
/// The cheapest fleet for one who knows what will come: at each minute enough nodes for that minute and the next (DNS must point there first), every node paid
/// for while it boots and while its last clients leave. No scaler can be cheaper without overloading nodes; costs are given relative to it.
/// </summary>
internal static class Clairvoyant
{
    private const int Minute = 60 / DemandCurve.Tick;

    // Several nodes are never filled evenly; clients that stick leave within Hold, and a quiet minute more follows.
    private const double Margin = 1.08;

    /// <summary>Node-hours paid, and the nodes of its highest minute.</summary>
    public static (double NodeHours, int Peak) Cost(double[] arrivals, Setting setting)
    {
        int[] needed = Needed(arrivals, setting);
        int most = needed.Max();
        double opening = setting.Boot.High + setting.DnsDelay + 10;
        double closing = setting.Hold + 70;
        double[] cost = [.. Enumerable.Range(1, most).Select(n => n >= needed[0] ? n * 60.0 : double.PositiveInfinity)];
        double[] next = new double[most];
        foreach (int least in needed.AsSpan(1))
        {
            for (int to = 1; to <= most; to++)
            {
                double best = double.PositiveInfinity;
                for (int from = 1; to >= least && from <= most; from++)
                    best = Math.Min(best, cost[from - 1] + (to > from ? (to - from) * opening : (from - to) * closing));
                next[to - 1] = best + (to * 60.0);
            }

            (cost, next) = (next, cost);
        }

        return (cost.Min() / 3600, most);
    }

    private static int[] Needed(double[] arrivals, Setting setting)
    {
        int[] perTick = [.. arrivals.Select(a => a <= setting.Capacity ? 1 : Math.Max(2, (int)Math.Ceiling((a * Margin / setting.Capacity) - 1e-9)))];
        int[] perMinute = new int[(perTick.Length + Minute - 1) / Minute];
        for (int i = 0; i < perMinute.Length; i++)
        {
            int from = i * Minute;
            int until = Math.Min(perTick.Length, from + Minute + (int)(setting.Ttl / DemandCurve.Tick));
            perMinute[i] = Math.Max(setting.Min, perTick.AsSpan(from, until - from).ToArray().Max());
        }

        return perMinute;
    }
}
