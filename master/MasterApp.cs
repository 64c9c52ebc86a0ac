using System.Net;
using GlobalCache.Master.Dashboard;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Grids;
using GlobalCache.Master.Nodes;
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
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Wire;

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
    private readonly GridParts _made;
    private int _disposed;

    private MasterApp(MasterOptions options, GridParts made, Listeners listeners, TimeProvider time, ILogger log)
    {
        (_log, _made, Options, Public, Private, Store) = (log, made, options, listeners.Public, listeners.Private, made.Store);
        Control = new ControlFollower(Store, made.Grid.ControlPublicKey(), time, log);
        Office = new GridOffice(made.Grid, Store, Control, made.Policy, time, log);
        Reports = new ReportDesk(time);
        Fleet = new WatchedFleet(made.Fleet, Reports.Follow);
        Nodes = new HttpNodes(Reports, made.Grid.Report, options.NodePrivatePort, time);
        Lease = new Lease(Store, $"{Environment.MachineName}/{Guid.NewGuid():N}", () => Policy.Scaling.Life, time);
        Orders = new OrderDesk(Store, time);
        Reconciler = new Reconciler(Fleet, Zone, Nodes, Lease, () => Policy.Scaling, DecideNow,
            new FleetTerms { Price = Price, IsFixed = made.IsFixed, Jitter = Random.Shared.NextDouble, Orders = Orders, Retired = (node, ct) => DenyAsync(node, time, ct) }, time, log);
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
    public IZone Zone => _made.Zone;

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
    public string? NewAdminCode => _made.NewAdminCode;

    /// <summary>Who answers for the nodes' name, for people.</summary>
    public string NamesAt => _made.NamesAt;

    /// <summary>The policy in force.</summary>
    public GridPolicy Policy => Control.Current?.Policy ?? _made.Policy ?? Options.Policy;

    /// <exception cref="CannotStartException">Busy port, unusable folder, or AWS does not answer: nothing is left behind but a new grid's secrets.</exception>
    /// <exception cref="GridUnusableException">The grid's secrets cannot be used.</exception>
    public static async Task<MasterApp> StartAsync(MasterOptions options, ILoggerFactory logs, TimeProvider? time = null, IObjectStore? inner = null, CancellationToken stop = default)
    {
        time ??= TimeProvider.System;
        ILogger log = logs.CreateLogger("GlobalCache");
        MasterUserData? told = null;
        if (options.Aws is { } start)
        {
            (told, IPEndPoint listen, IPEndPoint owners) = await start.ReadAsync(time, stop);
            options = options with { Listen = listen, Private = owners };
        }

        // The ports are taken before anything else is done, so that a busy one leaves no trace.
        Listeners listeners = Listeners.Bind(options.Listen, options.Private);
        MasterApp? app = null;
        try
        {
            GridParts made = told is null ? FolderGrid.Open(options, listeners.Public, inner, time, log)
                : await AwsGrid.OpenAsync(told, options, options.Aws!.Access, listeners.Private, () => app?.Policy ?? options.Policy, inner, time, log, stop);
            app = new MasterApp(options, made, listeners, time, log);
            await app.BuildAsync(made.Grid, listeners, time, logs);
            return app;
        }
        catch
        {
            listeners.Dispose();
            if (app is not null) await app.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stopped.CancelAsync();
        while (_parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        _stopped.Dispose();
    }

    private async Task BuildAsync(KeptGrid grid, Listeners listeners, TimeProvider time, ILoggerFactory logs)
    {
        foreach (IDisposable part in _made.Owned) Keep(part);
        Keep(Control);
        Keep(Office);
        Keep(Nodes);
        var tokens = new SessionTokens(grid.File.Host, new SessionKeyRing(
            Office.Issuer.Signs, id => Control.Current?.Key(id, time.GetUtcNow()), () => Control.ReadForUnknownKeyAsync(CancellationToken.None)), time);
        if (!await Office.Keeper.RunOnceAsync(CancellationToken.None)) _log.OfficeNotReady();
        Run(Office.Keeper.FollowAsync);

        var kept = new KeptMemory(Store, time);
        _scaling = await kept.RestoreAsync(Policy.Scaling, CancellationToken.None);
        var nodes = new FleetEndpoints(grid.Report, Reports, (node, request) => grid.CertificateFor(node, request, time.GetUtcNow()), () => Lease.IsHeld ? Lease.Epoch : null);
        var shown = new StateOf();
        var source = new DashboardSource(() => shown.Take(FactsNow(time)), shown.Day, time);
        Keep(Dashboard.Figures.Observe(() => source.Current));
        var guard = new AdminGuard(new AdminSession(_made.AdminCodeHash), time);
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
        open.MapGet(NodeApi.Health, (RequestDelegate)(_ => Task.CompletedTask)).WithMetadata(new OnBoth());
        open.MapEnrolment(Office.Desks.Enrolment, grid.Office, tokens, GridBody.Of(grid.File, _made.AdminCodeHash), code => grid.InviteOf(code).ToString(), () => Denials.Of(Control.Current?.Document, time.GetUtcNow()), time, _log);
        nodes.Map(open.MapGroup("").WithMetadata(new OwnersOnly()));
        new AdminEndpoints(new AdminMeans
        {
            Office = Office,
            Orders = Orders,
            History = Reconciler.History,
            Snapshot = () => Reconciler.Snapshot,
            NameOf = (key, ct) => Nodes.NameAsync(Reconciler.Snapshot.Nodes.Where(n => n.Look is not null).Select(n => n.Instance), key, ct),
            IsFixed = Options.Nodes.Count > 0,
            Time = time,
        }).Map(open.MapGroup("").WithMetadata(new Operators()));
        web.MapDashboard(source, guard);
        Routes = [.. ((IEndpointRouteBuilder)web).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>()];
        _parts.Push(web);
        await web.StartAsync();
        Office.Keeper.Nodes = ServingNow;
        Run(Reconciler.RunAsync);
        Run(source.RunAsync);
        Run(ct => kept.FollowAsync(() => Lease.IsHeld ? Saved() : null, ct));
        Run(ct => _made.FollowAsync(Office.Keeper.Declare, ct));
    }

    private Facts FactsNow(TimeProvider time) => new()
    {
        Now = time.GetUtcNow(),
        Grid = Office.Grid.File.Host,
        Snapshot = Reconciler.Snapshot,
        History = Reconciler.History.Newest(200),
        Policy = Policy,
        Price = Price,
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

    private decimal Price(string type) => _made.IsPaid ? Policy.Fleet.PricePerHour(type) : 0;

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

    /// <summary>Ends all nodes of this machine, as a person expects who has told the program to stop; others run on.</summary>
    public async Task EndNodesAsync(CancellationToken ct)
    {
        if (!_made.EndsWithMaster) return;
        foreach (Instance node in await Fleet.DescribeAsync(ct))
        {
            if (node.State is InstanceState.Running or InstanceState.Pending) await Fleet.TerminateAsync(node.Id, ct);
        }
    }

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
