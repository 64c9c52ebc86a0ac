using System.Text.Json.Serialization;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// The master's interface for its owner: on its private listener and nowhere else (SECURITY §3). Reading needs nothing from inside the private network; a call
/// that changes something needs the admin session, and from elsewhere everything does.
/// </summary>
public static class MasterApi
{
    /// <summary><c>GET</c>: the <see cref="MasterState"/> as JSON, at most a second old.</summary>
    public const string State = "/v1/state";

    /// <summary>
    /// <c>GET</c>: server-sent events named <c>state</c>, each a <see cref="MasterState"/>: the last at once, then whenever something has changed, at most
    /// one a second, and at least one in 10 s. Who reads slowly misses some, and always gets the newest. 503 with Retry-After beyond 64 readers.
    /// </summary>
    public const string Events = "/v1/events";

    /// <summary>
    /// <c>POST</c> of an <see cref="AdminSignIn"/>: 200 with an <see cref="AdminWelcome"/> and the session's cookie; 403 not the code; 429 with Retry-After, five wrong tries
    /// a minute from an address. <c>DELETE</c>, with the session: 204, it is over.
    /// </summary>
    public const string AdminSession = "/v1/admin/session";

    /// <summary><c>POST</c>, with the admin session: 200 with a <see cref="NewInvite"/>.</summary>
    public const string Invites = "/v1/admin/invites";

    /// <summary>
    /// On every call that needs the admin session and is no <c>GET</c>: <see cref="AdminWelcome.Token"/>. Another site's page can make a browser send the cookie's
    /// owner here, but does not know this. 403 without it; 401 without a session.
    /// </summary>
    public const string TokenHeader = "GC-Admin-Token";
}

/// <summary>The operator signs in.</summary>
public sealed record AdminSignIn
{
    /// <summary>The admin code, as it is in the operator's password manager; at most 256 characters.</summary>
    public required string Code { get; init; }
}

/// <summary>The operator is signed in: until 12 h without a call have passed, or the master is started anew.</summary>
public sealed record AdminWelcome
{
    /// <summary>For <see cref="MasterApi.TokenHeader"/>.</summary>
    public required string Token { get; init; }
}

/// <summary>An invite for one person, who then is at the top of a branch.</summary>
public sealed record NewInvite
{
    /// <summary>The whole text of it, to be handed over by a way that nobody else reads; good once, for 7 days.</summary>
    public required string Invite { get; init; }
}

/// <summary>
/// What a master sees, does and costs: the same for the dashboard, for machines and for the figures of <c>/metrics</c>. No asset, client or address of a client
/// (SECURITY §7). Figures of a day are of the last 24 hours, but of no time before this master began.
/// </summary>
public sealed record MasterState
{
    /// <summary>When this was seen.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>The name that the grid's nodes share.</summary>
    public required string Grid { get; init; }

    /// <summary>False: another master leads, or none can; then <see cref="Nodes"/> and what follows from them are empty.</summary>
    public required bool Leads { get; init; }

    /// <summary>Of the lease that it leads by, ≥ 1; 0: it does not.</summary>
    public long Epoch { get; init; }

    /// <summary>What is asked of the grid.</summary>
    public required DemandState Demand { get; init; }

    /// <summary>The decision in force; null: none was made yet.</summary>
    public PlanState? Plan { get; init; }

    /// <summary>All nodes that the fleet shows, the ended ones too while it does; by slot.</summary>
    public IReadOnlyList<FleetNode> Nodes { get; init; } = [];

    /// <summary>Nodes asked for that the fleet does not show yet.</summary>
    public int Ordered { get; init; }

    /// <summary>The operator has retired all nodes (<see cref="AdminApi.Hold"/>): they go, and none is opened.</summary>
    public bool IsHeld { get; init; }

    /// <summary>What the DNS says.</summary>
    public required DnsState Dns { get; init; }

    /// <summary>What it costs.</summary>
    public required CostState Cost { get; init; }

    /// <summary>What it is good for.</summary>
    public required CacheState Cache { get; init; }

    /// <summary>How near the policy's limits are.</summary>
    public IReadOnlyList<LimitState> Limits { get; init; } = [];

