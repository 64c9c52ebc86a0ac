using System.Net;
using GlobalCache.Master.Dashboard;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Policy;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Master.Zones;
using GlobalCache.Office;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Master;

/// <summary>The running master: everything is made here, in reading order, and taken down in the opposite one.</summary>
internal sealed class MasterApp : IAsyncDisposable
{
    private static readonly TimeSpan s_lastRequests = TimeSpan.FromSeconds(2);

    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly Lock _deciding = new();
    private ScalingState _scaling = new();
    private readonly ILogger _log;
    private int _disposed;

    private MasterApp(MasterOptions options, GridFolder grid, EmbeddedZone zone, Listeners listeners, IObjectStore store, TimeProvider time, ILogger log)
    {
        (_log, Options, Public, Private, Store) = (log, options, listeners.Public, listeners.Private, store);
        Control = new ControlFollower(store, grid.ControlPublicKey(), time, log);
        Office = new GridOffice(grid, store, Control, options.Policy, time, log);
        Reports = new ReportDesk(time);
        Zone = zone;
        Fleet = new WatchedFleet(FleetOf(options, time, log), Reports.Follow);
        Nodes = new HttpNodes(Reports, grid.Nodes.Report, options.NodePrivatePort, time);
        Lease = new Lease(store, $"{Environment.MachineName}/{Guid.NewGuid():N}", () => Policy.Scaling.Life, time);
        Orders = new OrderDesk(store, time);
        Reconciler = new Reconciler(Fleet, Zone, Nodes, Lease, () => Policy.Scaling, DecideNow,
            new FleetTerms { IsFixed = options.Nodes.Count > 0, Jitter = Random.Shared.NextDouble, Orders = Orders, Retired = (node, ct) => DenyAsync(node, time, ct) }, time, log);
    }

    public MasterOptions Options { get; }

    /// <summary>Where clients enrol.</summary>
    public IPEndPoint Public { get; }

    /// <summary>Where nodes report, and the operator looks.</summary>
    public IPEndPoint Private { get; }

    public IObjectStore Store { get; }

    /// <summary>What holds for all nodes.</summary>
    public ControlFollower Control { get; }

    public GridOffice Office { get; }

    /// <summary>What the nodes say.</summary>
    public ReportDesk Reports { get; }

    /// <summary>The name that all nodes share.</summary>
    public EmbeddedZone Zone { get; }

    /// <summary>The machines that nodes run on.</summary>
    public IFleet Fleet { get; }

    /// <summary>The nodes themselves.</summary>
    public HttpNodes Nodes { get; }

    /// <summary>Who may act.</summary>
    public Lease Lease { get; }

    /// <summary>What the operator orders of the fleet.</summary>
    public OrderDesk Orders { get; }

    /// <summary>Opens and closes nodes.</summary>
    public Reconciler Reconciler { get; }

    /// <summary>All that it answers, on whichever listener.</summary>
    public IReadOnlyList<RouteEndpoint> Routes { get; private set; } = [];

    /// <summary>The admin code, if it has just been made: to be shown now or never.</summary>
    public string? NewAdminCode { get; private set; }

    /// <summary>The policy in force.</summary>
    public GridPolicy Policy => Control.Current?.Policy ?? Options.Policy;

    /// <exception cref="CannotStartException">Busy port, unusable folder: nothing is left behind but a new grid's files.</exception>
    /// <exception cref="GridUnusableException">The data folder's grid cannot be used.</exception>
    public static async Task<MasterApp> StartAsync(MasterOptions options, TimeProvider? time = null, ILoggerFactory? logs = null, IObjectStore? inner = null)
    {
        time ??= TimeProvider.System;
        logs ??= NullLoggerFactory.Instance;
        ILogger log = logs.CreateLogger("GlobalCache");
        // The ports are taken before anything else is done, so that a busy one leaves no trace.
        Listeners listeners = Listeners.Bind(options.Listen, options.Private);
        MasterApp? app = null;
        EmbeddedZone? zone = null;
        try
        {
            // The name server's port goes into grid.json, and the grid's name into what it serves.
            string host = GridFolder.HostOf(options.Data, options.Host);
            zone = EmbeddedZone.Start(Path.Combine(options.Data, "zone.json"), host, listeners.Public.Address, options.Dns, time);
            GridFolder grid = GridFolder.OpenOrCreate(options.Data, FactsOf(options, options.Host ?? host, listeners.Public, zone.Endpoint), time.GetUtcNow());
            PrivateFile.Write(Path.Combine(options.Data, "node.keys"), grid.Nodes.Encode());
            app = new MasterApp(options, grid, zone, listeners, inner ?? OpenStore(options, time), time, log);
            await app.BuildAsync(grid, listeners, time, logs);
            return app;
        }
        catch
        {
            listeners.Dispose();
            if (app is not null) await app.DisposeAsync();
            else zone?.Dispose();
            throw;
        }
    }

