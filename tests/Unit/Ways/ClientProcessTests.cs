using GlobalCache.Tests.Edge;

namespace GlobalCache.Tests.Ways;

public sealed class ClientProcessTests
{
    [Fact]
    public async Task It_prints_the_line_for_each_viewer_and_stops_when_told()
    {
        using var folder = new TemporaryFolder();
        using var client = new ClientProcess(folder.Path, "--port", "0", "--web-proxy", "--cdn-host", "cdn.example", "--login-uri", "http://127.0.0.1:1/", "--asset-upstream", "http://127.0.0.1:1/");
        string text = await client.SaidAsync("VIEWERASSET=");
        string token = await File.ReadAllTextAsync(Path.Combine(folder.Path, "config", "globalcache", "install.token"), TestContext.Current.CancellationToken);
        string address = text.Split("running on ")[1].Split(' ')[0];
        foreach (string line in (string[])[$"--grid {address}/{token}", $"--loginuri http://{address}/{token}/", $"VIEWERASSET=http://{address}/a/{token} ", "127.0.0.1 cdn.example",
            "--set HttpProxyType Web", "web proxy 127.0.0.1, port "])
            Assert.Contains(line, text, StringComparison.Ordinal);
        Assert.DoesNotContain("localhost", text, StringComparison.Ordinal);
        Assert.Equal(404, RawHttp.Status(await RawHttp.SendAsync(new Uri($"http://{address}").Port, $"GET / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")));
        client.Interrupt();
        Assert.Equal(0, await client.ExitAsync());
        Assert.Empty(client.Error);
    }

    [Theory]
    [InlineData("BrowserProxyPort", "BrowserProxyPort PORT")]
    [InlineData("--loginuri", "--grid GRID --loginuri LOGIN", "--login-uri", "http://127.0.0.1:1/")]
    [InlineData("VIEWERASSET=", "VIEWERASSET=ASSET", "--asset-only")]
    [InlineData("BrowserProxyPort", "BrowserProxyPort PORT", "--web-proxy")]
    public async Task It_starts_the_viewer_with_what_leads_it_here_and_ends_as_the_viewer_does(string first, string expected, params string[] ways)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the viewer of this test is a shell script");
        using var folder = new TemporaryFolder();
        using var client = new ClientProcess(folder.Path, [.. ways, "run", "/bin/sh", "-c", "echo \"$0 $@ VIEWERASSET=$VIEWERASSET\"; exit 7", "own"]);
        Assert.Equal(7, await client.ExitAsync());
        string said = await client.SaidAsync(first);
        string token = await File.ReadAllTextAsync(Path.Combine(folder.Path, "config", "globalcache", "install.token"), TestContext.Current.CancellationToken);
        string pattern = expected.Replace("GRID", $"127.0.0.1:[0-9]+/{token}", StringComparison.Ordinal).Replace("LOGIN", $"http://127.0.0.1:[0-9]+/{token}/", StringComparison.Ordinal)
            .Replace("=ASSET", $"=http://127.0.0.1:[0-9]+/a/{token}", StringComparison.Ordinal).Replace("PORT", "[0-9]+", StringComparison.Ordinal);
        Assert.StartsWith("own ", said, StringComparison.Ordinal);
        Assert.Matches(pattern, said);
        Assert.DoesNotContain(":12080", said, StringComparison.Ordinal);
    }
}
