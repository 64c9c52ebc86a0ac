using System.Diagnostics;
using System.Net;
using System.Text.Json;
using GlobalCache.Demo.Founding;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Master;

/// <summary>A real master that is killed at random instants while it opens nodes. By hand: MASTER_KILLS=200.</summary>
[Collection("load")]
public sealed class KilledMasterTests
{
    [Fact]
    public async Task Killed_at_any_instant_while_it_opens_nodes_it_loses_none_starts_none_twice_and_the_dns_names_none_that_does_not_answer()
    {
        int kills = int.TryParse(Environment.GetEnvironmentVariable("MASTER_KILLS"), out int asked) ? asked : 5;
        int seed = int.TryParse(Environment.GetEnvironmentVariable("MASTER_SEED"), out int given) ? given : 1;
        var dice = new Random(seed);
        string folder = Directory.CreateTempSubdirectory("gc-killed-").FullName;
        GridPolicy policy = FoundingPolicy.Of(10);
        policy = policy with { Scaling = policy.Scaling with { Ttl = TimeSpan.FromSeconds(1), Calm = TimeSpan.FromSeconds(1), LaunchesPerHour = 10_000, ScaleInsPerHour = 1000, NodeHoursPerDay = 24_000, Life = policy.Scaling.Life with { DrainLeast = TimeSpan.FromSeconds(2), DrainQuiet = TimeSpan.FromSeconds(1), Lease = TimeSpan.FromSeconds(2), LeaseRenew = TimeSpan.FromSeconds(0.5), LeaseLeast = TimeSpan.FromSeconds(1) } } };
        await using var master = new MasterProcess(folder, policy, 1_000_000, network: 63, TimeProvider.System);
        try
        {
            await master.StartAsync();
            await master.SaidAsync(h => h.Reason == "It is in service.", TimeSpan.FromSeconds(60));
            using var watching = new CancellationTokenSource();
            Task<(int Looks, List<string> Wrong)> watch = WatchAsync(master, watching.Token);
            int least = 1;
            for (int i = 0; i < kills; i++)
            {
                // The fleet is made to grow by the policy file, as an owner would.
                least = Math.Min(least + 1, 6);
                await File.WriteAllTextAsync(master.PolicyFile, (policy with { Scaling = policy.Scaling with { Min = least, Max = 6 } }).ToJson());
                await Task.Delay(TimeSpan.FromMilliseconds(dice.Next(200, 9000)), TimeProvider.System);
                await master.KillAsync();
                await Task.Delay(TimeSpan.FromMilliseconds(dice.Next(0, 1500)), TimeProvider.System);
                await master.StartAsync();
            }

            // In the end it is as if nothing had been.
            await File.WriteAllTextAsync(master.PolicyFile, (policy with { Scaling = policy.Scaling with { Min = 6, Max = 6 } }).ToJson());
            await EventuallyAsync(() => NodesOf(folder).Count == 6 && InDns(master).Count == 6, () => TellOf(folder, master));
            await watching.CancelAsync();
            (int looks, List<string> wrong) = await watch;
            Assert.True(wrong.Count == 0, $"seed {seed}:\n" + string.Join('\n', wrong.Take(10)));
            Assert.True(looks > kills * 5);

            await master.StopAsync();
            await EventuallyAsync(() => NodesOf(folder).Count == 0, () => TellOf(folder, master));
        }
        finally
        {
            await master.DisposeAsync();
            foreach (int pid in NodesOf(folder).Values) Process.GetProcessById(pid).Kill();
            Directory.Delete(folder, recursive: true);
        }
    }

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
