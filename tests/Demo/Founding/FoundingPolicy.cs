using GlobalCache.Policy;

namespace GlobalCache.Demo.Founding;

/// <summary>The shipped policy in a hurry: every duration of it a tenth or so, nothing else changed.</summary>
internal static class FoundingPolicy
{
    /// <summary>Requests a second that fill one node.</summary>
    public const double Capacity = 55;

    /// <param name="hurry">By how much time is compressed.</param>
    public static GridPolicy Of(double hurry)
    {
        var shipped = new ScalingPolicy { Max = 4, Capacity = Capacity };
        LifePolicy life = shipped.Life;
        TimeSpan Soon(TimeSpan usual) => usual / hurry;
        return new GridPolicy
        {
            Vouching = new VouchingPolicy { Lead = 1 },
            Quotas = new QuotaPolicy { Burst = 100_000, PerHour = 1_000_000, PerDayNew = 1_000_000, PerDayMost = 1_000_000 },
            Grids = [new SharedGrid { Id = FoundingRun.World }],
            Scaling = shipped with
            {
                Tick = Soon(shipped.Tick),
                Ttl = Soon(shipped.Ttl),
                DnsDelay = Soon(shipped.DnsDelay),
                // Measured: a process is in the DNS some two seconds after it was asked for.
                BootP95 = TimeSpan.FromSeconds(2),
                LevelWindow = Soon(shipped.LevelWindow),
                PeakWindow = Soon(shipped.PeakWindow),
                SlopeWindow = Soon(shipped.SlopeWindow),
                SlopeEvery = Soon(shipped.SlopeEvery),
                MarginEvery = Soon(shipped.MarginEvery),
                MarginMemory = Soon(shipped.MarginMemory),
                MarginRefresh = Soon(shipped.MarginRefresh),
                PayBack = Soon(shipped.PayBack),
                Calm = Soon(shipped.Calm),
                RegretWithin = Soon(shipped.RegretWithin),
                RegretFor = Soon(shipped.RegretFor),
                OutageAfter = Soon(shipped.OutageAfter),
                OutageWithin = Soon(shipped.OutageWithin),
                OutageHold = Soon(shipped.OutageHold),
                Silence = TimeSpan.FromSeconds(8),
                Life = life with { DrainLeast = Soon(life.StaysAtLeast(shipped.Ttl)), DrainQuiet = Soon(life.DrainQuiet), DrainMost = Soon(life.DrainMost), Lease = TimeSpan.FromSeconds(12), LeaseRenew = TimeSpan.FromSeconds(4), LeaseLeast = TimeSpan.FromSeconds(6) },
            },
        };
    }
}
