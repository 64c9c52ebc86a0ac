using System.Net;
using System.Text;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using GlobalCache.Tests.Caps;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;
using Microsoft.Extensions.Time.Testing;
using Front = GlobalCache.Tests.Sessions.Front;

namespace GlobalCache.Tests.Resumption;

public sealed class ResumedSessionsTests : IDisposable
{
    private static readonly Uri s_grid = new("http://grid.example:8002/");
    private static readonly KeptAnswer s_kept = new("id 7", [["Content-Type", "application/xml"]], "<llsd/>"u8.ToArray());

    private readonly FakeTimeProvider _time = new();
    private readonly WatchedLog _log = new();

    public void Dispose() => _log.Dispose();

    [Fact]
    public async Task A_session_taken_up_is_the_session_that_was_left()
    {
        var caps = new CapTable();
        await using SessionTable before = Table(caps);
        Begin(before);
        IReadOnlyList<SessionRecord> left = before.Records(cap => cap.Region.IsGone ? null : s_kept);
        byte[] bytes = Bytes(left);
        Cap[] tokens = [.. left[0].Caps.Select(c => caps.Find(c.Token)!)];
        Assert.Equal((4, 3), (tokens.Length, left[0].Regions.Count));
        Assert.NotEqual(0, left[0].UpstreamPort);
        await before.DisposeAsync();

        var after = new CapTable();
        await using SessionTable table = Table(after);
        var kept = new Dictionary<Cap, KeptAnswer>();
        Assert.True(table.TryResume(ResumeRecord.TryRead(bytes)!.Sessions[0], s_grid, kept.Add));
        Assert.Equal(bytes, Bytes(table.Records(kept.GetValueOrDefault)));
        foreach (Cap token in tokens)
        {
            Cap again = after.Find(token.Token)!;
            Assert.Equal((token.Name, token.Real, token.Region.Sim, token.Region.Local), (again.Name, again.Real, again.Region.Sim, again.Region.Local));
        }
        Session session = table.Sessions.Single();
        // A known region keeps its port and its URLs, and a new one gets its own.
        Assert.Equal(tokens[0].Region.Local, session.MapSim(tokens[0].Region.Sim));
        Cap queue = tokens.Single(t => t.Name == CapName.EventQueueGet);
        Assert.EndsWith(queue.Token, session.MapCap(session.Find(queue.Region.Sim)!, CapName.EventQueueGet, queue.Real), StringComparison.Ordinal);
        Assert.DoesNotContain(session.MapSim(IPEndPoint.Parse("203.0.113.9:13005"))!.Port, left[0].Regions.Select(r => r.LocalPort));
    }

    [Fact]
    public async Task A_session_whose_ports_are_somebody_elses_is_over_and_leaves_nothing()
    {
        await using SessionTable before = Table(new CapTable());
        Begin(before);
        SessionRecord left = before.Records(_ => null)[0];
        var caps = new CapTable();
        await using SessionTable table = Table(caps);
        Assert.False(table.TryResume(left, s_grid, (_, _) => { }));
        await Front.UntilAsync(() => caps.Count == 0);
        Assert.Equal(0, table.Count);
    }

    [Fact]
    public async Task It_is_kept_while_viewers_are_there_and_not_longer()
    {
        using var folder = new TemporaryFolder();
        var now = new Moment("one", TimeSpan.FromSeconds(1000));
        IReadOnlyList<SessionRecord> sessions = [];
        ResumePlace place = Place(folder, () => now);
        string file = Path.Combine(folder.Path, "record");
        var pages = new CircuitPages(folder.Path, CircuitPages.NewName());
        await using var keeper = new ResumeKeeper(place, new IPEndPoint(IPAddress.Loopback, 12080), s_grid, pages, () => sessions, _time, _log);
        await keeper.SaveAsync();
        Assert.True(folder.IsEmpty);

        sessions = ResumeRecordTests.Sample().Sessions;
        await keeper.SaveAsync();
        Assert.Equal(s_grid.AbsoluteUri, place.Find(TimeSpan.FromSeconds(30))!.LoginUri);
        DateTime written = File.GetLastWriteTimeUtc(file);

        // Signs of life go on by themselves, and nothing is written while nothing changes.
        now = now with { Up = now.Up + TimeSpan.FromMinutes(10) };
        Assert.Null(place.Find(TimeSpan.FromSeconds(30)));
        _time.Advance(TimeSpan.FromSeconds(1));
        await Front.UntilAsync(() => place.Find(TimeSpan.FromSeconds(30)) is not null);
        Assert.Equal(written, File.GetLastWriteTimeUtc(file));

        // The client is killed here, and another looks.
        now = now with { Up = now.Up + TimeSpan.FromSeconds(29) };
        Assert.NotNull(place.Find(TimeSpan.FromSeconds(30)));
        now = now with { Up = now.Up + TimeSpan.FromSeconds(2) };
        Assert.Null(place.Find(TimeSpan.FromSeconds(30)));

        // It was not; the last viewer logs out.
        sessions = [];
        _time.Advance(TimeSpan.FromSeconds(1));
        await Front.UntilAsync(() => folder.IsEmpty);
    }

