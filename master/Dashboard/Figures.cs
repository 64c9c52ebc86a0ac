using System.Globalization;
using System.Text;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>The state in the text that Prometheus reads. No asset, person or address is ever a label (SECURITY §7); a node's name is.</summary>
internal static class Figures
{
    /// <summary>Prometheus text format 0.0.4.</summary>
    public static string Of(MasterState state)
    {
        var text = new StringBuilder();
        One(text, "leads", "1 while this master leads.", state.Leads ? 1 : 0);
        One(text, "epoch", "Of the lease it leads by; 0: none.", state.Epoch);
        One(text, "alarms", "What somebody must look at.", state.Alarms.Count);
        One(text, "requests_per_second", "Asked of all nodes.", state.Demand.RequestsPerSecond);
        One(text, "forecast_requests_per_second", "Expected by the time a node launched now would serve.", state.Demand.ForecastPerSecond);
        One(text, "node_capacity_requests_per_second", "Served by one node at load 1.", state.Demand.NodeCapacityPerSecond);
        One(text, "silent_nodes", "In service, and not heard of.", state.Demand.Silent);
        One(text, "target_nodes", "That are to serve or be on their way to.", state.Plan?.Target);
        One(text, "ordered_nodes", "Asked for, and not shown by the fleet yet.", state.Ordered);
        One(text, "dns_addresses", "That the nodes' name has.", state.Dns.Addresses.Count);
        One(text, "spend_per_hour", $"What runs now costs an hour, in {state.Cost.Currency}.", (double)state.Cost.PerHour);
        One(text, "spend_last_day", $"Spent in the last 24 hours, in {state.Cost.Currency}.", (double)state.Cost.LastDay);
        One(text, "peak_spend_per_hour", $"What a fixed fleet for the day's busiest minute costs an hour, in {state.Cost.Currency}.", (double)state.Cost.PeakPerHour);
        One(text, "node_hours_last_day", "Hours of nodes in the last 24 hours.", state.Cost.NodeHoursLastDay);
        One(text, "hits_total", "Assets served by all nodes.", state.Cache.Hits, "counter");
        One(text, "misses_total", "Asset requests that all nodes answered \u201cnot here\u201d.", state.Cache.Misses, "counter");
        One(text, "saved_bytes_total", "Sent by all nodes, so not by a virtual world.", state.Cache.SavedBytes, "counter");
        Many(text, "nodes", "By where they are in their life.", Enum.GetValues<NodeStage>().Select(s => ($"state=\"{s.ToString().ToLowerInvariant()}\"", (double?)state.Nodes.Count(n => n.State == s))));
        FleetNode[] live = [.. state.Nodes.Where(n => n.State is not (NodeStage.Gone or NodeStage.Foreign))];
        Many(text, "node_load", "The tightest of a node's resources, 1: full.", live.Select(n => (Label("node", n.Name), n.Load)));
        Many(text, "node_requests_per_second", "Asked of a node.", live.Select(n => (Label("node", n.Name), n.RequestsPerSecond)));
        Many(text, "limit_used", "Of what the policy allows.", state.Limits.Select(l => (Label("limit", l.Name), (double?)l.Used)));
        Many(text, "limit_most", "What the policy allows.", state.Limits.Select(l => (Label("limit", l.Name), (double?)l.Most)));
        return text.ToString();
    }

    private static void One(StringBuilder text, string name, string help, double? value, string type = "gauge")
    {
        if (value is not { } known) return;
        Head(text, name, help, type);
        text.Append("gc_master_").Append(name).Append(' ').Append(known.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
    }

    private static void Many(StringBuilder text, string name, string help, IEnumerable<(string Label, double? Value)> values)
    {
        Head(text, name, help, "gauge");
        foreach ((string label, double? value) in values)
        {
            if (value is { } known) text.Append("gc_master_").Append(name).Append('{').Append(label).Append("} ").Append(known.ToString("R", CultureInfo.InvariantCulture)).Append('\n');
        }
    }

    private static void Head(StringBuilder text, string name, string help, string type) =>
        text.Append("# HELP gc_master_").Append(name).Append(' ').Append(help).Append("\n# TYPE gc_master_").Append(name).Append(' ').Append(type).Append('\n');

    private static string Label(string name, string value) => $"{name}=\"{value.Replace("\\", @"\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal)}\"";
}
