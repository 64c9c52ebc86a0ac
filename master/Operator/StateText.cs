using System.Globalization;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Operator;

/// <summary>A master's state as lines for a terminal: what the dashboard says first.</summary>
internal static class StateText
{
    /// <summary>The lines.</summary>
    public static string Of(MasterState state)
    {
        List<string> lines =
        [
            state.Leads ? $"{state.Grid}: {Count(state)}." : $"{state.Grid}: another master leads, or none can.",
            $"Demand {Number(state.Demand.RequestsPerSecond, "0.#")} requests a second; the DNS names {state.Dns.Addresses.Count} addresses; {string.Create(CultureInfo.InvariantCulture, $"{state.Cost.PerHour:0.00##} {state.Cost.Currency}")} an hour.",
        ];
        if (state.Plan is { } plan) lines.Add($"Plan: {plan.Target} nodes. {plan.Reason}");
        lines.AddRange(state.Nodes.Where(n => n.State is not NodeStage.Gone).Select(n =>
            $"{n.Name} {Stage(n.State)} {(n.Address.Length > 0 ? n.Address : "no address yet")}, load {Number(n.Load, "0 %")}, {Number(n.RequestsPerSecond, "0.#")} requests a second, {n.InFlight?.ToString(CultureInfo.InvariantCulture) ?? "?"} in flight{(n.IsSilent ? ", silent" : "")}"));
        lines.AddRange(state.Alarms.Select(a => $"Look at this: {a}"));
        return string.Join('\n', lines);
    }

    private static string Count(MasterState state)
    {
        int serving = state.Nodes.Count(n => n.State is NodeStage.InService), running = state.Nodes.Count(n => n.State is not (NodeStage.Gone or NodeStage.Foreign));
        string all = $"{serving} nodes in service, {running - serving + state.Ordered} on their way in or out";
        return state.IsHeld ? all + "; all are to go, and none is opened until resume" : all;
    }

    private static string Stage(NodeStage stage) => stage switch
    {
        NodeStage.InService => "in service",
        NodeStage.Foreign => "is not this master's",
        _ => stage.ToString().ToLowerInvariant(),
    };

    private static string Number(double? value, string form) => value?.ToString(form, CultureInfo.InvariantCulture) ?? "unknown";
}