    [Fact]
    public async Task A_clean_exit_leaves_nothing_and_nothing_is_written_after_it()
    {
        using var folder = new TemporaryFolder();
        var pages = new CircuitPages(folder.Path, CircuitPages.NewName());
        var keeper = new ResumeKeeper(
            Place(folder, () => new Moment("one", TimeSpan.FromSeconds(1000))), new IPEndPoint(IPAddress.Loopback, 12080), s_grid, pages,
            () => ResumeRecordTests.Sample().Sessions, _time, _log);
        await keeper.SaveAsync();
        Assert.NotNull(pages.Create(40_001));
        Assert.False(folder.IsEmpty);
        await keeper.DisposeAsync();
        await keeper.SaveAsync();
        Assert.True(folder.IsEmpty);
    }

    [Fact]
    public async Task What_cannot_be_kept_is_said_once_and_keeps_no_viewer_waiting()
    {
        using var folder = new TemporaryFolder();
        var place = new ResumePlace(new ResumeFile(Path.Combine(folder.Path, "no", "such", "folder"), new byte[32]), folder.Path, () => new Moment("one", TimeSpan.FromSeconds(1000)));
        var pages = new CircuitPages(folder.Path, CircuitPages.NewName());
        await using var keeper = new ResumeKeeper(
            place, new IPEndPoint(IPAddress.Loopback, 12080), s_grid, pages, () => ResumeRecordTests.Sample().Sessions, _time, _log);
        for (int i = 0; i < 3; i++) await keeper.SaveAsync();
        Assert.Single(_log.Text.Split('\n'), line => line.Contains(" 2011 ", StringComparison.Ordinal));
    }

    [Fact]
    public void Pages_are_bounded_and_given_back()
    {
        using var folder = new TemporaryFolder();
        var pages = new CircuitPages(folder.Path, CircuitPages.NewName());
        for (int port = 1; port <= CircuitPages.MaxPages; port++) Assert.NotNull(pages.Create(port));
        Assert.Null(pages.Create(9999));
        pages.Remove(5);
        Assert.NotNull(pages.Create(5));
        Assert.Null(new CircuitPages(folder.Path, CircuitPages.NewName()).Find(5));
        Assert.NotNull(new CircuitPages(folder.Path, pages.Name).Find(5));
        pages.Clear();
        Assert.True(folder.IsEmpty);
    }

    private static byte[] Bytes(IReadOnlyList<SessionRecord> sessions) => (ResumeRecordTests.Sample() with { Sessions = sessions }).ToBytes();

    private static ResumePlace Place(TemporaryFolder folder, Func<Moment?> now) =>
        new(new ResumeFile(Path.Combine(folder.Path, "record"), new byte[32]), folder.Path, now);

    private SessionTable Table(CapTable caps) => new(
        caps, () => "http://127.0.0.1:1", SessionSockets.Over(new ClientLimits(), (_, _) => { }, null, _time, _log), new ClientLimits(), _time, _log);

    /// <summary>A login with a neighbour that is gone and one that has not told its grid.</summary>
    private static void Begin(SessionTable table)
    {
        Session session = table.Begin(LoginReply.Read(Encoding.UTF8.GetBytes(LoginReplyTests.XmlRpc())), s_grid)!;
        session.MapSeed(session.Login.Seed, session.Login.Sim);
        Region home = session.Find(session.Login.Sim)!;
        session.MapCap(home, CapName.EventQueueGet, new Uri("http://grid.example:9000/eq"));
        session.MapCap(home, CapName.GetTexture, new Uri("http://grid.example:9000/texture"));
        home.Settle("grid.example:8002");
        session.MapSim(IPEndPoint.Parse("203.0.113.77:13005"));
        IPEndPoint gone = IPEndPoint.Parse("203.0.113.78:13005");
        session.MapSeed("http://other.example:9000/seed", gone);
        session.Find(gone)!.IsGone = true;
    }
}
