using System.Net;
using GlobalCache.Node.Control;
using GlobalCache.Node.Ingest;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Node;

/// <summary>The running node: everything is made here, in reading order, and taken down in the opposite one.</summary>
internal sealed class NodeApp : IAsyncDisposable
{
    private static readonly TimeSpan s_lastRequests = TimeSpan.FromSeconds(10);

    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ILogger _log;
    private volatile bool _draining;
    private int _disposed;

    private NodeApp(ILogger log, GridFolder grid, Listeners listeners, IObjectStore store, TimeProvider time)
    {
        (_log, Grid, Endpoint, Private, Clear, Store) = (log, grid, listeners.Public, listeners.Private, listeners.Clear, store);
        Control = new ControlFollower(store, grid.ControlPublicKey(), time, log);
        Desks = GridDesks.Of(grid, store, Control, time, log);
    }

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Where the operator's tools connect to.</summary>
    public IPEndPoint Private { get; }

    /// <summary>See <see cref="NodeOptions.Clear"/>.</summary>
    public IPEndPoint? Clear { get; }

    /// <summary>The grid's keys and description.</summary>
    public GridFolder Grid { get; }

    /// <summary>What holds for all nodes.</summary>
    public ControlFollower Control { get; }

    /// <summary>All that it answers, on whichever listener.</summary>
    public IReadOnlyList<RouteEndpoint> Routes { get; private set; } = [];

    /// <summary>What may be changed about the grid.</summary>
    public GridDesks Desks { get; }

    /// <summary>Invites, and who belongs to the grid.</summary>
    public EnrolmentDesk Desk => Desks.Enrolment;

    /// <summary>What all parts of the node write through.</summary>
    public IObjectStore Store { get; }

    /// <exception cref="CannotStartException">Busy port, unusable folder: nothing is left behind but a new grid's files.</exception>
    /// <exception cref="GridUnusableException">The data folder's grid cannot be used.</exception>
    public static async Task<NodeApp> StartAsync(NodeOptions options, TimeProvider? time = null, ILoggerFactory? logs = null, IObjectStore? inner = null)
    {
        time ??= TimeProvider.System;
        logs ??= NullLoggerFactory.Instance;
        ILogger log = logs.CreateLogger("GlobalCache");
        // The ports are taken before anything else is done, so that a busy one leaves no trace.
        Listeners listeners = Listeners.Bind(options.Listen, options.Private, options.Clear);
        NodeApp? app = null;
        try
        {
            GridFolder grid = GridFolder.OpenOrCreate(options.Data, FactsOf(options, listeners.Public), time.GetUtcNow());
            var store = new WatchedStore(inner ?? OpenStore(options, time));
            app = new NodeApp(log, grid, listeners, store, time);
            await app.BuildAsync(options, store, listeners, time, logs);
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

    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _disposed, 1) == 1) return;
        await _stopped.CancelAsync();
        while (_parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        _stopped.Dispose();
    }

    private async Task BuildAsync(NodeOptions options, WatchedStore store, Listeners listeners, TimeProvider time, ILoggerFactory logs)
    {
        GridKeys keys = Grid.Keys;
        Keep(Control);
        Keep(Desks);
        var issuer = new SessionIssuer(Control, time);
        var keeper = new ControlKeeper(Control, Desks.Control, Desk, issuer, Grid.Office, options.Policy, time, _log);
        var tokens = new SessionTokens(Grid.File.Host, new SessionKeyRing(
            issuer.Signs, id => Control.Current?.Key(id, time.GetUtcNow()), () => Control.ReadForUnknownKeyAsync(CancellationToken.None)), time);
        var gate = new SessionGate(tokens, who => Control.Known.IsRevoked(who));
        var cache = new AssetCache(options.CacheBytes);
        DiskCache? disk = options.DiskCache is { } folder ? new DiskCache(folder, options.DiskCacheBytes, time, _log) : null;
        if (disk is not null) _parts.Push(disk);
        BlobSource blobs = Keep(new BlobSource(store, keys, cache, time, () => Control.Known.Policy.Vouching.Lead >= 2, disk));
        store.Changed = blobs.Forget;
        GridPolicy Policy() => Control.Current?.Policy ?? options.Policy;
        var accounts = new BranchAccounts(store, keys, () => Policy().Quotas, () => Policy().Nodes, branch => Control.Current?.IsThrottled(branch) == true, time);
        _parts.Push(accounts);
        var metrics = new NodeMetrics();
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
        var state = new OwnersView(() => IsReady(canary, keeper), () => _draining, cache, accounts, Control, metrics, time);
        await canary.CheckAsync(CancellationToken.None);
        await keeper.RunOnceAsync(CancellationToken.None);
        Run(canary.FollowAsync);
        Run(keeper.FollowAsync);
        Run(accounts.FollowAsync);
        Run(new Takedown(ledger, () => Control.Current?.Bans ?? Bans.None, time, _log).FollowAsync);

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_lastRequests);
        builder.Services.AddRouting();
        builder.Services.AddOpenApi(ApiDescription.Complete);
        listeners.Use(builder, Grid.NodeCertificate, time);
        WebApplication web = builder.Build();
        web.Use(next => context => AdmitAsync(context, next, () => IsReady(canary, keeper)));
        web.UseRouting();
        web.Use(next => context => Listeners.SeparateAsync(context, next));
        RouteGroupBuilder api = web.MapGroup("");
        ((IEndpointConventionBuilder)api).Add(ApiDescription.Describe);
        api.MapGet(NodeApi.Health, (RequestDelegate)(_ => Task.CompletedTask));
        api.MapGet(NodeApi.Asset, (RequestDelegate)assets.HandleAsync);
        api.MapEnrolment(Desk, Grid.Office, tokens, Grid.File, time, _log);
        api.MapIngest(ingest);
        state.Map(web);
        Routes = [.. ((IEndpointRouteBuilder)web).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>()];
        _parts.Push(web);
        await web.StartAsync();
    }

    // Who was shut out must not come in by a restart, so nobody does before the control document has been read and brought up to date once.
    private static bool IsReady(Canary canary, ControlKeeper keeper) => canary.Sings && keeper.HasBegun;

    private static async ValueTask<Caller?> CallerAsync(SessionGate gate, HttpContext context) => await gate.EnterAsync(context) is { } who
        ? new Caller(who.Branch, who.BranchSince, who.ClientKey, who.Uploader, context.Connection.RemoteIpAddress ?? IPAddress.None) : null;

    /// <summary>What is true of every request: a draining node says so, and one whose store is in trouble says nothing else.</summary>
    private Task AdmitAsync(HttpContext context, RequestDelegate next, Func<bool> ready)
    {
        if (_draining) context.Response.Headers[NodeApi.DrainingHeader] = "1";
        if (ready() || !context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal)) return next(context);
        context.Response.Headers.RetryAfter = "5";
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
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
