using System.Net;
using GlobalCache.Client;
using GlobalCache.Node;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid;
using GlobalCache.Tests.Edge;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>A stand-in grid, a node that shares its assets, and as many clients as a test wants, in this process, with folders of their own.</summary>
internal sealed class SharedWorld : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-shared-").FullName;
    private readonly TestAuthority _stranger = new("stranger");

    private SharedWorld(StandInGrid world) => World = world;

    public StandInGrid World { get; }

    public NodeApp Node { get; private set; } = null!;

    /// <summary>What clients take for the node.</summary>
    public FaultingNode Line { get; private set; } = null!;

    public string WorldId { get; private set; } = "";

    public string Folder => _folder;

    public static async Task<SharedWorld> StartAsync(Func<NodeOptions, NodeOptions>? change = null, TimeProvider? nodeTime = null, ILoggerFactory? logs = null)
    {
        var shared = new SharedWorld(await StandInGrid.StartAsync());
        Assert.True(GridId.TryFromUrl(shared.World.LoginUri.AbsoluteUri, out string world));
        shared.WorldId = world;
        var options = new NodeOptions
        {
            Data = Path.Combine(shared._folder, "node"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = new IPEndPoint(IPAddress.Loopback, 0),
            Grids = [new SharedGrid { Id = world, Authorities = [shared.World.LoginUri.Host] }],
            Drain = TimeSpan.Zero,
        };
        shared.Node = await NodeApp.StartAsync(change is null ? options : change(options), logs ?? WatchedLog.Unread, nodeTime);
        shared.Line = await FaultingNode.StartAsync(shared.Node, shared._stranger.Issue(shared.Node.Grid.File.Host));
        return shared;
    }

    /// <summary>A client of the cache grid with a folder of its own; it is enrolled the first time.</summary>
    public async Task<ClientApp> ClientAsync(string name, Func<ClientOptions, ClientOptions>? change = null, ILoggerFactory? logs = null, TimeProvider? time = null)
    {
        var options = new ClientOptions
        {
            LoginUri = World.LoginUri,
            Port = 0,
            Store = Path.Combine(_folder, name, "store"),
            ConfigFolder = Path.Combine(_folder, name, "config"),
            // A busy test machine is no reason to ask the grid for what is held.
            Limits = new() { LocalReadDeadline = TimeSpan.FromSeconds(5), GridIdHold = TimeSpan.FromSeconds(2) },
            Grid = Node.Grid.File with
            {
                Port = Line.Port,
                Nodes = [$"127.0.0.1:{Line.Port}"],
                Master = new UriBuilder(Uri.UriSchemeHttps, Node.Grid.File.Host, Line.Port).Uri,
            },
            Share = [WorldId],
            Invite = Node.Grid.InviteOf((await Node.Desk.InviteAsync(inviter: null, default))!).ToString(),
        };
        return await ClientApp.StartAsync(change is null ? options : change(options), logs ?? WatchedLog.Unread, time);
    }

    /// <summary>Waits until the node holds so many assets: claimed, wanted, sent, in the background while no viewer waits.</summary>
    public async Task StoredAsync(int assets)
    {
        for (int i = 0; i < 600 && Stored() < assets; i++) await Task.Delay(100);
        Assert.Equal(assets, Stored());
    }

    public int Stored()
    {
        string blobs = Path.Combine(_folder, "node", "store", "a");
        return Directory.Exists(blobs) ? Directory.GetFiles(blobs, "*", SearchOption.AllDirectories).Length : 0;
    }

    public async ValueTask DisposeAsync()
    {
        if (Line is not null) await Line.DisposeAsync();
        if (Node is not null) await Node.DisposeAsync();
        await World.DisposeAsync();
        _stranger.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
