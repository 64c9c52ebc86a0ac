using System.Net;
using System.Net.Sockets;
using System.Reflection;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.Store;
using GlobalCache.Client.Ways;
using GlobalCache.Policy;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Yarp.ReverseProxy.Forwarder;
using WebProxy = GlobalCache.Client.Edge.WebProxy;

namespace GlobalCache.Client;

/// <summary>The client cannot start as it was told to. The message is one sentence: what is wrong and how to mend it.</summary>
internal sealed class CannotStartException(string message) : Exception(message);

/// <summary>The running client: everything is made here, in reading order, and taken down in the opposite one.</summary>
internal sealed class ClientApp : IAsyncDisposable
{
    /// <summary>The program's, without what its build adds.</summary>
    public static readonly string Version = typeof(ClientApp).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static readonly TimeSpan s_idle = TimeSpan.FromSeconds(60);

    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly InstallToken _token;

    private readonly InstallToken _pageToken;
    private Func<int> _viewers = () => 0;

    private ClientApp(InstallToken token, InstallToken pageToken, IPEndPoint endpoint) => (_token, _pageToken, Endpoint) = (token, pageToken, endpoint);

    /// <summary>Where viewers connect to; the address is the one that is listened on.</summary>
    public IPEndPoint Endpoint { get; }

    public int Port => Endpoint.Port;

    /// <summary>What a viewer takes as its login page.</summary>
    public Uri LoginUri => new($"http://{Endpoint}/{_token.Text}/");

    /// <summary>The same as Firestorm and its kin take it for <c>--grid</c>: a name they do not know is where a grid tells of itself.</summary>
    public string GridName => $"{Endpoint}/{_token.Text}";

    /// <summary>What a viewer takes as its asset server, without a slash behind it.</summary>
    public Uri AssetUri => new($"http://{Endpoint}/a/{_token.Text}");

    /// <summary>The page that shows what goes on; for a browser on this machine.</summary>
    public Uri PageUri => new($"http://{Endpoint}/p/{_pageToken.Text}/");

