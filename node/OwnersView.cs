using System.Reflection;
using GlobalCache.Node.Fleet;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Office.Control;
using GlobalCache.Office.Serving;
using Scalar.AspNetCore;

namespace GlobalCache.Node;

/// <summary>What <c>/status</c> says. Sums only: no asset, client or address.</summary>
internal sealed record NodeStatus(
    string Version, double UpSeconds, bool Ready, bool Draining, int CachedAssets, long CachedBytes, int Branches, int FlaggedBranches,
    long MemoryHits, long StoreHits, long Misses, long SentBytes,
    long ControlSequence, double ControlAgeSeconds, long ControlRefused, string? ControlWrong,
    double RequestsPerSecond, int InFlight, double QuietSeconds, double Load);

/// <summary>The private listener: whether the node is ready, how it does, its figures, and the description of its interface.</summary>
internal sealed class OwnersView
{
    private readonly Func<bool> _ready, _draining;
    private readonly AssetCache _cache;
    private readonly BranchAccounts _quotas;
    private readonly ControlFollower _control;
    private readonly NodeMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly Traffic _traffic;
    private readonly Func<double> _load;
    private readonly long _since;

    public OwnersView(Func<bool> ready, Func<bool> draining, AssetCache cache, BranchAccounts quotas, ControlFollower control, NodeMetrics metrics, Traffic traffic, Func<double> load, TimeProvider time)
    {
        (_ready, _draining, _cache, _quotas, _control, _metrics, _time, _since) = (ready, draining, cache, quotas, control, metrics, time, time.GetTimestamp());
        (_traffic, _load) = (traffic, load);
        metrics.Show("gc_node_cached_assets", "Assets in memory.", () => cache.Count);
        metrics.Show("gc_node_cached_bytes", "What they take of the memory budget.", () => cache.Bytes);
        metrics.Show("gc_node_heap_bytes", "Managed memory in use.", () => GC.GetTotalMemory(forceFullCollection: false));
        metrics.Show("gc_node_ready", "1 while the store can be used.", () => ready() ? 1 : 0);
        metrics.Show("gc_node_draining", "1 once the node is about to go.", () => draining() ? 1 : 0);
        metrics.Show("gc_node_flagged_branches", "Branches that leave their checks unanswered.", () => quotas.Sum().Flagged);
        metrics.Show("gc_node_control_sequence", "The control document in force.", () => control.Current?.Document.Sequence ?? 0);
        metrics.Show("gc_node_control_age_seconds", "Since it was last looked for in the store; -1: never.", ControlAge);
        metrics.Show("gc_node_control_refused", "Control documents refused since the start.", () => control.Refused);
        metrics.Show("gc_node_control_wrong", "1 while the one in the store is not the one in force.", () => control.Wrong is null ? 0 : 1);
    }

    public void Map(IEndpointRouteBuilder routes)
    {
        RouteGroupBuilder owners = routes.MapGroup("").WithMetadata(new OwnersOnly());
        owners.MapGet("/readyz", () => Results.Text(
            _draining() ? "draining\n" : _ready() ? "ready\n" : "store\n", statusCode: _ready() && !_draining() ? 200 : 503));
        owners.MapGet("/status", () => Status());
        owners.MapGet("/metrics", () => Results.Text(_metrics.ToString(), "text/plain; version=0.0.4"));
        ((IEndpointConventionBuilder)owners).Add(ApiDescription.Describe);
        owners.MapOpenApi();
        // Nothing is asked of another server, not even for letters.
        owners.MapScalarApiReference("/scalar", page => page.WithTitle("GlobalCache node").DisableDefaultFonts());
    }

    private NodeStatus Status()
    {
        (int branches, int flagged) = _quotas.Sum();
        return new NodeStatus(
            typeof(OwnersView).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "", _time.GetElapsedTime(_since).TotalSeconds,
            _ready(), _draining(), _cache.Count, _cache.Bytes, branches, flagged,
            _metrics.MemoryHits.Value, _metrics.StoreHits.Value, _metrics.Misses.Value, _metrics.BytesSent.Value,
            _control.Current?.Document.Sequence ?? 0, ControlAge(), _control.Refused, _control.Wrong,
            _traffic.Rates().Requests, _traffic.InFlight, _traffic.Quiet.TotalSeconds, _load());
    }

    private double ControlAge() => _control.Age is { } age && age >= TimeSpan.Zero ? age.TotalSeconds : -1;
}
