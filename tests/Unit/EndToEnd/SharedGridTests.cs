using GlobalCache.Client;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Regions;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>Several people, a client each, one node: what the first has fetched from the grid, the others get from the node.</summary>
[Collection("load")]
public sealed class SharedGridTests
{
    [Fact]
    public async Task What_the_first_fetched_the_second_gets_from_the_node()
    {
        await using SharedWorld shared = await SharedWorld.StartAsync();
        IReadOnlyList<SceneAsset> assets = SceneAsset.AllOf(shared.World);
        await FirstVisitAsync(shared, assets);

        // From here on the grid gives no asset any more, and takes its time to say so.
        shared.World.Faults.SetAll(new AssetFault { Latency = TimeSpan.FromSeconds(20), Status = 503 });
        await using ClientApp second = await shared.ClientAsync("second");
        await using SimulatedViewer other = await SimulatedViewer.LoginAsync(second.LoginUri, new SimulatedViewerOptions { First = "Other" });
        Assert.True((await other.Assets.FetchAsync(assets)).Ok);
    }

    [Fact]
    public async Task A_real_viewer_library_gets_what_the_first_fetched_from_the_node_and_the_grid_is_not_asked()
    {
        await using SharedWorld shared = await SharedWorld.StartAsync();
        IReadOnlyList<SceneAsset> recorded = NodeMetaverse.Recorded(shared.World), others = SyntheticScene.Fill(shared.World, 40, 0);
        await using (ClientApp first = await shared.ClientAsync("first"))
        {
            NodeMetaverseVisit cold = await NodeMetaverse.VisitAsync("--login", first.LoginUri.AbsoluteUri, "--http", NodeMetaverse.Wanted(recorded));
            Assert.True(cold.Ok, string.Join("; ", cold.Errors));
            await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(first.LoginUri);
            Assert.True((await viewer.Assets.FetchAsync(others)).Ok);
            await shared.StoredAsync(recorded.Count + others.Count);
        }

        // The second client learns that the node is sooner than the grid, and from then on waits for it a moment.
        await using ClientApp second = await shared.ClientAsync("second", o => o with { Limits = o.Limits with { CacheGridHold = TimeSpan.FromSeconds(1) } });
        shared.World.Faults.SetAll(new AssetFault { Latency = TimeSpan.FromSeconds(3) });
        shared.Line.Delay = TimeSpan.FromMilliseconds(700);
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(second.LoginUri))
        {
            Assert.True((await viewer.Assets.FetchAsync(others)).Ok);
        }
        shared.Line.Delay = TimeSpan.Zero;
        shared.World.Faults.SetAll(null);

