using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.TestGrid;

/// <summary>The simulated viewer at the stand-in grid, with nothing between: what both promise to those who use them.</summary>
public sealed class SimulatedViewerTests : IAsyncLifetime
{
    private static readonly Guid Unknown = new("deadbeef-0000-4000-8000-000000000001");
    private StandInGrid grid = null!;

    public async ValueTask InitializeAsync() => grid = await StandInGrid.StartAsync();

    public ValueTask DisposeAsync() => grid.DisposeAsync();

    [Fact]
    public async Task It_arrives_sees_its_neighbour_and_logs_out()
    {
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        Assert.Equal("RigOne", viewer.RegionName);
        await viewer.WaitForEventAsync("EstablishAgentCommunication", cancelled: Cancelled);
        Assert.Contains(grid.Regions["RigTwo"], viewer.Simulators.Keys);
        Assert.True(await viewer.LogoutAsync(Cancelled));
        await Eventually.EqualAsync(0, () => grid.SessionCount);
        Assert.Equal((0, 0), (viewer.SeedChanges, viewer.LostPackets));
    }

    [Fact]
    public async Task It_is_told_why_it_may_not_log_in()
    {
        LoginRefusedException refused = await Assert.ThrowsAsync<LoginRefusedException>(
            () => SimulatedViewer.LoginAsync(grid.LoginUri, new SimulatedViewerOptions { First = "Mfa" }, Cancelled));
        Assert.Equal("mfa_challenge", refused.Reason);
        await using SimulatedViewer sentOn = await SimulatedViewer.LoginAsync(grid.LoginUri, new SimulatedViewerOptions { First = "Next" }, Cancelled);
        Assert.Equal("RigOne", sentOn.RegionName);
    }

    [Fact]
    public async Task It_fetches_every_asset_over_HTTP_and_UDP()
    {
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        IReadOnlyList<SceneAsset> scene = SceneAsset.AllOf(grid);
        SceneReport report = await viewer.Assets.FetchAsync(scene, Cancelled);
        Assert.True(report.Ok);
        Assert.Equal(grid.Counters.HttpAssetRequests, report.Requests);
        Assert.Equal(grid.Counters.HttpAssetBytes, report.Bytes);
        foreach (SceneAsset asset in scene.Where(a => a.Type != 49))
        {
            byte[]? bytes = asset.Type == 0 ? await viewer.ImageByUdpAsync(asset.Id, Cancelled) : await viewer.TransferAsync(asset.Id, asset.Type, Cancelled);
            Assert.Equal(asset.Expected, bytes);
        }

        Assert.Equal(grid.Assets.Find(GridAssets.StandInPicture)!.Bytes, await viewer.ImageByUdpAsync(Unknown, Cancelled));
        Assert.Null(await viewer.TransferAsync(Unknown, 1, Cancelled));
        Assert.Equal("missing", (await viewer.Assets.FetchAsync(new SceneAsset(0, Unknown), Cancelled)).Error);
    }

    [Fact]
    public async Task It_notices_a_wrong_byte()
    {
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        foreach (SceneAsset asset in SceneAsset.AllOf(grid))
        {
            byte[] other = [.. asset.Expected!];
            other[Math.Min(5000, other.Length - 1)] ^= 1;
            grid.Faults.Set(asset.Id, new AssetFault { Body = other });
            Assert.False((await viewer.Assets.FetchAsync(asset, Cancelled)).Right);
        }
    }

    [Fact]
    public async Task It_teleports_to_a_neighbour_far_away_and_back()
    {
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        foreach (string region in new[] { "RigTwo", "RigFar", "RigOne" })
        {
            Assert.True(await viewer.TeleportAsync(region, Cancelled));
            Assert.Equal(region, viewer.RegionName);
            Assert.True((await viewer.Assets.FetchAsync(SceneAsset.Of(grid, GridAssets.SmallTexture), Cancelled)).Right);
        }

        Assert.False(await viewer.TeleportAsync("Nowhere", Cancelled));
        Assert.Equal(0, viewer.SeedChanges);
    }

    [Fact]
    public async Task It_walks_over_a_border_and_keeps_its_seed()
    {
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        await viewer.WaitForEventAsync("EstablishAgentCommunication", cancelled: Cancelled);
        Assert.True(grid.Cross("Test", "User", "RigTwo"));
        await viewer.WaitForRegionAsync("RigTwo", Cancelled);
        Assert.True(grid.Cross("Test", "User", "RigOne"));
        await viewer.WaitForRegionAsync("RigOne", Cancelled);
        Assert.Equal((0, 0), (viewer.SeedChanges, viewer.LostPackets));
    }

    [Fact]
    public async Task It_visits_another_grid_where_a_UUID_means_other_bytes()
    {
        await using StandInGrid far = await StandInGrid.StartAsync(new StandInGridOptions { Name = "far", Nick = "far", Regions = [new("HyperOne", 1000, 1000)] });
        grid.LinkTo(far);
        far.LinkTo(grid);
        far.Assets.Put(GridAssets.SmallTexture, 0, far.Assets.Find(GridAssets.LargeTexture)!.Bytes);
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        Assert.True(await viewer.TeleportAsync("HyperOne", Cancelled));
        Assert.True((await viewer.Assets.FetchAsync(SceneAsset.Of(far, GridAssets.SmallTexture), Cancelled)).Right);
        await Eventually.EqualAsync((0, 1), () => (grid.SessionCount, far.SessionCount));
        Assert.True(await viewer.TeleportAsync("RigTwo", Cancelled));
        Assert.True((await viewer.Assets.FetchAsync(SceneAsset.Of(grid, GridAssets.SmallTexture), Cancelled)).Right);
        await Eventually.EqualAsync((1, 0), () => (grid.SessionCount, far.SessionCount));
    }

    [Fact]
    public async Task Two_viewers_are_there_at_once()
    {
        await using SimulatedViewer one = await SimulatedViewer.LoginAsync(grid.LoginUri, cancelled: Cancelled);
        await using SimulatedViewer other = await SimulatedViewer.LoginAsync(grid.LoginUri, new SimulatedViewerOptions { First = "Other" }, Cancelled);
        Assert.Equal(2, grid.SessionCount);
        Assert.True(await one.LogoutAsync(Cancelled));
        Assert.Equal(grid.Assets.Find(GridAssets.SmallTexture)!.Bytes, await other.ImageByUdpAsync(GridAssets.SmallTexture, Cancelled));
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;
}
