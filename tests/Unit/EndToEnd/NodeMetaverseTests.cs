using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>A client nobody here wrote, npm's node-metaverse, lives behind the proxy as it does before a grid.</summary>
[Collection("load")]
public sealed class NodeMetaverseTests
{
    [Fact]
    public async Task The_second_user_gets_every_asset_from_the_store_and_the_grid_is_not_asked()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> assets = NodeMetaverse.Recorded(proxied.Grid);
        string wanted = NodeMetaverse.Wanted(assets);

        NodeMetaverseVisit cold = await NodeMetaverse.VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--http", wanted);
        AssertHolds(assets, cold);
        long asked = proxied.Grid.Counters.HttpAssetRequests;
        Assert.True(asked >= assets.Count);

        NodeMetaverseVisit warm = await NodeMetaverse.VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--http", wanted, "--first", "Other");
        AssertHolds(assets, warm);
        Assert.NotEqual(cold.Agent, warm.Agent);
        Assert.Equal(asked, proxied.Grid.Counters.HttpAssetRequests);
    }

    [Fact]
    public async Task It_teleports_and_fetches_on_both_sides_over_both_protocols()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> assets = NodeMetaverse.Recorded(proxied.Grid);
        string wanted = NodeMetaverse.Wanted(assets);
        string udp = NodeMetaverse.Wanted(assets.Where(a => a.Type != 49));

        NodeMetaverseVisit visit = await NodeMetaverse.VisitAsync(
            "--login", proxied.Client.LoginUri.AbsoluteUri, "--http", wanted, "--udp", udp, "--teleport", "RigTwo,RigFar", "--again");

        Assert.Equal(["RigOne", "RigTwo", "RigFar"], visit.Regions);
        AssertHolds(assets, visit);
        Assert.All(assets.Where(a => a.Type != 49), a => Assert.Equal(NodeMetaverse.Hash(a), visit.Udp[a.Id.ToString("D")]));
    }

    [Fact]
    public async Task By_UDP_too_the_second_user_gets_every_asset_from_the_store_and_the_grid_is_not_asked()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        SceneAsset[] assets = [.. NodeMetaverse.Recorded(proxied.Grid).Where(a => a.Type != 49)];
        string wanted = NodeMetaverse.Wanted(assets);
        GridCounters counters = proxied.Grid.Counters;

        NodeMetaverseVisit cold = await NodeMetaverse.VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--udp", wanted);
        AssertCame(cold);
        (long images, long transfers) = (counters.ImageRequests, counters.TransferRequests);
        Assert.Equal((3, 4), (images, transfers));

        // The client ends what it has begun to keep before it stops.
        await proxied.RestartClientAsync();
        NodeMetaverseVisit warm = await NodeMetaverse.VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--udp", wanted, "--first", "Other");
        AssertCame(warm);
        Assert.NotEqual(cold.Agent, warm.Agent);
        Assert.Equal((images, transfers), (counters.ImageRequests, counters.TransferRequests));

        void AssertCame(NodeMetaverseVisit visit)
        {
            Assert.True(visit.Ok, string.Join("; ", visit.Errors));
            Assert.All(assets, a => Assert.Equal(NodeMetaverse.Hash(a), visit.Udp[a.Id.ToString("D")]));
        }
    }

    private static void AssertHolds(IReadOnlyList<SceneAsset> assets, NodeMetaverseVisit visit)
    {
        Assert.True(visit.Ok, string.Join("; ", visit.Errors));
        Assert.All(assets, a => Assert.Equal(NodeMetaverse.Hash(a), visit.Http[a.Id.ToString("D")]));
    }
}
