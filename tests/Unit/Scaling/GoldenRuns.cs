using System.Globalization;
using System.IO.Compression;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Scaling;

/// <summary>The reference model's runs under tests/Vectors/scaling: what it saw at each tick, and what it wanted.</summary>
internal static class GoldenRuns
{
    /// <summary>The reference model's constants. It has no bounds of its own and knows no outages.</summary>
    public static ScalingPolicy Reference { get; } = new()
    {
        Max = 1000,
        OutageFall = 1,
        LevelWindow = TimeSpan.FromSeconds(60),
        MarginLeast = 0.04,
        SlopeWindow = TimeSpan.FromMinutes(5),
        SlopeErrors = 1.5,
        SlopeShare = 0.8,
        UpLoad = 0.97,
        RisingLoad = 10,
        DownLoad = 0.88,
        Skew = 0.06,
        SkewGrowth = 0,
        Calm = TimeSpan.FromMinutes(5),
        PayBack = TimeSpan.FromMinutes(15),
    };

    /// <summary>Second 0 of every run: a Monday at midnight, two weeks of history behind it where there is any.</summary>
    public static DateTimeOffset Start { get; } = new(2026, 1, 19, 0, 0, 0, TimeSpan.Zero);

    /// <summary>One tick.</summary>
    /// <param name="At">When.</param>
    /// <param name="Seen">What the model saw.</param>
    /// <param name="Want">How many nodes it wanted; null: no change.</param>
    public sealed record Row(DateTimeOffset At, Observation Seen, int? Want);

    /// <summary>The run of a trace, tick by tick.</summary>
    public static IEnumerable<Row> Read(string trace)
    {
        using StreamReader lines = new(new GZipStream(File.OpenRead(PathOf($"gc-{trace}.csv.gz")), CompressionMode.Decompress));
        lines.ReadLine();
        while (lines.ReadLine() is { } line)
        {
            string[] cells = line.Split(',');
            double[] figures = [.. cells[..6].Select(c => double.Parse(c, CultureInfo.InvariantCulture))];
            yield return new(
                Start.AddSeconds(figures[0]),
                new(figures[1], (int)figures[2], (int)figures[3], (int)figures[4], figures[5], Silent: 0),
                cells[6].Length == 0 ? null : int.Parse(cells[6], CultureInfo.InvariantCulture));
        }
    }

    /// <summary>What the model had learned before second 0: means of five minutes.</summary>
    public static double[] History(string trace) =>
        [.. File.ReadLines(PathOf($"gc-{trace}-history.csv")).Skip(1).Select(line => double.Parse(line.Split(',')[1], CultureInfo.InvariantCulture))];

    private static string PathOf(string file) => Path.Combine(Repository.Root, "tests", "Vectors", "scaling", file);
}
