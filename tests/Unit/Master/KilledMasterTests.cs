using System.Diagnostics;
using System.Net;
using System.Text.Json;
using GlobalCache.Demo.Founding;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Master;

/// <summary>A real master that is killed at random instants while nodes come and go under a crowd that never stops asking. By hand: MASTER_KILLS=200, MASTER_SEED.</summary>
[Collection("load")]
public sealed class KilledMasterTests
{
    private const int Most = 4;

    /// <summary>Small demand and short spans: what is asked for is the policy file's least, a second or two later.</summary>
    private static GridPolicy Quick()
    {
        GridPolicy policy = FoundingPolicy.Of(20);
        LifePolicy life = policy.Scaling.Life with
        {
            DrainLeast = TimeSpan.FromSeconds(2),
            DrainQuiet = TimeSpan.FromSeconds(1),
            DrainMost = TimeSpan.FromSeconds(60),
            Lease = TimeSpan.FromSeconds(2),
            LeaseRenew = TimeSpan.FromSeconds(0.5),
            LeaseLeast = TimeSpan.FromSeconds(1),
        };
        return policy with
        {
            Scaling = policy.Scaling with
            {
                Max = Most,
                Capacity = 1000,
                Ttl = TimeSpan.FromSeconds(1),
                Calm = TimeSpan.FromSeconds(1),
                PayBack = TimeSpan.FromSeconds(1),
                RegretMost = 0,
                LaunchesPerHour = 10_000,
                ScaleInsPerHour = 1000,
                NodeHoursPerDay = 24_000,
                Life = life,
            },
        };
    }

    [Fact]
    public async Task Killed_at_any_instant_while_nodes_come_and_go_it_loses_no_request_and_no_node_and_starts_none_twice()
    {
        Assert.SkipWhen(CachingResolver.Program is null, "unbound is not installed.");
        int kills = int.TryParse(Environment.GetEnvironmentVariable("MASTER_KILLS"), out int asked) ? asked : 10;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("MASTER_SEED"), out int given) ? given : 1;
        var dice = new Random(seed);
        string folder = Directory.CreateTempSubdirectory("gc-killed-").FullName;
        GridPolicy policy = Quick();
        await using var master = new MasterProcess(folder, policy, 100_000_000, network: 63, TimeProvider.System) { Logged = SecretWatch.Hear };
        try
        {
            string invite = await master.StartAsync();
            await master.SaidAsync(h => h.Reason == "It is in service.", TimeSpan.FromSeconds(60));
            GridFile grid = JsonSerializer.Deserialize<GridFile>(await File.ReadAllBytesAsync(Path.Combine(master.Data, "grid.json")), JsonSerializerOptions.Web)!;
            AssetKey[] assets = await FoundingRun.LayAsync(master.Data, TimeProvider.System);
            await using CachingResolver resolver = await CachingResolver.StartAsync(grid.Host, master.Dns, Path.Combine(folder, "resolver"));
            using var crowd = new Crowd(grid, resolver, TimeSpan.FromSeconds(0.5), TimeProvider.System);
            await crowd.EnrolAsync(invite);
            using var watching = new CancellationTokenSource();
            Task<(int Looks, List<string> Wrong)> watch = WatchAsync(master, watching.Token);
            bool over = false;
            Task crowded = Task.Run(() => crowd.AskAsync(_ => Volatile.Read(ref over) ? null : 30, assets), CancellationToken.None);

            int opening = 0, closing = 0;
            for (int i = 0; i < kills; i++)
            {
                // Up and down, sometimes before the last word has been carried out; every second time in the midst of it, and the first two times surely.
                bool up = i % 2 == 0, midst = i < 2 || dice.Next(2) == 0;
                if (i == 1) await EventuallyAsync(() => InDns(master).Count > 1, () => TellOf(folder, master));
                await LeastAsync(master, policy, up ? dice.Next(2, Most + 1) : 1);
                for (int look = 0; midst && look < 100 && NodesOf(folder).Count <= InDns(master).Count; look++) await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System);
                await Task.Delay(TimeSpan.FromMilliseconds(dice.Next(0, midst ? 1500 : up ? 3000 : 6000)), TimeProvider.System);
                IReadOnlyCollection<string> nodes = NodesOf(folder).Keys;
                int named = InDns(master).Count;
                await master.KillAsync();
                if (nodes.Count > named && up) opening++;
                if (nodes.Count > named && !up) closing++;
                await Task.Delay(TimeSpan.FromMilliseconds(dice.Next(0, 1000)), TimeProvider.System);
                await master.StartAsync();
                if (crowd.Lost > 0) break;
            }

