using System.Text.Json;

namespace GlobalCache.Bench;

/// <summary>Everything <c>-- http</c> measures, each figure against a baseline of the same run.</summary>
internal static class HttpBench
{
    public static async Task<int> RunAsync(bool json, Func<string, bool> wanted)
    {
        var report = new Dictionary<string, object>();
        void Say(string line)
        {
            if (!json) Console.WriteLine(line);
        }

        bool right = true;
        if (wanted("hits"))
        {
            HitFigures[] hits = [await HitBench.RunAsync(8 << 10, 5, 40_000), await HitBench.RunAsync(32 << 10, 5, 40_000), await HitBench.RunAsync(128 << 10, 5, 16_000)];
            Say("hits            CPU/request   bare Kestrel   ratio   first byte p99 (bare)");
            foreach (HitFigures h in hits)
                Say($"{h.Bytes / 1024,6} KiB      {h.HitMicroseconds,8:0.0} µs    {h.BareMicroseconds,8:0.0} µs   {h.Ratio,5:0.00}   {h.FirstByteP99:0.00} ms ({h.BareFirstByteP99:0.00} ms){(h.Right ? "" : "   WRONG")}");
            right &= hits.All(h => h.Right);
            report["hitVsKestrelRatio"] = hits.Max(h => h.Ratio);
            report["hitFirstByteP99Milliseconds"] = hits.Max(h => h.FirstByteP99);
            report["hits"] = hits;
        }
        if (wanted("misses"))
        {
            IReadOnlyList<MissFigures> misses = await MissBench.RunAsync(15);
            Say("misses          first byte (direct)        last byte (direct, bare relay)");
            foreach (MissFigures m in misses)
                Say($"{m.Bytes / 1024,6} KiB     {m.First,7:0.00} ({m.DirectFirst:0.00}) ms      {m.Last,8:0.00} ({m.DirectLast:0.00}, {m.BareRelayLast:0.00}) ms   {(m.InTarget ? "within" : "BEYOND")}");
            right &= misses.All(m => m.Right);
            report["misses"] = misses;
            int failed = await MissBench.FailedOf128Async();
            Say($"failed of 128 parallel GETs: {failed}");
            report["failedOf128"] = failed;
        }
        if (wanted("idle"))
        {
            IdleFigures idle = await IdleBench.RunAsync(TimeSpan.FromSeconds(15), TimeSpan.FromSeconds(60));
            Say($"idle: {idle.ClientResident / 1048576.0:0.0} MB resident, bare Kestrel {idle.BareResident / 1048576.0:0.0} MB; {idle.CpuShare:0.00 %} of a core with one circuit");
            report["idle"] = idle;
        }
        if (wanted("scene"))
        {
            foreach ((string name, int[] steps) in SceneBench.Manners)
            {
                SceneFigures scene = await SceneBench.RunAsync(steps, 3);
                Say($"scene, {name}: direct {scene.DirectSeconds:0.0} s; cold × {scene.ColdTimeRatio:0.000} time, × {scene.ColdBytesRatio:0.000} bytes until complete, × {scene.TotalBytesRatio:0.000} in all; warm × {scene.WarmTimeRatio:0.000} time, {scene.WarmGridBytes} grid bytes{(scene.Ok ? "" : "   WRONG")}");
                right &= scene.Ok;
                if (name == "whole")
                {
                    report["coldTimeRatio"] = scene.ColdTimeRatio;
                    report["coldBytesRatio"] = scene.ColdBytesRatio;
                    report["totalBytesRatio"] = scene.TotalBytesRatio;
                    report["warmTimeRatio"] = scene.WarmTimeRatio;
                    report["warmGridBytes"] = scene.WarmGridBytes;
                }
                else
                {
                    report["halfSeen"] = scene;
                }
            }
        }

        report["ok"] = right;
        if (json) Console.WriteLine(JsonSerializer.Serialize(report));
        else if (!right) Console.WriteLine("SOME BYTE WAS WRONG");
        return right ? 0 : 1;
    }
}
