using System.Net;
using GlobalCache.Chaos.World;
using GlobalCache.Node;
using GlobalCache.Node.Control;
using GlobalCache.Node.Fleet;
using GlobalCache.Node.Ingest;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Chaos.Parts;

/// <summary>One start of a node on its machine: the product's own parts as <c>NodeApp</c> puts them together, over a simulated store and network in place of S3 and Kestrel.</summary>
#pragma warning disable CA1001 // What it holds is memory, and goes with it.
internal sealed class NodeLife
#pragma warning restore CA1001
{
    public const long CacheBytes = 2 << 20;

    private static readonly TimeSpan s_reports = TimeSpan.FromSeconds(4);

    /// <summary>Requests a second at which it says that it is full.</summary>
    public const double Capacity = 0.5;

    private readonly CancellationTokenSource _stop = new();
    private readonly Network _network;
    private readonly Machine _machine;
    private readonly Canary _canary;
    private readonly IObjectStore _store;
    private readonly MasterLink _link;
    private readonly Server _public, _private;

    public NodeLife(Simulation world, Network network, Bucket bucket, Founding founding, Machine machine, string name)
    {
        // It is its private address that the master knows it by.
        Life = new Life(world, name, machine.PrivateAddress.ToString());
        (_network, _machine) = (network, machine);
        LifeClock time = Life.Clock;
        var store = new WatchedStore(bucket.For(Life));
        (_store, Random dice) = (store, world.Dice(name));
        Traffic = new Traffic(time, Traffic.WindowOf(s_reports));
        Control = new ControlFollower(store, ControlEnvelope.PublicKeyOf(founding.File), time, world.Log);
        Cache = new AssetCache(CacheBytes);
        var tokens = new SessionTokens(founding.File.Host, new SessionKeyRing(
            () => null, id => Control.Current?.Key(id, time.GetUtcNow()), () => Control.ReadForUnknownKeyAsync(CancellationToken.None)), time);
        var gate = new SessionGate(tokens, who => Control.Known.IsRevoked(who));
        var blobs = new BlobSource(store, founding.Keys, Cache, time, () => Control.Known.Policy.Vouching.Lead >= 2);
        store.Changed = blobs.Forget;
        GridPolicy Policy() => Control.Current?.Policy ?? founding.Policy;
        Accounts = new BranchAccounts(store, founding.Keys, () => Policy().Quotas, () => Policy().Nodes, branch => Control.Current?.IsThrottled(branch) == true, time, dice);
        var rules = new ServingRules(g => Control.Known.IsShared(g), n => Control.Known.Bans.Contains(n),
            (standing, length) => ServingRules.WithheldOf(Control.Known.Policy.Vouching, Control.Known.Policy.Quotas, standing, length));
        Metrics = new NodeMetrics();
        var assets = new AssetEndpoint(gate, founding.Keys, blobs, Accounts, rules, Metrics, time);
        _canary = new Canary(store, founding.Keys, time, world.Log);
        Ledger = new Ledger(store, new RecordSeal(founding.Keys), () => Control.Known.Policy.Vouching, ClaimTags.Revoked(founding.Keys, () => Control.Known.RevokedBranches), time, dice);
        var ingest = new IngestRules(() => Control.Known.Policy.Vouching, () => Control.Known.Policy.Grids, () => Control.Known.Bans, () => Control.Known.RevokedBranches)
        {
            Claimed = (branch, n, answer) => Accounts.Claimed(branch, BranchAccounts.IdOf(n), answer.Agrees, new Checks(founding.Keys, rules).IsOne(branch, n, answer.Record, time.GetUtcNow())),
        };
        var parts = new IngestParts(founding.Keys, Ledger, Accounts, ingest, context => CallerAsync(gate, context), new UploadMemory(UploadMemory.Default), time);
        var options = new FleetOptions { Id = machine.Id, Master = IPEndPoint.Parse($"{Founding.MasterPrivate}:{Founding.MasterPort}"), ReportEvery = s_reports };
        _link = new MasterLink(options, founding.Report, founding.File, machine.PrivateAddress, time, world.Log, network.From(Life, _ => Founding.MasterPrivate));
        _public = Pipeline.Build(Life, AdmitAsync, routes =>
        {
            routes.MapGet(NodeApi.Asset, (RequestDelegate)assets.HandleAsync);
            routes.MapIngest(parts);
        }) with
        { Certificate = () => _link.Certificate(time.GetUtcNow()) };
        var view = new OwnersView(() => IsReady, () => Orders.IsDraining, Cache, Accounts, Control, Metrics, Traffic, () => Load, time);
        var orders = new OrderEndpoints(options, new NodeSecrets(founding.Keys, founding.Report), Orders, Traffic, time, world.Log);
        _private = Pipeline.Build(Life, (context, next) => next(context), routes =>
        {
            view.Map(routes);
            orders.Map(routes);
        });
        Life.AtEnd(() => world.Tell($"end {name}"));
        _ = BeginAsync();
    }

    public Life Life { get; }

    public Traffic Traffic { get; }

    public Orders Orders { get; } = new();

    public ControlFollower Control { get; }

    public AssetCache Cache { get; }

    public BranchAccounts Accounts { get; }

    public NodeMetrics Metrics { get; }

    public Ledger Ledger { get; }

    /// <summary>It has come as far as to answer.</summary>
    public bool IsUp { get; private set; }

    /// <summary>No master has been heard for a day: it stops.</summary>
    public bool IsOrphan { get; private set; }

    /// <summary>As <c>/readyz</c> says.</summary>
    public bool IsReady => IsUp && _canary.Sings && Control.Current is not null && !Orders.HasAgreedToGo;

    private double Load => Math.Max(Traffic.Rates().Requests / Capacity, Traffic.InFlight / 512.0);

    private async Task BeginAsync()
    {
        CancellationToken stop = _stop.Token;
        await _canary.CheckAsync(stop);
        await Control.ReadAsync(stop);
        _ = _canary.FollowAsync(stop);
        _ = Control.FollowAsync(stop);
        _ = Accounts.FollowAsync(stop);
        _ = new Takedown(Ledger, () => Control.Current?.Bans ?? Bans.None, Life.Clock, Life.World.Log).FollowAsync(stop);
        await _link.BeginAsync(stop);
        // One that was ended while it waited answers nobody.
        if (Life.IsOver) return;
        _network.Listen(_machine.Address.ToString(), _public);
        _network.Listen(_machine.PrivateAddress.ToString(), _private);
        IsUp = true;
        Life.World.Tell($"up {Life.Name}");
        IsOrphan = await _link.FollowAsync(Report, serial => Control.Current?.Denies(serial) == true, stop);
        if (!IsOrphan) return;
        Life.World.Tell($"orphan {Life.Name}");
        Life.End();
    }

    private NodeReport Report()
    {
        (double requests, double bytes, double slowest) = Traffic.Rates();
        return new NodeReport
        {
            Node = "",
            At = 0,
            Ready = IsReady,
            Draining = Orders.IsDraining,
            Epoch = Orders.Epoch,
            RequestsPerSecond = requests,
            InFlight = Traffic.InFlight,
            QuietSeconds = Traffic.Quiet.TotalSeconds,
            SentBytesPerSecond = bytes,
            Load = Load,
            SlowestMilliseconds = slowest,
            Hits = Metrics.MemoryHits.Value + Metrics.StoreHits.Value,
            Misses = Metrics.Misses.Value,
            SentBytes = Metrics.BytesSent.Value,
            FlaggedBranches = Accounts.Sum().Flagged,
            ControlSequence = Control.Current?.Document.Sequence ?? 0,
        };
    }

    private async Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        if (Orders.IsDraining) context.Response.Headers[NodeApi.DrainingHeader] = "1";
        long begun = Traffic.Begun();
        try
        {
            if (IsReady)
            {
                await next(context);
                return;
            }
            context.Response.Headers.RetryAfter = "5";
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
        }
        finally
        {
            Traffic.Ended(begun, context.Response.ContentLength ?? 0);
        }
    }

    private static async ValueTask<Caller?> CallerAsync(SessionGate gate, HttpContext context) => await gate.EnterAsync(context) is { } who
        ? new Caller(who.Branch, who.BranchSince, who.ClientKey, who.Uploader, context.Connection.RemoteIpAddress ?? IPAddress.None) : null;
}
