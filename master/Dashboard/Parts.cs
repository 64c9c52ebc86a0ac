using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>A section of the page that lives: its element's id, which is the name of its events too, and what is in it.</summary>
internal sealed record Part(string Id, string Html);

/// <summary>
/// The page's live sections. They are made here alone: the first page holds them, and what changes is sent whole as it stands, so that script and server cannot
/// differ. Nothing in them can have the keyboard's focus, which would be lost with every change.
/// </summary>
internal static class Parts
{
    /// <summary>All sections, in the page's order.</summary>
    public static IReadOnlyList<Part> Of(MasterState state, DayPlot day) =>
    [
        Of("clock", Clock(state)), Of("alarms", Alarms(state)), Of("tiles", Tiles(state)), Of("plan", Plan(state)), Of("plots", Plots.Of(day, state.Cost)),
        Of("nodes", Nodes(state)), Of("dns", Dns(state)), Of("limits", Limits(state)), Of("decisions", Decisions(state)),
    ];

    private static Part Of(string id, Html html) => new(id, html.ToString());

    private static Html Clock(MasterState state)
    {
        var html = new Html().Add($"<time datetime=\"{Shown.Machine(state.Now)}\">{Shown.Second(state.Now)} UTC</time> · ");
        return state.Leads ? html.Add($"leads, epoch {state.Epoch}") : html.Add($"<strong>stands by: another master leads, or none can</strong>");
    }

    private static Html Alarms(MasterState state)
    {
        var html = new Html();
        foreach (string alarm in state.Alarms) html.Add($"<p class=\"alarm\"><b>Alarm</b> {alarm}</p>");
        return html;
    }

    private static Html Tiles(MasterState state)
    {
        (DemandState demand, CostState cost, CacheState cache) = (state.Demand, state.Cost, state.Cache);
        int serving = state.Nodes.Count(n => n.State == NodeStage.InService);
        int coming = state.Ordered + state.Nodes.Count(n => n.State is NodeStage.Requested or NodeStage.Booting or NodeStage.Warming);
        int going = state.Nodes.Count(n => n.State is NodeStage.Leaving or NodeStage.Draining or NodeStage.Terminating);
        double? load = demand.NodeCapacityPerSecond is > 0 and { } each && serving > 0 ? demand.RequestsPerSecond / (each * serving) : null;
        var html = new Html();
        Tile(html, "Demand", $"{Shown.Number(demand.RequestsPerSecond)}", "requests/s", $"expected: {Shown.Number(demand.ForecastPerSecond)} · fleet {Shown.Percent(load)} full");
        Tile(html, "Nodes", $"{serving}", "in service", $"wanted: {(state.Plan is { } plan ? $"{plan.Target}" : "–")} · {coming} coming · {going} going");
        string peak = cost.PeakPerHour > 0 ? $"a fixed fleet of {cost.PeakNodes}: {Shown.Money(cost.PeakPerHour, "")}/h" : $"against a fixed fleet of {cost.PeakNodes}";
        string saved = cost.SavedShare is { } share ? $" · {Shown.Percent(share)} saved" : "";
        if (cost is { PerHour: 0, PeakPerHour: 0 }) Tile(html, "Node-hours", Shown.Number(cost.NodeHoursLastDay), "in 24 h", peak + saved);
        else Tile(html, "Cost", Shown.Money(cost.PerHour, ""), $"{cost.Currency}/h", $"last day: {Shown.Money(cost.LastDay, "")} · {peak}{saved}");
        Tile(html, "Hit rate", Shown.Percent(cache.HitRateNow ?? cache.HitRate), "of asset requests", $"last day: {Shown.Percent(cache.HitRate)} · {Shown.Number(cache.Hits)} hits");
        Tile(html, "Bytes saved", Shown.Bytes(cache.SavedBytesLastDay), "in 24 h", $"since the start: {Shown.Bytes(cache.SavedBytes)}");
        return html;
    }

    private static void Tile(Html html, string name, string value, string unit, string more) =>
        html.Add($"<div class=\"tile\"><h2>{name}</h2><p class=\"value\">{value} <small>{unit}</small></p><p class=\"note\">{more}</p></div>");

    private static Html Plan(MasterState state) => state.Plan is { } plan
        ? new Html().Add($"<p><span class=\"word {plan.Change}\">{plan.Change}</span> {plan.Reason}</p>")
        : new Html().Add($"<p class=\"note\">Nothing has been decided yet.</p>");

