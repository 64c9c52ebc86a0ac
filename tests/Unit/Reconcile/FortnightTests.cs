using System.Diagnostics;
using System.Globalization;
using System.IO.Compression;
using GlobalCache.Master.Reconcile;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Reconcile;

/// <summary>Long stories, told by the whole of it: the decision, the loop, the limits and the lease, over a simulated cloud.</summary>
[Collection("load")]
public sealed class FortnightTests
{
    [Fact]
    public async Task A_fortnight_of_sunday_evenings_sends_no_request_to_a_node_that_is_gone()
    {
        double[] demand = SundayEvening();
        var world = new SimulatedWorld(new ScalingPolicy()) { Demand = t => demand[(int)(t.TotalSeconds / 10) % demand.Length] };
        var master = new SimulatedMaster(world, new SimulatedStore(world), "a");
        var watch = Stopwatch.StartNew();
        await master.RunAsync(TimeSpan.FromDays(14));
        TestContext.Current.TestOutputHelper?.WriteLine(
            $"{watch.Elapsed.TotalSeconds:0.00} s; {world.Requests:0} requests, {world.Lost:0} lost, {world.Launches} launches, {world.NodeHours:0} node-hours");
        Assert.True(world.Broken.Count == 0, string.Join("; ", world.Broken.Take(5)));
        Assert.Equal(0, world.ToEnded);
        Assert.Equal(0, world.Lost);
        Assert.InRange(world.Launches, 14, 14 * 12);
    }

    [Fact]
    public async Task The_founding_scenario_the_second_node_serves_by_ninety_percent_and_is_closed_once_at_night()
    {
        for (int seed = 1; seed <= 3; seed++)
        {
            double[] demand = Ramp(seed);
            var world = new SimulatedWorld(new ScalingPolicy(), seed) { Demand = t => demand[Math.Min((int)(t.TotalSeconds / 10), demand.Length - 1)] };
            var master = new SimulatedMaster(world, new SimulatedStore(world), "a");
            double? loadWhenTwo = null, loadWhenOne = null;
            await master.RunAsync(TimeSpan.FromHours(12), () =>
            {
                if (loadWhenTwo is null && world.InForce.Count == 2) loadWhenTwo = Smooth(world.Now) / 55;
                if (loadWhenTwo is not null && loadWhenOne is null && world.InForce.Count == 1) loadWhenOne = Smooth(world.Now) / 110;
            });
            string story = string.Join('\n', master.Reconciler.History.Newest());
            IReadOnlyList<HistoryEntry> steps = master.Reconciler.History.Newest();
            Assert.True(steps.Count(e => e.What == "launch") == 2, story);
            Assert.True(steps.Count(e => e is { What: "mark", Node: not "" } && e.Reason.Contains("requests/s", StringComparison.Ordinal)) == 1, story);
            Assert.Equal(1, world.LiveCount);
            Assert.InRange(loadWhenTwo!.Value, 0.70, 0.92);
            Assert.InRange(loadWhenOne!.Value, 0.30, 0.45);
            Assert.True(world.Broken.Count == 0, string.Join("; ", world.Broken.Take(5)));
            Assert.Equal(0, world.Lost);
        }
    }

    // 38 → 42 → 75 → 74 → 38 → 37 requests/s over twelve hours, from 16:00 on.
    private static double Smooth(TimeSpan at)
    {
        (double H, double R)[] points = [(0, 38), (1, 42), (3.5, 75), (5, 74), (8, 38), (12, 37)];
        double hour = at.TotalHours;
        for (int i = 1; i < points.Length; i++)
            if (hour <= points[i].H) return points[i - 1].R + ((points[i].R - points[i - 1].R) * (hour - points[i - 1].H) / (points[i].H - points[i - 1].H));
        return points[^1].R;
    }

    private static double[] Ramp(int seed)
    {
        var random = new Random(seed);
        double v = 0, a = Math.Exp(-1.0 / 6);
        double[] demand = new double[12 * 360];
        for (int i = 0; i < demand.Length; i++)
        {
            double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
            v = (a * v) + (normal * Math.Sqrt(1 - (a * a)));
            demand[i] = Smooth(TimeSpan.FromSeconds(10 * i)) * Math.Exp((0.04 * v) - 0.0008);
        }

        return demand;
    }

    private static double[] SundayEvening()
    {
        using var file = new GZipStream(File.OpenRead(Repository.Vector("scaling/gc-sunday-evening.csv.gz")), CompressionMode.Decompress);
        using var text = new StreamReader(file);
        text.ReadLine();
        List<double> demand = [];
        while (text.ReadLine() is { } line) demand.Add(double.Parse(line.Split(',')[1], CultureInfo.InvariantCulture));
        return [.. demand];
    }
}
