using System.Text.Json;
using System.Text.Json.Serialization;

namespace GlobalCache.Client.Figures;

/// <summary>
/// What the client is doing, for its owner's eyes alone: <c>GET /p/TOKEN/status</c>, and every second what has changed as an event of <c>/p/TOKEN/live</c>. The page and
/// <c>globalcache stats</c> show the same. Names no asset, no person and no place in a world.
/// </summary>
internal sealed record ClientStatus
{
    /// <summary>The program's.</summary>
    public required string Version { get; init; }

    /// <summary>When this was so.</summary>
    public required DateTimeOffset Now { get; init; }

    /// <summary>When the client was started.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Viewers logged in through it.</summary>
    public required int Viewers { get; init; }

    /// <summary>Today, by this machine's own calendar.</summary>
    public ServedStatus Today { get; init; } = ServedStatus.Of(Tally.None, null);

    /// <summary>Since the client was installed.</summary>
    public ServedStatus All { get; init; } = ServedStatus.Of(Tally.None, null);

    /// <summary>The store on this disk.</summary>
    public required StoreStatus Store { get; init; }

    /// <summary>What is done beside viewers' requests.</summary>
    public required IReadOnlyList<WorkStatus> Work { get; init; }

    /// <summary>The cache grid; null: none is used.</summary>
    public CacheGridStatus? Grid { get; init; }

    /// <summary>The last visits to regions, the latest first; at most <see cref="ClientFigures.MostVisits"/>.</summary>
    public IReadOnlyList<VisitStatus> Visits { get; init; } = [];

    /// <summary>What viewers got last, the latest first; at most <see cref="ClientFigures.MostRecent"/>.</summary>
    public IReadOnlyList<RecentStatus> Recent { get; init; } = [];
}

/// <summary>What viewers got in some time.</summary>
/// <param name="Hits">Requests answered from the store.</param>
/// <param name="Shared">Requests answered by the cache grid.</param>
/// <param name="Injected">Assets put into circuits.</param>
/// <param name="Misses">Requests answered by the viewer's grid.</param>
/// <param name="Captured">Assets a grid sent by UDP, and kept.</param>
/// <param name="HitRate">0 – 1: the share of all these that the grid did not have to send; null: there were none.</param>
/// <param name="Bytes">Body bytes viewers got.</param>
/// <param name="SavedBytes">Of them, what the grid did not have to send.</param>
/// <param name="SavedSeconds">How much longer viewers would have waited for the same requests; null: how quick their grids are was not seen yet. Below zero where this client has cost time.</param>
internal sealed record ServedStatus(long Hits, long Shared, long Injected, long Misses, long Captured, double? HitRate, long Bytes, long SavedBytes, double? SavedSeconds)
{
    public static ServedStatus Of(Tally tally, double? savedSeconds) => new(
        tally.Of(ServedFrom.Hit), tally.Of(ServedFrom.Shared), tally.Of(ServedFrom.Injected), tally.Of(ServedFrom.Miss), tally.Of(ServedFrom.Captured),
        tally.HitRate, tally.Bytes.Sum(), tally.SavedBytes, savedSeconds);
}

/// <summary>The store.</summary>
/// <param name="Assets">Assets held.</param>
/// <param name="Bytes">What they take on disk.</param>
/// <param name="Budget">What they may take.</param>
internal sealed record StoreStatus(int Assets, long Bytes, long Budget);

/// <summary>Something that goes on in the background.</summary>
/// <param name="What">In words.</param>
/// <param name="Waiting">How much of it waits.</param>
internal sealed record WorkStatus(string What, int Waiting);

/// <summary>The cache grid, as this client sees it.</summary>
/// <param name="Name">Its nodes' name.</param>
/// <param name="Health"><c>good</c>, <c>waiting</c> (nothing was asked yet, or there is no session yet) or <c>trouble</c>.</param>
/// <param name="Said">The same in one sentence, with what is wrong.</param>
/// <param name="Nodes">Nodes that are named now.</param>
/// <param name="Worlds">The virtual worlds shared through it.</param>
internal sealed record CacheGridStatus(string Name, string Health, string Said, int Nodes, IReadOnlyList<WorldStatus> Worlds);

/// <summary>One virtual world's switch.</summary>
/// <param name="World">Its id.</param>
/// <param name="On">Whether its user shares it.</param>
/// <param name="Refused">Whether its owner refuses that it is shared: then it is not, switched on or off.</param>
internal sealed record WorldStatus(string World, bool On, bool Refused = false);

/// <summary>A stay in one region.</summary>
/// <param name="World">The virtual world.</param>
/// <param name="Began">Since when.</param>
/// <param name="Requests">Requests of the viewer's.</param>
/// <param name="SavedBytes">What the grid did not have to send.</param>
/// <param name="WaitedSeconds">How long at least one asset was waited for.</param>
/// <param name="SavedSeconds">How much longer that would have been; null: not known.</param>
internal sealed record VisitStatus(string World, DateTimeOffset Began, long Requests, long SavedBytes, double WaitedSeconds, double? SavedSeconds);

/// <summary>One asset, or a part of one, that a viewer got.</summary>
/// <param name="Number">Counted from the client's start.</param>
/// <param name="At">When its last byte was sent.</param>
/// <param name="From"><c>hit</c>, <c>shared</c>, <c>miss</c>, <c>injected</c> or <c>captured</c>.</param>
/// <param name="Type"><c>texture</c>, <c>sound</c>, <c>animation</c> or <c>mesh</c>.</param>
/// <param name="Bytes">Body bytes.</param>
/// <param name="Milliseconds">From the request to the last byte; 0 by UDP.</param>
internal sealed record RecentStatus(long Number, DateTimeOffset At, string From, string Type, long Bytes, double Milliseconds);

/// <summary>The body of <c>POST /p/TOKEN/sharing</c>: 204 done, 400 not understood, 409 not a world of <see cref="CacheGridStatus.Worlds"/> or not to be written down.</summary>
/// <param name="World">Its id.</param>
/// <param name="On">Whether it is to be shared.</param>
internal sealed record SharingSwitch(string? World, bool On);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ClientStatus))]
[JsonSerializable(typeof(SharingSwitch))]
internal sealed partial class StatusJson : JsonSerializerContext;
