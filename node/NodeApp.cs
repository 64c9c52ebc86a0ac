using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Node.Enrolment;
using GlobalCache.Node.Ingest;
using GlobalCache.Node.Keys;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Sessions;
using GlobalCache.Node.Stores;
using GlobalCache.Node.Vouching;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Node;

/// <summary>The node cannot start as it was told to. The message is one sentence: what is wrong and how to mend it.</summary>
internal sealed class CannotStartException(string message) : Exception(message);

/// <summary>The running node: everything is made here, in reading order, and taken down in the opposite one.</summary>
internal sealed class NodeApp : IAsyncDisposable
{
    private static readonly TimeSpan s_lastRequests = TimeSpan.FromSeconds(10), s_retry = TimeSpan.FromSeconds(2);
    private static readonly object s_private = new();

    private readonly Stack<IAsyncDisposable> _parts = new();
    private readonly CancellationTokenSource _stopped = new();
    private readonly ILogger _log;
    private volatile bool _draining, _rollKnown;

    private NodeApp(ILogger log, GridFolder grid, IPEndPoint endpoint, IPEndPoint owners, IObjectStore store, EnrolmentDesk desk) =>
        (_log, Grid, Endpoint, Private, Store, Desk) = (log, grid, endpoint, owners, store, desk);

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint Endpoint { get; }

    /// <summary>Where the operator's tools connect to.</summary>
    public IPEndPoint Private { get; }

    /// <summary>The grid's keys and description.</summary>
    public GridFolder Grid { get; }

    /// <summary>Invites, and who belongs to the grid.</summary>
    public EnrolmentDesk Desk { get; }

    /// <summary>What all parts of the node write through.</summary>
    public IObjectStore Store { get; }

