using System.Globalization;
using System.Text.Json;

namespace GlobalCache.Bench.Scaling;

/// <summary>What the master's policy costs and loses on recorded demand, beside what is common. A folder of curves in, a table or one JSON object out.</summary>
internal static class ScalingBench
{
    /// <summary>One scaler on one curve, the mean of all seeds.</summary>
    /// <param name="Trace">The curve.</param>
    /// <param name="Policy">The scaler; ours is <c>gc</c>.</param>
    /// <param name="CostRatio">Node-hours paid, over the clairvoyant's.</param>
    /// <param name="OverloadShare">Share of requests that met a node above load 1.</param>
    /// <param name="LostPpm">Requests nobody answered, a million. Shed ones are answered (503, Retry-After) and not among them.</param>
    /// <param name="StoppedPpm">Those of them that were sent to a node already ended: here, all.</param>
    /// <param name="ActionsPerDay">Nodes opened, closed and called back.</param>
    /// <param name="ShedPpm">Requests sent back to the grid, a million.</param>
    internal sealed record Row(
        string Trace, string Policy, double CostRatio, double OverloadShare, double LostPpm, double StoppedPpm, double ActionsPerDay, double ShedPpm);

    public const string Usage = "dotnet run -c Release --project tests/Bench -- scaling --traces FOLDER [--json] [--seeds N] [--boot LOW,HIGH]";

    public static async Task<int> RunAsync(bool json, string[] words)
    {
        string? folder = null;
        int seeds = 3;
        Setting setting = new();
        for (int i = 0; i < words.Length; i++)
        {
            string? value = i + 1 < words.Length ? words[i + 1] : null;
            switch (words[i], value)
            {
                case ("--traces", not null):
                    folder = value;
                    break;
                case ("--seeds", not null) when int.TryParse(value, CultureInfo.InvariantCulture, out seeds) && seeds is > 0 and <= 1000:
                    break;
                case ("--boot", not null) when Boot(value) is { } boot:
                    setting = setting with { Boot = boot };
                    break;
                default:
                    await Console.Error.WriteLineAsync($"{words[i]} {value}: not understood.\n{Usage}");
                    return 2;
            }

            i++;
        }

        if (folder is null || !Directory.Exists(folder))
        {
            await Console.Error.WriteLineAsync(folder is null ? Usage : $"{folder} is no folder.");
            return 2;
        }

        IReadOnlyList<DemandCurve> curves = DemandCurve.ReadAll(folder);
        List<Row> rows = [.. curves.AsParallel().AsOrdered().SelectMany(curve => Compare(curve, setting, seeds))];
        if (json) Console.WriteLine(JsonSerializer.Serialize(new { runs = rows }, JsonSerializerOptions.Web));
        else Console.WriteLine(Table(curves, rows, setting, seeds));
        return 0;
    }

    /// <summary>All scalers on one curve.</summary>
    public static IReadOnlyList<Row> Compare(DemandCurve curve, Setting setting, int seeds)
    {
        Setting roomy = setting with { Max = Math.Max(setting.Max, (int)Math.Ceiling(2 * curve.Rate.Max() / setting.Capacity)) };
        List<(Scaler Scaler, double Ratio, Outcome Outcome)> runs = [];
        for (int seed = 1; seed <= seeds; seed++)
        {
            double[] arrivals = curve.Arrivals(seed);
            (double best, int peak) = Clairvoyant.Cost(arrivals, roomy);
            Scaler[] scalers = [new StaticPeak(peak), new FoundingThreshold(), new PodAutoscaler(), new TargetTracking(), new OurScaler(OurScaler.For(roomy))];
            foreach (Scaler scaler in scalers)
            {
                Outcome outcome = FleetSimulation.Run(curve, arrivals, scaler, roomy, seed);
                runs.Add((scaler, outcome.NodeHours / best, outcome));
            }
        }

        return
        [
            .. runs.GroupBy(r => r.Scaler.Name).Select(g => new Row(
                curve.Name,
                g.Key,
                Math.Round(g.Average(r => r.Ratio), 4),
                Math.Round(g.Average(r => r.Outcome.Overloaded), 8),
                Math.Round(g.Average(r => r.Outcome.Stopped) * 1e6, 3),
                Math.Round(g.Average(r => r.Outcome.Stopped) * 1e6, 3),
                Math.Round(g.Average(r => r.Outcome.ActionsPerDay), 2),
                Math.Round(g.Average(r => r.Outcome.Shed) * 1e6, 3))),
        ];
    }

    private static (double Low, double High)? Boot(string text) =>
        text.Split(',') is [var low, var high] && double.TryParse(low, CultureInfo.InvariantCulture, out double l)
        && double.TryParse(high, CultureInfo.InvariantCulture, out double h) && l >= 0 && l <= h && h <= 3600 ? (l, h) : null;

    private static string Table(IReadOnlyList<DemandCurve> curves, List<Row> rows, Setting setting, int seeds)
    {
        CultureInfo plain = CultureInfo.InvariantCulture;
        List<string> lines =
        [
            string.Create(plain, $"A node serves {setting.Capacity} requests/s and boots in {setting.Boot.Low} – {setting.Boot.High} s; mean of {seeds} seeds."),
            "",
            "| curve | policy | cost, × clairvoyant | on overloaded nodes | nobody answered, ppm | of these, node stopped | shed, ppm | actions a day |",
            "|---|---|---|---|---|---|---|---|",
        ];
        lines.AddRange(rows.Select(r => string.Create(
            plain,
            $"| {r.Trace} | {r.Policy} | {r.CostRatio:0.000} | {r.OverloadShare:0.0000 %} | {r.LostPpm:0.##} | {r.StoppedPpm:0.##} | {r.ShedPpm:0.##} | {r.ActionsPerDay:0.0} |")));
        List<string> daily = [.. curves.Where(c => c.IsDaily()).Select(c => c.Name)];
        if (daily.Count > 0) lines.Add($"\nOn the daily curves ({string.Join(", ", daily)}):");
        foreach (IGrouping<string, Row> g in rows.Where(r => daily.Contains(r.Trace)).GroupBy(r => r.Policy))
            lines.Add(string.Create(plain, $"{g.Key}: mean {g.Average(r => r.CostRatio):0.000}, worst {g.Max(r => r.CostRatio):0.000}."));

        return string.Join('\n', lines);
    }
}