    /// <summary>The last decisions and steps, the newest first; at most 60.</summary>
    public IReadOnlyList<DecisionState> Decisions { get; init; } = [];

    /// <summary>What somebody must look at, a sentence each.</summary>
    public IReadOnlyList<string> Alarms { get; init; } = [];
}

/// <summary>Requests for assets that reach the grid's nodes.</summary>
public sealed record DemandState
{
    /// <summary>Requests a second over the last ten, over all nodes, of a silent one its last figure; null: not known.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>What is expected by the time a node launched now would serve (SCALING §2: F); null: not known yet.</summary>
    public double? ForecastPerSecond { get; init; }

    /// <summary>Requests a second that one node serves at load 1, as its reports have taught; null: not known yet.</summary>
    public double? NodeCapacityPerSecond { get; init; }

    /// <summary>Nodes in service that have not reported for longer than the policy's <see cref="ScalingPolicy.Silence"/>.</summary>
    public int Silent { get; init; }
}

/// <summary>What is to become of the fleet.</summary>
public sealed record PlanState
{
    /// <summary>Nodes that are to serve or be on their way to.</summary>
    public required int Target { get; init; }

    /// <summary><c>stay</c>, <c>out</c> (it grows), <c>in</c> (it shrinks) or <c>frozen</c> (nothing is known, so nothing is done).</summary>
    public required string Change { get; init; }

    /// <summary>Why, one sentence.</summary>
    public required string Reason { get; init; }
}

/// <summary>Where a node is in its life (SCALING §3).</summary>
[JsonConverter(typeof(JsonStringEnumConverter<NodeStage>))]
public enum NodeStage
{
    /// <summary>Asked for; not there yet.</summary>
    [JsonStringEnumMemberName("requested")]
    Requested,

    /// <summary>It runs, and is not ready.</summary>
    [JsonStringEnumMemberName("booting")]
    Booting,

    /// <summary>Ready, and not in the DNS yet.</summary>
    [JsonStringEnumMemberName("warming")]
    Warming,

    /// <summary>In the DNS, and serving.</summary>
    [JsonStringEnumMemberName("in-service")]
    InService,

    /// <summary>To go; the DNS may still name it.</summary>
    [JsonStringEnumMemberName("leaving")]
    Leaving,

    /// <summary>Out of the DNS; it serves those who still come.</summary>
    [JsonStringEnumMemberName("draining")]
    Draining,

    /// <summary>Its traffic has ended, and it is ended.</summary>
    [JsonStringEnumMemberName("terminating")]
    Terminating,

    /// <summary>It is to serve, and does not answer.</summary>
    [JsonStringEnumMemberName("lost")]
    Lost,

    /// <summary>Ended; the fleet shows it for a while yet.</summary>
    [JsonStringEnumMemberName("gone")]
    Gone,

    /// <summary>Not this master's: never touched.</summary>
    [JsonStringEnumMemberName("foreign")]
    Foreign,
}

/// <summary>A node.</summary>
public sealed record FleetNode
{
    /// <summary>For people: <c>node SLOT.GENERATION</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Where it is in its life.</summary>
    public required NodeStage State { get; init; }

    /// <summary>Since when, as far as this master has seen it.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Where clients reach it; empty: not known yet.</summary>
    public string Address { get; init; } = "";

    /// <summary>The tightest of CPU, egress against the link, and requests in flight: 0 – 1, more when overloaded; null: it has not said.</summary>
    public double? Load { get; init; }

    /// <summary>Requests a second over the last ten, as it last said; null: it has not.</summary>
    public double? RequestsPerSecond { get; init; }

    /// <summary>Requests it is answering; null: it has not said.</summary>
    public int? InFlight { get; init; }

    /// <summary>Bytes a second that it sends; null: it has not said.</summary>
    public double? SentBytesPerSecond { get; init; }

    /// <summary>The DNS names it.</summary>
    public bool InDns { get; init; }

    /// <summary>It is to answer, and has said nothing that is new.</summary>
    public bool IsSilent { get; init; }

    /// <summary>In <see cref="CostState.Currency"/>; 0 where machines cost nothing by the hour.</summary>
    public decimal CostPerHour { get; init; }
}

