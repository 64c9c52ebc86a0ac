using System.Net;
using System.Xml.Linq;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.TestGrid;

/// <summary>
/// The stand-in grid against the recorded OpenSimulator: whatever a recorded viewer asks, the same messages with the same
/// flags, the same statuses, header names and LLSD keys come back.
/// </summary>
public sealed class RecordedTrafficTests(Replays replays) : IClassFixture<Replays>
{
    /// <summary>Not caused by the viewer: another avatar's departure, and the answer to a logout that some recordings lack.</summary>
    private static readonly string[] Incidental = ["KillObject"];

    private static readonly Message[] AssetMessages =
        [Message.ImageData, Message.ImagePacket, Message.ImageNotInDatabase, Message.TransferInfo, Message.TransferPacket];

    private static readonly Lazy<HashSet<(string, string)>> EverRecorded = new(() =>
        [.. Recording.Names.SelectMany(n => new Recording(n).Packets).Where(p => !p.FromViewer).Select(p => (p.Name, Flags(p.Datagram)))]);

    public static TheoryData<string> Scenarios => [.. Recording.Names];

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task The_same_messages_with_the_same_flags_come_back(string scenario)
    {
        Replay replay = await replays.OfAsync(scenario);
        HashSet<(int, string, string)> recorded = [.. new Recording(scenario).Packets
            .Where(p => !p.FromViewer && !Incidental.Contains(p.Name)).Select(p => (p.Sim, p.Name, Flags(p.Datagram)))];
        HashSet<(int, string, string)> Own() => [.. replay.Received.Select(r => (r.Sim, r.Datagram.Message.ToString(), Flags(r.Datagram)))];
        await Replay.UntilAsync(() => recorded.IsSubsetOf(Own()), Cancelled);
        Assert.Empty(recorded.Except(Own()));
        Assert.Empty(Own().Select(o => (o.Item2, o.Item3)).Except(EverRecorded.Value));
    }

