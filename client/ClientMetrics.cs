using System.Diagnostics.Metrics;

namespace GlobalCache.Client;

/// <summary>
/// What the client counts. No asset, region or person is ever a tag (SECURITY §7). One meter a process: instruments cost
/// nothing while nobody listens.
/// </summary>
internal static class ClientMetrics
{
    public const string MeterName = "GlobalCache.Client";

    public const string StoreBytesName = "globalcache.client.store.sent";

    private static readonly Meter s_meter = new(MeterName);

    /// <summary>Asset requests answered from the store.</summary>
    public static readonly Counter<long> Hits = s_meter.CreateCounter<long>("globalcache.client.hits", "{request}");

    /// <summary>Asset requests that went to the grid.</summary>
    public static readonly Counter<long> Misses = s_meter.CreateCounter<long>("globalcache.client.misses", "{request}");

    /// <summary>UDP images and transfers that were read from the store, to be injected.</summary>
    public static readonly Counter<long> Injected = s_meter.CreateCounter<long>("globalcache.client.udp.injected", "{asset}");

    /// <summary>UDP images and transfers that came from a grid and were kept.</summary>
    public static readonly Counter<long> Captured = s_meter.CreateCounter<long>("globalcache.client.udp.captured", "{asset}");

    /// <summary>Assets the cache grid was asked for.</summary>
    public static readonly Counter<long> Lookups = s_meter.CreateCounter<long>("globalcache.client.lookups", "{request}");

    /// <summary>Assets the cache grid has given.</summary>
    public static readonly Counter<long> GridHits = s_meter.CreateCounter<long>("globalcache.client.lookups.hits", "{request}");

    /// <summary>Assets claimed at the cache grid.</summary>
    public static readonly Counter<long> Claims = s_meter.CreateCounter<long>("globalcache.client.claims", "{asset}");

    /// <summary>Assets sent to the cache grid.</summary>
    public static readonly Counter<long> Uploads = s_meter.CreateCounter<long>("globalcache.client.uploads", "{asset}");

    /// <summary>Assets from the cache grid that were fetched once more to be compared.</summary>
    public static readonly Counter<long> SpotChecks = s_meter.CreateCounter<long>("globalcache.client.checks", "{asset}");

    /// <summary>Assets from the cache grid that were not what their world gives, and of which it was told.</summary>
    public static readonly Counter<long> Disputes = s_meter.CreateCounter<long>("globalcache.client.disputes", "{asset}");

    /// <summary>Body bytes sent to viewers from the store.</summary>
    public static readonly Counter<long> StoreBytes = s_meter.CreateCounter<long>(StoreBytesName, "By");
}
