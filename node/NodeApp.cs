using System.Net;
using GlobalCache.Node.Control;
using GlobalCache.Node.Fleet;
using GlobalCache.Node.Ingest;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Connections.Features;

namespace GlobalCache.Node;

/// <summary>The running node: everything is made here, in reading order, and taken down in the opposite one.</summary>
internal sealed class NodeApp : IAsyncDisposable
{
    private static readonly TimeSpan s_lastRequests = TimeSpan.FromSeconds(10);

    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ILogger _log;
    private readonly Traffic _traffic;
    private readonly GridFolder? _grid;
    private readonly GridOffice? _office;
    private readonly Membership? _fleet;
    private volatile bool _draining;
    private double _load;
    private int _disposed;

    private NodeApp(NodeOptions options, Listeners listeners, IObjectStore store, Traffic traffic, GridFolder? grid, Membership? fleet, TimeProvider time, ILogger log)
    {
        (_log, Endpoint, Private, Clear, Store, _traffic, _fleet) = (log, listeners.Public, listeners.Private, listeners.Clear, store, traffic, fleet);
        _grid = grid;
        File = fleet?.Grid ?? grid!.File;
        Control = new ControlFollower(store, ControlEnvelope.PublicKeyOf(File), time, log);
        _office = grid is null ? null : new GridOffice(grid, store, Control, options.Policy, time, log);
    }

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Where the operator's tools connect to.</summary>
    public IPEndPoint Private { get; }

    /// <summary>See <see cref="NodeOptions.Clear"/>.</summary>
    public IPEndPoint? Clear { get; }

    /// <summary>What the grid's clients know of it.</summary>
    public GridFile File { get; }

    /// <summary>The keys and description of a grid of one's own.</summary>
    /// <exception cref="InvalidOperationException">The node is one of a fleet.</exception>
    public GridFolder Grid => _grid ?? throw new InvalidOperationException("A node of a fleet keeps no office: ask the master.");

    /// <summary>What holds for all nodes.</summary>
    public ControlFollower Control { get; }

    /// <summary>All that it answers, on whichever listener.</summary>
    public IReadOnlyList<RouteEndpoint> Routes { get; private set; } = [];

    /// <summary>What may be changed about a grid of one's own.</summary>
    public GridDesks Desks => Office.Desks;

    /// <summary>Invites, and who belongs to a grid of one's own.</summary>
    public EnrolmentDesk Desk => Desks.Enrolment;

