using System.Net;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.TestGrid;

/// <summary>Every fault the stand-in grid offers looks from outside as it says.</summary>
public sealed class GridFaultsTests : IAsyncLifetime
{
    private static readonly Guid Asset = GridAssets.SmallTexture;
    private StandInGrid grid = null!;
    private SimulatedViewer viewer = null!;

    public async ValueTask InitializeAsync()
    {
        grid = await StandInGrid.StartAsync(new StandInGridOptions { StrictAddresses = true });
        viewer = await SimulatedViewer.LoginAsync(grid.LoginUri, new SimulatedViewerOptions { RetryPause = TimeSpan.FromMilliseconds(1), Retries = 2 });
    }

    public async ValueTask DisposeAsync()
    {
        await viewer.DisposeAsync();
        await grid.DisposeAsync();
    }

    [Fact]
    public async Task A_cut_body_is_a_broken_connection()
    {
        grid.Faults.Set(Asset, new AssetFault { CutAfter = 300 });
        AssetFetch fetch = await FetchAsync();
        Assert.NotNull(fetch.Error);
        Assert.Equal((3, 900L), (fetch.Requests, fetch.Bytes));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(100)]
    public async Task A_Content_Length_too_long_ends_early(int lie)
    {
        grid.Faults.Set(Asset, new AssetFault { LengthLie = lie, IgnoresRange = true });
        Assert.NotNull((await FetchAsync()).Error);
    }

    [Fact]
    public async Task A_Content_Length_too_short_is_a_short_file()
    {
        grid.Faults.Set(Asset, new AssetFault { LengthLie = -5, IgnoresRange = true });
        AssetFetch fetch = await FetchAsync();
        Assert.Equal((null, false, 8119L), (fetch.Error, fetch.Right, fetch.Bytes));
    }

    [Fact]
    public async Task A_fault_can_pass()
    {
        grid.Faults.Set(Asset, new AssetFault { Status = 503, Times = 2 });
        AssetFetch fetch = await FetchAsync();
        Assert.Null(fetch.Error);
        Assert.True(fetch.Right);
        Assert.Equal(grid.Counters.RequestsFor(Asset), fetch.Requests);
    }

    [Fact]
    public async Task Status_Retry_After_total_and_encoding_are_as_ordered()
    {
        grid.Faults.SetAll(new AssetFault { Status = 503, RetryAfterSeconds = 7 });
        RawHttp.Reply refused = await AskAsync(("Range", "bytes=0-99"));
        Assert.Equal(("HTTP/1.1 503 ServiceUnavailable", "7"), (refused.StatusLine, refused.Header("Retry-After")));
        grid.Faults.SetAll(new AssetFault { TotalLie = 10, ContentEncoding = "binary/octet-stream" });
        RawHttp.Reply lying = await AskAsync(("Range", "bytes=0-99"));
        Assert.Equal(("bytes 0-99/8134", "binary/octet-stream"), (lying.Header("Content-Range"), lying.Header("Content-Encoding")));
        grid.Faults.SetAll(null);
        Assert.Null((await AskAsync()).Header("Content-Encoding"));
    }

    [Fact]
    public async Task Lost_datagrams_are_sent_again_until_the_asset_is_whole()
    {
        // A transfer: requests for pictures are not sent again, and a viewer drops a picture whose header comes late.
        var sound = new Guid("6c0ca000-0000-4000-8000-000000000012");
        grid.Faults.PacketLoss = 0.05;
        Assert.Equal(grid.Assets.Find(sound)!.Bytes, await viewer.TransferAsync(sound, 1, Cancelled));
    }

    [Fact]
    public async Task A_silent_region_answers_nothing()
    {
        grid.Faults.Silent = true;
        viewer.Root.Send(viewer.Root.Begin(GlobalCache.TestGrid.Lludp.Message.RequestRegionInfo));
        await Task.Delay(100, Cancelled);
        Assert.DoesNotContain(viewer.Root.Received, r => r.Message == GlobalCache.TestGrid.Lludp.Message.RegionInfo);
        Assert.True(viewer.Root.End.Unacked > 0);
    }

    [Fact]
    public async Task A_reset_poll_ends_polling_for_good()
    {
        grid.Faults.EventQueueResets = 10;
        // Ends the poll that is under way, if any.
        Assert.True(grid.AddEvent("Test", "User", "Whatever", "<map />"));
        for (int i = 0; i < 100 && viewer.PollsEnded.Count == 0; i++) await Task.Delay(20, Cancelled);
        Assert.NotEmpty(viewer.PollsEnded);
    }

    [Fact]
    public async Task A_capability_used_from_another_address_throws_the_agent_out()
    {
        string url = (await viewer.Assets.UrlAsync(new SceneAsset(0, Asset))).ToString();
        using var elsewhere = new HttpClient(new SocketsHttpHandler
        {
            UseProxy = false,
            ConnectCallback = async (context, cancelled) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Parse("127.0.0.2"), 0));
                await socket.ConnectAsync(context.DnsEndPoint, cancelled);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
        });
        using HttpResponseMessage refused = await elsewhere.GetAsync(new Uri(url), Cancelled);
        Assert.Equal((HttpStatusCode.Forbidden, 0), (refused.StatusCode, grid.SessionCount));
    }

    [Fact]
    public async Task Counters_can_be_read_from_outside()
    {
        await FetchAsync();
        RawHttp.Reply counters = await RawHttp.SendAsync(grid.LoginUri, "GET", "/counters", [], "", Cancelled);
        Assert.Contains($"\"{Asset}\":{grid.Counters.RequestsFor(Asset)}", counters.Text);
        Assert.Contains($"\"httpAssetRequests\":{grid.Counters.HttpAssetRequests}", counters.Text);
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private Task<AssetFetch> FetchAsync() => viewer.Assets.FetchAsync(SceneAsset.Of(grid, Asset), Cancelled);

    private async Task<RawHttp.Reply> AskAsync(params (string, string)[] headers) =>
        await RawHttp.SendAsync(grid.LoginUri, "GET", (await viewer.Assets.UrlAsync(new SceneAsset(0, Asset))).PathAndQuery, headers, "", Cancelled);
}
