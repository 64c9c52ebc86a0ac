using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using GlobalCache.Tests.Caps;

#pragma warning disable xUnit1051 // The listeners here end with their test; nothing waits without a bound.
#pragma warning disable MA0009 // What these expressions read is recorded or written here.

namespace GlobalCache.Tests.Sessions;

public sealed class SeedProxyTests
{
    [Fact]
    public async Task T21_A_recorded_seed_request_passes_unchanged_and_five_capabilities_come_back_as_ours()
    {
        await using Front front = await Front.StartAsync();
        (Session session, string seed) = await front.LoginAsync();
        Recorded.Exchange recorded = Recorded.Seeds.First();
        front.Grid.Answer("/seed", 200, recorded.Reply, "text/html;charset=UTF-8");
        using HttpResponseMessage reply = await front.PostAsync(seed, recorded.Request, "application/llsd+xml; charset=utf-8");
        Asked asked = Assert.Single(front.Grid.AskedFor("/seed"));
        Assert.Equal(recorded.Request, Encoding.UTF8.GetString(asked.Body));
        Assert.Equal("application/llsd+xml", asked.Headers["Content-Type"]);
        Assert.DoesNotContain("Accept-Encoding", asked.Headers.Keys);
        Assert.Equal("text/html;charset=UTF-8", reply.Content.Headers.NonValidated["Content-Type"].ToString());

        string body = await reply.Content.ReadAsStringAsync();
        Assert.Equal(Encoding.UTF8.GetByteCount(body), reply.Content.Headers.ContentLength);
        MatchCollection ours = Regex.Matches(body, $"<key>([A-Za-z0-9]+)</key><string>{front.Root}c/([0-9a-f]{{32}})</string>");
        Assert.Equal(["EventQueueGet", "GetMesh", "GetMesh2", "GetTexture", "ViewerAsset"], ours.Select(m => m.Groups[1].Value).Order(StringComparer.Ordinal));
        foreach (Match m in ours)
        {
            Cap cap = front.Caps.Find(m.Groups[2].Value)!;
            Assert.Equal((session, m.Groups[1].Value), (cap.Session, cap.Name.ToString()));
            body = body.Replace($"{front.Root}c/{cap.Token}", cap.Real.OriginalString, StringComparison.Ordinal);
        }
        Assert.Equal(recorded.Reply, body);
    }

    [Fact]
    public async Task T22_Two_grants_for_one_seed_live_side_by_side_and_the_same_grant_keeps_its_URL()
    {
        await using Front front = await Front.StartAsync();
        (_, string seed) = await front.LoginAsync();
        async Task<string> GrantAsync(string path)
        {
            front.Grid.Answer("/seed", 200, $"<llsd><map><key>ViewerAsset</key><string>http://sim.example{path}</string></map></llsd>");
            return (await (await front.PostAsync(seed, "<llsd><array/></llsd>")).Content.ReadAsStringAsync()).Split("/c/")[1].Split('<')[0];
        }
        string one = await GrantAsync("/1?a=1&amp;b=2"), two = await GrantAsync("/2"), again = await GrantAsync("/1?a=1&amp;b=2");
        Assert.Equal(one, again);
        Assert.NotEqual(one, two);
        Assert.Equal("http://sim.example/1?a=1&b=2", front.Caps.Find(one)!.Real.AbsoluteUri);
        Assert.Equal("http://sim.example/2", front.Caps.Find(two)!.Real.AbsoluteUri);
    }

    [Fact]
    public async Task T22_The_same_seed_maps_to_the_same_URL_whoever_asks()
    {
        await using Front front = await Front.StartAsync();
        (Session session, string seed) = await front.LoginAsync();
        string real = new Uri(front.Grid.Root, "/seed").ToString();
        for (int i = 0; i < 3; i++) Assert.Equal(seed, session.MapSeed(real, IPEndPoint.Parse("203.0.113.7:13005")));
        string other = session.MapSeed(real + "2", IPEndPoint.Parse("203.0.113.8:13005"))!;
        Assert.NotEqual(seed, other);
        Assert.Equal(other, session.MapSeed(real + "2", IPEndPoint.Parse("203.0.113.8:13005")));
        Assert.Null(session.MapSeed("not a url", IPEndPoint.Parse("203.0.113.8:13005")));
    }

    [Fact]
    public async Task A_region_not_ready_says_so_to_the_viewer()
    {
        await using Front front = await Front.StartAsync();
        (_, string seed) = await front.LoginAsync();
        front.Grid.Answer("/seed", 503, "", "text/plain", ("Retry-After", "30"));
        using HttpResponseMessage reply = await front.PostAsync(seed, "<llsd><array/></llsd>");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Equal("30", reply.Headers.GetValues("Retry-After").Single());
    }

    [Fact]
    public async Task The_region_is_asked_for_its_grid_once()
    {
        await using Front front = await Front.StartAsync();
        (Session session, string seed) = await front.LoginAsync();
        front.Grid.Answer("/features", 200, Recorded.Features.First().Reply.Replace("http://127.0.0.1:9000<", "http://Other.Example:8002/<", StringComparison.Ordinal), "text/html;charset=UTF-8");
        Region region = session.Regions.Single();
        Assert.False(region.GridId.IsCompleted);
        for (int i = 0; i < 2; i++) await SeedWithFeaturesAsync(front, seed);
        Assert.Equal("other.example:8002", await region.GridId.WaitAsync(TimeSpan.FromSeconds(10)));
        Asked asked = Assert.Single(front.Grid.AskedFor("/features"));
        Assert.Equal("GET", asked.Method);
        Assert.DoesNotContain("Content-Length", asked.Headers.Keys);
    }

