namespace GlobalCache.Bench.Serving;

/// <summary>What one server needed, medians over all rounds; ratios are taken round by round against the node in the same round.</summary>
internal sealed record Served(string Name, double CpuMicroseconds, double PerSecond, double MedianMicroseconds, double P99Microseconds);

/// <summary>
/// Warm assets: 2 000 of 127 KB on average over 64 keep-alive connections, one server after the other in every round, each on the same core.
/// </summary>
internal static class ServingBench
{
    private const int Connections = 64;

    public static async Task<ServingFigures> RunAsync(string folder, int rounds, double seconds)
    {
        await using PinnedProcess node = PinnedProcess.StartSelf(PinnedProcess.ServersCore, NodeServer.Verb, folder, "512000000");
        string[] at = (await node.ReadyAsync(l => l.StartsWith("listening", StringComparison.Ordinal))).Split(' ');
        OtherServers.Prepare(folder);
        await using PinnedProcess bare = PinnedProcess.StartSelf(PinnedProcess.ServersCore, BlobKestrel.Verb, folder);
        string[] bareAt = (await bare.ReadyAsync(l => l.StartsWith("listening", StringComparison.Ordinal))).Split(' ');
        await using OtherServers others = await OtherServers.StartAsync(folder);
        var nodeTls = new Contestant("node, TLS 1.3", $"https://{at[1]}", node);
        Contestant[] all =
        [
            new("node, clear", $"http://{at[2]}", node), new("bare Kestrel, clear", $"http://{bareAt[2]}", bare),
            nodeTls, new("bare Kestrel, TLS 1.3", $"https://{bareAt[1]}", bare), .. others.Contestants,
        ];
        Wrk load = Wrk.Prepare(folder);
        // Until what is often run is compiled as well as it will be, and every cache is warm.
        foreach (Contestant contestant in (Contestant[])[.. all, .. all]) await load.RunAsync(contestant, Connections, 4);
        var turns = all.ToDictionary(c => c.Name, _ => new List<Turn>());
        for (int round = 0; round < rounds; round++)
        {
            foreach (Contestant contestant in all) turns[contestant.Name].Add(await load.RunAsync(contestant, Connections, seconds));
        }
        Turn alone = await load.RunAsync(nodeTls, connections: 1, seconds);
        return new ServingFigures(
            [.. all.Select(c => new Served(c.Name, Median(c.Name, t => t.CpuMicroseconds), Median(c.Name, t => t.PerSecond), Median(c.Name, t => t.MedianMicroseconds), Median(c.Name, t => t.P99Microseconds)))],
            Ratio("node, clear", "bare Kestrel, clear"), Ratio("node, TLS 1.3", "bare Kestrel, TLS 1.3"),
            Ratio("node, clear", "nginx static, clear"), Ratio("node, TLS 1.3", "nginx static, TLS 1.3"), Ratio("node, clear", "nginx proxy_cache, clear"), Ratio("node, clear", "Varnish, clear"),
            alone.MedianMicroseconds, alone.P99Microseconds, turns.Values.SelectMany(t => t).Sum(t => t.Wrong) + alone.Wrong);

        double Median(string name, Func<Turn, double> of) => Statistics.Median(turns[name].Select(of));

        double? Ratio(string ours, string theirs) =>
            turns.TryGetValue(theirs, out List<Turn>? other) ? Statistics.Median(turns[ours].Zip(other, (a, b) => a.CpuMicroseconds / b.CpuMicroseconds)) : null;
    }
}

/// <summary>Ratios of CPU a request, the node's by the other's; null: the other is not installed. <paramref name="Wrong"/>: answers that were not 200.</summary>
internal sealed record ServingFigures(
    IReadOnlyList<Served> Servers, double? ClearRatio, double? TlsRatio, double? NginxClearRatio, double? NginxTlsRatio, double? NginxProxyRatio, double? VarnishRatio,
    double HitMedianMicroseconds, double HitP99Microseconds, long Wrong);
