using System.Buffers.Binary;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>
/// A place full of things, the same at every run: sizes spread evenly over their magnitudes, as in a place people have
/// built (textures 8 – 256 kB in 256² to 1024², meshes 10 – 300 kB, sounds 20 – 200 kB).
/// </summary>
public static class SyntheticScene
{
    /// <summary>Puts the assets on the grid and returns them as a viewer's scene, with the bytes they ought to have.</summary>
    public static IReadOnlyList<SceneAsset> Fill(StandInGrid grid, int textures, int meshes, int sounds = 0, int animations = 0, int seed = 1)
    {
        var scene = new List<SceneAsset>();
        for (int i = 0; i < textures; i++)
        {
            int bytes = Between(8_000, 256_000, i);
            int side = bytes <= 24_000 ? 256 : bytes <= 80_000 ? 512 : 1024;
            Add(0, i, SyntheticAssets.Texture(seed * 100_000 + i, bytes, side, side));
        }

        for (int i = 0; i < meshes; i++) Add(49, i, SyntheticAssets.Mesh(seed * 100_000 + i, Between(10_000, 300_000, i)));
        for (int i = 0; i < sounds; i++) Add(1, i, SyntheticAssets.Sound(seed * 100_000 + i, Between(20_000, 200_000, i)));
        for (int i = 0; i < animations; i++) Add(20, i, SyntheticAssets.Animation(seed * 100_000 + i, 1 + i % 60));
        return scene;

        void Add(int type, int number, byte[] bytes)
        {
            Guid id = Id(seed, type, number);
            grid.Assets.Put(id, type, bytes);
            scene.Add(new SceneAsset(type, id, bytes));
        }
    }

    /// <summary>The UUID of one of a scene's assets: version 4 in form, and readable.</summary>
    public static Guid Id(int seed, int type, int number)
    {
        Span<byte> id = stackalloc byte[16];
        BinaryPrimitives.WriteInt32BigEndian(id, 0x5CE00000 + seed);
        (id[6], id[8], id[9]) = (0x40, 0x80, (byte)type);
        BinaryPrimitives.WriteInt32BigEndian(id[12..], number);
        return new Guid(id, bigEndian: true);
    }

    /// <summary>The size of number <paramref name="i"/>: steps of the golden ratio visit every magnitude evenly, large and small mixed.</summary>
    private static int Between(int least, int most, int i)
    {
        double share = i * 0.6180339887498949 % 1;
        return (int)(least * Math.Pow((double)most / least, share));
    }
}
