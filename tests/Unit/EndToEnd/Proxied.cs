using GlobalCache.Client;
using GlobalCache.TestGrid;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>A stand-in grid with the real client before it, in this process, with a folder of its own.</summary>
internal sealed class Proxied : IAsyncDisposable
{
    private readonly string folder = Directory.CreateTempSubdirectory("gc-e2e-").FullName;

    private Proxied(StandInGrid grid) => Grid = grid;

    public StandInGrid Grid { get; }

    public ClientApp Client { get; private set; } = null!;

    public static async Task<Proxied> StartAsync(StandInGridOptions? grid = null, Func<ClientOptions, ClientOptions>? change = null)
    {
        var both = new Proxied(await StandInGrid.StartAsync(grid));
        await both.RestartClientAsync(change);
        return both;
    }

    /// <summary>Stops the client if it runs and starts it anew on the same folder.</summary>
    public async Task RestartClientAsync(Func<ClientOptions, ClientOptions>? change = null)
    {
        if (Client is not null) await Client.DisposeAsync();
        var options = new ClientOptions
        {
            LoginUri = Grid.LoginUri,
            Port = 0,
            Store = Path.Combine(folder, "store"),
            ConfigFolder = Path.Combine(folder, "config"),
            // A busy test machine is no reason to ask the grid for what is held.
            Limits = new() { LocalReadDeadline = TimeSpan.FromSeconds(5), GridIdHold = TimeSpan.FromSeconds(2) },
        };
        Client = await ClientApp.StartAsync(change is null ? options : change(options), WatchedLog.Unread);
    }

    public async ValueTask DisposeAsync()
    {
        if (Client is not null) await Client.DisposeAsync();
        await Grid.DisposeAsync();
        Directory.Delete(folder, recursive: true);
    }
}