        long asked = recorded.Sum(a => shared.World.Counters.RequestsFor(a.Id));
        NodeMetaverseVisit warm = await NodeMetaverse.VisitAsync("--login", second.LoginUri.AbsoluteUri, "--http", NodeMetaverse.Wanted(recorded), "--first", "Other");
        Assert.True(warm.Ok, string.Join("; ", warm.Errors));
        Assert.All(recorded, a => Assert.Equal(NodeMetaverse.Hash(a), warm.Http[a.Id.ToString("D")]));
        Assert.Equal(asked, recorded.Sum(a => shared.World.Counters.RequestsFor(a.Id)));
    }

    [Fact]
    public async Task By_UDP_too_the_node_has_what_the_first_fetched_and_the_simulator_is_not_asked()
    {
        await using SharedWorld shared = await SharedWorld.StartAsync();
        SceneAsset[] recorded = [.. NodeMetaverse.Recorded(shared.World).Where(a => a.Type != 49)];
        IReadOnlyList<SceneAsset> others = SyntheticScene.Fill(shared.World, 40, 0);
        await FirstVisitAsync(shared, [.. recorded, .. others]);

        // A circuit waits for 25 ms at most: on a machine that is busy just then the simulator is asked, so there may be several tries.
        long asked = 0;
        for (int attempt = 1; attempt <= 4; attempt++)
        {
            await using ClientApp second = await shared.ClientAsync($"second{attempt}");
            shared.World.Faults.SetAll(new AssetFault { Latency = TimeSpan.FromSeconds(3) });
            await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(second.LoginUri))
            {
                foreach (SceneAsset other in others) Assert.True((await viewer.Assets.FetchAsync(other)).Right);
            }
            shared.World.Faults.SetAll(null);

            long before = Udp(shared);
            NodeMetaverseVisit warm = await NodeMetaverse.VisitAsync("--login", second.LoginUri.AbsoluteUri, "--udp", NodeMetaverse.Wanted(recorded), "--first", "Other");
            Assert.True(warm.Ok, string.Join("; ", warm.Errors));
            Assert.All(recorded, a => Assert.Equal(NodeMetaverse.Hash(a), warm.Udp[a.Id.ToString("D")]));
            if ((asked = Udp(shared) - before) == 0) return;
        }
        Assert.Fail($"The simulator was asked for {asked} of {recorded.Length}.");

        static long Udp(SharedWorld shared) => shared.World.Counters.ImageRequests + shared.World.Counters.TransferRequests;
    }

    [Fact]
    public async Task Who_arrives_has_most_of_what_stands_there_before_asking_for_it()
    {
        await using SharedWorld shared = await SharedWorld.StartAsync();
        IReadOnlyList<SceneAsset> scene = SyntheticScene.Fill(shared.World, textures: 60, meshes: 20, sounds: 10);
        shared.World.Things = Thing.MadeOf(scene);
        await FirstVisitAsync(shared, scene);
        long before = shared.World.Counters.AssetRequests;

        await using ClientApp second = await shared.ClientAsync("second");
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(second.LoginUri, new SimulatedViewerOptions { First = "Other" });
        // A viewer that has just arrived has more to do than to ask for everything at once; what it is told of comes meanwhile.
        for (int i = 0, still = 0; i < 200 && still < 10; i++)
        {
            long seen = shared.Line.AssetRequests;
            await Task.Delay(100);
            still = seen > 0 && shared.Line.AssetRequests == seen ? still + 1 : 0;
        }
        Assert.Equal(before, shared.World.Counters.AssetRequests);

        await shared.Line.SetAsync(NodeFault.Killed);
        SceneReport report = await viewer.Assets.FetchAsync(scene);
        Assert.True(report.Ok);
        int local = scene.Count(a => shared.World.Counters.RequestsFor(a.Id) == 0 || !AskedAgain(a));
        Assert.True(local >= scene.Count * 6 / 10, $"{local} of {scene.Count} were there");

        bool AskedAgain(SceneAsset asset) => _asked.TryGetValue(asset.Id, out long once) && shared.World.Counters.RequestsFor(asset.Id) > once;
    }

    [Theory]
    [InlineData(1, 0)]
    [InlineData(-1, 0)]
    [InlineData(0, 1)]
    [InlineData(0, -1)]
    public async Task Clocks_that_are_an_hour_off_do_no_harm(int node, int client)
    {
        await using SharedWorld shared = await SharedWorld.StartAsync(nodeTime: new OffClock(TimeSpan.FromHours(node)));
        IReadOnlyList<SceneAsset> assets = NodeMetaverse.Recorded(shared.World);
        await using (ClientApp first = await shared.ClientAsync("first", time: new OffClock(TimeSpan.FromHours(client))))
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(first.LoginUri))
        {
            Assert.True((await viewer.Assets.FetchAsync(assets)).Ok);
            await shared.StoredAsync(assets.Count);
        }
        shared.World.Faults.SetAll(new AssetFault { Latency = TimeSpan.FromSeconds(20), Status = 503 });
        await using ClientApp second = await shared.ClientAsync("second", time: new OffClock(TimeSpan.FromHours(client)));
        await using SimulatedViewer other = await SimulatedViewer.LoginAsync(second.LoginUri);
        Assert.True((await other.Assets.FetchAsync(assets)).Ok);
    }

    [Fact]
    public async Task An_invite_alone_leads_into_a_real_grid_and_its_file_starts_a_client()
    {
        await using SharedWorld shared = await SharedWorld.StartAsync();
        string config = Path.Combine(shared.Folder, "joined", "config");
        string invite = shared.Node.Grid.InviteOf((await shared.Node.Desk.InviteAsync(inviter: null, default))!).ToString();
        string at = $"@127.0.0.1:{shared.Node.Endpoint.Port}";
        string said = await new GridJoin(config, TimeProvider.System, WatchedLog.Unread).RunAsync(invite[..invite.IndexOf('@')] + at, null, default);
        Assert.Contains("--grid", said, StringComparison.Ordinal);
        string file = Directory.GetFiles(config, "*.json").Single();
        GridFile? grid = GridFileReader.Read(file, out string wrong);
        Assert.Equal("", wrong);
        Assert.Equal(shared.Node.Grid.File.Grids.Single().Authorities, grid!.Grids.Single().Authorities);

        // It belongs to the grid now, and needs no invite any more.
        await using ClientApp client = await shared.ClientAsync("joined", o => o with { Grid = grid, Invite = null });
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(client.LoginUri);
        IReadOnlyList<SceneAsset> assets = NodeMetaverse.Recorded(shared.World);
        Assert.True((await viewer.Assets.FetchAsync(assets)).Ok);
        await shared.StoredAsync(assets.Count);
    }

    private sealed class OffClock(TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + by;
    }

    private readonly Dictionary<Guid, long> _asked = [];

    /// <summary>The first client's visit; afterwards the node has it all.</summary>
    private async Task FirstVisitAsync(SharedWorld shared, IReadOnlyList<SceneAsset> assets)
    {
        await using ClientApp first = await shared.ClientAsync("first");
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(first.LoginUri);
        Assert.True((await viewer.Assets.FetchAsync(assets)).Ok);
        await shared.StoredAsync(assets.Count);
        foreach (SceneAsset asset in assets) _asked[asset.Id] = shared.World.Counters.RequestsFor(asset.Id);
    }
}