    private static Html Nodes(MasterState state)
    {
        if (state.Nodes.Count == 0) return new Html().Add($"<p class=\"note\">There are none.</p>");
        bool isPaid = state.Nodes.Any(n => n.CostPerHour > 0);
        var html = new Html().Add($"<table><thead><tr><th scope=\"col\">Node</th><th scope=\"col\">State</th><th scope=\"col\">Since</th><th scope=\"col\">Load</th><th scope=\"col\">Requests/s</th><th scope=\"col\">In flight</th><th scope=\"col\">Sends</th><th scope=\"col\">DNS</th>");
        if (isPaid) html.Add($"<th scope=\"col\">{state.Cost.Currency}/h</th>");
        html.Add($"</tr></thead><tbody>");
        foreach (FleetNode node in state.Nodes)
        {
            string stage = Stage(node.State);
            html.Add($"<tr><th scope=\"row\">{node.Name}</th><td data-of=\"State\"><span class=\"word {Colour(node)}\">{stage}{(node.IsSilent ? ", silent" : "")}</span></td>");
            html.Add($"<td data-of=\"Since\"><time datetime=\"{Shown.Machine(node.Since)}\">{Shown.Second(node.Since)}</time></td><td data-of=\"Load\" class=\"load\">{Bar(node.Load, "load")}{Shown.Percent(node.Load)}</td>");
            html.Add($"<td data-of=\"Requests/s\">{Shown.Number(node.RequestsPerSecond)}</td><td data-of=\"In flight\">{Shown.Number(node.InFlight)}</td>");
            html.Add($"<td data-of=\"Sends\">{(node.SentBytesPerSecond is { } sends ? $"{Shown.Bytes(sends)}/s" : "–")}</td><td data-of=\"DNS\">{(node.InDns ? "yes" : "no")}</td>");
            if (isPaid) html.Add($"<td data-of=\"{state.Cost.Currency}/h\">{Shown.Money(node.CostPerHour, "")}</td>");
            html.Add($"</tr>");
        }

        return html.Add($"</tbody></table>");
    }

    // A picture of a figure that is beside it.
    private static Html Bar(double? share, string name)
    {
        double wide = Math.Round(Math.Clamp(share ?? 0, 0, 1) * 100, 1);
        string how = share is >= 1 ? "full" : share is >= 0.9 ? "high" : "fine";
        return new Html().Add($"<svg class=\"bar {how}\" viewBox=\"0 0 100 8\" preserveAspectRatio=\"none\" aria-hidden=\"true\" data-name=\"{name}\"><rect class=\"whole\" width=\"100\" height=\"8\"/><rect class=\"used\" width=\"{wide}\" height=\"8\"/></svg>");
    }

    private static Html Dns(MasterState state)
    {
        var html = new Html().Add($"<p><b>{state.Grid}</b> · answers may be kept for {state.Dns.TtlSeconds} s</p>");
        if (state.Dns.Addresses.Count == 0) return html.Add($"<p class=\"note\">Nobody is published, as far as is known.</p>");
        html.Add($"<ul class=\"addresses\">");
        foreach (string address in state.Dns.Addresses)
        {
            string who = state.Nodes.FirstOrDefault(n => n.Address == address && n.State is not (NodeStage.Gone or NodeStage.Foreign))?.Name ?? "nobody that is known";
            html.Add($"<li><code>{address}</code> {who}</li>");
        }

        return html.Add($"</ul>");
    }

    private static Html Limits(MasterState state)
    {
        if (state.Limits.Count == 0) return new Html().Add($"<p class=\"note\">They are the leading master's to keep.</p>");
        var html = new Html().Add($"<ul class=\"limits\">");
        foreach (LimitState limit in state.Limits)
        {
            double? share = limit.Most > 0 ? limit.Used / limit.Most : null;
            html.Add($"<li>{Bar(share, limit.Name)}<span><b>{Shown.Number(limit.Used)}</b> of {Shown.Number(limit.Most)} {limit.Meaning}</span></li>");
        }

        return html.Add($"</ul>");
    }

    private static Html Decisions(MasterState state)
    {
        if (state.Decisions.Count == 0) return new Html().Add($"<p class=\"note\">Nothing has happened yet.</p>");
        var html = new Html().Add($"<ol class=\"history\">");
        foreach (DecisionState one in state.Decisions)
            html.Add($"<li><time datetime=\"{Shown.Machine(one.At)}\">{Shown.Second(one.At)}</time> <span class=\"word {one.What}\">{one.What}</span> <span>{(one.Node.Length > 0 ? $"{one.Node}: " : "")}{one.Reason}</span></li>");
        return html.Add($"</ol>");
    }

    private static string Stage(NodeStage stage) => stage == NodeStage.InService ? "in service" : stage.ToString().ToLowerInvariant();

    private static string Colour(FleetNode node) => node switch
    {
        { IsSilent: true } or { State: NodeStage.Lost or NodeStage.Foreign } => "alarm",
        { State: NodeStage.InService } => "good",
        { State: NodeStage.Requested or NodeStage.Booting or NodeStage.Warming } => "coming",
        _ => "going",
    };
}
