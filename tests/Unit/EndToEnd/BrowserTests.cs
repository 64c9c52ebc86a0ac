using System.Collections.Concurrent;
using System.Diagnostics;
using GlobalCache.Client;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using Microsoft.AspNetCore.Http;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>
/// The browser on the same machine is the enemy inside the walls: a web page gets a 2xx from no loopback URL, not even from those
/// whose token it knows, and a name that rebinds to 127.0.0.1 gains nothing (SECURITY §6).
/// </summary>
[Collection("load")]
public sealed class BrowserTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_web_page_gets_no_answer_from_any_loopback_URL(bool webProxy)
    {
        await using Proxied proxied = await Proxied.StartAsync(change: o => o with { WebProxy = webProxy, AssetUpstream = new Uri("http://127.0.0.1:1/") });
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        string[] targets = await TargetsAsync(proxied.Client, viewer);
        await using AttackerPage page = await AttackerPage.StartAsync(targets);
        using var answers = new Answers(proxied.Client.Port);
        await AssertAnswersAViewerAsync(viewer, answers);
        await using Chromium browser = Chromium.Open($"http://127.0.0.1:{page.Port}/");

        Assert.Equal(targets.Length, await page.Done.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.True(answers.ToBrowsers.Count > targets.Length, "the page's requests did not arrive");
        Assert.DoesNotContain(answers.ToBrowsers, status => status is >= 200 and < 300);
    }

    [Fact]
    public async Task A_name_that_rebinds_to_loopback_gets_no_answer_either()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri);
        string[] direct = await TargetsAsync(proxied.Client, viewer);
        string[] targets = [.. direct.Select(t => t.Replace("127.0.0.1", "rebind.example", StringComparison.Ordinal))];
        await using AttackerPage page = await AttackerPage.StartAsync(targets);
        using var answers = new Answers(proxied.Client.Port);
        await AssertAnswersAViewerAsync(viewer, answers);
        // The page and its targets share the name, as after a rebinding; fetches from /a of the same host carry no other host's Origin.
        await using Chromium browser = Chromium.Open($"http://rebind.example:{page.Port}/", "MAP rebind.example 127.0.0.1");

        Assert.Equal(targets.Length, await page.Done.WaitAsync(TimeSpan.FromMinutes(1)));
        Assert.True(answers.ToBrowsers.Count > targets.Length, "the page's requests did not arrive");
        Assert.DoesNotContain(answers.ToBrowsers, status => status is >= 200 and < 300);
    }

    private static async Task<string[]> TargetsAsync(ClientApp client, SimulatedViewer viewer)
    {
        string asset = $"?texture_id={SceneTexture}";
        return
        [
            client.LoginUri.AbsoluteUri, $"{client.LoginUri}get_grid_info", $"{client.AssetUri}/{asset}", $"http://127.0.0.1:{client.Port}/",
            $"{await viewer.CapAsync("ViewerAsset")}/{asset}", (await viewer.CapAsync("EventQueueGet"))!,
            client.PageUri.AbsoluteUri, $"{client.PageUri}status", $"{client.PageUri}live", $"{client.PageUri}sharing",
        ];
    }

    /// <summary>The same URLs do answer a viewer, and that is seen here.</summary>
    private static async Task AssertAnswersAViewerAsync(SimulatedViewer viewer, Answers answers)
    {
        await viewer.Assets.FetchAsync(new SceneAsset(0, SceneTexture));
        for (int i = 0; i < 100 && !answers.ToViewers.Contains(206); i++) await Task.Delay(20);
        Assert.Contains(206, answers.ToViewers);
    }

    private static Guid SceneTexture => GridAssets.SmallTexture;

    /// <summary>Every status the client's HTTP front answers with, from the framework's own diagnostics.</summary>
    private sealed class Answers : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private const string Request = "Microsoft.AspNetCore.Hosting.HttpRequestIn";
        private readonly ConcurrentQueue<int> viewers = new(), browsers = new();
        private readonly ConcurrentBag<IDisposable> subscriptions = [];
        private readonly int port;

        public Answers(int port)
        {
            this.port = port;
            subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
        }

        public IReadOnlyCollection<int> ToViewers => [.. viewers];

        /// <summary>Told by the User-Agent, which no page can take from its requests.</summary>
        public IReadOnlyCollection<int> ToBrowsers => [.. browsers];

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.AspNetCore")
                subscriptions.Add(value.Subscribe(this, (name, _, _) => name.StartsWith(Request, StringComparison.Ordinal)));
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (value.Key == Request + ".Stop" && value.Value is HttpContext context && context.Connection.LocalPort == port)
                (context.Request.Headers.UserAgent.ToString().Contains("Chrome", StringComparison.Ordinal) ? browsers : viewers).Enqueue(context.Response.StatusCode);
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose()
        {
            foreach (IDisposable subscription in subscriptions) subscription.Dispose();
        }
    }
}
