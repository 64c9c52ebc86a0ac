using GlobalCache.Policy;

namespace GlobalCache.Infra;

/// <summary>
/// What the machines of a stack can cost, from the policy alone: prices are the table's, and of machines only; disks, addresses, requests and traffic come on top.
/// </summary>
/// <param name="Hour">Nodes and master, while the master keeps to its limits.</param>
/// <param name="Month">The same in 31 days: what a day may cost ends growth, and the least nodes run on.</param>
/// <param name="WorstHour">Whoever runs the master: as many of the dearest type as fit into the nodes' subnets, and the master.</param>
/// <param name="WorstMonth">The same in 31 days.</param>
internal sealed record Costs(decimal Hour, decimal Month, decimal WorstHour, decimal WorstMonth)
{
    private const int HoursOfADay = 24, DaysOfAMonth = 31;

    /// <summary>Counts them.</summary>
    public static Costs Of(Settings settings)
    {
        ScalingPolicy scaling = settings.Policy.Scaling;
        decimal dearest = settings.Policy.Fleet.Types.Max(t => t.PricePerHour);
        decimal master = settings.PriceOf(settings.MasterType)!.PricePerHour;
        decimal nodes = Math.Min(scaling.Max * dearest, Math.Max(scaling.SpendPerHour, scaling.Min * dearest));
        decimal day = Math.Min(nodes * HoursOfADay, Math.Max(Math.Min(scaling.SpendPerDay, (decimal)scaling.NodeHoursPerDay * dearest), scaling.Min * dearest * HoursOfADay));
        decimal worst = (settings.Plan()!.MostNodes * dearest) + master;
        return new Costs(nodes + master, (day + (master * HoursOfADay)) * DaysOfAMonth, worst, worst * HoursOfADay * DaysOfAMonth);
    }
}
