using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Tests.Ways;

/// <summary>A client that cannot start as told says why in one line each, ends with exit code 2, and leaves nothing behind.</summary>
public sealed class BadConfigurationTests
{
    [Fact]
    public Task An_unknown_option() => RefusedAsync(["--bogus"], "'--bogus'");

    [Fact]
    public Task A_listen_address_that_lets_others_in() => RefusedAsync(["--listen", "0.0.0.0"], "--allow-remote");

    [Fact]
    public Task A_cache_grid_whose_file_is_not_there() => RefusedAsync(["--grid", "grid.json"], "--grid grid.json names no file");

    [Fact]
    public async Task A_busy_port()
    {
        using var busy = new TcpListener(IPAddress.Loopback, 0);
        busy.Start();
        int port = ((IPEndPoint)busy.LocalEndpoint).Port;
        await RefusedAsync(["--port", $"{port}"], $"Port {port} is in use", "--port");
    }

    [Fact]
    public async Task An_unwritable_store_folder()
    {
        using var folder = new TemporaryFolder();
        // A file where a folder would have to be: nobody can write there, not even root.
        string file = Path.Combine(folder.Path, "file");
        await File.WriteAllTextAsync(file, "", TestContext.Current.CancellationToken);
        await RefusedAsync(["--store", Path.Combine(file, "store")], "--store", "cannot be written to");
    }

    [Fact]
    public Task A_viewer_that_does_not_exist() => RefusedAsync(["run", "/no/such/viewer", "--port", "x"], "/no/such/viewer cannot be started");

    [Fact]
    public async Task Everything_that_is_wrong_is_said_at_once_with_the_files_mistakes()
    {
        using var folder = new TemporaryFolder();
        string file = Path.Combine(folder.Path, "c.json");
        await File.WriteAllTextAsync(file, """{ "port": "many", "colour": "red", "store-size": 5, "Limits": { "MaxSessions": 0 } }""",
            TestContext.Current.CancellationToken);
        using var client = new ClientProcess(folder.Path, "--config", file, "--login-uri", "nonsense", "--asset-only=maybe", "--ca", "/no/such/file");
        Assert.Equal(2, await client.ExitAsync());
        string[] lines = client.ErrorLines;
        foreach (string said in (string[])["\"port\" must be a number", "no option \"colour\"", "--store-size must be 100MB or more", "MaxSessions",
            "--login-uri nonsense must be a URL", "maybe", "--ca /no/such/file names no file"])
            Assert.Single(lines, line => line.Contains(said, StringComparison.Ordinal));
        Assert.Equal(7, lines.Length);
        Assert.Equal(["c.json"], Directory.EnumerateFileSystemEntries(folder.Path).Select(Path.GetFileName));
    }

    private static async Task RefusedAsync(string[] arguments, params string[] said)
    {
        using var folder = new TemporaryFolder();
        using var client = new ClientProcess(folder.Path, arguments);
        int code = await client.ExitAsync();
        string line = Assert.Single(client.ErrorLines);
        Assert.Equal(2, code);
        Assert.All(said, text => Assert.Contains(text, line, StringComparison.Ordinal));
        Assert.Empty(client.Out);
        Assert.True(folder.IsEmpty, "something was left behind");
    }
}
