using GlobalCache.Chaos.World;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Policy;

namespace GlobalCache.Chaos.Parts;

/// <summary>What of a client outlives its restarts.</summary>
/// <param name="Name">In the trace.</param>
/// <param name="ClientId">Its name in the grid.</param>
/// <param name="Address">Where from others see it come.</param>
/// <param name="Folder">Keys, spool and store.</param>
/// <param name="AssetHost">Who answers, when it asks for the home world's assets: a liar has its own.</param>
internal sealed record ClientHome(string Name, string ClientId, string Address, string Folder, string AssetHost)
{
    public const long StoreBytes = 12 << 20;

    /// <summary>The address under which its viewer finds it.</summary>
    public string Loopback => "loopback/" + Name;
}

/// <summary>
/// One start of a client: the product's own parts as <c>ClientApp</c> and <c>CacheGridLink</c> put them together, with its real store in a folder, over a simulated network.
/// </summary>
internal sealed class ClientLife
{
    private readonly Simulation _world;
    private readonly Func<bool> _idle;
    private readonly object _scope = new();
    private readonly AssetSource _home, _abroad;

    public ClientLife(Simulation world, Network network, Founding founding, Resolver resolver, ClientHome home, ClientLimits limits)
    {
        _world = world;
        (Home, Life) = (home, new Life(world, home.Name, home.Address));
        (LifeClock time, Random dice, ProductLog log) = (Life.Clock, world.Dice($"{home.Name} {world.Now.Ticks}"), world.Log);
        _home = SourceOf(Assets.Home, Assets.HomeHost);
        _abroad = SourceOf(Assets.Abroad, Assets.AbroadHost);
        LocalKey key = LocalKey.Load(Path.Combine(home.Folder, "store.key"));
        Store = AssetStore.Open(
            new StoreOptions(Path.Combine(home.Folder, "store"), ClientHome.StoreBytes) { ReadDeadline = limits.LocalReadDeadline, ScrubPeriod = TimeSpan.FromMinutes(10) }, key, time, log);
        _idle = () => Store.IsIdle;
        world.WaitFor(_idle);

        var shared = new SharedWorlds([Assets.Home]);
        GridIdentity identity = GridIdentity.Load(home.Folder, Founding.Host);
        var connections = new NodeConnections(founding.File, at => network.From(Life, _ => Founding.AddressOf(at), shown => founding.Belief.Believes(shown, time)));
        Nodes = new GridNodes(dice);
        var troubles = new GridTroubles(time, log);
        var addresses = new NodeAddresses(
            founding.File, Nodes, connections, new NodeNames(founding.File, (_, ct) => resolver.AskAsync(Life, ct), log), NodeAddresses.LastFileOf(home.Folder, Founding.Host), time, log);
        Session = new GridSession(identity, Nodes, connections, time, troubles);
        Session.Start();
        var requests = new SignedRequests(Nodes, connections, Session, time);
        byte[] spoolKey = key.Derive("spool");
        ClaimSpool Spool(string kind) => new(Path.Combine(home.Folder, $"grid.{kind}"), spoolKey, log, dice);
        Lookups = new GridLookups(Nodes, connections, Session, shared, limits, time, troubles);
        Claims = new GridClaims(Spool("spool"), Store, requests, shared, TimeSpan.FromSeconds(founding.File.ClaimWithinSeconds), time, log, dice);
        Disputes = new GridDisputes(Spool("disputes"), requests, time, log);
        var checks = new GridChecks(Claims, Disputes, Lookups, Store, limits, time, log, dice);
        string HostOf(HttpRequestMessage request) => request.RequestUri!.Host == Assets.HomeHost ? home.AssetHost : request.RequestUri.Host;
        Relay = new AssetRelay(
            Store, new Exclusions(Store, time), new StandInPictures(), network.From(Life, HostOf), network.From(Life, HostOf), limits, time, log, Lookups, checks);
        Relay.Intake.Excluded = Claims.Excluded;
        Claims.Start(Relay.Traffic, Relay.Intake.IsExcluded);
        Disputes.Start(Relay.Traffic);
        checks.Start(Relay);
        network.Listen(home.Loopback, new Server(Life, HandleAsync));
    }

    public ClientHome Home { get; }

    public Life Life { get; }

    public AssetStore Store { get; }

    public GridNodes Nodes { get; }

    public GridSession Session { get; }

    public GridLookups Lookups { get; }

    public GridClaims Claims { get; }

    public GridDisputes Disputes { get; }

    public AssetRelay Relay { get; }

    /// <summary>Makes its keys, before the world begins.</summary>
    /// <returns>The public key it is known by.</returns>
    public static string Prepare(ClientHome home)
    {
        Directory.CreateDirectory(home.Folder);
        LocalKey.Load(Path.Combine(home.Folder, "store.key"));
        using GridIdentity identity = GridIdentity.Load(home.Folder, Founding.Host);
        identity.Enrolled(home.ClientId);
        return identity.PublicKey;
    }

    /// <summary>It dies where it is; only its store is let go of in order, since its threads are real ones.</summary>
    public async Task KillAsync()
    {
        Life.End();
        await Store.DisposeAsync();
        _world.WaitNoMore(_idle);
    }

    private Task HandleAsync(HttpContext context) => Relay.HandleAsync(context, context.Request.Host.Host == Assets.AbroadHost ? _abroad : _home, context.Request.Path.Value ?? "/");

    private AssetSource SourceOf(string world, string host)
    {
        Uri[] origins = [new UriBuilder("http", host).Uri];
        return new AssetSource(_scope, Task.FromResult(world), _ => origins);
    }
}
