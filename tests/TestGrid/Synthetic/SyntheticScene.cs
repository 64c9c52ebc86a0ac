using System.Buffers.Binary;
using System.Security.Cryptography;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.TestGrid.Synthetic;

/// <summary>
/// A scene a viewer might stand in: assets of the sizes PROTOCOL §7.2 calls typical, most of them small, a few large; the same
/// at every run with the same seed.
/// </summary>
public sealed record SyntheticScene
{
    /// <summary>Textures, log-normal around 32 KiB, 2 KiB – 600 KiB.</summary>
    public int Textures { get; init; } = 300;

    /// <summary>Meshes, log-normal around 64 KiB, 8 KiB – 1 MiB.</summary>
    public int Meshes { get; init; } = 60;

    /// <summary>Sounds of 20 – 120 KiB.</summary>
    public int Sounds { get; init; }

    /// <summary>Animations of 1 – 60 joints.</summary>
    public int Animations { get; init; }

    /// <summary>Another seed, other assets.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>Puts the scene's assets into a grid and returns what a viewer would ask for.</summary>
    public IReadOnlyList<SceneAsset> BuildIn(StandInGrid grid)
    {
        var random = new Random(Seed);
        var scene = new List<SceneAsset>(Textures + Meshes + Sounds + Animations);
        for (int i = 0; i < Textures; i++)
        {
            int bytes = LogNormal(random, 32 << 10, 1.1, 2 << 10, 600 << 10);
            int side = bytes < 12 << 10 ? 256 : bytes < 64 << 10 ? 512 : 1024;
            Add(0, SyntheticAssets.Texture(random.Next(), bytes, side, side));
        }
        for (int i = 0; i < Meshes; i++) Add(49, SyntheticAssets.Mesh(random.Next(), LogNormal(random, 64 << 10, 1.0, 8 << 10, 1 << 20)));
        for (int i = 0; i < Sounds; i++) Add(1, SyntheticAssets.Sound(random.Next(), random.Next(20 << 10, 120 << 10)));
        for (int i = 0; i < Animations; i++) Add(20, SyntheticAssets.Animation(random.Next(), random.Next(1, 60)));
        return scene;

        void Add(int type, byte[] bytes)
        {
            Span<byte> name = stackalloc byte[8];
            BinaryPrimitives.WriteInt32LittleEndian(name, Seed);
            BinaryPrimitives.WriteInt32LittleEndian(name[4..], scene.Count);
            var id = new Guid(SHA256.HashData(name).AsSpan(0, 16), bigEndian: true);
            grid.Assets.Put(id, type, bytes);
            scene.Add(new SceneAsset(type, id, bytes));
        }
    }

    private static int LogNormal(Random random, int median, double sigma, int least, int most)
    {
        // Box–Muller.
        double normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return (int)Math.Clamp(median * Math.Exp(sigma * normal), least, most);
    }
}
