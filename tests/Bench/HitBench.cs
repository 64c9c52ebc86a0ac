using System.Diagnostics;
using System.Net;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Bench;

/// <summary>
/// Hits out of the sealed store against a bare Kestrel that serves as many bytes from an array: CPU per request of the two
/// server processes under the same load, turn by turn; then the time to the first byte, and pipelined requests.
/// </summary>
internal static class HitBench
{
    private const int Assets = 64, Connections = 8;

    public static async Task<HitFigures> RunAsync(int bytes, int rounds, int requests)
    {
        await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { RequestsPerConnection = int.MaxValue });
        (Guid Id, byte[] Bytes)[] held = [.. Enumerable.Range(0, Assets).Select(i => (Id(bytes, i), SyntheticAssets.Texture(bytes + i, bytes, 512, 512)))];
        foreach ((Guid id, byte[] body) in held) grid.Assets.Put(id, 0, body);
        Uri cap = await Grids.ViewerAssetAsync(grid);
        await using ClientProcess client = await ClientProcess.StartAsync("--asset-only", "--asset-upstream", cap.AbsoluteUri, "--login-uri", grid.LoginUri.AbsoluteUri);
        await using ServerProcess bare = await ServerProcess.StartAsync(
            "GlobalCache.Bench.dll", [BareKestrel.Verb, bytes.ToString()], line => line.StartsWith("listening", StringComparison.Ordinal));
        Uri[] hits = [.. held.Select(h => new Uri($"{client.Uri}/?texture_id={h.Id}"))];
        Uri[] baseline = [.. Enumerable.Repeat(new Uri(bare.Ready.Split(' ')[1] + "/"), Assets)];

        // Cold once, then until the grid is asked no more.
        bool right = true;
        foreach (int _ in Enumerable.Range(0, 2)) right &= Check(hits, held);
        await Task.Delay(500);
        long asked = grid.Counters.HttpAssetRequests;
        Load(hits, requests / 4);
        Load(baseline, requests / 4);

        List<double> ratio = [], hitMicroseconds = [], bareMicroseconds = [];
        for (int round = 0; round < rounds; round++)
        {
            double ours = Measure(client.Server, hits, requests), theirs = Measure(bare, baseline, requests);
            hitMicroseconds.Add(ours);
            bareMicroseconds.Add(theirs);
            ratio.Add(ours / theirs);
        }

        double firstByteP99 = Statistics.Median(Enumerable.Range(0, rounds).Select(_ => FirstByte(hits)));
        double bareFirstByteP99 = Statistics.Median(Enumerable.Range(0, rounds).Select(_ => FirstByte(baseline)));
        right &= Pipelined(hits, held);
        right &= grid.Counters.HttpAssetRequests == asked;
        return new HitFigures(bytes, Statistics.Median(ratio), Statistics.Median(hitMicroseconds), Statistics.Median(bareMicroseconds),
            firstByteP99, bareFirstByteP99, right);
    }

    /// <summary>Microseconds of CPU the server spends on one request.</summary>
    private static double Measure(ServerProcess server, Uri[] urls, int requests)
    {
        TimeSpan before = server.Cpu;
        Load(urls, requests);
        return (server.Cpu - before).TotalMicroseconds / requests;
    }

    private static void Load(Uri[] urls, int requests)
    {
        byte[][] prepared = [.. urls.Select(u => RawHttp.Get(u))];
        IPEndPoint server = IPEndPoint.Parse(urls[0].Authority);
        Thread[] threads = [.. Enumerable.Range(0, Connections).Select(c => new Thread(() =>
        {
            using var connection = new RawHttp(server);
            for (int i = c; i < requests; i += Connections)
            {
                connection.Send(prepared[i % prepared.Length]);
                connection.Receive();
            }
        }))];
        foreach (Thread thread in threads) thread.Start();
        foreach (Thread thread in threads) thread.Join();
    }

    private static bool Check(Uri[] urls, (Guid Id, byte[] Bytes)[] held)
    {
        bool right = true;
        using var connection = new RawHttp(IPEndPoint.Parse(urls[0].Authority));
        for (int i = 0; i < urls.Length; i++)
        {
            connection.Send(RawHttp.Get(urls[i]));
            var body = new MemoryStream();
            right &= connection.Receive(null, body).Status == 200 && body.ToArray().AsSpan().SequenceEqual(held[i].Bytes);
        }

        return right;
    }

    /// <summary>Milliseconds to the first body byte, 99th percentile, one request at a time.</summary>
    private static double FirstByte(Uri[] urls)
    {
        using var connection = new RawHttp(IPEndPoint.Parse(urls[0].Authority));
        var times = new List<double>();
        for (int i = 0; i < 1000; i++)
        {
            long start = Stopwatch.GetTimestamp();
            connection.Send(RawHttp.Get(urls[i % urls.Length], "bytes=0-599"));
            connection.Receive(() => times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds));
        }

        return Statistics.Percentile(times, 99);
    }

    /// <summary>100 requests on 8 connections, all sent before one answer is read: they must come in order.</summary>
    private static bool Pipelined(Uri[] urls, (Guid Id, byte[] Bytes)[] held)
    {
        bool right = true;
        var connections = Enumerable.Range(0, 8).Select(_ => new RawHttp(IPEndPoint.Parse(urls[0].Authority))).ToArray();
        for (int i = 0; i < 100; i++) connections[i % 8].Send(RawHttp.Get(urls[i % urls.Length]));
        for (int i = 0; i < 100; i++)
        {
            var body = new MemoryStream();
            right &= connections[i % 8].Receive(null, body).Status == 200 && body.ToArray().AsSpan().SequenceEqual(held[i % held.Length].Bytes);
        }

        foreach (RawHttp connection in connections) connection.Dispose();
        return right;
    }

    private static Guid Id(int bytes, int index) => new(bytes, (short)index, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1);
}

/// <summary>CPU in microseconds a request, times in milliseconds; <paramref name="Right"/>: every byte, every order, no question to the grid.</summary>
internal sealed record HitFigures(
    int Bytes, double Ratio, double HitMicroseconds, double BareMicroseconds, double FirstByteP99, double BareFirstByteP99, bool Right);
