using System.Net;
using System.Text;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using GlobalCache.Tests.Assets;
using GlobalCache.Tests.Caps;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>One region's circuit as it sees a client that is joined to a cache grid, without sockets.</summary>
internal sealed class LinkedCircuit : IAsyncDisposable
{
    public static readonly IPEndPoint Sim = IPEndPoint.Parse("127.0.0.1:13005");

    private readonly UdpShelf _shelf;
    private readonly Session _session;

    private LinkedCircuit(UdpShelf shelf, Session session, IPEndPoint sim) =>
        (_shelf, _session, Assets) = (shelf, session, new RegionAssets(shelf, session, () => session.Find(sim), () => { }));

    public RegionAssets Assets { get; }

    public UdpShelf Shelf => _shelf;

    public Region Region => Assets.Region!;

    /// <param name="relay">The client around it; stays the caller's.</param>
    /// <param name="world">What the region says of itself.</param>
    /// <param name="cap">The asset capability it grants.</param>
    /// <param name="sim">Where it is.</param>
    public static async Task<LinkedCircuit> StartAsync(LinkedRelay relay, string world = TestNode.World, Uri? cap = null, IPEndPoint? sim = null)
    {
        sim ??= Sim;
        RelayHost host = relay.Host;
        var limits = new ClientLimits();
        var kept = new PrefetchTarget(host.Store.Holds, host.Relay.Intake.IsExcluded, (key, bytes, stop) => host.Relay.Intake.KeepAsync(key.GridId, key.Type, key.Id, bytes, stop));
        var prefetch = new Prefetch(relay.Link.Lookups.AskAheadAsync, kept, host.Relay.Traffic, limits, host.Time, WatchedLog.Unread);
        var shelf = new UdpShelf(host.Store, host.Relay, prefetch, limits, host.Time, WatchedLog.Unread, relay.Link.Lookups, relay.Link.Checks);
        LoginReply login = LoginReply.Read(Encoding.UTF8.GetBytes(LoginReplyTests.XmlRpc()))!;
        var session = new Session(login, new Uri("http://login.example/"), new CapTable(), () => "http://127.0.0.1:1", limits, WatchedLog.Unread);
        session.Attach(new SessionCircuits(_ => new IPEndPoint(IPAddress.Loopback, 4000), () => 0, () => null, () => default));
        session.MapSim(sim);
        Region region = session.Find(sim)!;
        if (cap is not null) region.Grant(CapName.ViewerAsset, cap);
        await region.LearnGridAsync(_ => Task.FromResult<string?>(world), "x", limits, host.Time, default);
        host.Relay.Intake.StandIns.Settle(world);
        return new LinkedCircuit(shelf, session, sim);
    }

    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await _shelf.DisposeAsync();
    }
}
