using System.Net;

namespace GlobalCache.Node.Fleet;

/// <summary>What a node needs to be one of a fleet: a master gives out sessions and certificates in its place, and tells it when to go.</summary>
internal sealed record FleetOptions
{
    /// <summary>What the fleet calls this instance, 1 – 64 characters.</summary>
    public required string Id { get; init; }

    /// <summary>The master's private listener.</summary>
    public required IPEndPoint Master { get; init; }

    /// <summary>The file <c>node.keys</c>; not in AWS.</summary>
    public string Keys { get; init; } = "";

    /// <summary>The file <c>grid.json</c>; not in AWS.</summary>
    public string Grid { get; init; } = "";

    /// <summary>Bytes a second that this machine's link to clients carries.</summary>
    public long LinkBytesPerSecond { get; init; } = 375_000_000;

    /// <summary>How often it reports; rates are over five times as long, and over a second at least.</summary>
    public TimeSpan ReportEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Requests that may be in flight before the node counts as full.</summary>
    public int FullInFlight { get; init; } = 512;

    /// <summary>A node that no master has heard for so long stops itself: no orphan is paid for ever.</summary>
    public TimeSpan Orphan { get; init; } = TimeSpan.FromHours(24);
}
