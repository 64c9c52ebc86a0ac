using System.Globalization;
using GlobalCache.Live.Processes;

namespace GlobalCache.Live.Load;

/// <summary>What the nodes together, or the master, hold at a moment.</summary>
internal sealed record Sample(TimeSpan At, double ResidentMiB, double HeapMiB, double Handles, double Threads, double Files, double ProcessorSeconds);

/// <summary>Looks every few seconds what nodes and master hold, and says whether it grows.</summary>
/// <param name="clock">Of the run.</param>
/// <param name="gridFolder">Where the grid writes.</param>
/// <param name="nodes">The node processes.</param>
/// <param name="master">The master's.</param>
/// <param name="metrics">Where each node tells its own figures.</param>
internal sealed class Soak(Clock clock, string gridFolder, Func<IReadOnlyDictionary<string, int>> nodes, Func<int?> master, IReadOnlyList<Uri> metrics)
{
    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(5);

    /// <summary>Less is not enough to tell growth from noise.</summary>
    private static readonly TimeSpan s_least = TimeSpan.FromMinutes(10);

    private readonly List<Sample> _nodes = [], _master = [];
    private Dictionary<string, double> _first = [], _last = [];

    /// <summary>Since warm-up.</summary>
    public IReadOnlyList<Sample> Nodes => _nodes;

    public IReadOnlyList<Sample> Master => _master;

    /// <summary>By how much each of the nodes' own figures has risen since warm-up, all together.</summary>
    public double Risen(string figure) => _last.GetValueOrDefault(figure) - _first.GetValueOrDefault(figure);

    public async Task RunAsync(TimeSpan from, CancellationToken over)
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(10) };
        if (!await clock.WaitAsync(from - clock.Now, over)) return;
        _last = _first = await FiguresAsync(http);
        do
        {
            _last = await FiguresAsync(http);
            int files = Directory.EnumerateFiles(gridFolder, "*", SearchOption.AllDirectories).Count();
            Held[] held = [.. nodes().Values.Select(ProcessTable.Look).OfType<Held>()];
            _nodes.Add(new Sample(clock.Now, held.Sum(h => h.Resident) / 1048576.0, _last.GetValueOrDefault("gc_node_heap_bytes") / 1048576.0, held.Sum(h => h.Handles), held.Sum(h => h.Threads), files, held.Sum(h => h.Processor.TotalSeconds)));
            if (master() is { } pid && ProcessTable.Look(pid) is { } one) _master.Add(new Sample(clock.Now, one.Resident / 1048576.0, 0, one.Handles, one.Threads, 0, one.Processor.TotalSeconds));
        }
        while (await clock.WaitAsync(s_every, over));
    }

    /// <summary>What has grown although nothing should; empty also where the run was too short to tell.</summary>
    public IReadOnlyList<string> Grown()
    {
        if (_nodes.Count < 2 || _nodes[^1].At - _nodes[0].At < s_least) return [];
        List<string> grown = [];
        foreach ((string who, List<Sample> samples) in new[] { ("nodes", _nodes), ("master", _master) })
        {
            // A third against a third: what a collector gives back now and then evens out. Files are what the grid is there for.
            foreach ((string what, Func<Sample, double> of, double most) in new (string, Func<Sample, double>, double)[] { ("memory", s => s.ResidentMiB, 32), ("heap", s => s.HeapMiB, 32), ("handles", s => s.Handles, 60), ("threads", s => s.Threads, 15) })
            {
                int third = samples.Count / 3;
                double before = samples.Take(third).Average(of), after = samples.TakeLast(third).Average(of);
                if (after > (before * 1.1) + most) grown.Add(string.Create(CultureInfo.InvariantCulture, $"{what} of the {who}: {before:0} to {after:0}"));
            }
        }
        return grown;
    }

    /// <summary>By how much an hour it rises, by least squares.</summary>
    public static double PerHour(IReadOnlyList<Sample> samples, Func<Sample, double> of)
    {
        if (samples.Count < 2) return 0;
        double t = samples.Average(s => s.At.TotalHours), v = samples.Average(of), spread = samples.Sum(s => (s.At.TotalHours - t) * (s.At.TotalHours - t));
        return spread == 0 ? 0 : samples.Sum(s => (s.At.TotalHours - t) * (of(s) - v)) / spread;
    }

    private async Task<Dictionary<string, double>> FiguresAsync(HttpClient http)
    {
        Dictionary<string, double> sum = new(StringComparer.Ordinal);
        foreach (Uri one in metrics)
        {
            try
            {
                foreach (string line in (await http.GetStringAsync(one)).Split('\n'))
                {
                    if (line.StartsWith('#') || line.Split(' ') is not [var name, var text] || !double.TryParse(text, CultureInfo.InvariantCulture, out double value)) continue;
                    sum[name] = sum.GetValueOrDefault(name) + value;
                }
            }
            catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
            {
                // Too busy to tell.
            }
        }
        return sum;
    }
}
