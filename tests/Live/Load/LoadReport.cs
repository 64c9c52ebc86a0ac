using System.Globalization;
using System.Text;

namespace GlobalCache.Live.Load;

/// <summary>A load run as one page.</summary>
internal static class LoadReport
{
    public static string Of(LoadRun run, LoadSettings settings)
    {
        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        IReadOnlyList<Sample> nodes = run.Soak.Nodes, master = run.Soak.Master;
        double seconds = nodes.Count > 1 ? (nodes[^1].At - nodes[0].At).TotalSeconds : 1, processor = nodes.Count > 1 ? nodes[^1].ProcessorSeconds - nodes[0].ProcessorSeconds : 0;
        double served = run.Soak.Risen("gc_node_memory_hits_total") + run.Soak.Risen("gc_node_store_hits_total"), missed = run.Soak.Risen("gc_node_misses_total");
        long asked = run.Hits.Count + run.Misses.Count;
        Line($"load, seed {settings.Seed}: {settings.Clients} clients at three nodes, {settings.Rate:0} assets a second wanted for {settings.Length.TotalMinutes:0.#} min, the first {settings.Warming.TotalMinutes:0.#} not measured; ready after {run.Enrolled.TotalSeconds:0} s");
        Line($"  wanted {run.Own + asked}: {Share(run.Own, run.Own + asked)} from the client's own disk; of {asked} asked of nodes {Share(run.Hits.Count, asked)} hits; wrong bytes {run.Wrong}");
        Line($"  ms from the moment wanted    p50      p99    p99.9      max");
        LiveReport.Times(text, "hits", run.Hits);
        LiveReport.Times(text, "misses", run.Misses);
        LiveReport.Times(text, "of it the driver's", run.Driver);
        Line($"  nodes: {served / seconds:0} assets/s served ({run.Soak.Risen("gc_node_memory_hits_total") / Math.Max(1, served):0.0 %} from memory), {missed / seconds:0} misses/s, {run.Soak.Risen("gc_node_sent_bytes_total") / seconds / 1e6:0.0} MB/s; {processor / seconds:0.00} cores busy: {(served + missed) / Math.Max(0.01, processor):0} requests a second and core");
        Line($"  over quota {run.Soak.Risen("gc_node_over_quota_total"):0}, store troubles {run.Soak.Risen("gc_node_store_troubles_total"):0}; claims that wait {run.ClaimsWaiting}");
        Line($"  held               begin      end   an hour");
        Held(text, "nodes' memory MiB", nodes, s => s.ResidentMiB);
        Held(text, "nodes' heap MiB", nodes, s => s.HeapMiB);
        Held(text, "nodes' handles", nodes, s => s.Handles);
        Held(text, "nodes' threads", nodes, s => s.Threads);
        Held(text, "grid's files", nodes, s => s.Files);
        Held(text, "master's mem. MiB", master, s => s.ResidentMiB);
        Held(text, "master's handles", master, s => s.Handles);
        Held(text, "master's threads", master, s => s.Threads);
        foreach ((string kind, long times) in run.Log.Kinds.OrderByDescending(k => k.Value).Take(20)) Line($"  said by clients {times,8} × {kind}");
        foreach (string grown in run.Soak.Grown()) Line($"  GROWN: {grown}");
        return text.ToString();
    }

    private static string Share(long part, long all) => string.Create(CultureInfo.InvariantCulture, $"{(double)part / Math.Max(1, all):0.0 %}");

    private static void Held(StringBuilder text, string what, IReadOnlyList<Sample> samples, Func<Sample, double> of)
    {
        if (samples.Count > 0) text.AppendLine(string.Create(CultureInfo.InvariantCulture, $"    {what,-18}{of(samples[0]),8:0.0} {of(samples[^1]),8:0.0} {Soak.PerHour(samples, of),8:+0.0;-0.0}"));
    }
}
