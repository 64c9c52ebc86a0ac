using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>Assets over circuits behind the proxy: cold they come from the grid and are kept, warm the grid is not asked.</summary>
[Collection("load")]
public sealed class UdpAssetsTests
{
    private static readonly Guid s_unknown = new("6c0ca000-0000-4000-8000-00000000dead");

    [Fact]
    public async Task What_came_by_UDP_is_served_by_UDP_and_by_HTTP()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> assets = Transferable(proxied.Grid);
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        foreach (SceneAsset asset in assets)
        {
            Assert.Equal(asset.Expected, await FetchAsync(viewer, asset));
            await KeptAsync(proxied.Grid, viewer, asset);
        }

        long before = proxied.Grid.Counters.AssetRequests;
        foreach (SceneAsset asset in assets)
        {
            Assert.Equal(asset.Expected, await FetchAsync(viewer, asset));
            Assert.True((await viewer.Assets.FetchAsync(asset)).Right);
        }

        Assert.Equal(before, proxied.Grid.Counters.AssetRequests);
        Assert.Equal(0, viewer.LostPackets);
    }

    [Fact]
    public async Task What_came_by_HTTP_is_served_by_UDP_to_another_viewer_too()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> assets = Transferable(proxied.Grid);
        await using (SimulatedViewer first = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri))
        {
            Assert.True((await first.Assets.FetchAsync(assets)).Ok);
            Assert.True(await first.LogoutAsync());
        }

        await proxied.RestartClientAsync();
        await using SimulatedViewer other = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri, new SimulatedViewerOptions { First = "Other" });
        // Over HTTP a request waits until the region has told its grid; over UDP it would go to the simulator.
        Assert.True((await other.Assets.FetchAsync(assets[0])).Right);
        foreach (SceneAsset asset in assets)
        {
            Assert.Equal(asset.Expected, await FetchAsync(other, asset));
        }

        Assert.Equal((0, 0), (proxied.Grid.Counters.ImageRequests, proxied.Grid.Counters.TransferRequests));
    }

    [Fact]
    public async Task T47_The_stand_in_picture_is_never_stored_under_a_foreign_UUID()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        byte[] standIn = proxied.Grid.Assets.Find(GridAssets.StandInPicture)!.Bytes;
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        for (int i = 0; i < 3; i++)
        {
            Assert.Equal(standIn, await viewer.ImageByUdpAsync(s_unknown));
            Assert.Equal(i + 1, proxied.Grid.Counters.RequestsFor(s_unknown));
            // What is kept afterwards shows that captures have been dealt with.
            await KeptAsync(proxied.Grid, viewer, SceneAsset.Of(proxied.Grid, GridAssets.SmallTexture));
        }

        Assert.Equal("missing", (await viewer.Assets.FetchAsync(new SceneAsset(0, s_unknown))).Error);
        Assert.Equal(1, proxied.Grid.Counters.RequestsFor(GridAssets.StandInPicture));
    }

    [Fact]
    public async Task A_viewer_that_never_asks_its_seed_gets_its_assets_from_the_store_as_well()
    {
        // Without capabilities the stand-in picture is asked of the simulator, unseen by the viewer.
        await using Proxied proxied = await Proxied.StartAsync(change: o => o with { Limits = o.Limits with { GridIdTimeout = TimeSpan.FromSeconds(1) } });
        byte[] standIn = proxied.Grid.Assets.Find(GridAssets.StandInPicture)!.Bytes;
        SceneAsset texture = SceneAsset.Of(proxied.Grid, GridAssets.LargeTexture);
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri, new SimulatedViewerOptions { AsksSeeds = false });
        Assert.Equal(standIn, await viewer.ImageByUdpAsync(s_unknown));
        Assert.Equal(texture.Expected, await viewer.ImageByUdpAsync(texture.Id));
        await KeptAsync(proxied.Grid, viewer, texture);
        Assert.Equal(standIn, await viewer.ImageByUdpAsync(s_unknown));
        Assert.Equal((2, 1), (proxied.Grid.Counters.RequestsFor(s_unknown), proxied.Grid.Counters.RequestsFor(GridAssets.StandInPicture)));
        Assert.Equal(standIn, await viewer.ImageByUdpAsync(GridAssets.StandInPicture));
        Assert.Equal((0, 0), (proxied.Grid.Counters.HttpAssetRequests, viewer.LostPackets));
    }

    [Fact]
    public async Task A_coarse_picture_that_came_by_UDP_is_completed_over_HTTP_once()
    {
        await using Proxied proxied = await Proxied.StartAsync(change: o => o with
        {
            Limits = o.Limits with { UdpCapturePatience = TimeSpan.FromSeconds(1), CompletionSettle = TimeSpan.FromMilliseconds(50) },
        });
        SceneAsset texture = SceneAsset.Of(proxied.Grid, GridAssets.LargeTexture);
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        viewer.AskImageByUdp(texture.Id, discard: 4);
        // Over UDP once, and then over HTTP what was missing, and the stand-in picture before it.
        await Eventually.EqualAsync(2, () => proxied.Grid.Counters.HttpAssetRequests);
        Assert.InRange(proxied.Grid.Counters.ImagePackets, 2, 20);
        await KeptAsync(proxied.Grid, viewer, texture);
        long before = proxied.Grid.Counters.RequestsFor(texture.Id);
        Assert.True((await viewer.Assets.FetchAsync(texture)).Right);
        Assert.Equal(before, proxied.Grid.Counters.RequestsFor(texture.Id));
        int standIn = proxied.Grid.Assets.Find(GridAssets.StandInPicture)!.Bytes.Length;
        Assert.Equal(2, proxied.Grid.Counters.HttpAssetRequests);
        Assert.InRange(proxied.Grid.Counters.HttpAssetBytes, standIn + 1, standIn + texture.Expected!.Length - 600);
    }

    private static IReadOnlyList<SceneAsset> Transferable(StandInGrid grid) => [.. SceneAsset.AllOf(grid).Where(a => a.Type != 49)];

    private static async Task<byte[]?> FetchAsync(SimulatedViewer viewer, SceneAsset asset) =>
        asset.Type == 0 ? await viewer.ImageByUdpAsync(asset.Id) : await viewer.TransferAsync(asset.Id, asset.Type);

    /// <summary>Storing takes a moment: asks until the grid is not asked any more.</summary>
    private static async Task KeptAsync(StandInGrid grid, SimulatedViewer viewer, SceneAsset asset)
    {
        for (int i = 0; i < 100; i++)
        {
            long before = grid.Counters.RequestsFor(asset.Id);
            Assert.Equal(asset.Expected, await FetchAsync(viewer, asset));
            if (grid.Counters.RequestsFor(asset.Id) == before) return;
            await Task.Delay(100);
        }

        Assert.Fail($"A type {asset.Type} is not kept.");
    }
}
