using System.Buffers.Binary;
using System.Net;
using System.Text;
using System.Text.RegularExpressions;
using CsCheck;
using GlobalCache.Client.Caps;

#pragma warning disable MA0009 // What these expressions read is recorded or written here.

namespace GlobalCache.Tests.Caps;

public sealed class EventQueueReplyTests
{
    [Fact]
    public void T23_Every_recorded_event_queue_reply_is_identical_but_for_addresses_and_seeds()
    {
        var patchedEvents = new HashSet<string>();
        int seen = 0;
        foreach (IGrouping<string, Recorded.Exchange> session in Recorded.Events.GroupBy(e => e.File))
        {
            var regions = new MappedRegions();
            foreach (Recorded.Exchange reply in session)
            {
                EventQueueReply.Patched patched = EventQueueReply.Patch(reply.Body, regions)!.Value;
                Assert.Equal(long.Parse(Regex.Match(reply.Reply, "<key>id</key><integer>(\\d+)</integer></map></llsd>$").Groups[1].Value), patched.Id);
                Assert.Equal(0, patched.Unmapped);
                // The recorded sims are 127.0.0.1 themselves, so their octets stay; ports and seeds tell.
                string expected = Regex.Replace(reply.Reply, "(<key>(?:Sim)?Port</key><integer>|<string>127.0.0.1:)(900[0-9])",
                    m => m.Groups[1].Value + regions.Sims[new IPEndPoint(IPAddress.Loopback, int.Parse(m.Groups[2].Value))].Port);
                expected = Regex.Replace(expected, "http://127.0.0.1:9000/CAPS/[^<]*", m => regions.Seeds[m.Value]);
                Assert.Equal(expected, Encoding.UTF8.GetString(patched.Body.Span));
                if (expected != reply.Reply)
                    foreach (Match m in Regex.Matches(reply.Reply, "<key>message</key><string>([A-Za-z]+)")) patchedEvents.Add(m.Groups[1].Value);
                seen++;
            }
        }
        Assert.Equal(25, seen);
        Assert.Equal(["CrossedRegion", "EnableSimulator", "EstablishAgentCommunication", "TeleportFinish"], patchedEvents.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void T23_Several_simulators_in_one_event_are_all_rewritten_and_extra_keys_stay()
    {
        static string Document(string first, int firstPort, string second, int secondPort) => Events("EnableSimulator",
            $"<key>SimulatorInfo</key><array><map><key>Handle</key><binary>AAPpAAAD6AA=</binary><key>IP</key><binary encoding=\"base64\">{first}</binary>"
            + $"<key>Port</key><integer>{firstPort}</integer><key>RegionSizeX</key><binary>AAABAA==</binary></map>"
            + $"<map><key>Port</key><integer>{secondPort}</integer><key>IP</key><binary encoding='base16'>{second}</binary><key>Odd</key><undef /></map></array>");
        EventQueueReply.Patched patched = Patch(Document("ywBxBw==", 13005, "cb007108", 13006), out MappedRegions regions);
        Assert.Equal(Document("fwAAAQ==", 12101, "7F000001", 12102), Encoding.UTF8.GetString(patched.Body.Span));
        Assert.Equal(["203.0.113.7:13005", "203.0.113.8:13006"], regions.Sims.Keys.Select(s => s.ToString()));
    }

    [Theory]
    [InlineData("TeleportFinish", "Info")]
    [InlineData("CrossedRegion", "RegionData")]
    public void T23_An_arrival_is_rewritten_with_its_seed(string message, string list)
    {
        string Document(string ip, int port, string seed) => Events(message,
            $"<key>AgentData</key><array><map><key>AgentID</key><uuid>33333333-3333-4333-8333-333333333333</uuid></map></array><key>{list}</key><array><map>"
            + $"<key>SeedCapability</key><string>{seed}</string><key>SimIP</key><binary>{ip}</binary><key>SimPort</key><integer>{port}</integer></map></array>");
        EventQueueReply.Patched patched = Patch(Document("ywBxBw==", 13005, "https://sim.example/cap/1"), out MappedRegions regions);
        Assert.Equal(Document("fwAAAQ==", 12101, "http://127.0.0.1:12080/s/1"), Encoding.UTF8.GetString(patched.Body.Span));
        Assert.Equal([IPEndPoint.Parse("203.0.113.7:13005")], regions.Sims.Keys);
    }

    [Fact]
    public void T22_The_same_seed_in_three_events_gets_the_same_URL()
    {
        const string seed = "https://sim.example/cap/1";
        string reply = "<llsd><map><key>events</key><array>"
            + Event("EstablishAgentCommunication", $"<key>sim-ip-and-port</key><string>203.0.113.7:13005</string><key>seed-capability</key><string>{seed}</string>")
            + Event("CrossedRegion", $"<key>RegionData</key><array><map><key>SimIP</key><binary>ywBxBw==</binary><key>SimPort</key><integer>13005</integer><key>SeedCapability</key><string>{seed}</string></map></array>")
            + Event("TeleportFinish", $"<key>Info</key><array><map><key>SimIP</key><binary>ywBxBw==</binary><key>SimPort</key><integer>13005</integer><key>SeedCapability</key><uri>{seed}</uri></map></array>")
            + "</array><key>id</key><integer>7</integer></map></llsd>";
        string patched = Encoding.UTF8.GetString(Patch(reply, out _).Body.Span);
        Assert.Equal(3, Regex.Count(patched, Regex.Escape("http://127.0.0.1:12080/s/1")));
        Assert.Equal(3, Regex.Count(patched, "12101"));
        Assert.DoesNotContain(seed, patched, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("EnableSimulator", "<key>SimulatorInfo</key><array><map><key>IP</key><string>203.0.113.7</string><key>Port</key><integer>1</integer></map></array>")]
    [InlineData("EnableSimulator", "<key>SimulatorInfo</key><array><map><key>IP</key><binary>ywBxBwA=</binary><key>Port</key><integer>1</integer></map></array>")]
    [InlineData("EnableSimulator", "<key>SimulatorInfo</key><array><map><key>IP</key><binary>ywBxBw==</binary><key>Port</key><integer>65536</integer></map></array>")]
    [InlineData("EnableSimulator", "<key>SimulatorInfo</key><array><map><key>IP</key><binary encoding=\"base85\">ywBxBw==</binary><key>Port</key><integer>1</integer></map></array>")]
    [InlineData("EstablishAgentCommunication", "<key>sim-ip-and-port</key><string>[::1]:9000</string><key>seed-capability</key><string>http://x.example/</string>")]
    [InlineData("TeleportFinish", "<key>Info</key><array><map><key>SimIP</key><array><integer>1</integer></array><key>SimPort</key><integer>1</integer></map></array>")]
    public void An_address_of_an_odd_kind_is_left_and_counted(string message, string body)
    {
        EventQueueReply.Patched patched = Patch(Events(message, body), out _);
        Assert.Equal(Events(message, body), Encoding.UTF8.GetString(patched.Body.Span));
        Assert.Equal(1, patched.Unmapped);
    }

    [Fact]
    public void A_region_beyond_the_limit_keeps_address_and_seed()
    {
        string reply = Events("EstablishAgentCommunication",
            "<key>sim-ip-and-port</key><string>203.0.113.7:13005</string><key>seed-capability</key><string>http://x.example/</string>");
        EventQueueReply.Patched patched = EventQueueReply.Patch(Encoding.UTF8.GetBytes(reply), new MappedRegions { Limit = 0 })!.Value;
        Assert.Equal(reply, Encoding.UTF8.GetString(patched.Body.Span));
        Assert.Equal(1, patched.Unmapped);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void T23_A_binary_reply_is_patched_in_binary(bool header)
    {
        byte[] Document(byte[] ip, int port, string seed) =>
        [
            .. header ? "<? LLSD/Binary ?>\n"u8 : default,
            .. Map(2), .. Key("id"), .. Integer(9), .. Key("events"), .. Array(1), .. Map(2), .. Key("body"), .. Map(1), .. Key("Info"), .. Array(1), .. Map(5),
            .. Key("LocationID"), (byte)'b', .. Size(4), 0, 0, 0, 4, .. Key("SimIP"), (byte)'b', .. Size(4), .. ip, .. Key("SimPort"), .. Integer(port),
            .. Key("SeedCapability"), .. Text(seed), .. Key("Odd"), (byte)'!', .. "}]}"u8, .. Key("message"), .. Text("TeleportFinish"), .. "}]}"u8,
        ];
        EventQueueReply.Patched patched = EventQueueReply.Patch(Document([203, 0, 113, 7], 13005, "https://sim.example/cap/1"), new MappedRegions())!.Value;
        Assert.Equal(Document([127, 0, 0, 1], 12101, "http://127.0.0.1:12080/s/1"), patched.Body.ToArray());
        Assert.Equal(9, patched.Id);
    }

    [Fact]
    public void A_reply_without_events_or_number_is_not_one_to_keep()
    {
        Assert.Null(Patch("<llsd><map><key>id</key><integer>3</integer></map></llsd>", out _).Id);
        Assert.Null(Patch("<llsd><map><key>events</key><array></array></map></llsd>", out _).Id);
        Assert.Null(EventQueueReply.Patch("<llsd><array/></llsd>"u8.ToArray(), new MappedRegions()));
    }

    [Fact]
    public void Replies_cut_anywhere_or_changed_at_random_never_throw()
    {
        byte[] whole = Recorded.Events.First(e => e.Reply.Contains("EnableSimulator", StringComparison.Ordinal)).Body;
        for (int length = 0; length < whole.Length; length++)
            Assert.Null(EventQueueReply.Patch(whole.AsMemory(0, length), new MappedRegions()));
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 6].Sample(changes =>
        {
            byte[] bytes = [.. whole];
            foreach ((int at, byte with) in changes) bytes[at] = with;
            EventQueueReply.Patch(bytes, new MappedRegions());
        }, iter: 3000);
    }

    [Theory]
    [InlineData("<llsd><map><key>ack</key><undef/><key>done</key><boolean>0</boolean></map></llsd>", "undef", false)]
    [InlineData("<llsd><map><key>ack</key><undef /><key>done</key><boolean>1</boolean></map></llsd>", "undef", true)]
    [InlineData("<llsd><map><key>done</key><boolean>true</boolean><key>ack</key><integer>20848050</integer></map></llsd>", "id 20848050", true)]
    [InlineData("<?xml version=\"1.0\"?>\n<llsd><map>\n<key>ack</key><integer>-5</integer></map></llsd>", "id -5", false)]
    public void A_poll_is_known_by_what_it_acknowledges(string body, string ack, bool done) =>
        Assert.Equal(new EventQueueRequest(ack, done), EventQueueRequest.Read(Encoding.UTF8.GetBytes(body)));

    [Fact]
    public void T25_LibreMetaverses_wrapped_poll_is_known_by_its_bytes()
    {
        string[] wrapped = [.. Recorded.All.Select(e => e.Request).Where(r => r.Contains("<llsd><binary", StringComparison.Ordinal)).Distinct(StringComparer.Ordinal)];
        Assert.NotEmpty(wrapped);
        Assert.Equal(wrapped.Length, wrapped.Select(w => EventQueueRequest.Read(Encoding.UTF8.GetBytes(w)).Ack).Distinct(StringComparer.Ordinal).Count());
        Assert.Equal(EventQueueRequest.Read(Encoding.UTF8.GetBytes(wrapped[0])), EventQueueRequest.Read(Encoding.UTF8.GetBytes(wrapped[0])));
    }

    internal static string Events(string message, string body, int id = 1) =>
        $"<llsd><map><key>events</key><array>{Event(message, body)}</array><key>id</key><integer>{id}</integer></map></llsd>";

    private static string Event(string message, string body) =>
        $"<map><key>message</key><string>{message}</string><key>body</key><map>{body}</map></map>";

    private static EventQueueReply.Patched Patch(string reply, out MappedRegions regions) =>
        EventQueueReply.Patch(Encoding.UTF8.GetBytes(reply), regions = new MappedRegions())!.Value;

    private static byte[] Size(int n)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, n);
        return bytes;
    }

    private static byte[] Map(int n) => [(byte)'{', .. Size(n)];

    private static byte[] Array(int n) => [(byte)'[', .. Size(n)];

    private static byte[] Key(string name) => [(byte)'k', .. Size(name.Length), .. Encoding.ASCII.GetBytes(name)];

    private static byte[] Text(string text) => [(byte)'s', .. Size(text.Length), .. Encoding.ASCII.GetBytes(text)];

    private static byte[] Integer(int n) => [(byte)'i', .. Size(n)];
}
