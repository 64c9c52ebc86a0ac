using GlobalCache.Chaos.World;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Office;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Chaos.Parts;

/// <summary>
/// One start of a master, as <c>MasterApp</c> puts it together: the office that lets people in, gives out sessions and keeps the control document, and the loop that
/// opens and closes nodes.
/// </summary>
#pragma warning disable CA1001 // What it holds is memory, and goes with it.
internal sealed class MasterLife
#pragma warning restore CA1001
{
    private readonly CancellationTokenSource _stop = new();
    private readonly Founding _founding;
    private readonly KeptMemory _kept;
    private ScalingState _scaling = new();

    public MasterLife(Simulation world, Network network, Bucket bucket, Machines machines, Zone zone, Founding founding, string name)
    {
        _founding = founding;
        Life = new Life(world, name, Founding.MasterPrivate);
        LifeClock time = Life.Clock;
        Store = bucket.For(Life);
        KeptGrid grid = founding.Grid();
        Random dice = world.Dice(name);
        Control = new ControlFollower(Store, grid.ControlPublicKey(), time, world.Log);
        Office = new GridOffice(grid, Store, Control, founding.Policy, time, world.Log, dice);
        Reports = new ReportDesk(time);
        var fleet = new WatchedFleet(machines.For(Life), Reports.Follow);
        var nodes = new HttpNodes(Reports, grid.Report, Founding.NodePort, time, network.From(Life, request => request.RequestUri!.Host));
        Lease = new Lease(Store, name, () => Policy.Scaling.Life, time);
        Reconciler = new Reconciler(fleet, zone.For(Life), nodes, Lease, () => Policy.Scaling, (seen, rules, now) => Decide.Next(_scaling, seen, rules, now),
            new FleetTerms { Price = _ => Machines.Price, Jitter = dice.NextDouble }, time, world.Log);
        _kept = new KeptMemory(Store, time);
        var tokens = new SessionTokens(grid.File.Host, new SessionKeyRing(
            Office.Issuer.Signs, id => Control.Current?.Key(id, time.GetUtcNow()), () => Control.ReadForUnknownKeyAsync(CancellationToken.None)), time);
        network.Listen(Founding.MasterAddress, Pipeline.Build(Life, (context, next) => next(context), routes => routes.MapEnrolment(
            Office.Desks.Enrolment, grid.Office, tokens, GridBody.Of(grid.File), code => grid.InviteOf(code).ToString(), () => Denials.Of(Control.Current?.Document, time.GetUtcNow()), time, world.Log)));
        var reports = new FleetEndpoints(grid.Report, Reports, (node, request) => grid.CertificateFor(node, request, time.GetUtcNow()), () => Lease.IsHeld ? Lease.Epoch : null);
        network.Listen(Founding.MasterPrivate, Pipeline.Build(Life, (context, next) => next(context), reports.Map));
        Life.AtEnd(() => world.Tell($"end {name}"));
        _ = BeginAsync();
    }

    public Life Life { get; }

    public IObjectStore Store { get; }

    public ControlFollower Control { get; }

    public GridOffice Office { get; }

    public ReportDesk Reports { get; }

    public Lease Lease { get; }

    public Reconciler Reconciler { get; }

    private GridPolicy Policy => Control.Current?.Policy ?? _founding.Policy;

    private async Task BeginAsync()
    {
        CancellationToken stop = _stop.Token;
        await Office.Keeper.RunOnceAsync(stop);
        _ = Office.Keeper.FollowAsync(stop);
        _scaling = await _kept.RestoreAsync(Policy.Scaling, stop);
        Office.Keeper.Nodes = () => Reconciler.Snapshot is { Leads: true } seen ? Math.Clamp(seen.Nodes.Count(n => n.State is NodeState.InService or NodeState.Leaving), 1, 1000) : null;
        _ = Reconciler.RunAsync(stop);
        _ = _kept.FollowAsync(() => Lease.IsHeld ? ScalingMemory.Save(_scaling) : null, stop);
    }
}