/// <summary>The nodes' name.</summary>
public sealed record DnsState
{
    /// <summary>The addresses it has; empty: not known.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <summary>Seconds that resolvers may keep an answer.</summary>
    public required double TtlSeconds { get; init; }
}

/// <summary>Money, and the node-hours it is spent on; against a fleet that always has as many nodes as the day's busiest minute had.</summary>
public sealed record CostState
{
    /// <summary>ISO 4217.</summary>
    public required string Currency { get; init; }

    /// <summary>What runs now costs so much an hour.</summary>
    public decimal PerHour { get; init; }

    /// <summary>Spent in the last 24 hours; after a restart with what the nodes it found say of their age.</summary>
    public decimal LastDay { get; init; }

    /// <summary>Hours of nodes in the last 24 hours, those on their way in or out included.</summary>
    public double NodeHoursLastDay { get; init; }

    /// <summary>Nodes of the fixed fleet compared with: the most that served or were to, at once, within a day.</summary>
    public int PeakNodes { get; init; }

    /// <summary>What that fleet would cost an hour: <see cref="PeakNodes"/> at the mean price of those that run now.</summary>
    public decimal PeakPerHour { get; init; }

    /// <summary>1 − node-hours used / node-hours of that fleet, over what this master has seen of the day: 0 – 1, below 0 when it was dearer; null: not known yet.</summary>
    public double? SavedShare { get; init; }
}

/// <summary>What the nodes have served, by their reports, since this master began; with what the nodes it found had served before.</summary>
public sealed record CacheState
{
    /// <summary>Assets served.</summary>
    public long Hits { get; init; }

    /// <summary>Asset requests answered “not here”.</summary>
    public long Misses { get; init; }

    /// <summary>Hits in all answers of the last 24 hours, 0 – 1; null: there were none.</summary>
    public double? HitRate { get; init; }

    /// <summary>As <see cref="HitRate"/>, over the last five minutes.</summary>
    public double? HitRateNow { get; init; }

    /// <summary>Bytes that clients had from the cache, and the virtual worlds did not have to send: sealed, so some per cent more or less than the assets themselves.</summary>
    public long SavedBytes { get; init; }

    /// <summary>As <see cref="SavedBytes"/>, of the last 24 hours.</summary>
    public long SavedBytesLastDay { get; init; }
}

/// <summary>One of the policy's limits.</summary>
public sealed record LimitState
{
    /// <summary>Its property in <see cref="ScalingPolicy"/>, in camel case: <c>max</c>, <c>launchesPerHour</c>, <c>nodeHoursPerDay</c>, <c>spendPerHour</c>, <c>spendPerDay</c>.</summary>
    public required string Name { get; init; }

    /// <summary>For people.</summary>
    public required string Meaning { get; init; }

    /// <summary>What is used.</summary>
    public required double Used { get; init; }

    /// <summary>What may be.</summary>
    public required double Most { get; init; }
}

/// <summary>Something decided or done.</summary>
public sealed record DecisionState
{
    /// <summary>When.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>With which node, or <c>the DNS</c>; empty: with the fleet.</summary>
    public required string Node { get; init; }

    /// <summary>One word: <c>decide, launch, mark, dns, tell, end, state, alarm, trouble, lease, order</c>.</summary>
    public required string What { get; init; }

    /// <summary>One sentence.</summary>
    public required string Reason { get; init; }
}

/// <summary>The form of these on the wire: camel case, times in ISO 8601.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(MasterState))]
[JsonSerializable(typeof(AdminSignIn))]
[JsonSerializable(typeof(AdminWelcome))]
[JsonSerializable(typeof(NewInvite))]
[JsonSerializable(typeof(AdminAnswer))]
[JsonSerializable(typeof(AdminMembers))]
[JsonSerializable(typeof(AdminRevocation))]
[JsonSerializable(typeof(AdminBan))]
[JsonSerializable(typeof(AdminTrust))]
[JsonSerializable(typeof(AdminThrottle))]
[JsonSerializable(typeof(AdminLimits))]
[JsonSerializable(typeof(AdminRetirement))]
public sealed partial class MasterJson : JsonSerializerContext;
