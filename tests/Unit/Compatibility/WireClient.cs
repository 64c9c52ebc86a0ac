using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.Compatibility;

/// <summary>The client's own half of what it and a cache grid say to each other, put together as the client does, over whatever answers.</summary>
internal sealed class WireClient : IAsyncDisposable
{
    private readonly NodeConnections _connections;
    private readonly GridIdentity _identity;
    private readonly AssetStore _store;

    public WireClient(GridFile file, string config, Func<HttpRequestMessage, Task<HttpResponseMessage>> grid)
    {
        _connections = new NodeConnections(file, _ => new HttpMessageInvoker(new Between(grid)));
        _identity = GridIdentity.Load(config, file.Host);
        LocalKey key = LocalKey.Load(Path.Combine(config, "store.key"));
        _store = AssetStore.Open(new StoreOptions(Path.Combine(config, "store")), key, TimeProvider.System, WatchedLog.Unread);
        var nodes = new GridNodes(new Random(1));
        nodes.Update([new(System.Net.IPAddress.Loopback, file.Port)]);
        var troubles = new GridTroubles(TimeProvider.System, Log);
        Session = new GridSession(_identity, nodes, _connections, TimeProvider.System, troubles);
        var requests = new SignedRequests(nodes, _connections, Session, TimeProvider.System);
        var shared = new SharedWorlds([Samples.World]);
        Lookups = new GridLookups(nodes, _connections, Session, shared, new ClientLimits(), TimeProvider.System, troubles);
        Claims = new GridClaims(new ClaimSpool(Path.Combine(config, $"grid-{file.Host}.spool"), key.Derive("spool"), Log), _store, requests, shared, TimeSpan.Zero, new Hasty(), Log);
        Disputes = new GridDisputes(new ClaimSpool(Path.Combine(config, $"grid-{file.Host}.disputes"), key.Derive("spool"), Log), requests, new Hasty(), Log);
    }

    public WatchedLog Log { get; } = new(LogLevel.Debug);

    public GridSession Session { get; }

    public GridLookups Lookups { get; }

    public GridClaims Claims { get; }

    public GridDisputes Disputes { get; }

    public AssetStore Store => _store;

    /// <summary>Has a session, and works.</summary>
    public async Task StartAsync()
    {
        Session.Start();
        await Eventually.EqualAsync(true, () => Lookups.Ready);
        var traffic = new ViewerTraffic(TimeSpan.Zero, TimeProvider.System);
        Claims.Start(traffic, (_, _) => false);
        Disputes.Start(traffic);
    }

    public async ValueTask DisposeAsync()
    {
        await Disputes.DisposeAsync();
        await Claims.DisposeAsync();
        await Session.DisposeAsync();
        await _store.DisposeAsync();
        _connections.Dispose();
        _identity.Dispose();
    }

    /// <summary>What is done every second is done every twentieth.</summary>
    private sealed class Hasty : TimeProvider
    {
        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => base.CreateTimer(callback, state, dueTime > TimeSpan.Zero ? dueTime / 20 : dueTime, period);
    }
}
