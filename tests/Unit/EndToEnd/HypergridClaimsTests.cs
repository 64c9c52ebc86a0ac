using GlobalCache.Client;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>What somebody fetches on another grid is nobody's business at home (SECURITY §4): the grid id is the region's.</summary>
[Collection("load")]
public sealed class HypergridClaimsTests
{
    [Fact]
    public async Task What_a_foreign_grid_sends_is_claimed_neither_under_the_home_grids_id_nor_at_all()
    {
        await using StandInGrid foreign = await StandInGrid.StartAsync(new StandInGridOptions { Name = "foreign", Regions = [new RegionPlan("Foreign", 2000, 2000)] });
        await using SharedWorld shared = await SharedWorld.StartAsync();
        shared.World.LinkTo(foreign);
        foreign.LinkTo(shared.World);
        // It has other pictures under UUIDs of home.
        IReadOnlyList<SceneAsset> poison = SyntheticScene.Fill(foreign, textures: 6, meshes: 2, sounds: 2), home = NodeMetaverse.Recorded(shared.World);
        await using ClientApp client = await shared.ClientAsync("traveller");
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(client.LoginUri);

        Assert.True(await viewer.TeleportAsync("Foreign"));
        Assert.True((await viewer.Assets.FetchAsync(poison)).Ok);
        SceneAsset byUdp = poison.Last(a => a.Type == 0);
        Assert.Equal(byUdp.Expected, await viewer.ImageByUdpAsync(byUdp.Id));
        Assert.True(await viewer.TeleportAsync("RigOne"));
        Assert.True((await viewer.Assets.FetchAsync(home)).Ok);

        // What came from home is claimed; by then what came before it would have been too.
        await shared.StoredAsync(home.Count);
        await Task.Delay(1500);
        Assert.All(home, a => Assert.True(IsKnown(shared, shared.WorldId, a)));
        Assert.True(GridId.TryFromUrl(foreign.LoginUri.AbsoluteUri, out string foreignId));
        Assert.All(poison, a => Assert.False(IsKnown(shared, shared.WorldId, a) || IsKnown(shared, foreignId, a)));
        Assert.Equal(home.Count, Directory.GetFiles(Path.Combine(shared.Folder, "node", "store", "v"), "*", SearchOption.AllDirectories).Count(f => Path.GetFileName(f) != "canary"));
    }

    private static bool IsKnown(SharedWorld shared, string grid, SceneAsset asset)
    {
        AssetType type = asset.Type switch { 0 => AssetType.Texture, 1 => AssetType.Sound, 20 => AssetType.Animation, _ => AssetType.Mesh };
        string name = shared.Node.Grid.Keys.NameOf(new AssetKey(grid, type, asset.Id));
        return File.Exists(Path.Combine(shared.Folder, "node", "store", "v", name[..2], name));
    }
}
