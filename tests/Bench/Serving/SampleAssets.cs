using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Bench.Serving;

/// <summary>2 000 textures of 127 000 bytes on average, most of them smaller, a few much larger, as in a region.</summary>
internal static class SampleAssets
{
    public const string Grid = "grid.example.org", Authority = "assets.example.org";
    public const int Count = 2000, Mean = 127_000;

    private static readonly int[] s_sizes = Sizes();

    public static AssetKey Key(int number) => new(Grid, AssetType.Texture, new Guid(number, 0x6c, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1));

    public static byte[] Bytes(int number) => SyntheticAssets.Texture(number, s_sizes[number % Count], 512, 512);

    private static int[] Sizes()
    {
        var random = new Random(20_26);
        double[] drawn = [.. Enumerable.Range(0, Count).Select(_ => Math.Clamp(-Math.Log(1 - random.NextDouble()), 0.02, 6))];
        double scale = Mean / drawn.Average();
        return [.. drawn.Select(d => (int)(d * scale))];
    }
}
