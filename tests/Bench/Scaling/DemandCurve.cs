using System.Globalization;
using System.Text.Json;

namespace GlobalCache.Bench.Scaling;

/// <summary>
/// A demand curve: a file of <c>seconds,requests_per_second</c>, and what META.json beside it says of it (<c>start</c>, <c>step</c>, <c>eval_from</c>; what it
/// does not say is taken from the file). Counted is what follows <c>eval_from</c>, seven days at most; what lies before is what a master would have seen.
/// </summary>
internal sealed class DemandCurve
{
    /// <summary>Seconds between two ticks.</summary>
    public const int Tick = 10;

    private const double MostSeconds = 7 * 86_400;
    private const double Least = 0.5;

    /// <summary>The file's name without its ending.</summary>
    public required string Name { get; init; }

    /// <summary>When the counted part begins.</summary>
    public required DateTimeOffset Start { get; init; }

    /// <summary>When the history begins, five minutes a slot.</summary>
    public required DateTimeOffset HistoryStart { get; init; }

    /// <summary>Means of five minutes, up to <see cref="Start"/>.</summary>
    public required double[] History { get; init; }

    /// <summary>The curve, tick by tick.</summary>
    public required double[] Rate { get; init; }

    /// <summary>What the noise beneath one tick does to it: more where the file is coarser.</summary>
    public required double Noise { get; init; }

    /// <summary>
    /// Whether it is about the rise and fall of days that resemble each other, the case the floor of SCALING §6 is about: three days at least, and a history whose
    /// slots lie within 25 % of what is usual at their time of the day, half of them at least.
    /// </summary>
    public bool IsDaily()
    {
        const int Day = 288;
        if (Rate.Length < 3 * 86_400 / Tick || History.Length < 2 * Day) return false;
        double[] usual = [.. Enumerable.Range(0, Day).Select(slot => History.Where((_, i) => i % Day == slot).Average())];
        double[] off = [.. History.Select((h, i) => Math.Abs((h / Math.Max(usual[i % Day], 1e-9)) - 1)).Order()];
        return off[off.Length / 2] < 0.25;
    }

    public static IReadOnlyList<DemandCurve> ReadAll(string folder)
    {
        string about = Path.Combine(folder, "META.json");
        using JsonDocument? meta = File.Exists(about) ? JsonDocument.Parse(File.ReadAllBytes(about)) : null;
        return [.. Directory.EnumerateFiles(folder, "*.csv").Order(StringComparer.Ordinal).Select(file => Read(file, meta?.RootElement))];
    }

    /// <summary>What comes at each tick: the curve, a noise that lasts a minute or so, and chance.</summary>
    public double[] Arrivals(int seed)
    {
        Chance chance = new(1000 + seed);
        double lasting = Math.Exp(-Tick / 60.0);
        double noise = 0;
        double[] arrivals = new double[Rate.Length];
        for (int i = 0; i < arrivals.Length; i++)
        {
            noise = (lasting * noise) + (chance.Normal() * Math.Sqrt(1 - (lasting * lasting)));
            double mean = Rate[i] * Math.Exp((Noise * noise) - (0.5 * Noise * Noise));
            arrivals[i] = chance.Poisson(mean * Tick) / Tick;
        }

        return arrivals;
    }

    private static DemandCurve Read(string file, JsonElement? meta)
    {
        (double[] seconds, double[] rates) = Points(file);
        string name = Path.GetFileNameWithoutExtension(file);
        JsonElement? about = meta is { ValueKind: JsonValueKind.Object } m && m.TryGetProperty(name, out JsonElement found) ? found : null;
        double step = Number(about, "step") ?? (seconds.Length > 1 ? seconds[1] - seconds[0] : Tick);
        double from = Number(about, "eval_from") ?? 0;
        DateTimeOffset begin = about is { } a && a.TryGetProperty("start", out JsonElement s)
            && DateTimeOffset.TryParse(s.GetString(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out DateTimeOffset said)
            ? new DateTimeOffset(said.Year, said.Month, said.Day, said.Hour, said.Minute, 0, TimeSpan.Zero)
            : new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);

        double[] rate = new double[(int)(Math.Min(seconds[^1] - from, MostSeconds) / Tick)];
        if (rate.Length < 2) throw new InvalidDataException($"{file} is too short: two ticks of {Tick} s at least after eval_from.");
        for (int i = 0; i < rate.Length; i++) rate[i] = Math.Max(Least, At(seconds, rates, from + (i * Tick)));
        double[] history = new double[(int)(from / 300)];
        for (int i = 0; i < history.Length; i++) history[i] = At(seconds, rates, (i * 300) + 150);
        return new()
        {
            Name = name,
            Start = begin.AddSeconds(from),
            HistoryStart = begin,
            History = history,
            Rate = rate,
            Noise = step >= 300 ? 0.06 : step >= 60 ? 0.04 : 0,
        };
    }

    private static (double[] Seconds, double[] Rates) Points(string file)
    {
        List<double> seconds = [];
        List<double> rates = [];
        foreach (string line in File.ReadLines(file))
        {
            string[] cells = line.Split(',');
            if (cells.Length < 2 || !double.TryParse(cells[0], CultureInfo.InvariantCulture, out double second)) continue;
            seconds.Add(second);
            rates.Add(double.Parse(cells[1], CultureInfo.InvariantCulture));
        }

        return seconds.Count > 0 ? ([.. seconds], [.. rates]) : throw new InvalidDataException($"{file} holds no line of seconds,requests_per_second.");
    }

    private static double? Number(JsonElement? about, string name) =>
        about is { } a && a.TryGetProperty(name, out JsonElement value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : null;

    private static double At(double[] seconds, double[] rates, double second)
    {
        int at = Array.BinarySearch(seconds, second);
        if (at >= 0) return rates[at];
        at = ~at;
        if (at == 0) return rates[0];
        if (at == seconds.Length) return rates[^1];
        double share = (second - seconds[at - 1]) / (seconds[at] - seconds[at - 1]);
        return rates[at - 1] + (share * (rates[at] - rates[at - 1]));
    }
}
