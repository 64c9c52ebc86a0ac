using System.Globalization;
using System.Text;
using GlobalCache.Bench.Scaling;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Sessions;

namespace GlobalCache.Bench.Planning;

/// <summary>
/// What a grid of very many clients would need, by the simulator: a week's demand through the master's own decision, and what follows from it. Not a measurement: nothing of this size was run.
/// </summary>
internal static class PlanBench
{
    public const string Usage = "dotnet run -c Release --project tests/Bench -- plan [--clients N]";

    private const int Day = 86_400, Week = 7 * Day, PerDay = Day / DemandCurve.Tick;

    /// <summary>An answer of addresses: head and question, sixteen bytes for each, and the word about its size (RFC 1035, RFC 6891).</summary>
    private const int DnsHead = 12 + 40, DnsAddress = 16, DnsSize = 11, DnsUdp = 1232;

    public static async Task<int> RunAsync(string[] words, TextWriter to)
    {
        PlanAssumptions plan = new();
        if (words is ["--clients", var text] && double.TryParse(text, CultureInfo.InvariantCulture, out double clients) && clients >= 1) plan = plan with { Clients = clients };
        else if (words.Length > 0)
        {
            await to.WriteLineAsync(Usage);
            return 2;
        }
        await to.WriteLineAsync(Of(plan));
        return 0;
    }

    public static string Of(PlanAssumptions plan)
    {
        DemandCurve curve = Weeks(plan.Clients * plan.PerClient);
        var setting = new Setting { Capacity = plan.Capacity, Boot = (15, 30), Resolvers = 2000, Max = 1000, Min = 2 };
        double[] arrivals = curve.Arrivals(1);
        var watched = new Watched(new OurScaler(OurScaler.For(setting)));
        Outcome outcome = FleetSimulation.Run(curve, arrivals, watched, setting, 1);
        (double best, _) = Clairvoyant.Cost(arrivals, setting);

        var text = new StringBuilder();
        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
        Line($"{plan.Clients:N0} clients at the weekly peak, {plan.PerClient} requests/s each: {curve.Rate.Max():N0} requests/s, {curve.Rate.Max() * plan.HitRate * plan.AssetBytes / 1e9:0.0} GB/s to clients.");
        Line($"A node serves {plan.Capacity:N0} requests/s at load 1 ({(plan.LinkBytes / plan.AssetBytes < plan.Cores / plan.RequestSeconds ? "its link is full first" : "its processor is full first")}).\n");
        Line($"| hour (Sunday) | requests/s | nodes, least | nodes, most |\n|---|---|---|---|");
        for (int hour = 0; hour < 24; hour++)
        {
            // The curve begins on a Monday.
            int from = (6 * PerDay) + (hour * PerDay / 24), count = PerDay / 24;
            IEnumerable<int> nodes = watched.Serving.Skip(from).Take(count);
            Line($"| {hour:00} | {curve.Rate.Skip(from).Take(count).Average():N0} | {nodes.Min()} | {nodes.Max()} |");
        }
        Line($"\n| | |\n|---|---|");
        double days = 30, requests = arrivals.Average() * Day * days, hits = requests * plan.HitRate, gigabytes = hits * plan.AssetBytes / 1e9;
        double mean = plan.Clients * (curve.Rate.Average() / curve.Rate.Max());
        double published = mean * plan.PublishedPerClient * days, claims = published * plan.ClaimsPerAsset;
        double reads = (hits * plan.FromStore) + (claims * 2) + (published * 2), writes = claims + published, kept = published * plan.MonthsKept * plan.AssetBytes / 1e9;
        double hours = outcome.NodeHours / 7 * days, egress = Egress(plan, gigabytes);
        Line($"| nodes | {outcome.MeanNodes:0.0} in the mean, {outcome.MostNodes} at most, {outcome.ActionsPerDay:0.0} opened, closed or called back a day; {outcome.NodeHours / best:0.00} × the fewest that would do |");
        Line($"| requests shed, on overloaded nodes, sent to a stopped node | {outcome.Shed * 1e6:0.##} ppm, {outcome.Overloaded:0.00 %}, {outcome.Stopped * 1e6:0.##} ppm |");
        Line($"| DNS answer | {DnsHead + DnsSize + (outcome.MostNodes * DnsAddress)} bytes at most; beyond {(DnsUdp - DnsHead - DnsSize) / DnsAddress} nodes it goes by TCP |");
        double asked = mean / plan.Names.Ttl * Day * days / 1e6;
        Line($"| DNS questions, of clients that ask the zone's own servers every {plan.Names.Ttl:0} s | {plan.Clients / plan.Names.Ttl:N0}/s at the peak |");
        Line($"| master: nodes' reports | {outcome.MostNodes / plan.Report.Every:0.#}/s, {outcome.MostNodes / plan.Report.Every * plan.Report.Seconds:0.0 %} of a core |");
        double sessions = plan.Clients / (SessionTokens.Lifetime.TotalSeconds / 2);
        Line($"| master: sessions (each {SessionTokens.Lifetime.TotalHours:0} h, renewed at half) | {sessions:0}/s, {sessions * plan.SessionSeconds:0 %} of a core; all within 10 min after an outage: {plan.Clients / 600:N0}/s, {plan.Clients / 600 * plan.SessionSeconds:0.0} cores |");
        Line($"| bucket | {reads / days / Day:N0} reads/s, {writes / days / Day:N0} writes/s in the mean; {kept / 1000:N0} TB when {plan.MonthsKept:0} months are kept |");
        Line($"| cost a month: nodes | ${hours * plan.NodeHour:N0} |");
        Line($"| cost a month: DNS, {asked / 1000:N0} 000 million questions | ${(Math.Min(asked, 1000) * plan.Names.First) + (Math.Max(0, asked - 1000) * plan.Names.Beyond):N0} |");
        Line($"| cost a month: bucket, requests | ${(reads * plan.Store.Reads / 1000) + (writes * plan.Store.Writes / 1000):N0} |");
        Line($"| cost a month: bucket, bytes kept | ${kept * plan.Store.Gigabyte:N0} |");
        Line($"| cost a month: {gigabytes / 1e6:0.0} PB to the internet | ${egress:N0} |");
        Line($"| members of one grid | {Roll.MostClients:N0} at most (`Roll.MostClients`): {Math.Ceiling(plan.Clients / Roll.MostClients):N0} grids |");
        return text.ToString();
    }