    /// <summary>The store a grid with these options keeps its objects in.</summary>
    /// <exception cref="CannotStartException">Its folder cannot be used.</exception>
    public static IObjectStore OpenStore(MasterOptions options, TimeProvider time)
    {
        if (options.S3 is { } s3) return new S3Store(s3);
        string folder = Path.Combine(options.Data, "store");
        try
        {
            return new FolderStore(folder, time);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CannotStartException($"{folder} cannot be written to: choose a folder of your own with --data.");
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stopped.CancelAsync();
        while (_parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        _stopped.Dispose();
    }

    private async Task BuildAsync(GridFolder grid, Listeners listeners, TimeProvider time, ILoggerFactory logs)
    {
        Keep(Zone);
        Keep(Control);
        Keep(Office);
        Keep(Nodes);
        var tokens = new SessionTokens(grid.File.Host, new SessionKeyRing(
            Office.Issuer.Signs, id => Control.Current?.Key(id, time.GetUtcNow()), () => Control.ReadForUnknownKeyAsync(CancellationToken.None)), time);
        if (!await Office.Keeper.RunOnceAsync(CancellationToken.None)) _log.OfficeNotReady();
        Run(Office.Keeper.FollowAsync);

        var kept = new KeptMemory(Store, time);
        _scaling = await kept.RestoreAsync(Policy.Scaling, CancellationToken.None);
        var nodes = new FleetEndpoints(grid.Nodes.Report, Reports, (node, request) => grid.CertificateFor(node, request, time.GetUtcNow()), () => Lease.IsHeld ? Lease.Epoch : null);
        var shown = new StateOf();
        var source = new DashboardSource(() => shown.Take(FactsNow(time)), shown.Day, time);
        (byte[] hash, NewAdminCode) = Options.AdminCodeHash is { } told ? (Convert.FromHexString(told), null) : AdminCode.Of(Options.Data);
        var guard = new AdminGuard(new AdminSession(hash), time);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_lastRequests);
        builder.Services.AddRouting();
        builder.Services.AddOpenApi(MasterCalls.Table.Complete);
        listeners.Use(builder, grid.NodeCertificate, time);
        WebApplication web = builder.Build();
        web.UseRouting();
        web.Use(next => context => Listeners.SeparateAsync(context, next));
        web.UseAdminGuard(guard);
        RouteGroupBuilder open = web.MapGroup("");
        ((IEndpointConventionBuilder)open).Add(MasterCalls.Table.Describe);
        open.MapGet(NodeApi.Health, (RequestDelegate)(_ => Task.CompletedTask));
        open.MapEnrolment(Office.Desks.Enrolment, grid.Office, tokens, grid.File, () => Denials.Of(Control.Current?.Document, time.GetUtcNow()), time, _log);
        RouteGroupBuilder owners = open.MapGroup("").WithMetadata(new OwnersOnly());
        nodes.Map(owners);
        new AdminEndpoints(new AdminMeans
        {
            Office = Office,
            Orders = Orders,
            History = Reconciler.History,
            Snapshot = () => Reconciler.Snapshot,
            NameOf = (key, ct) => Nodes.NameAsync(Reconciler.Snapshot.Nodes.Where(n => n.Look is not null).Select(n => n.Instance), key, ct),
            IsFixed = Options.Nodes.Count > 0,
            Time = time,
        }).Map(owners);
        web.MapDashboard(source, guard);
        Routes = [.. ((IEndpointRouteBuilder)web).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>()];
        _parts.Push(web);
        await web.StartAsync();
        Office.Keeper.Nodes = ServingNow;
        Run(Reconciler.RunAsync);
        Run(source.RunAsync);
        Run(ct => kept.FollowAsync(() => Lease.IsHeld ? Saved() : null, ct));
        if (Options.PolicyFile is { } file) Run(new PolicyFile(file, Office.Keeper.Declare, wrong => _log.PolicyRefused(file, string.Join(' ', wrong)), time).FollowAsync);
    }

    private Facts FactsNow(TimeProvider time) => new()
    {
        Now = time.GetUtcNow(),
        Grid = Office.Grid.File.Host,
        Snapshot = Reconciler.Snapshot,
        History = Reconciler.History.Newest(200),
        Policy = Policy,
        Price = _ => 0,
        Report = node => Reports.TryLook(node, out NodeReport? report, out _, out TimeSpan age) && age < Policy.Scaling.Silence ? report : null,
        Forecast = ForecastNow(),
    };

    // What was its key is nobody's from here on.
    private async Task DenyAsync(Instance node, TimeProvider time, CancellationToken ct)
    {
        if (Reports.TryLook(node.Id, out NodeReport? report, out _, out _)) await Office.Desks.Control.ChangeAsync(d => Denials.With(d, report.Serial, time.GetUtcNow()), ct);
    }

    // Those that clients are at: among them the portions of quotas are divided.
    private int? ServingNow() => Reconciler.Snapshot is { Leads: true } seen ? Math.Clamp(seen.Nodes.Count(n => n.State is NodeState.InService or NodeState.Leaving), 1, 1000) : null;

    private double? ForecastNow()
    {
        lock (_deciding) return _scaling.Demand.Ticks > 0 ? _scaling.Demand.Forecast : null;
    }

    private Plan DecideNow(Observation seen, ScalingPolicy policy, DateTimeOffset now)
    {
        lock (_deciding) return Decide.Next(_scaling, seen, policy, now);
    }

    private byte[] Saved()
    {
        lock (_deciding) return ScalingMemory.Save(_scaling);
    }

    /// <summary>Ends all nodes of this machine, as a person expects who has told the program to stop.</summary>
    public async Task EndNodesAsync(CancellationToken ct)
    {
        if (Options.Nodes.Count > 0) return;
        foreach (Instance node in await Fleet.DescribeAsync(ct))
        {
            if (node.State is InstanceState.Running or InstanceState.Pending) await Fleet.TerminateAsync(node.Id, ct);
        }
    }

    private static IFleet FleetOf(MasterOptions options, TimeProvider time, ILogger log) => options.Nodes.Count > 0 ? new GivenFleet(options.Nodes, time.GetUtcNow())
        : new ProcessFleet(new ProcessFleetOptions
        {
            Folder = Path.Combine(options.Data, "fleet"),
            Program = options.NodeProgram.Count > 0 ? options.NodeProgram : NodeProgram.Find(AppContext.BaseDirectory),
            FirstAddress = options.FirstNode,
            Port = options.NodePort,
            PrivatePort = options.NodePrivatePort,
            Arguments = options.NodeArguments(),
        }, time, log);

    private static GridFacts FactsOf(MasterOptions options, string host, IPEndPoint clients, IPEndPoint names) => new()
    {
        Name = options.Name,
        Host = host,
        Port = options.NodePort,
        Master = clients,
        NameServers = [names.ToString()],
        // Among friends one claim decides, and there is nobody to hide from.
        ClaimWithinSeconds = options.Policy.Vouching.Lead == 1 ? 0 : 900,
        Grids = options.Policy.Grids,
    };

    private void Run(Func<CancellationToken, Task> work) => _parts.Push(new Ended(Task.Run(() => work(_stopped.Token))));

    private T Keep<T>(T part) where T : IDisposable
    {
        _parts.Push(new Disposer(part));
        return part;
    }

    private sealed class Ended(Task task) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync() => await task;
    }

    private sealed class Disposer(IDisposable part) : IAsyncDisposable
    {
        public ValueTask DisposeAsync()
        {
            part.Dispose();
            return default;
        }
    }

    /// <summary>Signals are the program's business, not the server's: it runs inside tests too.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

/// <summary>The master's own events, 7220 – 7239.</summary>
internal static partial class MasterLog
{
    [LoggerMessage(7220, LogLevel.Warning, "The store cannot be used yet: nobody is let in until it can.")]
    public static partial void OfficeNotReady(this ILogger log);

    [LoggerMessage(7221, LogLevel.Error, "{file} is refused, and what was in force stays so. {wrong}")]
    public static partial void PolicyRefused(this ILogger log, string file, string wrong);
}
