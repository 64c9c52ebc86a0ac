using System.Net;
using GlobalCache.Client;
using GlobalCache.Node;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>Two people, two clients, one node: what the first has fetched from the grid, the second gets from the node.</summary>
[Collection("load")]
public sealed class SharedGridTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-shared-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task What_the_first_fetched_the_second_gets_from_the_node()
    {
        await using StandInGrid grid = await StandInGrid.StartAsync();
        Assert.True(GridId.TryFromUrl(grid.LoginUri.AbsoluteUri, out string world));
        await using NodeApp node = await NodeApp.StartAsync(new NodeOptions
        {
            Data = Path.Combine(_folder, "node"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = new IPEndPoint(IPAddress.Loopback, 0),
            Grids = [new SharedGrid { Id = world, Authorities = [grid.LoginUri.Host] }],
            Drain = TimeSpan.Zero,
        });
        IReadOnlyList<SceneAsset> assets = SceneAsset.AllOf(grid);

        await using (ClientApp first = await StartAsync("first", grid, node, world))
        {
            await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(first.LoginUri);
            Assert.True((await viewer.Assets.FetchAsync(assets)).Ok);
            // Claimed, wanted, sent: in the background, while no viewer waits.
            for (int i = 0; i < 300 && Stored() < assets.Count; i++) await Task.Delay(100);
            Assert.Equal(assets.Count, Stored());
        }

        // From here on the grid gives no asset any more, and takes its time to say so.
        grid.Faults.SetAll(new AssetFault { Latency = TimeSpan.FromSeconds(20), Status = 503 });
        await using ClientApp second = await StartAsync("second", grid, node, world);
        await using SimulatedViewer other = await SimulatedViewer.LoginAsync(second.LoginUri, new SimulatedViewerOptions { First = "Other" });
        Assert.True((await other.Assets.FetchAsync(assets)).Ok);
    }

    /// <summary>Blobs in the node's store.</summary>
    private int Stored()
    {
        string blobs = Path.Combine(_folder, "node", "store", "a");
        return Directory.Exists(blobs) ? Directory.GetFiles(blobs, "*", SearchOption.AllDirectories).Length : 0;
    }

    private async Task<ClientApp> StartAsync(string name, StandInGrid grid, NodeApp node, string world) => await ClientApp.StartAsync(new ClientOptions
    {
        LoginUri = grid.LoginUri,
        Port = 0,
        Store = Path.Combine(_folder, name, "store"),
        ConfigFolder = Path.Combine(_folder, name, "config"),
        Limits = new() { LocalReadDeadline = TimeSpan.FromSeconds(5), GridIdHold = TimeSpan.FromSeconds(2), ClaimWithin = TimeSpan.Zero },
        Grid = node.Grid.File,
        Share = [world],
        Invite = await InviteAsync(node),
    });

    private static async Task<string> InviteAsync(NodeApp node) => node.Grid.InviteOf((await node.Desk.InviteAsync(inviter: null, default))!).ToString();
}
