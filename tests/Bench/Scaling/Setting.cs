namespace GlobalCache.Bench.Scaling;

/// <summary>The world a fleet is simulated in. Times are seconds.</summary>
internal sealed record Setting
{
    /// <summary>Requests a second a node serves at load 1.</summary>
    public double Capacity { get; init; } = 55;

    /// <summary>From the launch until it serves: any time between these.</summary>
    public (double Low, double High) Boot { get; init; } = (45, 120);

    /// <summary>How long clients keep an answer.</summary>
    public double Ttl { get; init; } = 60;

    /// <summary>Share of clients that keep an answer for <see cref="Hold"/> instead, whatever its TTL.</summary>
    public double Sticky { get; init; } = 0.10;

    /// <inheritdoc cref="Sticky"/>
    public double Hold { get; init; } = 600;

    /// <summary>As many resolvers of equal size spread clients as unevenly as the real ones do.</summary>
    public double Resolvers { get; init; } = 120;

    /// <summary>From a change of the zone until it is answered.</summary>
    public double DnsDelay { get; init; } = 5;

    /// <summary>What a node can do in this time may wait; what comes beyond is shed.</summary>
    public double Queue { get; init; } = 10;

    /// <summary>Fewest and most nodes.</summary>
    public int Min { get; init; } = 1;

    /// <inheritdoc cref="Min"/>
    public int Max { get; init; } = 24;

    /// <summary>A node is paid for at least this long.</summary>
    public double LeastPaid { get; init; } = 60;
}