    /// <summary>Ends when no master has answered for so long that the node takes it that it is forgotten; never for a node alone.</summary>
    public Task Forgotten { get; private set; } = Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System);

    /// <summary>What all parts of the node write through.</summary>
    public IObjectStore Store { get; }

    /// <exception cref="CannotStartException">Busy port, unusable folder: nothing is left behind but a new grid's files.</exception>
    /// <exception cref="GridUnusableException">The data folder's grid cannot be used.</exception>
    public static async Task<NodeApp> StartAsync(NodeOptions options, ILoggerFactory logs, TimeProvider? time = null, IObjectStore? inner = null, CancellationToken stop = default)
    {
        time ??= TimeProvider.System;
        ILogger log = logs.CreateLogger("GlobalCache");
        CloudMember? cloud = options.Aws is { } aws ? await CloudMember.ReadAsync(aws, time, log, stop) : null;
        if (cloud is not null) options = cloud.Apply(options);
        // The ports are taken before anything else is done, so that a busy one leaves no trace.
        Listeners listeners = Listeners.Bind(options.Listen, options.Private, options.Clear);
        NodeApp? app = null;
        try
        {
            var traffic = new Traffic(time, Traffic.WindowOf(options.Fleet?.ReportEvery ?? TimeSpan.FromSeconds(2)));
            IObjectStore below = inner ?? cloud?.OpenStore() ?? OpenStore(options, time);
            Membership? fleet = options.Fleet is { } member ? await JoinAsync(member, cloud, below, traffic, listeners.Private.Address, time, log, stop) : null;
            GridFolder? grid = fleet is null ? GridFolder.OpenOrCreate(options.Data, FactsOf(options, listeners.Public), time.GetUtcNow()) : null;
            var store = new WatchedStore(below);
            app = new NodeApp(options, listeners, store, traffic, grid, fleet, time, log);
            await app.BuildAsync(options, store, listeners, time, logs, stop);
            return app;
        }
        catch
        {
            listeners.Dispose();
            if (app is not null) await app.DisposeAsync();
            throw;
        }
    }

    /// <summary>The store a node with these options keeps the grid's objects in.</summary>
    /// <exception cref="CannotStartException">Its folder cannot be used.</exception>
    public static IObjectStore OpenStore(NodeOptions options, TimeProvider time)
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

    /// <summary>From now on clients are told to go elsewhere, and <c>/readyz</c> says no; everything is served on.</summary>
    public void Drain()
    {
        if (!_draining) _log.Draining();
        _draining = true;
    }

    private bool IsDraining => _draining || _fleet?.Orders.IsDraining == true;

    private GridOffice Office => _office ?? throw new InvalidOperationException("A node of a fleet keeps no office: ask the master.");

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stopped.CancelAsync();
        while (_parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        _stopped.Dispose();
    }

    private async Task BuildAsync(NodeOptions options, WatchedStore store, Listeners listeners, TimeProvider time, ILoggerFactory logs, CancellationToken stop)
    {
        GridKeys keys = _fleet?.Secrets.Keys ?? Grid.Keys;
        Keep(Control);
        if (_office is not null) Keep(_office);
        if (_fleet is not null) Keep(_fleet);
        var tokens = new SessionTokens(File.Host, new SessionKeyRing(
            () => _office?.Issuer.Signs(), id => Control.Current?.Key(id, time.GetUtcNow()), () => Control.ReadForUnknownKeyAsync(CancellationToken.None)), time);
        var gate = new SessionGate(tokens, who => Control.Known.IsRevoked(who));
        var cache = new AssetCache(options.CacheBytes);
        DiskCache? disk = options.DiskCache is { } folder ? new DiskCache(folder, options.DiskCacheBytes, time, _log) : null;
        if (disk is not null) _parts.Push(disk);
        BlobSource blobs = Keep(new BlobSource(store, keys, cache, time, () => Control.Known.Policy.Vouching.Lead >= 2, disk));
        store.Changed = blobs.Forget;
        GridPolicy Policy() => Control.Current?.Policy ?? options.Policy;
        var accounts = new BranchAccounts(store, keys, () => Policy().Quotas, () => Policy().Nodes, branch => Control.Current?.IsThrottled(branch) == true, time);
        _parts.Push(accounts);
        NodeMetrics metrics = Keep(new NodeMetrics());
        disk?.Show(metrics);
        var rules = new ServingRules(g => Control.Known.IsShared(g), n => Control.Known.Bans.Contains(n),
            (standing, length) => ServingRules.WithheldOf(Control.Known.Policy.Vouching, Control.Known.Policy.Quotas, standing, length));
        var assets = new AssetEndpoint(gate, keys, blobs, accounts, rules, metrics, time);
        var canary = new Canary(store, keys, time, _log);
        var ledger = new Ledger(store, new RecordSeal(keys), () => Control.Known.Policy.Vouching, ClaimTags.Revoked(keys, () => Control.Known.RevokedBranches), time);
        var ingestRules = new IngestRules(() => Control.Known.Policy.Vouching, () => Control.Known.Policy.Grids, () => Control.Known.Bans, () => Control.Known.RevokedBranches)
        {
            Claimed = (branch, name, answer) => accounts.Claimed(branch, BranchAccounts.IdOf(name), answer.Agrees, new Checks(keys, rules).IsOne(branch, name, answer.Record, time.GetUtcNow())),
        };
        var ingest = new IngestParts(keys, ledger, accounts, ingestRules, context => CallerAsync(gate, context), new UploadMemory(UploadMemory.Default), time);
        var state = new OwnersView(() => IsReady(canary), () => IsDraining, cache, accounts, Control, metrics, _traffic, () => _load, time);
        await canary.CheckAsync(CancellationToken.None);
        if (_office is not null) await _office.Keeper.RunOnceAsync(CancellationToken.None);
        else await Control.ReadAsync(CancellationToken.None);
        Run(canary.FollowAsync);
        Run(_office is null ? Control.FollowAsync : _office.Keeper.FollowAsync);
        Run(accounts.FollowAsync);
        Run(new Takedown(ledger, () => Control.Current?.Bans ?? Bans.None, time, _log).FollowAsync);

        if (_fleet is not null)
        {
            using var starting = CancellationTokenSource.CreateLinkedTokenSource(_stopped.Token, stop);
            await _fleet.Link.BeginAsync(starting.Token);
        }

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_lastRequests);
        builder.Services.AddRouting();
        builder.Services.AddOpenApi(ApiDescription.Complete);
        listeners.Use(builder, _fleet is null ? Grid.NodeCertificate : _fleet.Link.Certificate, time);
        WebApplication web = builder.Build();
        web.Use(next => context => AdmitAsync(context, next, () => IsReady(canary)));
        web.UseRouting();
        web.Use(next => context => Listeners.SeparateAsync(context, next));
        RouteGroupBuilder api = web.MapGroup("");
        ((IEndpointConventionBuilder)api).Add(ApiDescription.Describe);
        api.MapGet(NodeApi.Health, (RequestDelegate)(_ => Task.CompletedTask)).WithMetadata(new OnBoth());
        api.MapGet(NodeApi.Asset, NodeTraces.Of("asset", assets.HandleAsync));
        if (_office is not null) api.MapEnrolment(Desk, Grid.Office, tokens, GridBody.Of(File), code => Grid.InviteOf(code).ToString(), () => Denials.Of(Control.Current?.Document, time.GetUtcNow()), time, _log);
        api.MapIngest(ingest);
        state.Map(web);
        if (_fleet is not null) new OrderEndpoints(_fleet.Options, _fleet.Secrets, _fleet.Orders, _traffic, time, _log).Map(web.MapGroup("").WithMetadata(new OwnersOnly()));
        Routes = [.. ((IEndpointRouteBuilder)web).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>()];
        _parts.Push(web);
        await web.StartAsync(stop);
        if (_fleet is not null)
        {
            Task<bool> orphaned = _fleet.Link.FollowAsync(() => Report(metrics, accounts, IsReady(canary) && !_fleet.Orders.HasAgreedToGo), serial => Control.Current?.Denies(serial) == true, _stopped.Token);
            _parts.Push(new Ended(orphaned));
            Forgotten = OrphanedAsync(orphaned);
        }
    }

    private static async Task<Membership> JoinAsync(FleetOptions member, CloudMember? cloud, IObjectStore store, Traffic traffic, IPAddress from, TimeProvider time, ILogger log, CancellationToken stop)
    {
        if (cloud is null) return Membership.Open(member, traffic, from, time, log);
        (NodeSecrets secrets, GridFile grid) = await cloud.PapersAsync(store, stop);
        return new Membership(member, secrets, grid, traffic, from, time, log);
    }

    private static async Task OrphanedAsync(Task<bool> orphaned)
    {
        if (!await orphaned) await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, CancellationToken.None);
    }

    /// <summary>How the node does, as the master is told; who and when is added by the link.</summary>
    private NodeReport Report(NodeMetrics metrics, BranchAccounts accounts, bool ready)
    {
        (double requests, double bytes, double slowest) = _traffic.Rates();
        double cpu = _fleet!.Gauge.Cpu();
        return new NodeReport
        {
            Node = "",
            At = 0,
            Ready = ready,
            Draining = IsDraining,
            Epoch = _fleet.Orders.Epoch,
            RequestsPerSecond = requests,
            InFlight = _traffic.InFlight,
            QuietSeconds = _traffic.Quiet.TotalSeconds,
            Cpu = cpu,
            SentBytesPerSecond = bytes,
            Load = _load = _fleet.Gauge.Load(cpu, bytes),
            SlowestMilliseconds = slowest,
            Hits = metrics.MemoryHits.Value + metrics.StoreHits.Value,
            Misses = metrics.Misses.Value,
            SentBytes = metrics.BytesSent.Value,
            FlaggedBranches = accounts.Sum().Flagged,
            ControlSequence = Control.Current?.Document.Sequence ?? 0,
        };
    }

    // Who was shut out must not come in by a restart, so nobody does before the control document has been read and brought up to date once.
    private bool IsReady(Canary canary) => canary.Sings && (_office?.Keeper.HasBegun ?? Control.Current is not null);

    private static async ValueTask<Caller?> CallerAsync(SessionGate gate, HttpContext context) => await gate.EnterAsync(context) is { } who
        ? new Caller(who.Branch, who.BranchSince, who.ClientKey, who.Uploader, context.Connection.RemoteIpAddress ?? IPAddress.None) : null;

    /// <summary>What is true of every request: a draining node says so, and one whose store is in trouble says nothing else.</summary>
    private Task AdmitAsync(HttpContext context, RequestDelegate next, Func<bool> ready)
    {
        if (IsDraining)
        {
            context.Response.Headers[NodeApi.DrainingHeader] = "1";
            // HTTP/1.1: Connection: close; HTTP/2: GOAWAY. What has begun on the connection is answered.
            if (_fleet is not null) context.Features.Get<IConnectionLifetimeNotificationFeature>()?.RequestClose();
        }
        if (_fleet is not null && context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal) && !Listeners.IsPrivate(context)) return CountedAsync(context, next, ready());
        return ServeAsync(context, next, ready());
    }

    private static Task ServeAsync(HttpContext context, RequestDelegate next, bool ready)
    {
        if (ready || !context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal) || Listeners.IsPrivate(context)) return next(context);
        context.Response.Headers.RetryAfter = "5";
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }

    private async Task CountedAsync(HttpContext context, RequestDelegate next, bool ready)
    {
        long begun = _traffic.Begun();
        try
        {
            await ServeAsync(context, next, ready);
        }
        finally
        {
            _traffic.Ended(begun, context.Response.ContentLength ?? 0);
        }
    }

    private static GridFacts FactsOf(NodeOptions options, IPEndPoint endpoint) => new()
    {
        Name = options.Name,
        Host = options.Host,
        Port = endpoint.Port,
        Nodes = options.Addresses.Count > 0 ? options.Addresses
            : [(endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : endpoint.Address).ToString()],
        // Among friends one claim decides, and there is nobody to hide from.
        ClaimWithinSeconds = options.Vouching.Lead == 1 ? 0 : 900,
        Grids = options.Grids,
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

    /// <summary>Signals are the program's business, not the server's: it runs inside tests and benchmarks too.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
