using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>All that joins this client to one cache grid.</summary>
internal sealed class CacheGridLink : IAsyncDisposable
{
    /// <summary>Whoever enrols waits so long for a node to be found.</summary>
    private static readonly TimeSpan s_finding = TimeSpan.FromSeconds(5);

    private readonly Stack<IAsyncDisposable> _parts;
    private readonly IDisposable[] _kept;

    private CacheGridLink(NodeConnections connections, GridLookups lookups, GridClaims claims, GridDisputes disputes, GridChecks checks, Stack<IAsyncDisposable> parts, IDisposable[] kept) =>
        (Connections, Lookups, Claims, Disputes, Checks, _parts, _kept) = (connections, lookups, claims, disputes, checks, parts, kept);

    /// <summary>Its nodes' name.</summary>
    public required string Name { get; init; }

    /// <summary>What is shared, and may be switched off.</summary>
    public required SharedWorlds Worlds { get; init; }

    /// <summary>Which nodes there are.</summary>
    public required GridNodes Nodes { get; init; }

    /// <summary>What is wrong.</summary>
    public required GridTroubles Troubles { get; init; }

    public NodeConnections Connections { get; }

    public GridLookups Lookups { get; }

    public GridClaims Claims { get; }

    public GridDisputes Disputes { get; }

    public GridChecks Checks { get; }

    private static TimeSpan Sooner(TimeSpan within, GridFile file) => TimeSpan.FromSeconds(Math.Min(within.TotalSeconds, file.ClaimWithinSeconds));

    /// <summary>Null: no grid file was given.</summary>
    /// <param name="options">The grid, the worlds, the folders.</param>
    /// <param name="store">Where claimed assets lie.</param>
    /// <param name="key">Seals what waits.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Troubles.</param>
    /// <param name="worlds">The way to the virtual worlds, whose owners are asked; null: they are not.</param>
    /// <exception cref="CannotStartException">Not enrolled, and not to be enrolled now.</exception>
    public static async Task<CacheGridLink?> OpenAsync(ClientOptions options, AssetStore store, LocalKey key, TimeProvider time, ILogger log, HttpMessageInvoker? worlds = null)
    {
        if (options.Grid is not { } file) return null;
        var parts = new Stack<IAsyncDisposable>();
        GridIdentity identity = GridIdentity.Load(options.ConfigFolder, file.Host);
        var connections = new NodeConnections(file);
        try
        {
            var nodes = new GridNodes(new Random());
            var troubles = new GridTroubles(time, log);
            var addresses = new NodeAddresses(
                file, nodes, connections, new NodeNames(file, Reach.SystemAsync, log), NodeAddresses.LastFileOf(options.ConfigFolder, file.Host), time, log);
            parts.Push(addresses);
            var session = new GridSession(identity, nodes, connections, time, troubles);
            parts.Push(session);
            if (identity.ClientId is null && options.Invite is not null && NodeConnections.IsMasterAtNodes(file))
                await Task.WhenAny(addresses.FoundAsync(CancellationToken.None), Task.Delay(s_finding, time));
            await session.EnrolAsync(options.Invite, CancellationToken.None);
            session.Start();
            string Kept(string kind) => Path.Combine(options.ConfigFolder, $"grid-{file.Host.ToLowerInvariant()}.{kind}");
            WorldOwners? owners = worlds is null ? null : new WorldOwners(options.Share, Kept("refused"));
            if (worlds is not null) parts.Push(new OwnersAsked(owners!, options.LoginUri, worlds, time, log));
            var shared = new SharedWorlds(options.Share, Kept("off"), owners);
            var requests = new SignedRequests(nodes, connections, session, time);
            byte[] spoolKey = key.Derive("spool");
            ClaimSpool Spool(string kind) => new(Kept(kind), spoolKey, log);
            var lookups = new GridLookups(nodes, connections, session, shared, options.Limits, time, troubles);
            var claims = new GridClaims(Spool("spool"), store, requests, shared, Sooner(options.Limits.ClaimWithin, file), time, log);
            parts.Push(claims);
            var disputes = new GridDisputes(Spool("disputes"), requests, time, log);
            parts.Push(disputes);
            var checks = new GridChecks(claims, disputes, lookups, store, options.Limits, time, log);
            return new CacheGridLink(connections, lookups, claims, disputes, checks, parts, [connections, identity])
            {
                Name = file.Host,
                Worlds = shared,
                Nodes = nodes,
                Troubles = troubles,
            };
        }
        catch
        {
            await CloseAsync(parts, [connections, identity]);
            throw;
        }
    }

    /// <summary>Claims are made from now on, and what comes is checked; <see cref="Checks"/> is to be disposed of before <paramref name="relay"/>.</summary>
    public void Start(AssetRelay relay)
    {
        relay.Intake.Excluded = Claims.Excluded;
        Claims.Start(relay.Traffic, relay.Intake.IsExcluded);
        Disputes.Start(relay.Traffic);
        Checks.Start(relay);
    }

    /// <summary>How it is, for people.</summary>
    public CacheGridStatus Status()
    {
        int found = Nodes.Addresses.Count;
        (string health, string said) = Troubles.Now is { } trouble ? ("trouble", $"The cache grid is left alone for now: {trouble}. Assets come from the viewer's grid meanwhile.")
            : found == 0 ? ("waiting", "No node of it has been found yet.")
            : !Lookups.Ready ? ("waiting", "It has not let this client in yet.")
            : Lookups.IsPaused ? ("waiting", "It has asked for a pause: today's or this hour's quota is used up.")
            : Troubles.IsServed ? ("good", "It answers.") : ("waiting", "It has not been asked for anything yet.");
        return new CacheGridStatus(Name, health, said, found, [.. Worlds.Named.Select(w => new WorldStatus(w, Worlds.IsOn(w), Worlds.IsRefused(w)))]);
    }

    public ValueTask DisposeAsync() => CloseAsync(_parts, _kept);

    private static async ValueTask CloseAsync(Stack<IAsyncDisposable> parts, IDisposable[] kept)
    {
        while (parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        foreach (IDisposable one in kept) one.Dispose();
    }
}
