using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using GlobalCache.Client.Store;
using GlobalCache.TestGrid;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Commands;

/// <summary>The commands as people type them, of the built program, beside a client that runs and after it.</summary>
[Collection("load")]
public sealed class CommandProcessTests
{
    [Fact]
    public async Task Stats_doctor_and_purge_beside_a_client_that_runs_and_after_it()
    {
        await using StandInGrid grid = await StandInGrid.StartAsync(null);
        using var folder = new TemporaryFolder();
        string[] options = ["--login-uri", grid.LoginUri.AbsoluteUri, "--port", $"{FreePort()}"];
        Assert.Contains("No client runs, and none has yet", (await RunAsync(folder, 1, "stats")).Out, StringComparison.Ordinal);

        using (var client = new ClientProcess(folder.Path, options))
        {
            Assert.Contains("/p/", await client.SaidAsync("What it does"), StringComparison.Ordinal);
            string text = (await RunAsync(folder, 0, "stats")).Out;
            Assert.Contains("Waiting saved", text, StringComparison.Ordinal);
            Assert.Contains("No cache grid is used.", text, StringComparison.Ordinal);
            JsonElement status = JsonDocument.Parse((await RunAsync(folder, 0, "stats", "--json")).Out).RootElement;
            Assert.Equal(0, status.GetProperty("all").GetProperty("hits").GetInt64());

            string well = (await RunAsync(folder, 0, [.. options, "doctor"])).Out;
            Assert.Contains("good port: A client of yours listens on 127.0.0.1:", well, StringComparison.Ordinal);
            Assert.Contains($"good grid: {grid.LoginUri.Host} answers in", well, StringComparison.Ordinal);
            Assert.Contains("good clock: It is right.", well, StringComparison.Ordinal);
            Assert.Contains("good key: ", well, StringComparison.Ordinal);

            Assert.Contains("say --yes if you mean it", (await RunAsync(folder, 1, "purge")).Out, StringComparison.Ordinal);
            (string _, string refused) = await RunAsync(folder, 2, "purge", "--yes");
            Assert.Contains("is in use by another client", refused, StringComparison.Ordinal);
            client.Interrupt();
            Assert.Equal(0, await client.ExitAsync());
        }

        Assert.Empty(Directory.GetFiles(Path.Combine(folder.Path, "config", "globalcache"), "running-*"));
        Assert.Contains("No client runs. Until it ended last:", (await RunAsync(folder, 0, "stats")).Out, StringComparison.Ordinal);

        string data = Path.Combine(folder.Path, "data", "globalcache", "store"), config = Path.Combine(folder.Path, "config", "globalcache");
        File.WriteAllText(Path.Combine(data, "mine.txt"), "not ours");
        File.WriteAllText(Path.Combine(config, "mine.txt"), "not ours");
        await RunAsync(folder, 0, "purge", "--yes");
        Assert.Equal(["mine.txt"], Directory.GetFileSystemEntries(data).Select(Path.GetFileName));
        Assert.True(File.Exists(Path.Combine(config, "store.key")));

        using (var again = new ClientProcess(folder.Path, options))
        {
            await again.SaidAsync("What it does");
            again.Interrupt();
            Assert.Equal(0, await again.ExitAsync());
        }
        File.Delete(Path.Combine(data, "mine.txt"));
        await RunAsync(folder, 0, "purge", "--all", "--yes");
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(folder.Path, "data")));
        Assert.Equal(["mine.txt"], Directory.GetFiles(folder.Path, "*", SearchOption.AllDirectories).Select(Path.GetFileName));
    }

    [Fact]
    public async Task The_doctor_says_what_is_wrong_and_how_to_mend_it()
    {
        using var folder = new TemporaryFolder();
        using var other = new TcpListener(IPAddress.Loopback, 0);
        other.Start();
        int port = ((IPEndPoint)other.LocalEndpoint).Port;
        string config = Directory.CreateDirectory(Path.Combine(folder.Path, "config", "globalcache")).FullName;
        LocalKey.Load(Path.Combine(config, "store.key"));
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(Path.Combine(config, "store.key"), UnixFileMode.UserRead | UnixFileMode.GroupRead);
        string ill = (await RunAsync(folder, 1, "--login-uri", "http://127.0.0.1:9/", "--port", $"{port}", "--store-size", "900000GB", "doctor", "--asset-only")).Out;
        foreach (string said in (string[])["BAD  settings: --asset-only needs --asset-upstream", $"BAD  port: {port} on 127.0.0.1 cannot be taken", "look store: ", "BAD  key: ", "BAD  grid: 127.0.0.1 cannot be asked", "look clock: "])
            Assert.Contains(said, ill, StringComparison.Ordinal);
        Assert.Contains("choose another with --port", ill, StringComparison.Ordinal);
    }

    private static async Task<(string Out, string Error)> RunAsync(TemporaryFolder folder, int code, params string[] args)
    {
        using var process = new ClientProcess(folder.Path, args);
        int exit = await process.ExitAsync();
        Assert.True(code == exit, $"{string.Join(' ', args)}: {exit}, {process.Out}{process.Error}");
        return (process.Out, process.Error);
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