    /// <exception cref="CannotStartException">Busy port, unusable folder: nothing is left behind but a new grid's files.</exception>
    /// <exception cref="GridUnusableException">The data folder's grid cannot be used.</exception>
    public static async Task<NodeApp> StartAsync(NodeOptions options, TimeProvider? time = null, ILoggerFactory? logs = null)
    {
        time ??= TimeProvider.System;
        logs ??= NullLoggerFactory.Instance;
        ILogger log = logs.CreateLogger("GlobalCache");
        // The ports are taken before anything else is done, so that a busy one leaves no trace.
        Socket listener = Bind(options.Listen, "--listen");
        Socket? owners = null;
        NodeApp? app = null;
        try
        {
            owners = Bind(options.Private, "--private");
            var endpoint = (IPEndPoint)listener.LocalEndPoint!;
            GridFolder grid = GridFolder.OpenOrCreate(options.Data, FactsOf(options, endpoint), time.GetUtcNow());
            var store = new WatchedStore(OpenStore(options, time));
            app = new NodeApp(log, grid, endpoint, (IPEndPoint)owners.LocalEndPoint!, store, new EnrolmentDesk(store, grid.Keys, time, log));
            await app.BuildAsync(options, store, listener, owners, time, logs);
            return app;
        }
        catch
        {
            listener.Dispose();
            owners?.Dispose();
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
        await _stopped.CancelAsync();
        while (_parts.TryPop(out IAsyncDisposable? part)) await part.DisposeAsync();
        _stopped.Dispose();
    }

    private async Task BuildAsync(NodeOptions options, WatchedStore store, Socket listener, Socket owners, TimeProvider time, ILoggerFactory logs)
    {
        GridKeys keys = Grid.Keys;
        SessionKey sessionKey = Grid.SessionKey();
        Keep(sessionKey.Key);
        var tokens = new SessionTokens(Grid.File.Host, sessionKey, [], time);
        var gate = new SessionGate(tokens, who => Desk.Roll.IsRevoked(who.ClientId, who.Branch));
        var cache = new AssetCache(options.CacheBytes);
        BlobSource blobs = Keep(new BlobSource(store, keys, cache, time));
        store.Changed = blobs.Forget;
        var quotas = new BranchQuotas(() => options.Quotas, options.Nodes);
        HashSet<string> shared = [.. options.Grids.Select(g => g.Id)];
        var metrics = new NodeMetrics();
        var rules = new ServingRules(shared.Contains, _ => false, () => ServingRules.WithheldOf(options.Vouching, options.Quotas));
        var assets = new AssetEndpoint(gate, keys, store, blobs, quotas, rules, metrics, time);
        var canary = new Canary(store, keys, time, _log);
        var ledger = new Ledger(store, new RecordSeal(keys), () => options.Vouching, ClaimTags.Revoked(keys, RevokedBranches), time);
        var ingestRules = new IngestRules(() => options.Vouching, () => options.Grids, () => Bans.None, RevokedBranches)
        {
            Claimed = (branch, name, agrees) => quotas.Claimed(branch, BranchQuotas.IdOf(name), agrees, time.GetUtcNow()),
        };
        var ingest = new IngestParts(keys, ledger, ingestRules, context => CallerAsync(gate, context), new UploadMemory(UploadMemory.Default), time);
        var state = new OwnersView(() => IsReady(canary), () => _draining, cache, quotas, metrics, time);
        await canary.CheckAsync(CancellationToken.None);
        await ReadRollAsync(CancellationToken.None);
        Run(canary.FollowAsync);
        Run(ct => KnowRollAsync(time, ct));
        Run(Desk.FollowAsync);

        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = s_lastRequests);
        builder.Services.AddRouting();
        builder.Services.AddOpenApi();
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = at => at.Equals(Endpoint) ? listener : owners);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Tame(kestrel);
            kestrel.Listen(Endpoint, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = Handshakes(time) });
            });
            kestrel.Listen(Private, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection =>
                {
                    connection.Items[s_private] = s_private;
                    return next(connection);
                });
            });
        });
        WebApplication web = builder.Build();
        web.Use(next => context => AdmitAsync(context, next, canary));
        web.UseRouting();
        web.Use(next => context => SeparateAsync(context, next));
        RouteGroupBuilder api = web.MapGroup("");
        ((IEndpointConventionBuilder)api).Add(Describe);
        api.MapGet(NodeApi.Health, (RequestDelegate)(_ => Task.CompletedTask));
        api.MapGet(NodeApi.Asset, (RequestDelegate)assets.HandleAsync);
        api.MapEnrolment(Desk, tokens, time, _log);
        api.MapIngest(ingest);
        state.Map(web);
        _parts.Push(web);
        await web.StartAsync();
    }

    // Who was shut out must not come in by a restart, so nobody does before the roll has been read once.
    private bool IsReady(Canary canary) => canary.Sings && _rollKnown;

    private async Task ReadRollAsync(CancellationToken ct)
    {
        try
        {
            await Desk.RefreshAsync(ct);
            _rollKnown = true;
        }
        catch (StoreTroubleException)
        {
            // The canary tells of it, and the desk.
        }
    }

    private async Task KnowRollAsync(TimeProvider time, CancellationToken ct)
    {
        try
        {
            while (!_rollKnown)
            {
                await Task.Delay(s_retry, time, ct);
                await ReadRollAsync(ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    private IReadOnlyCollection<string> RevokedBranches() => [.. Desk.Roll.Branches.Where(b => b.Value.Revoked is not null).Select(b => b.Key)];

    private static async ValueTask<Caller?> CallerAsync(SessionGate gate, HttpContext context) => await gate.EnterAsync(context) is { } who
        ? new Caller(who.Branch, who.BranchSince, who.ClientKey, who.Uploader, context.Connection.RemoteIpAddress ?? IPAddress.None) : null;

    /// <summary>What is true of every request: a draining node says so, and one whose store is in trouble says nothing else.</summary>
    private Task AdmitAsync(HttpContext context, RequestDelegate next, Canary canary)
    {
        if (_draining) context.Response.Headers[NodeApi.DrainingHeader] = "1";
        if (IsReady(canary) || !context.Request.Path.StartsWithSegments("/v1", StringComparison.Ordinal)) return next(context);
        context.Response.Headers.RetryAfter = "5";
        context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        return Task.CompletedTask;
    }

    /// <summary>What is the owner's is not there on the public listener, and the other way round: no token passes in clear.</summary>
    private static Task SeparateAsync(HttpContext context, RequestDelegate next)
    {
        bool isPrivate = context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(s_private) == true;
        if (context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<OwnersOnly>() is not null != isPrivate && context.Request.Path != NodeApi.Health)
            context.SetEndpoint(null);
        return next(context);
    }

    // A plain delegate is described in the OpenAPI document only if it says which method it is.
    private static void Describe(EndpointBuilder endpoint)
    {
        if (endpoint.RequestDelegate is { } handler) endpoint.Metadata.Add(handler.Method);
    }

    private Func<TlsHandshakeCallbackContext, ValueTask<SslServerAuthenticationOptions>> Handshakes(TimeProvider time)
    {
        (X509Certificate2 Certificate, SslStreamCertificateContext Context)? ready = null;
        List<SslApplicationProtocol> protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        return _ =>
        {
            X509Certificate2 certificate = Grid.NodeCertificate(time.GetUtcNow());
            (X509Certificate2 Certificate, SslStreamCertificateContext Context)? now = ready;
            // Made once for a certificate: it holds the session tickets too.
            if (now?.Certificate != certificate) ready = now = (certificate, SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true));
            return new ValueTask<SslServerAuthenticationOptions>(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = now!.Value.Context,
                ApplicationProtocols = protocols,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                AllowRenegotiation = false,
            });
        };
    }

    /// <summary>A server on the open internet.</summary>
    private static void Tame(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 20_000;
        kestrel.Limits.MaxRequestBodySize = 1 << 20;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 << 10;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
    }

    private static GridFacts FactsOf(NodeOptions options, IPEndPoint endpoint) => new()
    {
        Name = options.Name,
        Host = options.Host,
        Port = endpoint.Port,
        Nodes = options.Addresses.Count > 0 ? options.Addresses
            : [(endpoint.Address.Equals(IPAddress.Any) || endpoint.Address.Equals(IPAddress.IPv6Any) ? IPAddress.Loopback : endpoint.Address).ToString()],
        Grids = options.Grids,
    };

    private static Socket Bind(IPEndPoint endpoint, string option)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Elsewhere nobody can listen on a port that is listened on; Windows must be told so.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.Bind(endpoint);
            socket.Listen();
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CannotStartException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"Port {endpoint.Port} is in use: stop the other program, or choose another with {option}.",
                SocketError.AccessDenied => $"Port {endpoint.Port} may not be used by this user: choose one above 1023 with {option}.",
                SocketError.AddressNotAvailable => $"{endpoint.Address} is no address of this machine: choose another with {option}.",
                _ => $"{endpoint} cannot be listened on ({e.SocketErrorCode}): choose another with {option}.",
            });
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

    /// <summary>Signals are the program's business, not the server's: it runs inside tests and benchmarks too.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
