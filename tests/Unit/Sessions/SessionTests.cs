using System.Net;
using System.Net.NetworkInformation;
using System.Text;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Caps;
using Microsoft.Extensions.Time.Testing;

#pragma warning disable xUnit1051 // The listeners here end with their test; nothing waits without a bound.

namespace GlobalCache.Tests.Sessions;

public sealed class SessionTests
{
    private static readonly IPEndPoint SimA = IPEndPoint.Parse("203.0.113.7:13005"), SimB = IPEndPoint.Parse("203.0.113.8:13005");

    [Fact]
    public async Task T26_Two_viewers_in_one_region_share_neither_port_nor_URL()
    {
        await using Front front = await Front.StartAsync(realSockets: true);
        (Session a, string seedA) = await front.LoginAsync();
        (Session b, string seedB) = await front.LoginAsync();
        Assert.NotEqual(seedA, seedB);
        Assert.NotEqual(a.MapSim(SimA), b.MapSim(SimA));
        string queueA = await front.QueueAsync(seedA), queueB = await front.QueueAsync(seedB);
        Assert.NotEqual(queueA, queueB);
        front.Grid.Answer("/eq", 200, EventQueueReplyTests.Events("EnableSimulator",
            "<key>SimulatorInfo</key><array><map><key>IP</key><binary>ywBxCA==</binary><key>Port</key><integer>13005</integer></map></array>"));
        string eventsA = await (await front.PostAsync(queueA, "<llsd/>")).Content.ReadAsStringAsync();
        string eventsB = await (await front.PostAsync(queueB, "<llsd/>")).Content.ReadAsStringAsync();
        Assert.Contains($"<integer>{a.MapSim(SimB)!.Port}</integer>", eventsA, StringComparison.Ordinal);
        Assert.Contains($"<integer>{b.MapSim(SimB)!.Port}</integer>", eventsB, StringComparison.Ordinal);
        Assert.NotEqual(a.MapSim(SimB), b.MapSim(SimB));
        await front.Sessions.EndAsync(a, "test");
        Assert.NotNull(b.MapSim(SimB));
        Assert.Equal(HttpStatusCode.NotFound, (await front.PostAsync(queueA, "<llsd/>")).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await front.PostAsync(queueB, "<llsd/>")).StatusCode);
    }

    [Fact]
    public async Task T27_Ten_crossings_and_a_return_keep_every_port_and_a_logout_frees_them_all()
    {
        await using Front front = await Front.StartAsync(realSockets: true);
        (Session session, string seed) = await front.LoginAsync();
        string queue = await front.QueueAsync(seed);
        int id = 0;
        async Task<string> CrossAsync(int region)
        {
            byte[] ip = [203, 0, 113, (byte)(7 + region)];
            front.Grid.Answer("/eq", 200, EventQueueReplyTests.Events("CrossedRegion",
                $"<key>RegionData</key><array><map><key>SeedCapability</key><string>http://sim.example/{region}</string><key>SimIP</key>"
                + $"<binary>{Convert.ToBase64String(ip)}</binary><key>SimPort</key><integer>13005</integer></map></array>", ++id));
            string reply = await (await front.PostAsync(queue, $"<llsd><map><key>ack</key><integer>{id - 1}</integer></map></llsd>")).Content.ReadAsStringAsync();
            return reply[..reply.IndexOf("</array>", StringComparison.Ordinal)];
        }
        string[] first = new string[11];
        for (int region = 0; region < 11; region++) first[region] = await CrossAsync(region);
        Assert.Equal(11, first.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(first[0], await CrossAsync(0));
        Assert.Equal(11, session.RegionCount);
        int[] ports = [.. session.Regions.Select(r => r.Local.Port)];
        Assert.Equal(11, ports.Intersect(Listening()).Count());

        await front.Sessions.EndAsync(session, "test");
        Assert.Empty(ports.Intersect(Listening()));
        Assert.Equal(0, front.Caps.Count);
        Assert.Null(session.MapSim(SimA));
    }

    [Theory]
    [InlineData("LogoutReply")]
    [InlineData("KickUser")]
    public async Task T58_A_session_lingers_after_its_logout_and_is_gone_then(string reason)
    {
        await using Front front = await Front.StartAsync();
        (Session session, _) = await front.LoginAsync();
        FakeCircuits circuits = front.Circuits[session];
        for (int i = 0; i < 3; i++) circuits.End(reason);
        front.Time.Advance(TimeSpan.FromSeconds(4));
        Assert.NotNull(session.MapSim(SimA));
        front.Time.Advance(TimeSpan.FromSeconds(1.1));
        await Front.UntilAsync(() => circuits.Closed == 1);
        Assert.Equal((0, 0), (front.Sessions.Count, front.Caps.Count));
        Assert.Contains(reason, front.Log.Text, StringComparison.Ordinal);
        circuits.End(reason);
        front.Time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1, circuits.Closed);
    }

    [Fact]
    public async Task T58_A_crashed_viewers_session_ends_after_two_minutes_of_silence_and_a_living_ones_does_not()
    {
        await using Front front = await Front.StartAsync();
        (Session crashed, _) = await front.LoginAsync();
        (Session alive, _) = await front.LoginAsync();
        for (int second = 0; second < 119; second += 7)
        {
            front.Time.Advance(TimeSpan.FromSeconds(7));
            front.Circuits[alive].Last = front.Time.GetTimestamp();
        }
        Assert.Equal(2, front.Sessions.Count);
        front.Time.Advance(TimeSpan.FromSeconds(2));
        await Front.UntilAsync(() => front.Circuits[crashed].Closed == 1);
        Assert.Equal([alive], front.Sessions.Sessions);
        front.Time.Advance(TimeSpan.FromSeconds(100));
        Assert.Equal(1, front.Sessions.Count);
        front.Time.Advance(TimeSpan.FromSeconds(120));
        await Front.UntilAsync(() => front.Sessions.Count == 0);
    }

    [Fact]
    public async Task A_login_whose_first_region_gets_no_port_passes_as_it_is()
    {
        await using Front front = await Front.StartAsync(realSockets: false);
        var time = new FakeTimeProvider();
        var caps = new CapTable();
        FakeCircuits? circuits = null;
        await using var table = new SessionTable(caps, () => "http://127.0.0.1:1",
            (_, ended) => (circuits = new FakeCircuits(time, ended) { Refuse = true }).Contract, front.Limits, time, front.Log);
        Assert.Null(table.Begin(LoginReply.Read(Encoding.UTF8.GetBytes(LoginReplyTests.XmlRpc())), front.Grid.Root));
        await Front.UntilAsync(() => circuits!.Closed == 1);
        Assert.Equal((0, 0), (table.Count, caps.Count));
    }

    [Fact]
    public async Task T36_A_token_of_another_region_of_the_same_grid_has_the_current_regions_capability_to_fall_back_on()
    {
        await using Front front = await Front.StartAsync();
        (Cap old, Region root) = await TwoRegionsAsync(front, "a", "a");
        Assert.Equal(["http://a.example/va", "http://b.example/va"], Origins(old, AssetType.Mesh));
        Assert.Same(old.Session, AssetOrigins.For(old).Scope);
        Assert.Equal(["http://a.example/va", "http://b.example/va"], Origins(old, AssetType.Sound));
        front.Circuits[old.Session].Root = SimA;
        Assert.Equal(["http://a.example/va"], Origins(old, AssetType.Texture));
        Assert.Equal("a", await root.GridId);
    }

    [Fact]
    public async Task T40_A_token_whose_region_is_gone_leads_to_the_current_region_and_its_grid()
    {
        await using Front front = await Front.StartAsync();
        (Cap old, _) = await TwoRegionsAsync(front, "a", "b");
        Assert.Equal(["http://a.example/va"], Origins(old, AssetType.Texture));
        Assert.Equal("a", await AssetOrigins.For(old).GridId);
        old.Region.IsGone = true;
        Assert.Equal(["http://b.example/va"], Origins(old, AssetType.Texture));
        Assert.Equal("b", await AssetOrigins.For(old).GridId);
        old.Session.MapCap(old.Region, CapName.ViewerAsset, old.Real);
        Assert.Equal("a", await AssetOrigins.For(old).GridId);
    }

    [Fact]
    public async Task T40_Where_there_is_no_ViewerAsset_the_types_own_capability_answers()
    {
        await using Front front = await Front.StartAsync();
        (Session session, _) = await front.LoginAsync();
        session.MapSim(SimA);
        session.MapSim(SimB);
        Region a = session.Regions.Single(r => r.Sim.Equals(SimA)), b = session.Regions.Single(r => r.Sim.Equals(SimB));
        string token = session.MapCap(a, CapName.ViewerAsset, new Uri("http://a.example/va"))!.Split("/c/")[1];
        foreach (CapName name in (CapName[])[CapName.GetMesh, CapName.GetMesh2, CapName.GetTexture]) session.MapCap(b, name, new Uri($"http://b.example/{name}"));
        front.Circuits[session].Root = SimB;
        a.IsGone = true;
        Cap cap = front.Caps.Find(token)!;
        Assert.Equal(["http://b.example/GetTexture"], Origins(cap, AssetType.Texture));
        Assert.Equal(["http://b.example/GetMesh2"], Origins(cap, AssetType.Mesh));
        Assert.Equal(["http://b.example/GetTexture"], Origins(cap, AssetType.Sound));
    }

    private static async Task<(Cap Old, Region Root)> TwoRegionsAsync(Front front, string gridA, string gridB)
    {
        (Session session, _) = await front.LoginAsync();
        session.MapSim(SimA);
        session.MapSim(SimB);
        Region a = session.Regions.Single(r => r.Sim.Equals(SimA)), b = session.Regions.Single(r => r.Sim.Equals(SimB));
        string token = session.MapCap(a, CapName.ViewerAsset, new Uri("http://a.example/va"))!.Split("/c/")[1];
        session.MapCap(b, CapName.ViewerAsset, new Uri("http://b.example/va"));
        front.Circuits[session].Root = SimB;
        await a.LearnGridAsync(_ => Task.FromResult<string?>(gridA), "x", new ClientLimits(), front.Time, default);
        await b.LearnGridAsync(_ => Task.FromResult<string?>(gridB), "x", new ClientLimits(), front.Time, default);
        return (front.Caps.Find(token)!, b);
    }

    private static IEnumerable<string> Origins(Cap cap, AssetType type)
    {
        AssetSource source = AssetOrigins.For(cap);
        return source.Origins(type).Select(u => u.AbsoluteUri);
    }

    private static IEnumerable<int> Listening() => IPGlobalProperties.GetIPGlobalProperties().GetActiveUdpListeners().Select(e => e.Port);
}
