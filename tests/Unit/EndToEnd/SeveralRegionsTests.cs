using System.Net;
using System.Net.NetworkInformation;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>A viewer walks, teleports and visits other grids behind the proxy, and finds everything where it was.</summary>
[Collection("load")]
public sealed class SeveralRegionsTests
{
    [Fact]
    public async Task T27_Ten_crossings_and_back_keep_every_port_and_every_seed()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri))
        {
            await viewer.WaitForEventAsync("EstablishAgentCommunication");
            var ports = new Dictionary<string, IPEndPoint> { [viewer.RegionName] = viewer.Sim };
            for (int i = 0; i < 10; i++)
            {
                string next = viewer.RegionName == "RigOne" ? "RigTwo" : "RigOne";
                Assert.True(proxied.Grid.Cross("Test", "User", next));
                await viewer.WaitForRegionAsync(next);
                ports.TryAdd(next, viewer.Sim);
                Assert.Equal(ports[next], viewer.Sim);
                Assert.DoesNotContain(viewer.Sim, proxied.Grid.Regions.Values);
            }

            Assert.Equal(2, ports.Count);
            Assert.Equal((0, 0, 0), (viewer.SeedChanges, viewer.HastyPollErrors, viewer.LostPackets));
            Assert.True(await viewer.LogoutAsync());
        }
    }

    [Fact]
    public async Task T58_After_logout_sockets_and_sessions_are_gone()
    {
        await using Proxied proxied = await Proxied.StartAsync(change: o => o with { Limits = o.Limits with { LogoutLinger = TimeSpan.FromSeconds(1) } });
        HashSet<int> before = UdpPorts(), during;
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri))
        {
            Assert.True(await viewer.TeleportAsync("RigFar"));
            during = [.. UdpPorts().Except(before)];
            Assert.Contains(viewer.Sim.Port, during);
            // The viewer's own, the proxy's towards the grid, and one a region.
            Assert.True(during.Count >= 4);
            Assert.True(await viewer.LogoutAsync());
        }

        await Eventually.EqualAsync(0, () => UdpPorts().Intersect(during).Count());
        await Eventually.EqualAsync(0, () => proxied.Grid.SessionCount);
    }

    [Fact]
    public async Task Teleports_to_a_neighbour_and_far_away_keep_assets_coming()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        foreach (string region in new[] { "RigTwo", "RigFar", "RigOne" })
        {
            Assert.True(await viewer.TeleportAsync(region));
            SceneReport report = await viewer.Assets.FetchAsync(SceneAsset.AllOf(proxied.Grid));
            Assert.True(report.Ok, string.Join(", ", report.Failed.Select(f => f.Error)));
        }

        Assert.Equal((0, 0), (viewer.SeedChanges, viewer.HastyPollErrors));
    }

    [Fact]
    public async Task T26_Two_viewers_at_once_do_not_meet()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        await using SimulatedViewer one = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        await using SimulatedViewer other = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri, new SimulatedViewerOptions { First = "Other" });
        Assert.NotEqual(one.Sim, other.Sim);
        Assert.NotEqual(await one.CapAsync("ViewerAsset"), await other.CapAsync("ViewerAsset"));
        Assert.True(await one.TeleportAsync("RigFar"));
        Assert.Equal(("RigFar", "RigOne"), (one.RegionName, other.RegionName));
        Assert.True((await other.Assets.FetchAsync(SceneAsset.AllOf(proxied.Grid))).Ok);
        Assert.True(await one.LogoutAsync());
        await Eventually.EqualAsync(1, () => proxied.Grid.SessionCount);
        Assert.True(await other.TeleportAsync("RigTwo"));
    }

    [Fact]
    public async Task T55_On_a_foreign_grid_the_same_UUID_brings_that_grid_s_bytes()
    {
        await using StandInGrid foreign = await StandInGrid.StartAsync(new StandInGridOptions { Name = "foreign", Regions = [new RegionPlan("Foreign", 2000, 2000)] });
        await using Proxied proxied = await Proxied.StartAsync();
        proxied.Grid.LinkTo(foreign);
        foreign.LinkTo(proxied.Grid);
        // The same UUID, another picture: what OAR imports and library ids lead to.
        foreign.Assets.Put(GridAssets.SmallTexture, 0, proxied.Grid.Assets.Find(GridAssets.LargeTexture)!.Bytes);
        SceneAsset here = SceneAsset.Of(proxied.Grid, GridAssets.SmallTexture), there = SceneAsset.Of(foreign, GridAssets.SmallTexture);

        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        for (int round = 0; round < 2; round++)
        {
            Assert.True((await viewer.Assets.FetchAsync(here)).Right);
            Assert.True(await viewer.TeleportAsync("Foreign"), "no teleport to the foreign grid");
            Assert.True((await viewer.Assets.FetchAsync(there)).Right);
            Assert.True(await viewer.TeleportAsync("RigOne"), "no teleport home");
        }

        // Each grid was asked in the first round only.
        (long home, long away) = (proxied.Grid.Counters.RequestsFor(here.Id), foreign.Counters.RequestsFor(here.Id));
        Assert.True((await viewer.Assets.FetchAsync(here)).Right);
        Assert.True(await viewer.TeleportAsync("Foreign"));
        Assert.True((await viewer.Assets.FetchAsync(there)).Right);
        Assert.Equal((home, away), (proxied.Grid.Counters.RequestsFor(here.Id), foreign.Counters.RequestsFor(here.Id)));
    }

    [Fact]
    public async Task Assets_come_by_UDP_through_the_renumbering_too()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        foreach (SceneAsset asset in SceneAsset.AllOf(proxied.Grid).Where(a => a.Type != 49))
        {
            byte[]? bytes = asset.Type == 0 ? await viewer.ImageByUdpAsync(asset.Id) : await viewer.TransferAsync(asset.Id, asset.Type);
            Assert.Equal(asset.Expected, bytes);
        }

        Assert.Equal(0, viewer.LostPackets);
    }

    private static HashSet<int> UdpPorts() => [.. IPGlobalProperties.GetIPGlobalProperties().GetActiveUdpListeners().Select(l => l.Port)];
}
