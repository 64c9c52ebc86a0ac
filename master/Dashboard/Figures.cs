using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using GlobalCache.Master.Reconcile;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>
/// The state in the text that Prometheus reads, and on a meter for OpenTelemetry under the same names (without <c>_total</c>, which a collector adds). No asset, person or
/// address is ever a label (SECURITY §7); a node's name is.
/// </summary>
internal static class Figures
{
    private const string Prefix = "gc_master_", Total = "_total";

    private static readonly Figure[] s_all =
    [
        One("leads", "1 while this master leads.", s => s.Leads ? 1 : 0),
        One("epoch", "Of the lease it leads by; 0: none.", s => s.Epoch),
        One("alarms", "What somebody must look at.", s => s.Alarms.Count),
        One("requests_per_second", "Asked of all nodes.", s => s.Demand.RequestsPerSecond),
        One("forecast_requests_per_second", "Expected by the time a node launched now would serve.", s => s.Demand.ForecastPerSecond),
        One("node_capacity_requests_per_second", "Served by one node at load 1.", s => s.Demand.NodeCapacityPerSecond),
        One("silent_nodes", "In service, and not heard of.", s => s.Demand.Silent),
        One("target_nodes", "That are to serve or be on their way to.", s => s.Plan?.Target),
        One("ordered_nodes", "Asked for, and not shown by the fleet yet.", s => s.Ordered),
        One("dns_addresses", "That the nodes' name has.", s => s.Dns.Addresses.Count),
        One("spend_per_hour", "What runs now costs an hour, in the policy's currency.", s => (double)s.Cost.PerHour),
        One("spend_last_day", "Spent in the last 24 hours, in the policy's currency.", s => (double)s.Cost.LastDay),
        One("peak_spend_per_hour", "What a fixed fleet for the day's busiest minute costs an hour, in the policy's currency.", s => (double)s.Cost.PeakPerHour),
        One("node_hours_last_day", "Hours of nodes in the last 24 hours.", s => s.Cost.NodeHoursLastDay),
        One("hits_total", "Assets served by all nodes.", s => s.Cache.Hits),
        One("misses_total", "Asset requests that all nodes answered “not here”.", s => s.Cache.Misses),
        One("saved_bytes_total", "Sent by all nodes, so not by a virtual world.", s => s.Cache.SavedBytes),
        new("nodes", "By where they are in their life.", "state", s => Enum.GetValues<NodeStage>().Select(stage => (stage.ToString().ToLowerInvariant(), (double?)s.Nodes.Count(n => n.State == stage)))),
        new("node_load", "The tightest of a node's resources, 1: full.", "node", s => Live(s).Select(n => (n.Name, n.Load))),
        new("node_requests_per_second", "Asked of a node.", "node", s => Live(s).Select(n => (n.Name, n.RequestsPerSecond))),
        new("limit_used", "Of what the policy allows.", "limit", s => s.Limits.Select(l => (l.Name, (double?)l.Used))),
        new("limit_most", "What the policy allows.", "limit", s => s.Limits.Select(l => (l.Name, (double?)l.Most))),
    ];

    /// <summary>One figure, of which there are as many as the label has values; none that is not known.</summary>
    private sealed record Figure(string Name, string Help, string? Label, Func<MasterState, IEnumerable<(string Of, double? Value)>> Look)
    {
        public bool IsCounter => Name.EndsWith(Total, StringComparison.Ordinal);
    }

    /// <summary>Prometheus text format 0.0.4.</summary>
    public static string Of(MasterState state)
    {
        var text = new StringBuilder();
        foreach (Figure figure in s_all)
        {
            (string Of, double? Value)[] known = [.. figure.Look(state).Where(v => v.Value is not null)];
            if (figure.Label is null && known.Length == 0) continue;
            text.Append("# HELP ").Append(Prefix).Append(figure.Name).Append(' ').Append(figure.Help).Append("\n# TYPE ").Append(Prefix).Append(figure.Name)
                .Append(figure.IsCounter ? " counter\n" : " gauge\n");
            foreach ((string of, double? value) in known)
            {
                text.Append(Prefix).Append(figure.Name);
                if (figure.Label is { } label) text.Append('{').Append(label).Append("=\"").Append(Escaped(of)).Append("\"}");
                text.Append(' ').Append(value!.Value.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
            }
        }
        return text.ToString();
    }

    /// <summary>The same on a meter, for as long as that is not disposed of. Looked up only where somebody listens.</summary>
    public static Meter Observe(Func<MasterState> state)
    {
        var meter = new Meter(MasterTraces.Name);
        foreach (Figure figure in s_all)
        {
            IEnumerable<Measurement<double>> Look() => figure.Look(state()).Where(v => v.Value is not null)
                .Select(v => figure.Label is { } label ? new Measurement<double>(v.Value!.Value, new KeyValuePair<string, object?>(label, v.Of)) : new Measurement<double>(v.Value!.Value));
            if (figure.IsCounter) meter.CreateObservableCounter(Prefix + figure.Name[..^Total.Length], Look, unit: null, figure.Help);
            else meter.CreateObservableGauge(Prefix + figure.Name, Look, unit: null, figure.Help);
        }
        return meter;
    }

    private static Figure One(string name, string help, Func<MasterState, double?> look) => new(name, help, null, s => [("", look(s))]);

    private static IEnumerable<FleetNode> Live(MasterState state) => state.Nodes.Where(n => n.State is not (NodeStage.Gone or NodeStage.Foreign));

    private static string Escaped(string value) =>
        value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
}