    [Theory]
    [InlineData("02-assets-http-udp-nmv")]
    [InlineData("03-image-partial-cancel-nmv")]
    [InlineData("05-loss-resends-nmv")]
    [InlineData("06-image-not-in-database-nmv")]
    [InlineData("08-udp-appended-acks-lmv")]
    public async Task Assets_come_in_the_same_datagrams_byte_for_byte(string scenario)
    {
        Replay replay = await replays.OfAsync(scenario);
        // In 03 a cancel ended the last picture at a chance packet; up to the one before it everything is settled.
        bool Settled(Datagram d) => !scenario.StartsWith("03", StringComparison.Ordinal) || d.Message != Message.ImagePacket
            || BitConverter.ToUInt16(d.Body, 16) <= 20;
        HashSet<string> recorded = [.. new Recording(scenario).Packets
            .Where(p => !p.FromViewer && AssetMessages.Contains(p.Datagram.Message) && Settled(p.Datagram)).Select(p => Content(p.Wire))];
        HashSet<string> Own() => [.. replay.Received.Where(r => AssetMessages.Contains(r.Datagram.Message) && Settled(r.Datagram)).Select(r => Content(r.Wire))];
        await Replay.UntilAsync(() => recorded.IsSubsetOf(Own()), Cancelled);
        Assert.Empty(recorded.Except(Own()));
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task HTTP_answers_have_the_same_status_header_names_and_keys(string scenario)
    {
        Replay replay = await replays.OfAsync(scenario);
        Assert.NotEmpty(replay.Answers);
        foreach ((RecordedExchange recorded, RawHttp.Reply own) in replay.Answers)
        {
            Assert.Equal(recorded.StatusLine, own.StatusLine);
            Assert.Equal(Names(recorded.ReplyHeaders), Names(own.Headers));
            foreach (string exact in new[] { "Content-Type", "Content-Range", "Connection", "Server" })
                Assert.Equal(recorded.ReplyHeaders.FirstOrDefault(h => h.Name == exact).Value, own.Header(exact), ignoreCase: exact == "Connection");
            if (recorded.ReplySha256 is { } hash && recorded.Method != "HEAD")
            {
                Assert.Equal(recorded.ReplyHeaders.First(h => h.Name == "Content-Length").Value, own.Header("Content-Length"));
                Assert.Equal(hash, Replay.Sha256(own.Body));
            }
            else if (recorded.ReplyText is { Length: > 0 } text)
            {
                Assert.Equal(KeySets.Of(text), KeySets.Of(own.Text));
            }
        }
    }

    [Theory]
    [MemberData(nameof(Scenarios))]
    public async Task The_same_events_with_the_same_keys_come_through_the_queue(string scenario)
    {
        Replay replay = await replays.OfAsync(scenario);
        var recorded = new Recording(scenario).Exchanges
            .Where(e => e.Target.StartsWith("/CE/", StringComparison.Ordinal) && e.StatusLine is not null).ToList();
        List<(string Name, XElement Body)> events = [.. recorded.Where(e => e.ReplyText is not null).SelectMany(e => Replay.EventsOf(e.ReplyText!))];
        Assert.NotEmpty(events);
        await Replay.UntilAsync(() => events.All(e => replay.Events.Any(o => o.Name == e.Name)), Cancelled);
        foreach ((string name, XElement body) in events)
            Assert.Equal(KeySets.Of(body), KeySets.Of(Assert.Single(replay.Events.Where(o => o.Name == name).Take(1)).Body));
        IEnumerable<string> Shapes(IEnumerable<(string Status, IEnumerable<(string, string)> Headers)> replies) =>
            replies.Where(r => r.Status.Contains(" 200 ", StringComparison.Ordinal)).Select(r => string.Join(",", Names(r.Headers))).Distinct();
        Assert.Equal(Shapes(recorded.Select(r => (r.StatusLine!, r.ReplyHeaders.AsEnumerable()))),
            Shapes(replay.PollReplies.Select(r => (r.StatusLine, r.Headers.AsEnumerable()))));
    }

    [Fact]
    public async Task A_poll_without_events_ends_as_recorded_and_so_does_one_after_logout()
    {
        await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { EventQueueTimeout = TimeSpan.FromMilliseconds(100) });
        using var http = new HttpClient();
        string login = await PostAsync(http, grid.LoginUri, "text/xml", "<methodCall><params><struct><member><name>first</name><value>Test</value></member>"
            + "<member><name>last</name><value>User</value></member><member><name>passwd</name><value>password</value></member></struct></params></methodCall>");
        string seed = login.Split("seed_capability</name><value><string>")[1].Split('<')[0];
        string queue = (await PostAsync(http, new Uri(seed), "application/llsd+xml", "<llsd><array><string>EventQueueGet</string></array></llsd>"))
            .Split("<string>")[1].Split('<')[0];
        RecordedExchange[] recorded = [.. new Recording("07-multisim-teleport-lmv").Exchanges.Where(e => e.Target.StartsWith("/CE/", StringComparison.Ordinal))];
        async Task SameAs(string status)
        {
            RecordedExchange wanted = recorded.First(e => e.StatusLine!.Contains(status, StringComparison.Ordinal));
            RawHttp.Reply own = await RawHttp.SendAsync(grid.LoginUri, "POST", new Uri(queue).AbsolutePath, [("Content-Type", "application/llsd+xml")],
                "<llsd><map><key>ack</key><undef/><key>done</key><boolean>0</boolean></map></llsd>", Cancelled);
            Assert.Equal(wanted.StatusLine, own.StatusLine);
            Assert.Equal(Names(wanted.ReplyHeaders), Names(own.Headers));
            Assert.Equal(wanted.ReplyHeaders.First(h => h.Name == "Content-Type").Value, own.Header("Content-Type"));
        }

        await SameAs(" 502 ");
        grid.EndAll();
        await SameAs(" 404 ");
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private static string Flags(Datagram datagram) => datagram.FlagLetters.Replace("S", "").Replace("A", "");

    /// <summary>Everything but the sequence number and whether it was sent before.</summary>
    private static string Content(byte[] wire) => $"{wire[0] & ~Datagram.Resent:X2}{Convert.ToHexString(wire.AsSpan(5))}";

    private static string[] Names(IEnumerable<(string Name, string Value)> headers) => [.. headers.Select(h => h.Name).Order(StringComparer.Ordinal)];

    private static async Task<string> PostAsync(HttpClient http, Uri url, string type, string text)
    {
        using var body = new ByteArrayContent(System.Text.Encoding.UTF8.GetBytes(text));
        body.Headers.ContentType = new(type);
        using HttpResponseMessage reply = await http.PostAsync(url, body, Cancelled);
        Assert.Equal(HttpStatusCode.OK, reply.StatusCode);
        return await reply.Content.ReadAsStringAsync(Cancelled);
    }
}
