using System.Diagnostics;
using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Bench.Serving;

/// <summary>
/// From the start of the shipped program, over a grid that is there, to the first <c>/readyz</c> that says yes: it decides how fast an array can grow. And what
/// a node takes beside its cache once that is full and has been turned over several times.
/// </summary>
internal static class StartBench
{
    private const long SmallCache = 200_000_000;

    public static async Task<double> StartMillisecondsAsync(string folder, int rounds)
    {
        var times = new List<double>();
        for (int round = 0; round <= rounds; round++) times.Add(await StartAsync(folder));
        // The first made the grid's keys, if nobody had.
        return Statistics.Median(times.Skip(1));
    }

    /// <summary>Resident bytes above the cache's budget.</summary>
    public static async Task<long> MemoryAsync(string folder)
    {
        await using PinnedProcess node = PinnedProcess.StartSelf(PinnedProcess.ServersCore, NodeServer.Verb, folder, $"{SmallCache}");
        string[] at = (await node.ReadyAsync(l => l.StartsWith("listening", StringComparison.Ordinal))).Split(' ');
        Wrk load = Wrk.Prepare(folder);
        long most = 0;
        for (int turn = 0; turn < 5; turn++)
        {
            await load.RunAsync(new Contestant("node", $"https://{at[1]}", node), 64, 4);
            most = Math.Max(most, node.Resident);
        }
        return most - SmallCache;
    }

    private static async Task<double> StartAsync(string folder)
    {
        var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var owners = (IPEndPoint)listener.LocalEndpoint;
        listener.Stop();
        using var http = new HttpClient();
        long began = Stopwatch.GetTimestamp();
        await using PinnedProcess node = PinnedProcess.Start(PinnedProcess.ServersCore, "dotnet", Path.Combine(AppContext.BaseDirectory, "globalcache-node.dll"),
            "--data", folder, "--listen", "127.0.0.1:0", "--private", owners.ToString(), "--drain", "0");
        node.Drop();
        while (Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(30))
        {
            try
            {
                if ((await http.GetAsync(new Uri($"http://{owners}/readyz"))).IsSuccessStatusCode) return Stopwatch.GetElapsedTime(began).TotalMilliseconds;
            }
            catch (HttpRequestException)
            {
                await Task.Delay(3);
            }
        }
        throw new InvalidOperationException("The node did not get ready.");
    }
}
