using System.Diagnostics;
using System.Net;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Bench;

/// <summary>Misses against a direct request for another asset of the same size, turn by turn, on plain loopback.</summary>
internal static class MissBench
{
    public static async Task<IReadOnlyList<MissFigures>> RunAsync(int rounds)
    {
        await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { RequestsPerConnection = int.MaxValue });
        Uri cap = await Grids.ViewerAssetAsync(grid);
        await using ClientProcess client = await ClientProcess.StartAsync("--asset-only", "--asset-upstream", cap.AbsoluteUri, "--login-uri", grid.LoginUri.AbsoluteUri);
        await using ServerProcess relay = await ServerProcess.StartAsync(
            "GlobalCache.Bench.dll", [BareRelay.Verb, cap.Port.ToString()], line => line.StartsWith("listening", StringComparison.Ordinal));
        var floor = new Uri($"http://{relay.Ready.Split(' ')[1]}{cap.AbsolutePath}");
        var all = new List<MissFigures>();
        foreach (int bytes in new[] { 1 << 10, 16 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20 })
        {
            List<double> directFirst = [], directLast = [], relayLast = [], first = [], last = [];
            bool right = true;
            using var straight = new RawHttp(IPEndPoint.Parse(cap.Authority));
            using var relayed = new RawHttp(IPEndPoint.Parse(floor.Authority));
            using var through = new RawHttp(IPEndPoint.Parse(client.Uri.Authority));
            // The first requests pay for compilation; the larger the asset, the fewer are needed.
            int warmUp = bytes <= 16 << 10 ? 300 : 10;
            for (int round = -warmUp; round < rounds; round++)
            {
                (double a, double b, bool ok) = Get(grid, straight, cap, bytes);
                (_, double e, _) = Get(grid, relayed, floor, bytes);
                (double c, double d, bool ok2) = Get(grid, through, client.Uri, bytes);
                right &= ok & ok2;
                if (round < 0) continue;
                directFirst.Add(a);
                directLast.Add(b);
                relayLast.Add(e);
                first.Add(c);
                last.Add(d);
                // The kept asset is being sealed meanwhile; the next round shall not pay for it.
                await Task.Delay(bytes > 1 << 20 ? 300 : 30);
            }

            all.Add(new MissFigures(bytes, Statistics.Median(directFirst), Statistics.Median(first), Statistics.Median(directLast), Statistics.Median(relayLast), Statistics.Median(last), right));
        }

        return all;
    }

    /// <summary>How many of 128 parallel GETs of assets nobody has seen fail.</summary>
    public static async Task<int> FailedOf128Async()
    {
        await using StandInGrid grid = await StandInGrid.StartAsync();
        Uri cap = await Grids.ViewerAssetAsync(grid);
        await using ClientProcess client = await ClientProcess.StartAsync("--asset-only", "--asset-upstream", cap.AbsoluteUri, "--login-uri", grid.LoginUri.AbsoluteUri);
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        bool[] good = await Task.WhenAll(Enumerable.Range(0, 128).Select(async _ =>
        {
            byte[] body = Put(grid, 50_000, out Guid id);
            try
            {
                return (await http.GetByteArrayAsync(new Uri($"{client.Uri}/?texture_id={id}"))).AsSpan().SequenceEqual(body);
            }
            catch (HttpRequestException)
            {
                return false;
            }
        }));
        return good.Count(g => !g);
    }

    private static (double First, double Last, bool Right) Get(StandInGrid grid, RawHttp connection, Uri server, int bytes)
    {
        byte[] body = Put(grid, bytes, out Guid id);
        var got = new MemoryStream(bytes);
        long start = Stopwatch.GetTimestamp();
        double first = 0;
        connection.Send(RawHttp.Get(new Uri($"{server}/?texture_id={id}")));
        (int status, _) = connection.Receive(() => first = Stopwatch.GetElapsedTime(start).TotalMilliseconds, got);
        double last = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        bool right = status == 200 && got.GetBuffer().AsSpan(0, (int)got.Length).SequenceEqual(body);
        grid.Assets.Remove(id);
        return (first, last, right);
    }

    private static byte[] Put(StandInGrid grid, int bytes, out Guid id)
    {
        id = Guid.NewGuid();
        byte[] body = SyntheticAssets.Texture(id.GetHashCode(), bytes, 1024, 1024);
        grid.Assets.Put(id, 0, body);
        return body;
    }
}

/// <summary>Medians in milliseconds.</summary>
internal sealed record MissFigures(int Bytes, double DirectFirst, double First, double DirectLast, double BareRelayLast, double Last, bool Right)
{
    public bool InTarget => Right && First <= DirectFirst + 1 && Last <= DirectLast * 1.05 + 1;
}