            // In the end it is as if nothing had been: all can come, all but one can go.
            await LeastAsync(master, policy, Most);
            await EventuallyAsync(() => NodesOf(folder).Count == Most && InDns(master).Count == Most, () => TellOf(folder, master));
            await LeastAsync(master, policy, 1);
            await EventuallyAsync(() => NodesOf(folder).Count == 1 && InDns(master).Count == 1, () => TellOf(folder, master));
            Volatile.Write(ref over, true);
            await crowded;
            await watching.CancelAsync();
            (int looks, List<string> wrong) = await watch;
            TestContext.Current.SendDiagnosticMessage($"{kills} kills, seed {seed}: {opening} while a node was opened, {closing} while one drained; {looks} looks; {crowd.Sent} requests, {crowd.Served} served, {crowd.Shed} shed, {crowd.Lost} lost; {master.History.Count(h => h.What == "launch")} launches, {master.History.Count(h => h.What == "end")} ends said; {master.Clock}.");
            Assert.True(wrong.Count == 0, $"seed {seed}:\n" + string.Join('\n', wrong.Take(10)));
            Assert.True(looks > kills * 5);
            Assert.True(crowd is { Lost: 0, Shed: 0 } && crowd.Served == crowd.Sent, $"seed {seed}: {crowd.Sent} sent, {crowd.Served} served, {crowd.Shed} shed, {crowd.Lost} lost:\n{string.Join('\n', crowd.Failures)}\n{TellOf(folder, master)}");
            Assert.True(opening > 0 && closing > 0, $"seed {seed}: {opening} kills while a node was opened, {closing} while one was closed");

            await master.StopAsync();
            await EventuallyAsync(() => NodesOf(folder).Count == 0, () => TellOf(folder, master));
        }
        finally
        {
            await master.DisposeAsync();
            SecretWatch.HearNodes(folder);
            foreach (int pid in NodesOf(folder).Values) Process.GetProcessById(pid).Kill();
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The fleet is made to grow and to shrink by the policy file, as an owner would.</summary>
    private static Task LeastAsync(MasterProcess master, GridPolicy policy, int least) =>
        File.WriteAllTextAsync(master.PolicyFile, (policy with { Scaling = policy.Scaling with { Min = least } }).ToJson());

    /// <summary>At every moment: each place has one process at most, and each address in the DNS a node that answers.</summary>
    private static async Task<(int Looks, List<string> Wrong)> WatchAsync(MasterProcess master, CancellationToken ct)
    {
        List<string> wrong = [];
        int looks = 0;
        using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(3) };
        while (!ct.IsCancellationRequested)
        {
            looks++;
            foreach (IPAddress address in InDns(master))
            {
                try
                {
                    using HttpResponseMessage answer = await http.GetAsync($"http://{address}:{master.NodePrivatePort}{NodeApi.Health}", CancellationToken.None);
                }
                catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
                {
                    // It may have left the DNS since the question.
                    if (InDns(master).Contains(address)) wrong.Add($"{master.Clock}: {address} is in the DNS and does not answer: {e.Message}");
                }
            }
            IGrouping<string, KeyValuePair<string, int>>? twice = NodesOf(Path.GetDirectoryName(master.Data)!).GroupBy(n => n.Key.Split('-')[0]).FirstOrDefault(g => g.Count() > 1);
            if (twice is not null && twice.All(n => IsAlive(n.Value))) wrong.Add($"{master.Clock}: {twice.Key} runs twice");
            await Task.Delay(TimeSpan.FromMilliseconds(150), TimeProvider.System, CancellationToken.None);
        }
        return (looks, wrong);
    }

    private static HashSet<IPAddress> InDns(MasterProcess master)
    {
        try
        {
            using JsonDocument zone = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(master.Data, "zone.json")));
            return [.. zone.RootElement.GetProperty("nodes").EnumerateArray().Select(n => IPAddress.Parse(n.GetString()!))];
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return [];
        }
    }

    /// <summary>All node processes of this grid that live, by name, whoever has started them.</summary>
    private static Dictionary<string, int> NodesOf(string folder)
    {
        Dictionary<string, int> nodes = [];
        foreach (string process in Directory.EnumerateDirectories("/proc").Where(d => int.TryParse(Path.GetFileName(d), out _)))
        {
            try
            {
                string[] command = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
                int member = Array.IndexOf(command, "--member");
                int pid = int.Parse(Path.GetFileName(process), System.Globalization.CultureInfo.InvariantCulture);
                if (member > 0 && command[0] != "/bin/sh" && command.Contains(Path.Combine(folder, "grid")) && IsAlive(pid)) nodes[command[member + 1]] = pid;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone while it was looked at.
            }
        }
        return nodes;
    }

    private static bool IsAlive(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            return stat[(stat.LastIndexOf(')') + 2)] is not ('Z' or 'X');
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static string TellOf(string folder, MasterProcess master) =>
        $"runs: {string.Join(' ', NodesOf(folder).Keys)}; DNS: {string.Join(' ', InDns(master))}; said last: {string.Join("\n", master.History.TakeLast(12).Select(h => $"{h.At} {h.Node} {h.What} {h.Reason}"))}";

    private static async Task EventuallyAsync(Func<bool> condition, Func<string> tell)
    {
        for (int i = 0; i < 1500 && !condition(); i++) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        Assert.True(condition(), tell());
    }
}