    /// <exception cref="CannotStartException">Busy port, unusable folder, unreadable file: nothing is left behind.</exception>
    /// <exception cref="StoreUnusableException">The store is in use, or not ours.</exception>
    public static async Task<ClientApp> StartAsync(ClientOptions options, ILoggerFactory logs, TimeProvider? time = null)
    {
        time ??= TimeProvider.System;
        X509Certificate2Collection? roots = [];
        if (options.CaFile is not null && (roots = GridTrust.ReadRoots(options.CaFile, out string error)) is null)
            throw new CannotStartException($"--ca: {error}.");
        ResumeRecord? before = Before(options);
        Socket listener = ListeningSocket.Open(options, before);
        ClientApp? app = null;
        try
        {
            app = new ClientApp(LoadToken(InstallToken.Load, options), LoadToken(InstallToken.LoadOfPage, options), (IPEndPoint)listener.LocalEndPoint!);
            await app.BuildAsync(options, roots, listener, before, time, logs);
            return app;
        }
        catch
        {
            listener.Dispose();
            if (app is not null) await app.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (_parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
    }

    private async Task BuildAsync(
        ClientOptions options, X509Certificate2Collection roots, Socket listener, ResumeRecord? before, TimeProvider time, ILoggerFactory logs)
    {
        ILogger log = logs.CreateLogger("GlobalCache");
        var domains = new GridDomains(options.LoginUri, options.GridDomains);
        var trust = new GridTrust(domains, roots);
        var reach = new Reach(domains, Reach.SystemAsync, Endpoint);
        Reach cdnReach = options.CdnHost is null ? reach : new Reach(domains, new NameServers(options.Resolver, log).ResolveAsync, Endpoint);
        Dial? dial = options.CdnHost is null ? null : (host, port, ct) => host.Equals(options.CdnHost, StringComparison.OrdinalIgnoreCase)
            ? Through(cdnReach)(host, port, ct) : Upstream.DialAsync(new DnsEndPoint(host, port), ct);
        var upstream = Keep(new Upstream(trust, options.Limits, dial));
        LocalKey key = LocalKey.Load(Path.Combine(options.ConfigFolder, "store.key"));
        AssetStore store = AssetStore.OpenOrBeside(
            new StoreOptions(options.Store, options.StoreBytes) { ReadDeadline = options.Limits.LocalReadDeadline }, key, time, log);
        _parts.Push(store);
        var keeper = new FiguresKeeper(store.Folder, time);
        _parts.Push(keeper);
        CacheGridLink? grid = await CacheGridLink.OpenAsync(options, store, key, time, log, upstream.Grid);
        if (grid is not null) _parts.Push(grid);
        var exclusions = new Exclusions(store, time);
        var relay = new AssetRelay(
            store, exclusions, new StandInPictures(), upstream.Assets, upstream.Completion, options.Limits, time, log, grid?.Lookups, grid?.Checks, keeper.Figures);
        _parts.Push(relay);
        if (grid is not null)
        {
            grid.Start(relay);
            _parts.Push(grid.Checks);
        }
        var kept = new PrefetchTarget(store.Holds, relay.Intake.IsExcluded, (key, bytes, stop) => relay.Intake.KeepAsync(key.GridId, key.Type, key.Id, bytes, stop));
        AskCacheGrid? ahead = grid is null ? null : grid.Lookups.AskAheadAsync;
        var prefetch = new Prefetch(ahead, kept, relay.Traffic, options.Limits, time, log);
        var shelf = new UdpShelf(store, relay, prefetch, options.Limits, time, log, grid?.Lookups, grid?.Checks, keeper.Figures);
        _parts.Push(shelf);

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(2));
        if (options.WebProxy || options.CdnHost is not null) builder.Services.AddHttpForwarder();
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = _ => listener);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Tame(kestrel);
            kestrel.Listen(Endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                uint user = PeerOwner.IsSupported ? PeerOwner.OurUser() : 0;
                if (PeerOwner.IsSupported && IPAddress.IsLoopback(Endpoint.Address))
                    listen.Use(next => new PeerOwner(next, user, log).OnConnectionAsync);
                if (options.WebProxy) listen.Use(next => new ConnectTunnel(next, reach, time, log).OnConnectionAsync);
            });
        });
        WebApplication web = builder.Build();
        var page = new StatusPage(new StatusView(keeper.Figures, store, relay, prefetch, grid, () => _viewers(), time).Now, (world, on) => grid?.Worlds.TrySwitch(world, on) == true, time);
        var front = new Front(new LoopbackGuard(options.WebProxy, options.CdnHost), _token) { AssetOnly = AssetOnly(options, relay), Page = (_pageToken, page.HandleAsync) };
        if (options.LoginProxy) front = Login(front, options, relay, shelf, exclusions, upstream.Grid, ResumePlace.Of(options.Store, key), before, time, log);
        if (web.Services.GetService<IHttpForwarder>() is { } forwarder)
            front = Proxies(front, options, relay, forwarder, by => Keep(Upstream.Pool(trust, Through(by), options.Limits.ConnectionsPerHost, s_idle)), reach, cdnReach);
        web.Run(front.HandleAsync);
        _parts.Push(web);
        await web.StartAsync();
        _parts.Push(new RunningMark(options.ConfigFolder, Endpoint));
    }

    /// <summary>Login, and what the viewer is told there: seeds, event queues, asset capabilities, circuits.</summary>
    private Front Login(
        Front front, ClientOptions options, AssetRelay relay, UdpShelf shelf, Exclusions exclusions, HttpMessageInvoker grid, ResumePlace? place,
        ResumeRecord? before, TimeProvider time, ILogger log)
    {
        if (place?.Now() is null || options.Limits.ResumeWithin == TimeSpan.Zero) place = null;
        if (before is not null && !ResumeKeeper.Suits(before, Endpoint, options.LoginUri)) before = null;
        CircuitPages? pages = place is null ? null : new CircuitPages(place.Memory, before?.Pages ?? CircuitPages.NewName());
        ResumeKeeper? keeper = null;
        Func<Task> saved = () => keeper?.SaveAsync() ?? Task.CompletedTask;
        ClientLimits limits = options.Limits;
        string origin = $"http://{Endpoint}", own = LoginUri.AbsoluteUri;
        var caps = new CapTable();
        OpenCircuits circuits = SessionSockets.Over(
            limits, (session, texture) => exclusions.Add(texture, [.. session.Regions.Select(r => r.GridId).Where(g => g.IsCompletedSuccessfully).Select(g => g.Result)]), shelf, time, log, pages);
        var sessions = new SessionTable(caps, () => origin, circuits, limits, time, log);
        _parts.Push(sessions);
        _viewers = () => sessions.Present;
        var login = new LoginProxy(options.LoginUri, () => own, grid, sessions, limits, log, saved);
        var gridInfo = new GridInfoProxy(options.LoginUri, () => own, grid, limits, log);
        var seeds = new SeedProxy(grid, limits, time, log, saved);
        var events = new EventQueueProxy(grid, limits, time, log, saved);
        foreach (SessionRecord session in before?.Sessions ?? []) sessions.TryResume(session, options.LoginUri, events.Keep);
        if (pages is not null)
        {
            keeper = new ResumeKeeper(place!, Endpoint, options.LoginUri, pages, () => sessions.Records(events.Kept), time, log);
            _parts.Push(keeper);
        }
        return front with
        {
            Login = (context, _, _) => login.HandleAsync(context),
            GridInfo = (context, _, _) => gridInfo.HandleAsync(context),
            Seed = (context, token, _) => caps.Find(token) is { Name: CapName.Seed } seed ? seeds.HandleAsync(context, seed) : Front.RefuseAsync(context),
            Capability = (context, token, rest) => caps.Find(token) switch
            {
                null or { Name: CapName.Seed } => Front.RefuseAsync(context),
                { Name: CapName.EventQueueGet } queue => events.HandleAsync(context, queue),
                { } asset => relay.HandleAsync(context, AssetOrigins.For(asset), rest),
            },
        };
    }

    private static ServeToken? AssetOnly(ClientOptions options, AssetRelay relay)
    {
        if (options.Assets is not { } upstream) return null;
        var source = new AssetSource(new object(), Task.FromResult(options.AssetGridId), _ => [upstream]);
        return (context, _, rest) => relay.HandleAsync(context, source, rest);
    }

    /// <summary>The two ways in under other hosts' names. They share what they serve from the store and what they pass on.</summary>
    private static Front Proxies(
        Front front, ClientOptions options, AssetRelay relay, IHttpForwarder forwarder, Func<Reach, HttpMessageInvoker> pool, Reach reach, Reach cdnReach)
    {
        object scope = new();
        Task<string> gridId = Task.FromResult(options.AssetGridId);
        ServeAsset serve = (context, origin, rest) => relay.HandleAsync(context, new AssetSource(scope, gridId, _ => [origin]), rest);
        var hosts = new List<string>();
        if (options.Assets is not null) hosts.Add(WebProxy.Authority(options.Assets));
        if (options.SecondLife) hosts.Add(ClientOptions.SecondLifeAssets.Host);
        if (options.CdnHost is not null) hosts.Add(options.CdnHost);
        var proxy = new WebProxy(forwarder, pool(reach), hosts, serve);
        return front with
        {
            WebProxy = options.WebProxy ? proxy.HandleAsync : null,
            CdnHost = options.CdnHost is null ? null : new CdnHost(options.CdnHost, proxy, pool(cdnReach)).HandleAsync,
        };
    }

    /// <summary>A guest on somebody's desktop, behind which a viewer may stand still for minutes.</summary>
    public static void Tame(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(30);
        kestrel.Limits.MaxConcurrentConnections = 1024;
        kestrel.Limits.MaxRequestBodySize = 16 << 20;
        // A viewer that draws a heavy frame reads nothing meanwhile; on loopback that harms nobody.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MinRequestBodyDataRate = null;
    }

    /// <summary>What a client killed a moment ago has left. Reads only: another may be running.</summary>
    private static ResumeRecord? Before(ClientOptions options)
    {
        string key = Path.Combine(options.ConfigFolder, "store.key");
        return options.LoginProxy && File.Exists(key) ? ResumePlace.Of(options.Store, LocalKey.Load(key))?.Find(options.Limits.ResumeWithin) : null;
    }

    private static InstallToken LoadToken(Func<string, InstallToken> load, ClientOptions options)
    {
        try
        {
            return load(options.ConfigFolder);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"The folder for keys, {options.ConfigFolder}, cannot be used: set XDG_CONFIG_HOME to a folder of your own.");
        }
    }

    private static Dial Through(Reach reach) => async (host, port, ct) =>
        await reach.ConnectAsync(host, port, ct) is { } socket
            ? new NetworkStream(socket, ownsSocket: true) : throw new HttpRequestException("The host's address is not allowed.");

    private T Keep<T>(T part) where T : IDisposable
    {
        _parts.Push(new Disposer(part));
        return part;
    }

    private sealed class Disposer(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return default;
        }
    }

    /// <summary>Signals are the program's business, not the server's: it runs inside tests and benchmarks too.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
