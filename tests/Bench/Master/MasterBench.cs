using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using GlobalCache.Master.Fleets;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Bench.Master;

/// <summary>What the master took over a span: the median of its ten-second pieces.</summary>
/// <param name="CpuPercent">Of one core.</param>
/// <param name="RssMegabytes">Resident memory.</param>
/// <param name="MostRssMegabytes">The most that was seen.</param>
/// <param name="ReportsPerSecond">That were answered with 200.</param>
/// <param name="Refused">Reports that were not.</param>
internal sealed record MasterSpan(double CpuPercent, double RssMegabytes, double MostRssMegabytes, double ReportsPerSecond, long Refused);

/// <summary>
/// The real master program with four hundred nodes that report every two seconds, each from an address of its own and signed as a node does; first alone, then with two
/// dashboards open and a machine that reads along. One process plays all nodes: it has no part in the figures, which are the master's own of /proc.
/// </summary>
internal static class MasterBench
{
    private static readonly TimeSpan s_warm = TimeSpan.FromSeconds(40), s_piece = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(bool json, int count, int pieces, TextWriter to)
    {
        string folder = Directory.CreateTempSubdirectory("gc-bench-master-").FullName;
        IPAddress[] addresses = [.. Enumerable.Range(0, count).Select(i => new IPAddress([127, 71, (byte)(i / 200), (byte)(2 + (i % 200))]))];
        (IPEndPoint owners, int nodePort) = (Free(), Free().Port);
        try
        {
            await using var orders = await OrderTaker.StartAsync(nodePort);
            await using var master = MasterUnderLoad.Start(
                "--data", folder, "--listen", $"{Free()}", "--private", $"{owners}", "--dns", $"{Free()}", "--node-private-port", $"{nodePort}", "--share", "login.example.org", "--nodes", string.Join(',', addresses.AsEnumerable()));
            await master.ReadyAsync();
            byte[] key = GridFolder.Open(folder).Nodes.Report;
            using var stop = new CancellationTokenSource();
            var sums = new Tally();
            Task[] nodes = [.. addresses.Select((address, i) => new SimulatedReporter(GivenFleet.IdOf(address), address, owners, key, sums).RunAsync(TimeSpan.FromSeconds(2.0 * i / count), stop.Token))];
            await Task.Delay(s_warm);
            MasterSpan alone = await WatchAsync(master, sums, pieces);
            using var http = new HttpClient();
            Task<long>[] readers = [.. ((string[])["/live", "/live", MasterApi.Events]).Select(path => ReadAsync(http, $"http://{owners}{path}", stop.Token))];
            MasterSpan watched = await WatchAsync(master, sums, pieces);
            MasterState state = (await JsonSerializer.DeserializeAsync(await http.GetStreamAsync($"http://{owners}{MasterApi.State}"), MasterJson.Default.MasterState))!;
            await stop.CancelAsync();
            await Task.WhenAll(nodes);
            long[] read = await Task.WhenAll(readers);
            int served = state.Nodes.Count(n => n is { State: NodeStage.InService, IsSilent: false });
            await to.WriteLineAsync(json
                ? JsonSerializer.Serialize(new { nodes = count, served, alone, watched, dashboardBytes = read }, JsonSerializerOptions.Web)
                : $"{count} nodes that report every 2 s, {served} in service and heard\nalone: {Text(alone)}\nwith two dashboards and a reader: {Text(watched)}; a dashboard was sent {read[0] / 1e6 / (pieces * s_piece.TotalSeconds):0.00} MB/s");
            return served == count ? 0 : 1;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static string Text(MasterSpan span) => string.Create(CultureInfo.InvariantCulture,
        $"{span.CpuPercent:0.0} % of a core, {span.RssMegabytes:0} MB resident ({span.MostRssMegabytes:0} at most), {span.ReportsPerSecond:0} reports/s, {span.Refused} refused");

    private static async Task<MasterSpan> WatchAsync(MasterUnderLoad master, Tally sums, int pieces)
    {
        double[] cpu = new double[pieces], rss = new double[pieces], reports = new double[pieces];
        long refused = sums.Refused;
        for (int i = 0; i < pieces; i++)
        {
            (double before, long heard, long from) = (master.CpuSeconds(), sums.Heard, TimeProvider.System.GetTimestamp());
            await Task.Delay(s_piece);
            double seconds = TimeProvider.System.GetElapsedTime(from).TotalSeconds;
            (cpu[i], rss[i], reports[i]) = (100 * (master.CpuSeconds() - before) / seconds, master.RssMegabytes(), (sums.Heard - heard) / seconds);
        }

        double most = rss.Max();
        foreach (double[] figures in (double[][])[cpu, rss, reports]) Array.Sort(figures);
        return new MasterSpan(Math.Round(cpu[pieces / 2], 2), Math.Round(rss[pieces / 2], 1), Math.Round(most, 1), Math.Round(reports[pieces / 2], 1), sums.Refused - refused);
    }

    private static async Task<long> ReadAsync(HttpClient http, string address, CancellationToken ct)
    {
        long all = 0;
        byte[] buffer = new byte[64 * 1024];
        try
        {
            using Stream events = await http.GetStreamAsync(address, ct);
            while (await events.ReadAsync(buffer, ct) is > 0 and int read) all += read;
        }
        catch (OperationCanceledException)
        {
            // That is its end.
        }

        return all;
    }

    private static IPEndPoint Free()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}

/// <summary>What became of all reports.</summary>
internal sealed class Tally
{
    private long _heard, _refused;

    public long Heard => Volatile.Read(ref _heard);

    public long Refused => Volatile.Read(ref _refused);

    public void Add(bool isHeard)
    {
        if (isHeard) Interlocked.Increment(ref _heard);
        else Interlocked.Increment(ref _refused);
    }
}
