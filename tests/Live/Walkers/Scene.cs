using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Live.Walkers;

/// <summary>What can be seen in the world: things that were always there, and new ones all the time. The newest are looked at most.</summary>
internal sealed class Scene
{
    private const int Popular = 250, NewSeed = 50;

    private readonly StandInGrid _grid;
    private readonly List<SceneAsset> _assets;

    public Scene(StandInGrid grid)
    {
        _grid = grid;
        _assets = [.. SyntheticScene.Fill(grid, textures: 240, meshes: 40, sounds: 20, animations: 20)];
        Shuffle(_assets, new Random(1));
    }

    public int Count
    {
        get
        {
            lock (_assets) return _assets.Count;
        }
    }

    /// <summary>Somebody uploads something.</summary>
    public void Add(Random dice)
    {
        int number = Count;
        (int type, byte[] bytes) = dice.Next(5) == 0
            ? (49, SyntheticAssets.Mesh((NewSeed * 100_000) + number, dice.Next(10_000, 150_000)))
            : (0, SyntheticAssets.Texture((NewSeed * 100_000) + number, dice.Next(8_000, 180_000), 512, 512));
        var asset = new SceneAsset(type, SyntheticScene.Id(NewSeed, type, number), bytes);
        _grid.Assets.Put(asset.Id, type, bytes);
        lock (_assets) _assets.Add(asset);
    }

    public SceneAsset Any(Random dice)
    {
        lock (_assets) return _assets[Math.Max(0, _assets.Count - 1 - (int)(Popular * Math.Pow(dice.NextDouble(), 3)))];
    }

    /// <summary>What there is not.</summary>
    public static SceneAsset None(Random dice) => new(0, SyntheticScene.Id(99, 0, dice.Next(1000)));

    private static void Shuffle(List<SceneAsset> assets, Random dice)
    {
        SceneAsset[] shuffled = [.. assets];
        dice.Shuffle(shuffled);
        assets.Clear();
        assets.AddRange(shuffled);
    }
}
