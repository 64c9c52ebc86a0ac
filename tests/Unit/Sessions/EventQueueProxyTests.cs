using System.Net;
using System.Net.Sockets;
using System.Text;
using GlobalCache.Client.Sessions;
using GlobalCache.Tests.Caps;
using Microsoft.AspNetCore.Http;

#pragma warning disable xUnit1051 // The listeners here end with their test; nothing waits without a bound.

namespace GlobalCache.Tests.Sessions;

/// <summary>A viewer polls over real sockets; ten seconds pass on a fake clock.</summary>
public sealed class EventQueueProxyTests
{
    private const string First = "<llsd><map><key>ack</key><undef/><key>done</key><boolean>0</boolean></map></llsd>";
    private const string Empty = "<llsd><map><key>events</key><array></array><key>id</key><integer>1</integer></map></llsd>";

    private static string Ack(int id, int done = 0) =>
        $"<llsd><map><key>ack</key><integer>{id}</integer><key>done</key><boolean>{done}</boolean></map></llsd>";

    private static string Simulator(string ip, int port, int id = 1) => EventQueueReplyTests.Events("EnableSimulator",
        $"<key>SimulatorInfo</key><array><map><key>IP</key><binary>{ip}</binary><key>Port</key><integer>{port}</integer></map></array>", id);

    [Fact]
    public async Task T23_Events_arrive_with_our_addresses_and_the_poll_reaches_the_grid_unchanged()
    {
        await using Front front = await Front.StartAsync();
        (Session session, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", 200, Simulator("ywBxCA==", 13006), "application/xml");
        using HttpResponseMessage reply = await front.PostAsync(queue, First, "application/llsd+xml; charset=utf-8");
        Asked asked = Assert.Single(front.Grid.AskedFor("/eq"));
        Assert.Equal(First, Encoding.UTF8.GetString(asked.Body));
        Assert.Equal("application/llsd+xml", asked.Headers["Content-Type"]);
        Assert.Equal("application/xml", reply.Content.Headers.ContentType!.ToString());
        Assert.Equal(Simulator("fwAAAQ==", 20001), await reply.Content.ReadAsStringAsync());
        Assert.Equal(20001, session.MapSim(IPEndPoint.Parse("203.0.113.8:13006"))!.Port);
    }

    [Fact]
    public async Task T24_An_early_502_is_followed_by_another_poll_and_its_events_come_at_once()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid["/eq"] = (context, _) => front.Grid.AskedFor("/eq").Count == 1
            ? FakeGrid.WriteAsync(context, 502, "", "text/html")
            : FakeGrid.WriteAsync(context, 200, Simulator("ywBxCA==", 13006));
        Task<HttpResponseMessage> poll = front.PostAsync(queue, First);
        await Front.UntilAsync(() => front.Grid.AskedFor("/eq").Count == 1);
        TimeSpan passed = await front.AdvanceUntilAsync(() => poll.IsCompleted, TimeSpan.FromSeconds(9));
        Assert.Equal(HttpStatusCode.OK, (await poll).StatusCode);
        Assert.InRange(passed, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(8));
        Assert.All(front.Grid.AskedFor("/eq"), a => Assert.Equal(First, Encoding.UTF8.GetString(a.Body)));
    }