    [Theory]
    [InlineData("hang")]
    [InlineData("404")]
    [InlineData("garbage")]
    [InlineData("abort")]
    [InlineData("huge")]
    [InlineData("agni")]
    public async Task A_region_that_does_not_say_has_the_fallback_after_ten_seconds_at_most(string how)
    {
        await using Front front = await Front.StartAsync();
        (Session session, string seed) = await front.LoginAsync();
        front.Grid["/features"] = async (context, _) =>
        {
            if (how == "hang") await Task.Delay(Timeout.Infinite, context.RequestAborted);
            else if (how == "404") context.Response.StatusCode = 404;
            else if (how == "abort") context.Abort();
            else if (how == "huge") await FakeGrid.WriteAsync(context, 200, Recorded.Features.First().Reply + new string(' ', 1 << 20));
            else if (how == "agni") await FakeGrid.WriteAsync(context, 200, Recorded.Features.First().Reply.Replace("http://127.0.0.1:9000<", "https://login.agni.lindenlab.com<", StringComparison.Ordinal));
            else await FakeGrid.WriteAsync(context, 200, "<llsd><map><key>OpenSimExtras</key><map><key>GridURL</key><string>::</string></map></map></llsd>");
        };
        await SeedWithFeaturesAsync(front, seed);
        Region region = session.Regions.Single();
        if (how == "hang")
        {
            await Front.UntilAsync(() => front.Grid.Open == 1);
            front.Time.Advance(TimeSpan.FromSeconds(9));
            Assert.False(region.GridId.IsCompleted);
            front.Time.Advance(TimeSpan.FromSeconds(1.1));
        }
        Assert.Equal(front.Grid.Root.Authority, await region.GridId.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public async Task A_region_of_a_foreign_grid_that_does_not_say_is_known_by_its_seeds_host()
    {
        await using Front front = await Front.StartAsync();
        (Session session, string seed) = await front.LoginAsync();
        IPEndPoint foreign = IPEndPoint.Parse("203.0.113.99:9000");
        string url = session.MapSeed($"http://localhost:{front.Grid.Root.Port}/foreign", foreign)!;
        front.Grid.Answer("/foreign", 200, "<llsd><map><key>ViewerAsset</key><string>http://x.example/</string></map></llsd>");
        await front.PostAsync(url, "<llsd><array/></llsd>");
        Region region = session.Regions.Single(r => r.Sim.Equals(foreign));
        Assert.Equal($"localhost:{front.Grid.Root.Port}", await region.GridId.WaitAsync(TimeSpan.FromSeconds(10)));
        await SeedWithFeaturesAsync(front, seed);
        Assert.Equal(front.Grid.Root.Authority, await session.Regions.First(r => r != region).GridId.WaitAsync(TimeSpan.FromSeconds(10)));
    }

    [Fact]
    public void Second_Lifes_regions_are_its_own_wherever_they_are_hosted()
    {
        var home = new HomeGrid(new Uri("https://login.agni.lindenlab.com/cgi-bin/login.cgi"), new Uri("https://simhost-1.agni.secondlife.io:12043/cap/1"));
        Assert.Equal("agni", home.Fallback(new Uri("https://simhost-2.agni.secondlife.io:12043/cap/2")));
        Assert.True(home.IsSecondLife);
        var other = new HomeGrid(new Uri("http://grid.example:8002/"), new Uri("http://sim1.example:9000/1"));
        Assert.Equal("grid.example:8002", other.Fallback(new Uri("http://grid.example:9000/1")));
        Assert.Equal("grid.example:8002", other.Fallback(new Uri("http://sim1.example:9100/2")));
        Assert.Equal("sim2.example:9000", other.Fallback(new Uri("http://sim2.example:9000/3")));
        Assert.Null(other.Accept("agni"));
    }

    [Fact]
    public async Task Beyond_the_last_region_the_grids_own_address_and_seed_are_left()
    {
        await using Front front = await Front.StartAsync(new ClientLimits { MaxRegionsPerSession = 16 });
        (Session session, _) = await front.LoginAsync();
        for (int i = 1; i < 16; i++) Assert.NotNull(session.MapSim(new IPEndPoint(IPAddress.Parse("203.0.113.7"), 14000 + i)));
        var beyond = new IPEndPoint(IPAddress.Parse("203.0.113.7"), 15000);
        Assert.Null(session.MapSim(beyond));
        Assert.Null(session.MapSeed("http://x.example/s", beyond));
        Assert.Equal(16, session.RegionCount);
        Region first = session.Regions.First();
        int mapped = Enumerable.Range(0, 1000).Count(i => session.MapCap(first, CapName.ViewerAsset, new Uri($"http://x.example/{i}")) is not null);
        Assert.Equal(255, mapped);
        Assert.Equal(256, front.Caps.Count);
    }

    private static async Task SeedWithFeaturesAsync(Front front, string seed)
    {
        front.Grid.Answer("/seed", 200, $"<llsd><map><key>SimulatorFeatures</key><string>{front.Grid.Root}features</string></map></llsd>");
        await front.PostAsync(seed, "<llsd><array/></llsd>");
    }
}
