using System.Text.Json;

namespace GlobalCache.Bench.Serving;

/// <summary>Everything <c>-- node</c> measures.</summary>
internal static class NodeBench
{
    public static async Task<int> RunAsync(bool json, Func<string, bool> wanted, int rounds)
    {
        var report = new Dictionary<string, object?>();
        void Say(string line)
        {
            if (!json) Console.WriteLine(line);
        }
        foreach (string program in (string[])["taskset", "wrk"])
        {
            if (PinnedProcess.Has(program)) continue;
            await Console.Error.WriteLineAsync($"{program} is not installed: apt-get install util-linux wrk nginx varnish, then once more.");
            return 2;
        }
        string folder = Directory.CreateTempSubdirectory("globalcache-bench-").FullName;
        bool right = true;
        try
        {
            if (wanted("serving"))
            {
                ServingFigures serving = await ServingBench.RunAsync(folder, rounds, seconds: 3);
                Say("warm assets                 CPU/request   requests/s   p50 / p99 under load");
                foreach (Served s in serving.Servers)
                    Say($"{s.Name,-25} {s.CpuMicroseconds,8:0.0} µs   {s.PerSecond,10:0}   {s.MedianMicroseconds / 1000:0.0} / {s.P99Microseconds / 1000:0.0} ms");
                Say($"node / bare Kestrel: clear {serving.ClearRatio:0.00}, TLS {serving.TlsRatio:0.00}; / nginx: clear {serving.NginxClearRatio:0.00}, TLS {serving.NginxTlsRatio:0.00}, "
                    + $"proxy_cache {serving.NginxProxyRatio:0.00}; / Varnish {serving.VarnishRatio:0.00}");
                Say($"one connection, TLS: p50 {serving.HitMedianMicroseconds:0} µs, p99 {serving.HitP99Microseconds:0} µs");
                if (serving.NginxTlsRatio is null || serving.VarnishRatio is null) Say("nginx or Varnish is not installed: its ratios are left out.");
                right &= serving.Wrong == 0;
                report["clearRatio"] = serving.ClearRatio;
                report["tlsRatio"] = serving.TlsRatio;
                report["nginxClearRatio"] = serving.NginxClearRatio;
                report["nginxTlsRatio"] = serving.NginxTlsRatio;
                report["nginxProxyRatio"] = serving.NginxProxyRatio;
                report["varnishRatio"] = serving.VarnishRatio;
                report["hitMedianMicros"] = serving.HitMedianMicroseconds;
                report["hitP99Micros"] = serving.HitP99Microseconds;
                report["wrongAnswers"] = serving.Wrong;
                report["servers"] = serving.Servers;
            }
            if (wanted("memory"))
            {
                double megabytes = await StartBench.MemoryAsync(folder) / 1e6;
                Say($"memory above the cache's budget, after it has been turned over: {megabytes:0} MB (at most 150)");
                report["memoryMegabytes"] = megabytes;
            }
            if (wanted("start"))
            {
                double milliseconds = await StartBench.StartMillisecondsAsync(Path.Combine(folder, "empty"), rounds);
                Say($"start to ready: {milliseconds:0} ms (below 1000)");
                report["startToReadyMillis"] = milliseconds;
            }
            if (wanted("ingest"))
            {
                IngestFigures ingest = await IngestBench.RunAsync(Path.Combine(folder, "ingest"), count: 1000);
                Say($"ingest: {ingest.PerSecond:0} assets/s (at least 100), {ingest.CpuMicroseconds:0} µs of CPU each");
                right &= ingest.Right;
                report["ingestPerSecond"] = ingest.PerSecond;
                report["ingestCpuMicros"] = ingest.CpuMicroseconds;
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
        report["ok"] = right;
        if (json) Console.WriteLine(JsonSerializer.Serialize(report.Where(r => r.Value is not null).ToDictionary(), JsonSerializerOptions.Web));
        else if (!right) Console.WriteLine("SOME ANSWER WAS WRONG");
        return right ? 0 : 1;
    }
}
