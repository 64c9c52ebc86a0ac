using System.Diagnostics.CodeAnalysis;
using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Nodes;

/// <summary>
/// What the nodes say, and whether it is they who say it (SECURITY §2): signed, of this minute, later than the last, and from the very address of an instance that
/// the fleet shows under that name. Holds one report a node, and forgets nodes that the fleet no longer shows. Safe for concurrent use.
/// </summary>
internal sealed class ReportDesk(TimeProvider time)
{
    private static readonly NodeReportValidator s_valid = new();

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Known> _nodes = new(StringComparer.Ordinal);
    private Dictionary<string, IPAddress?> _fleet = new(StringComparer.Ordinal);

    private sealed record Known(long LastAt, NodeReport? Report, DateTimeOffset Heard, long HeardAt);

    /// <summary>The instances there are: reports of others are not taken.</summary>
    public void Follow(IEnumerable<Instance> fleet)
    {
        var known = fleet.Where(i => i.Marks is not null && i.State is InstanceState.Pending or InstanceState.Running)
            .DistinctBy(i => i.Id, StringComparer.Ordinal).ToDictionary(i => i.Id, i => i.PrivateAddress, StringComparer.Ordinal);
        lock (_gate)
        {
            _fleet = known;
            foreach (string gone in _nodes.Keys.Where(n => !known.ContainsKey(n)).ToList()) _nodes.Remove(gone);
        }
    }

    /// <summary>Whether this is the node it says it is, now, and for the first time.</summary>
    public bool Admits(string node, long at, IPAddress? peer)
    {
        long now = time.GetUtcNow().ToUnixTimeMilliseconds();
        if (peer is null || Math.Abs(now - at) > FleetApi.SkewSeconds * 1000L) return false;
        if (peer.IsIPv4MappedToIPv6) peer = peer.MapToIPv4();
        lock (_gate)
        {
            if (!_fleet.TryGetValue(node, out IPAddress? address) || !peer.Equals(address)) return false;
            Known? before = _nodes.GetValueOrDefault(node);
            if (before is not null && at <= before.LastAt) return false;
            _nodes[node] = (before ?? new Known(0, null, default, 0)) with { LastAt = at };
            return true;
        }
    }

    /// <summary>Takes a report that has been admitted. False: its figures are beyond all measure.</summary>
    public bool Take(NodeReport report)
    {
        if (!s_valid.Validate(report).IsValid) return false;
        lock (_gate)
        {
            if (_nodes.TryGetValue(report.Node, out Known? known)) _nodes[report.Node] = known with { Report = report, Heard = time.GetUtcNow(), HeardAt = time.GetTimestamp() };
        }
        return true;
    }

    /// <summary>The last report of a node, and how old it is.</summary>
    public bool TryLook(string node, [NotNullWhen(true)] out NodeReport? report, out DateTimeOffset heard, out TimeSpan age)
    {
        lock (_gate)
        {
            Known? known = _nodes.GetValueOrDefault(node);
            (report, heard, age) = (known?.Report, known?.Heard ?? default, known is null ? TimeSpan.MaxValue : time.GetElapsedTime(known.HeardAt));
            return report is not null;
        }
    }

    /// <summary>All last reports that are younger than this.</summary>
    public IReadOnlyList<NodeReport> Younger(TimeSpan than)
    {
        lock (_gate) return [.. _nodes.Values.Where(n => n.Report is not null && time.GetElapsedTime(n.HeardAt) < than).Select(n => n.Report!)];
    }
}
