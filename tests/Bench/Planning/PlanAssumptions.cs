namespace GlobalCache.Bench.Planning;

/// <summary>What a plan is made from: what nobody has measured at such a size, each with where it is from. Prices are us-east-1's of 2026, in dollars, without tax.</summary>
internal sealed record PlanAssumptions
{
    /// <summary>Clients in use at the weekly peak.</summary>
    public double Clients { get; init; } = 1_000_000;

    /// <summary>Assets a second that one of them asks nodes for (DESIGN §6).</summary>
    public double PerClient { get; init; } = 0.05;

    /// <summary>Sealed bytes of an asset, in the mean (DESIGN §6: 6 GB/s at 50 000 requests/s).</summary>
    public double AssetBytes { get; init; } = 120_000;

    /// <summary>Of what nodes are asked for, they have so much (the load run's, once warm).</summary>
    public double HitRate { get; init; } = 0.8;

    /// <summary>What a node's link carries all day, bytes a second (3 Gbit/s).</summary>
    public double LinkBytes { get; init; } = 375e6;

    /// <summary>Processor seconds a request costs a node, TLS included (BENCHMARKS, 127 KB), and how many cores it has.</summary>
    public double RequestSeconds { get; init; } = 216e-6;

    /// <inheritdoc cref="RequestSeconds"/>
    public int Cores { get; init; } = 2;

    /// <summary>A node of this size, an hour.</summary>
    public double NodeHour { get; init; } = 0.1134;

    /// <summary>Share of hits that are on neither a node's memory nor its disk.</summary>
    public double FromStore { get; init; } = 0.02;

    /// <summary>Assets that are published a day, by each client in use.</summary>
    public double PublishedPerClient { get; init; } = 2;

    /// <summary>Claims that are made of each before it is published, and the ones that come too late.</summary>
    public double ClaimsPerAsset { get; init; } = 5;

    /// <summary>A thousand reads and a thousand writes of the bucket; a gigabyte and month of it.</summary>
    public (double Reads, double Writes, double Gigabyte) Store { get; init; } = (0.0004, 0.005, 0.023);

    /// <summary>Months that an asset is kept (SECURITY §7: 180 days).</summary>
    public double MonthsKept { get; init; } = 6;

    /// <summary>A gigabyte to the internet, up to so many of them a month.</summary>
    public IReadOnlyList<(double UpTo, double Price)> Egress { get; init; } = [(10_000, 0.09), (50_000, 0.085), (150_000, 0.07), (double.MaxValue, 0.05)];

    /// <summary>Seconds for which a client believes an answer of the zone's own name servers, which it asks itself; a million such answers, the first thousand of those and the rest.</summary>
    public (double Ttl, double First, double Beyond) Names { get; init; } = (60, 0.4, 0.2);

    /// <summary>Processor seconds the master takes for a node's report (BENCHMARKS: 6.9 % of a core at 400 nodes and 200 reports a second), and seconds between two of them.</summary>
    public (double Seconds, double Every) Report { get; init; } = (0.069 / 200, 2);

    /// <summary>Processor seconds of a session: a proof verified, a token signed, over TLS. An upper bound taken from signatures of 0.1 ms each and a fresh connection.</summary>
    public double SessionSeconds { get; init; } = 0.003;

    /// <summary>Requests a second a node serves at load 1: the link or the processor, whichever is full first.</summary>
    public double Capacity => Math.Min(LinkBytes / AssetBytes, Cores / RequestSeconds);
}
