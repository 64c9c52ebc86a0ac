using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;

namespace GlobalCache.Master.Reconcile;

/// <summary>
/// Where a node is in its life (SCALING §3). Nowhere written down: it follows from the tags, the DNS and the node's own word, so that a new master sees the same.
/// <code>
/// instance   intent  in DNS  node              state
/// pending    Serve   no      –                 Requested
/// running    Serve   no      not ready         Booting    (Lost, if it had served)
/// running    Serve   no      ready             Warming
/// running    Serve   yes     –                 InService  (Lost, after some missed checks)
/// running    Drain   yes     –                 Leaving
/// running    Drain   no      –                 Leaving until all servers are known to say so, then Draining, then Terminating
/// stopping   any     any     –                 Lost when it was to serve, else Terminating
/// none, over any     any     –                 Gone
/// running    none    any     –                 Foreign
/// </code>
/// </summary>
internal enum NodeState
{
    /// <summary>Asked for; not there yet.</summary>
    Requested,

    /// <summary>It runs, and is not ready.</summary>
    Booting,

    /// <summary>Ready, and not published yet.</summary>
    Warming,

    /// <summary>Published, and serving.</summary>
    InService,

    /// <summary>To go, and still in the DNS, or not known to have left all of its servers (Draining-1).</summary>
    Leaving,

    /// <summary>Out of the DNS; it serves those who still come (Draining-2).</summary>
    Draining,

    /// <summary>Its traffic has ended; it is asked for its consent, then ended.</summary>
    Terminating,

    /// <summary>It is to serve, and does not answer.</summary>
    Lost,

    /// <summary>Ended; the cloud shows it for a while yet.</summary>
    Gone,

    /// <summary>Not ours: never touched.</summary>
    Foreign,
}

/// <summary>A node as one pass sees it. Durations are of the master's own steady clock, since this master first saw it: no clock set wrong shortens them.</summary>
internal sealed record NodeView
{
    /// <summary>The machine, with its marks.</summary>
    public required Instance Instance { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required NodeState State { get; init; }

    /// <summary>How long it has been there.</summary>
    public required TimeSpan For { get; init; }

    /// <summary>Its own word, if it is new; null: it is silent.</summary>
    public NodeLook? Look { get; init; }

    /// <summary>The DNS names it.</summary>
    public bool InDns { get; init; }

    /// <summary>It answers, and says that it is ready.</summary>
    public bool IsReady { get; init; }

    /// <summary>It has been well for so long that it may be published.</summary>
    public bool IsProven { get; init; }

    /// <summary>It has said nothing good for so long that nobody can be there.</summary>
    public bool IsDead { get; init; }

    /// <summary>This master has seen it from its beginning, and never in the DNS: no client can know of it.</summary>
    public bool IsUnknown { get; init; }

    /// <summary>Requests a second: its newest figure, old as it may be; NaN: none is known.</summary>
    public double RequestsPerSecond { get; init; } = double.NaN;

    /// <summary>What it can serve, as learned from its reports (<see cref="Scaling.LearnedCapacity"/>).</summary>
    public double Capacity { get; init; }

    /// <summary>For how long no server of the zone has named it; null: one may.</summary>
    public TimeSpan? OutFor { get; init; }

    /// <summary>For how long it has been draining.</summary>
    public TimeSpan DrainFor { get; init; }

    /// <summary>For how long its consent has been asked for; null: it has not.</summary>
    public TimeSpan? RetireFor { get; init; }

    /// <summary>What it was last told under this lease; null: nothing.</summary>
    public Intent? Told { get; init; }

    /// <summary>For people: its slot, and which one in it.</summary>
    public string Name => $"node {Instance.Slot}.{Instance.Generation}";

    /// <summary>It still costs.</summary>
    public bool IsLive => State is not NodeState.Gone;

    /// <summary>On its way to serve.</summary>
    public bool IsComing => State is NodeState.Requested or NodeState.Booting or NodeState.Warming;

    /// <summary>On its way out.</summary>
    public bool IsLeaving => State is NodeState.Leaving or NodeState.Draining or NodeState.Terminating;
}

/// <summary>Everything one pass knows, taken at its beginning.</summary>
internal sealed record FleetView
{
    /// <summary>What the cloud shows.</summary>
    public required IReadOnlyList<Instance> Instances { get; init; }

    /// <summary>The addresses published, by what the zone's owner says; null: not known.</summary>
    public required IReadOnlySet<IPAddress>? Published { get; init; }

    /// <summary>What the zone's servers answer; null: not asked, not known, or a change is still on its way to them.</summary>
    public IReadOnlySet<IPAddress>? Answered { get; init; }

    /// <summary>By instance: what the nodes say of themselves; those that say nothing are missing.</summary>
    public required IReadOnlyDictionary<string, NodeLook> Looks { get; init; }

    /// <summary>The time of day, for marks and people.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The master's steady clock, for every duration.</summary>
    public required TimeSpan Clock { get; init; }
}
