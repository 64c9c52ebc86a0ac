using System.Diagnostics;

namespace GlobalCache.Client;

/// <summary>
/// What the client tells of its work where somebody listens (docs/OBSERVABILITY.md). No asset, region or person is ever named (SECURITY §7), and nothing is handed on to
/// a grid or a node.
/// </summary>
internal static class ClientTraces
{
    /// <summary>The same as the meter's.</summary>
    public static readonly ActivitySource Source = new(ClientMetrics.MeterName);

    /// <summary>A viewer's request for an asset, from its arrival to the last byte. <c>gc.type</c>; <c>gc.from</c>: hit, shared or miss.</summary>
    public const string Asset = "asset";

    /// <summary>One asset asked of the cache grid. <c>gc.type</c>; <c>gc.outcome</c>: hit, miss, failed or givenup.</summary>
    public const string Lookup = "lookup";

    /// <summary>A batch told to the cache grid. <c>gc.lines</c>, <c>gc.status</c>.</summary>
    public const string Claim = "claim";

    /// <summary>One asset sent to the cache grid. <c>gc.type</c>, <c>gc.bytes</c>, <c>gc.status</c>.</summary>
    public const string Upload = "upload";

    /// <summary>The beginning of something: what the web server itself is tracing is not its parent.</summary>
    public static Activity? Begin(string name)
    {
        if (!Source.HasListeners()) return null;
        Activity.Current = null;
        return Source.StartActivity(name, ActivityKind.Server);
    }
}
