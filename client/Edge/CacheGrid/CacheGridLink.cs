using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Edge;

/// <summary>All that joins this client to one cache grid.</summary>
internal sealed class CacheGridLink : IAsyncDisposable
{
    private readonly Stack<IAsyncDisposable> _parts;
    private readonly IDisposable[] _kept;

    private CacheGridLink(GridLookups lookups, GridClaims claims, Stack<IAsyncDisposable> parts, IDisposable[] kept) =>
        (Lookups, Claims, _parts, _kept) = (lookups, claims, parts, kept);

    public GridLookups Lookups { get; }

    public GridClaims Claims { get; }

    /// <summary>Null: no grid file was given.</summary>
    /// <exception cref="CannotStartException">Not enrolled, and not to be enrolled now.</exception>
    public static async Task<CacheGridLink?> OpenAsync(ClientOptions options, AssetStore store, LocalKey key, TimeProvider time, ILogger log)
    {
        if (options.Grid is not { } file) return null;
        var parts = new Stack<IAsyncDisposable>();
        GridIdentity identity = GridIdentity.Load(options.ConfigFolder, file.Host);
        var connections = new NodeConnections(file);
        try
        {
            var nodes = new GridNodes(new Random());
            var troubles = new GridTroubles(time, log);
            parts.Push(new NodeAddresses(file, nodes, connections, time, log));
            var session = new GridSession(identity, nodes, connections, time, troubles);
            parts.Push(session);
            await session.EnrolAsync(options.Invite, CancellationToken.None);
            session.Start();
            HashSet<string> shared = new(options.Share, StringComparer.Ordinal);
            var spool = new ClaimSpool(Path.Combine(options.ConfigFolder, $"grid-{file.Host.ToLowerInvariant()}.spool"), key.Derive("spool"), log);
            var claims = new GridClaims(spool, store, nodes, connections, session, shared, options.Limits, time, log);
            parts.Push(claims);
            return new CacheGridLink(new GridLookups(nodes, connections, session, shared, options.Limits, time, troubles), claims, parts, [connections, identity]);
        }
        catch
        {
            await CloseAsync(parts, [connections, identity]);
            throw;
        }
    }

    /// <summary>Claims are made from now on.</summary>
    public void Start(AssetRelay relay) => Claims.Start(relay.Traffic, relay.Intake.IsExcluded);

    public ValueTask DisposeAsync() => CloseAsync(_parts, _kept);

    private static async ValueTask CloseAsync(Stack<IAsyncDisposable> parts, IDisposable[] kept)
    {
        while (parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        foreach (IDisposable one in kept) one.Dispose();
    }
}
