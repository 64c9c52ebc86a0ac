using System.Xml.Linq;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Store;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Resumption;

/// <summary>The built client, killed as kill −9 does while viewers are logged in, and started again with the same options.</summary>
[Collection("load")]
public sealed class KilledClientTests
{
    [Fact]
    public async Task Started_again_it_goes_on_with_its_viewers_over_HTTP_and_UDP()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux() && CircuitPages.Folder() is not null, "only Linux tells which boot it is");
        CancellationToken ct = TestContext.Current.CancellationToken;
        using var folder = new TemporaryFolder();
        await using StandInGrid grid = await StandInGrid.StartAsync();
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });

        using var first = new ClientProcess(folder.Path, "--port", "0", "--login-uri", grid.LoginUri.AbsoluteUri);
        Uri loginUri = await LoginUriAsync(first);
        // In memory, since a disk may be full just when somebody arrives.
        string record = ResumeFile.PathFor(CircuitPages.Folder()!, Path.Combine(folder.Path, "data", "globalcache", "store"), LocalKey.Load(Path.Combine(folder.Path, "config", "globalcache", "store.key")));
        Assert.False(File.Exists(record));
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(loginUri, cancelled: ct);
        ViewerLogin other = await ViewerLogin.PostAsync(http, loginUri, new SimulatedViewerOptions { First = "Other" }, ct);
        Dictionary<string, string> caps = await SeedAsync(http, other.Seed);
        grid.AddEvent("Other", "User", "Before", "<map />");
        string events = await PollAsync(http, caps["EventQueueGet"], "<undef />");
        Assert.Contains("Before", events, StringComparison.Ordinal);
        Uri texture = await viewer.Assets.UrlAsync(SceneAsset.Of(grid, GridAssets.SmallTexture));
        byte[] bytes = await http.GetByteArrayAsync(texture, ct);
        Assert.Equal(bytes, await viewer.ImageByUdpAsync(GridAssets.SmallTexture, ct));
        Assert.True(File.Exists(record));
        Assert.DoesNotContain(Directory.GetFiles(folder.Path, "*sessions*", SearchOption.AllDirectories), _ => true);
        Assert.DoesNotContain("http", await File.ReadAllTextAsync(record, ct), StringComparison.Ordinal);

        first.Kill();
        using var second = new ClientProcess(folder.Path, "--port", "0", "--login-uri", grid.LoginUri.AbsoluteUri, "--verbose");
        Assert.Equal(loginUri, await LoginUriAsync(second));

        // The same URLs, and an answer the viewer may not have got comes again, once, before what came later.
        Assert.Equal(bytes, await http.GetByteArrayAsync(texture, ct));
        Assert.Equal(events, await PollAsync(http, caps["EventQueueGet"], "<undef />"));
        grid.AddEvent("Other", "User", "After", "<map />");
        string id = XDocument.Parse(events).Descendants("integer").Last().ToString(SaveOptions.DisableFormatting);
        string later = await PollAsync(http, caps["EventQueueGet"], id);
        Assert.Contains("After", later, StringComparison.Ordinal);
        Assert.DoesNotContain("Before", later, StringComparison.Ordinal);
        Assert.Equal(caps["EventQueueGet"], (await SeedAsync(http, other.Seed))["EventQueueGet"]);

        // The same circuit, both ways: answered from here, and by the sim.
        long before = grid.Counters.ImageRequests;
        Assert.Equal(bytes, await viewer.ImageByUdpAsync(GridAssets.SmallTexture, ct));
        Assert.Equal(before, grid.Counters.ImageRequests);
        Assert.Equal(grid.Assets.Find(GridAssets.LargeTexture)!.Bytes, await viewer.ImageByUdpAsync(GridAssets.LargeTexture, ct));
        Assert.True(grid.Counters.ImageRequests > before);
        Assert.Equal(2, grid.Counters.Logins);
        Assert.True(await viewer.LogoutAsync(ct));
        Assert.Equal(0, viewer.LostPackets);

        // A clean exit leaves nothing.
        second.Interrupt();
        Assert.Equal(0, await second.ExitAsync());
        Assert.False(File.Exists(record));
        Assert.DoesNotContain("warn:", second.Error, StringComparison.Ordinal);
    }

    private static async Task<Uri> LoginUriAsync(ClientProcess client)
    {
        string text = await client.SaidAsync("--loginuri");
        return new Uri(text.Split("--loginuri ")[1].Split([' ', '\n'])[0]);
    }

    private static async Task<Dictionary<string, string>> SeedAsync(HttpClient http, string seed) =>
        XDocument.Parse(await PostAsync(http, seed, "<llsd><array><string>EventQueueGet</string><string>GetTexture</string></array></llsd>")).Root!.Element("map")!
            .Elements("key").Where(k => k.NextNode is XElement { Name.LocalName: "string" }).ToDictionary(k => k.Value, k => ((XElement)k.NextNode!).Value);

    private static Task<string> PollAsync(HttpClient http, string url, string ack) =>
        PostAsync(http, url, $"<llsd><map><key>ack</key>{ack}<key>done</key><boolean>0</boolean></map></llsd>");

    private static async Task<string> PostAsync(HttpClient http, string url, string llsd)
    {
        using var body = new StringContent(llsd);
        body.Headers.ContentType = new("application/llsd+xml");
        using HttpResponseMessage reply = await http.PostAsync(new Uri(url), body, TestContext.Current.CancellationToken);
        reply.EnsureSuccessStatusCode();
        return await reply.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
    }
}