    /// <summary>
    /// Three weeks from a Monday on, the third counted: half as many at four in the morning as at nine in the evening and a twentieth more on Sundays, as Second Life's published figures have it
    /// (a day's most about twice its least, the most of the week on Sundays).
    /// </summary>
    private static DemandCurve Weeks(double peak)
    {
        double At(double second)
        {
            double hour = second % Day / 3600;
            bool isSunday = (int)(second / Day) % 7 == 6;
            return peak * (0.714 + (0.238 * Math.Cos(2 * Math.PI * (hour - 21) / 24))) * (isSunday ? 1.05 : 1);
        }
        var begin = new DateTimeOffset(2026, 1, 5, 0, 0, 0, TimeSpan.Zero);
        return new DemandCurve
        {
            Name = "plan",
            HistoryStart = begin,
            Start = begin.AddSeconds(2 * Week),
            History = [.. Enumerable.Range(0, 2 * Week / 300).Select(i => At((i * 300) + 150))],
            Rate = [.. Enumerable.Range(0, Week / DemandCurve.Tick).Select(i => At((2 * Week) + (i * DemandCurve.Tick)))],
            Noise = 0.04,
        };
    }

    private static double Egress(PlanAssumptions plan, double gigabytes)
    {
        double cost = 0, below = 0;
        foreach ((double upTo, double price) in plan.Egress)
        {
            cost += Math.Max(0, Math.Min(gigabytes, upTo) - below) * price;
            below = upTo;
        }
        return cost;
    }

    /// <summary>Writes down how many served at each tick.</summary>
    private sealed class Watched(OurScaler scaler) : Scaler
    {
        public List<int> Serving { get; } = [];

        public override string Name => scaler.Name;

        public override bool CallsBack => scaler.CallsBack;

        public override int LaunchesPerHour => scaler.LaunchesPerHour;

        public override int Begin(DemandCurve curve, Setting setting) => scaler.Begin(curve, setting);

        public override int? Next(in Sight sight)
        {
            Serving.Add(sight.Serving);
            return scaler.Next(sight);
        }

        public override bool MayEnd(double since, double quiet, Setting setting) => scaler.MayEnd(since, quiet, setting);
    }
}
