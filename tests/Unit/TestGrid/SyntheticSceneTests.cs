using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.TestGrid;

/// <summary>The scene of the demo and the benchmarks.</summary>
public sealed class SyntheticSceneTests
{
    [Fact]
    public async Task It_is_valid_the_same_every_time_and_can_be_fetched()
    {
        CancellationToken cancelled = TestContext.Current.CancellationToken;
        await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { ServesRecordedAssets = false });
        IReadOnlyList<SceneAsset> scene = SyntheticScene.Fill(grid, textures: 40, meshes: 12, sounds: 6, animations: 6);
        Assert.Equal(64, scene.Select(a => a.Id).Distinct().Count());
        Assert.All(scene, a => Assert.Equal(StructureVerdict.Valid, AssetStructure.Check((AssetType)a.Type, a.Expected).Verdict));
        Assert.Equal(scene.Select(a => a.Expected), SyntheticScene.Fill(grid, 40, 12, 6, 6).Select(a => a.Expected));
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: cancelled);
        SceneReport report = await viewer.Assets.FetchAsync(scene, cancelled);
        Assert.True(report.Ok);
        // Every texture is whole in the end; of meshes the physics shape is never asked for.
        long textures = scene.Where(a => a.Type == 0).Sum(a => (long)a.Expected!.Length);
        Assert.InRange(report.Fetches.Where(f => f.Asset.Type == 0).Sum(f => f.Bytes), textures, textures + 40 * 3);
        Assert.Equal(report.Requests, grid.Counters.HttpAssetRequests);
    }
}