    [Theory]
    [InlineData(502)]
    [InlineData(500)]
    [InlineData(503)]
    [InlineData(504)]
    [InlineData(499)]
    public async Task T24_No_events_never_reaches_the_viewer_before_ten_seconds(int status)
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", status, "late", "text/html", ("Retry-After", "30"));
        Task<HttpResponseMessage> poll = front.PostAsync(queue, First);
        TimeSpan passed = await front.AdvanceUntilAsync(() => poll.IsCompleted, TimeSpan.FromMinutes(2));
        using HttpResponseMessage reply = await poll;
        Assert.Equal(status, (int)reply.StatusCode);
        Assert.Equal("30", reply.Headers.GetValues("Retry-After").Single());
        Assert.Equal("late", await reply.Content.ReadAsStringAsync());
        Assert.True(passed >= TimeSpan.FromSeconds(10), $"{passed}");
        Assert.InRange(front.Grid.AskedFor("/eq").Count, 2, 11);
    }

    [Fact]
    public async Task T24_A_502_after_a_long_poll_passes_at_once()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        var release = new TaskCompletionSource();
        front.Grid["/eq"] = async (context, _) =>
        {
            await release.Task;
            context.Response.StatusCode = 502;
        };
        Task<HttpResponseMessage> poll = front.PostAsync(queue, First);
        await Front.UntilAsync(() => front.Grid.Open == 1);
        front.Time.Advance(TimeSpan.FromSeconds(30));
        release.SetResult();
        Assert.Equal(HttpStatusCode.BadGateway, (await poll.WaitAsync(TimeSpan.FromSeconds(10))).StatusCode);
        Assert.Single(front.Grid.AskedFor("/eq"));
    }

    [Theory]
    [InlineData("reset")]
    [InlineData("half")]
    [InlineData("hang")]
    public async Task T24_A_grid_that_breaks_off_never_becomes_a_reset_and_is_a_502_after_25_seconds_at_the_earliest(string how)
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid["/eq"] = async (context, _) =>
        {
            if (how == "hang") await Task.Delay(Timeout.Infinite, context.RequestAborted);
            if (how == "half")
            {
                context.Response.ContentLength = 1000;
                await context.Response.WriteAsync("<llsd><map>");
            }
            context.Abort();
        };
        Task<HttpResponseMessage> poll = front.PostAsync(queue, First);
        await Front.UntilAsync(() => front.Grid.AskedFor("/eq").Count == 1);
        TimeSpan passed = await front.AdvanceUntilAsync(() => poll.IsCompleted, TimeSpan.FromMinutes(3));
        Assert.Equal(HttpStatusCode.BadGateway, (await poll).StatusCode);
        Assert.True(passed >= TimeSpan.FromSeconds(how == "hang" ? 90 : 25), $"{passed}");
        if (how != "hang") Assert.InRange(front.Grid.AskedFor("/eq").Count, 2, 26);
    }

    [Fact]
    public async Task T24_A_grid_that_cannot_be_reached_is_a_502_after_25_seconds_at_the_earliest()
    {
        await using Front front = await Front.StartAsync();
        (_, string seed) = await front.LoginAsync();
        using var nobody = new TcpListener(IPAddress.Loopback, 0);
        nobody.Start();
        int port = ((IPEndPoint)nobody.LocalEndpoint).Port;
        nobody.Stop();
        string queue = await front.QueueAsync(seed, $"http://127.0.0.1:{port}/eq");
        Task<HttpResponseMessage> poll = front.PostAsync(queue, First);
        TimeSpan passed = await front.AdvanceUntilAsync(() => poll.IsCompleted, TimeSpan.FromMinutes(2));
        Assert.Equal(HttpStatusCode.BadGateway, (await poll).StatusCode);
        Assert.True(passed >= TimeSpan.FromSeconds(25), $"{passed}");
    }

    [Theory]
    [InlineData(404)]
    [InlineData(410)]
    [InlineData(403)]
    [InlineData(302)]
    public async Task T24_Any_other_answer_passes_at_once(int status)
    {
        await using Front front = await Front.StartAsync();
        (Session session, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", status, "x", "text/html", ("Location", "/eq2"));
        using HttpResponseMessage reply = await front.PostAsync(queue, First);
        Assert.Equal(status, (int)reply.StatusCode);
        Assert.Single(front.Grid.AskedFor("/eq"));
        Assert.Equal(status is 404 or 410, session.Regions.Single().IsGone);
    }

    [Fact]
    public async Task T25_Events_that_a_dropped_viewer_missed_wait_for_its_repeat()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        var release = new TaskCompletionSource();
        front.Grid["/eq"] = async (context, _) =>
        {
            await release.Task;
            await FakeGrid.WriteAsync(context, 200, Simulator("ywBxCA==", 13006));
        };
        using var gone = new CancellationTokenSource();
        Task<HttpResponseMessage> dropped = front.PostAsync(queue, First, ct: gone.Token);
        await Front.UntilAsync(() => front.Grid.Open == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropped);
        release.SetResult();
        await Front.UntilAsync(() => front.Grid.Open == 0);
        for (int i = 0; i < 2; i++)
            Assert.Equal(Simulator("fwAAAQ==", 20001), await (await front.PostAsync(queue, First)).Content.ReadAsStringAsync());
        Assert.Single(front.Grid.AskedFor("/eq"));
        Assert.Equal(0, front.Grid.Aborted);
    }

    [Fact]
    public async Task T25_A_reply_is_repeated_until_another_acknowledgement_and_never_after()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        int id = 0;
        front.Grid["/eq"] = (context, _) => FakeGrid.WriteAsync(context, 200, Simulator("ywBxCA==", 13006, Interlocked.Increment(ref id)));
        async Task<string> PollAsync(string body) => await (await front.PostAsync(queue, body)).Content.ReadAsStringAsync();
        string one = await PollAsync(First);
        Assert.Equal(one, await PollAsync(First));
        string two = await PollAsync(Ack(1));
        Assert.NotEqual(one, two);
        Assert.Equal(two, await PollAsync(Ack(1)));
        Assert.Equal(2, front.Grid.AskedFor("/eq").Count);
        Assert.NotEqual(one, await PollAsync(First));
        Assert.Equal(3, front.Grid.AskedFor("/eq").Count);
    }

    [Fact]
    public async Task T25_Nothing_is_repeated_once_the_queue_is_gone()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", 200, Empty);
        await front.PostAsync(queue, First);
        front.Grid.Answer("/eq", 404, "");
        Assert.Equal(HttpStatusCode.NotFound, (await front.PostAsync(queue, Ack(1))).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await front.PostAsync(queue, First)).StatusCode);
    }

    [Theory]
    [InlineData("<llsd><map><key>events</key><array></array></map></llsd>")]
    [InlineData("<llsd><map><key>id</key><integer>1</integer></map></llsd>")]
    [InlineData("<llsd><map><key>events</key><array></array><key>id</key><integer>5</integer></map></llsd>")]
    [InlineData("<llsd><map><key>events")]
    [InlineData("")]
    public async Task T25_A_reply_that_could_be_repeated_for_ever_is_not_kept(string body)
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", 200, body);
        for (int i = 1; i <= 3; i++)
        {
            Assert.Equal(body, await (await front.PostAsync(queue, Ack(5))).Content.ReadAsStringAsync());
            Assert.Equal(i, front.Grid.AskedFor("/eq").Count);
        }
    }

    [Fact]
    public async Task T25_LibreMetaverses_wrapped_poll_is_repeated_by_its_bytes()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", 200, Empty);
        string Wrapped(string inner) => $"<llsd><binary encoding=\"base64\">{Convert.ToBase64String(Encoding.UTF8.GetBytes(inner))}</binary></llsd>";
        for (int i = 0; i < 3; i++) await front.PostAsync(queue, Wrapped(First));
        Assert.Single(front.Grid.AskedFor("/eq"));
        await front.PostAsync(queue, Wrapped(Ack(1)));
        Assert.Equal(2, front.Grid.AskedFor("/eq").Count);
    }

    [Fact]
    public async Task One_poll_is_open_upstream_however_many_the_viewer_opens()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        var release = new TaskCompletionSource();
        front.Grid["/eq"] = async (context, asked) =>
        {
            if (Encoding.UTF8.GetString(asked.Body) == First) await Task.Delay(Timeout.Infinite, context.RequestAborted);
            await release.Task;
            await FakeGrid.WriteAsync(context, 200, Empty);
        };
        int before = front.Arrived;
        Task<HttpResponseMessage>[] same = [.. Enumerable.Range(0, 5).Select(_ => front.PostAsync(queue, First))];
        await Front.UntilAsync(() => front.Grid.Open == 1 && front.Arrived == before + 5);
        await Task.Delay(200);
        Assert.Single(front.Grid.AskedFor("/eq"));
        Task<HttpResponseMessage> on = front.PostAsync(queue, Ack(7));
        await Front.UntilAsync(() => front.Grid.Aborted == 1 && front.Grid.Open == 1);
        release.SetResult();
        Assert.Equal(HttpStatusCode.OK, (await on).StatusCode);
        foreach (Task<HttpResponseMessage> stale in same) Assert.Equal(HttpStatusCode.BadGateway, (await stale).StatusCode);
        Assert.Equal(2, front.Grid.AskedFor("/eq").Count);
    }

    [Fact]
    public async Task A_last_poll_passes_once_and_is_not_held()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        front.Grid.Answer("/eq", 502, "");
        Assert.Equal(HttpStatusCode.BadGateway, (await front.PostAsync(queue, Ack(1, done: 1)).WaitAsync(TimeSpan.FromSeconds(10))).StatusCode);
        Assert.Single(front.Grid.AskedFor("/eq"));
    }

    [Fact]
    public async Task T58_A_dropped_viewer_leaves_one_poll_that_is_not_repeated()
    {
        await using Front front = await Front.StartAsync();
        (_, string queue) = await StartAsync(front);
        var release = new TaskCompletionSource();
        front.Grid["/eq"] = async (context, _) =>
        {
            await release.Task;
            context.Response.StatusCode = 502;
        };
        using var gone = new CancellationTokenSource();
        Task<HttpResponseMessage> dropped = front.PostAsync(queue, First, ct: gone.Token);
        await Front.UntilAsync(() => front.Grid.Open == 1);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => dropped);
        await Task.Delay(100);
        release.SetResult();
        await Front.UntilAsync(() => front.Grid.Open == 0);
        await front.AdvanceUntilAsync(() => false, TimeSpan.FromSeconds(20), TimeSpan.FromSeconds(1));
        Assert.Single(front.Grid.AskedFor("/eq"));
    }

    [Fact]
    public async Task T58_A_sessions_end_closes_its_polls_and_its_tokens()
    {
        await using Front front = await Front.StartAsync();
        (Session session, string queue) = await StartAsync(front);
        front.Grid["/eq"] = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        Task<HttpResponseMessage> poll = front.PostAsync(queue, First);
        await Front.UntilAsync(() => front.Grid.Open == 1);
        await front.Sessions.EndAsync(session, "test");
        Assert.Equal(HttpStatusCode.NotFound, (await poll).StatusCode);
        await Front.UntilAsync(() => front.Grid.Open == 0);
        Assert.Equal(1, front.Grid.Aborted);
        Assert.Equal(HttpStatusCode.NotFound, (await front.PostAsync(queue, First)).StatusCode);
        Assert.Equal(0, front.Caps.Count);
    }

    private static async Task<(Session, string)> StartAsync(Front front)
    {
        (Session session, string seed) = await front.LoginAsync();
        return (session, await front.QueueAsync(seed));
    }
}
