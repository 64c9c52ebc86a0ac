using GlobalCache.Client;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Ways;

/// <summary>The login proxy as the program wires it: everything a viewer needs goes through one port.</summary>
public sealed class LoginWayTests
{
    [Fact]
    public async Task A_viewer_logs_in_teleports_and_fetches_and_the_next_one_needs_the_grid_for_nothing()
    {
        CancellationToken ct = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        await using StandInGrid grid = await StandInGrid.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        foreach (string first in (string[])["Test", "Other"])
        {
            // A client of its own, so that what the first one was still writing is written.
            await using ClientApp app = await ClientApp.StartAsync(new ClientOptions
            {
                LoginUri = grid.LoginUri,
                Store = Path.Combine(folder.Path, "store"),
                ConfigFolder = Path.Combine(folder.Path, "config"),
                Limits = new() { LocalReadDeadline = TimeSpan.FromSeconds(5) },
            }, WatchedLog.Unread);
            Assert.Contains($"<login>{app.LoginUri}</login>", await http.GetStringAsync(new Uri(app.LoginUri, "get_grid_info"), ct), StringComparison.Ordinal);
            long before = grid.Counters.HttpAssetRequests;
            await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(app.LoginUri, new SimulatedViewerOptions { First = first }, ct);
            foreach (Guid id in (Guid[])[GridAssets.SmallTexture, GridAssets.LargeTexture])
            {
                Uri url = await viewer.Assets.UrlAsync(SceneAsset.Of(grid, id));
                Assert.Equal(app.Port, url.Port);
                Assert.Equal(grid.Assets.Find(id)!.Bytes, await http.GetByteArrayAsync(url, ct));
            }
            string elsewhere = grid.Regions.Keys.First(name => name != viewer.RegionName);
            Assert.True(await viewer.TeleportAsync(elsewhere, ct));
            Assert.Equal((elsewhere, 0), (viewer.RegionName, viewer.SeedChanges));
            Assert.True(await viewer.LogoutAsync(ct));
            Assert.Equal(first == "Test" ? 2 : 0, grid.Counters.HttpAssetRequests - before);
        }
        Assert.Equal(2, grid.Counters.Logins);
    }
}
