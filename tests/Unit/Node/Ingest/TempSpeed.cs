using GlobalCache.TestGrid.Synthetic;
namespace GlobalCache.Tests.Node.Ingest;
public sealed class TempSpeed
{
    [Fact]
    public async Task Speed()
    {
        using var rig = new IngestRig { Policy = new GlobalCache.Policy.VouchingPolicy { Lead = 1 } };
        byte[][] all = [.. Enumerable.Range(0, 300).Select(i => SyntheticAssets.Texture(i, 127_000, 64, 64))];
        var cpu = Environment.CpuUsage.TotalTime; long t = System.Diagnostics.Stopwatch.GetTimestamp();
        for (int i = 0; i < all.Length; i++)
        {
            await rig.ClaimAsync(rig.Stranger(1), IngestRig.Line(i, all[i]));
            await rig.Uploads.PutAsync(IngestRig.Key(i), all[i], default);
        }
        File.WriteAllText("/tmp/gc-ningest-speed.txt", $"{(Environment.CpuUsage.TotalTime - cpu).TotalMilliseconds / all.Length} ms cpu, {System.Diagnostics.Stopwatch.GetElapsedTime(t).TotalMilliseconds / all.Length} ms wall per asset");
    }
}
