using System.Net;
using System.Text;
using CsCheck;
using GlobalCache.Client.Caps;

namespace GlobalCache.Tests.Caps;

public sealed class LoginReplyTests
{
    private static readonly IPEndPoint Local = new(IPAddress.Loopback, 12101);
    private static readonly string[] Starts = ["", "<llsd>", "<llsd><map>", "{", "<? LLSD/Binary ?>\n{", "<methodResponse>"];
    private const string Ours = "http://127.0.0.1:12080/s/0123";

    [Fact]
    public void T17_Every_recorded_login_reply_is_identical_but_for_three_values()
    {
        int seen = 0;
        foreach (Recorded.Exchange login in Recorded.Logins)
        {
            LoginReply reply = LoginReply.Read(login.Body);
            Assert.Equal(LoginOutcome.Success, reply.Outcome);
            Assert.Equal(9000, reply.Sim.Port);
            Assert.Equal((256000L, 256000L), reply.Region);
            string seed = Between(login.Reply, "<name>seed_capability</name><value><string>", "<");
            Assert.Equal(seed, reply.Seed);
            Assert.Equal(Between(login.Reply, "<name>circuit_code</name><value><i4>", "<"), reply.CircuitCode.ToString());
            Assert.Equal(Between(login.Reply, "<name>session_id</name><value><string>", "<"), reply.SessionId.ToString());
            string expected = login.Reply
                .Replace("<name>sim_ip</name><value><string>127.0.0.1<", "<name>sim_ip</name><value><string>127.7.7.7<", StringComparison.Ordinal)
                .Replace("<name>sim_port</name><value><i4>9000<", "<name>sim_port</name><value><i4>12101<", StringComparison.Ordinal)
                .Replace(seed, Ours, StringComparison.Ordinal);
            Assert.Equal(expected, Text(reply.Patch(new IPEndPoint(IPAddress.Parse("127.7.7.7"), 12101), Ours)));
            seen++;
        }
        Assert.Equal(9, seen);
    }

    [Theory]
    [InlineData("<string>203.0.113.7</string>", "<string>127.0.0.1</string>", "<int>13005</int>", "<int>12101</int>")]
    [InlineData("203.0.113.7", "127.0.0.1", "<i4>13005</i4>", "<i4>12101</i4>")]
    [InlineData("\n <string>203.0.113.7</string>\n ", "\n <string>127.0.0.1</string>\n ", " <i4> 13005 </i4> ", " <i4>12101</i4> ")]
    [InlineData("<string><![CDATA[203.0.113.7]]></string>", "<string>127.0.0.1</string>", "13005", "12101")]
    [InlineData("<string>203.&#48;.113.7</string>", "<string>127.0.0.1</string>", "<string>13005</string>", "<string>12101</string>")]
    [InlineData("<string>203<!-- x -->.0.113.7</string>", "<string>127.0.0.1</string>", "<int a='>'>13005</int >", "<int a='>'>12101</int >")]
    public void T17_Typed_and_untyped_values_are_patched_where_they_stand(string ip, string ourIp, string port, string ourPort)
    {
        LoginReply reply = LoginReply.Read(Bytes(XmlRpc(ip, port)));
        Assert.Equal(LoginOutcome.Success, reply.Outcome);
        Assert.Equal(IPEndPoint.Parse("203.0.113.7:13005"), reply.Sim);
        Assert.Equal(XmlRpc(ourIp, ourPort, seed: Ours), Text(reply.Patch(Local, Ours)));
    }

    [Theory]
    [InlineData("3735928559", 3735928559u)]
    [InlineData("-559038737", 3735928559u)]
    [InlineData("755126050", 755126050u)]
    public void T17_A_circuit_code_beyond_two_to_the_thirty_first_is_unsigned(string written, uint code) =>
        Assert.Equal(code, LoginReply.Read(Bytes(XmlRpc(code: written))).CircuitCode);

    [Fact]
    public void T18_An_LLSD_reply_is_patched_likewise()
    {
        string Llsd(string ip, int port, string seed) => $"""
            <?xml version="1.0" encoding="UTF-8"?><llsd><map><key>login</key><string>true</string>
            <key>sim_ip</key><string>{ip}</string><key>sim_port</key><integer>{port}</integer><key>skeleton</key><array><map><key>sim_ip</key><string>no</string></map></array>
            <key>agent_id</key><uuid>33333333-3333-4333-8333-333333333333</uuid><key>session_id</key><string>43333333-3333-4333-8333-333333333333</string>
            <key>circuit_code</key><integer>-1</integer><key>http_port</key><integer /><key>seed_capability</key><string>{seed}</string></map></llsd>
            """;
        LoginReply reply = LoginReply.Read(Bytes(Llsd("203.0.113.7", 13005, "https://sim.example:12043/cap/9?a=1&amp;b=2")));
        Assert.Equal(LoginOutcome.Success, reply.Outcome);
        Assert.Equal("https://sim.example:12043/cap/9?a=1&b=2", reply.Seed);
        Assert.Equal(uint.MaxValue, reply.CircuitCode);
        Assert.Equal(Llsd("127.0.0.1", 12101, Ours), Text(reply.Patch(Local, Ours)));
    }

    [Theory]
    [InlineData("tos")]
    [InlineData("critical")]
    [InlineData("update")]
    [InlineData("key")]
    [InlineData("presence")]
    [InlineData("mfa_challenge")]
    public void T18_A_failed_login_is_not_ours(string reason) =>
        Assert.Equal(LoginOutcome.NotIn, LoginReply.Read(Bytes(
            $"<methodResponse><params><param><value><struct>{Member("reason", reason)}{Member("login", "<string>false</string>")}{Member("message", "no &amp; no")}</struct></value></param></params></methodResponse>")).Outcome);

    [Fact]
    public void T18_An_indeterminate_login_sends_the_viewer_on_through_us()
    {
        string Document(string url) => "<?xml version=\"1.0\"?><methodResponse><params><param><value><struct>"
            + Member("login", "indeterminate") + Member("next_url", $"<string>{url}</string>") + Member("next_method", "login_to_simulator")
            + "</struct></value></param></params></methodResponse>";
        LoginReply reply = LoginReply.Read(Bytes(Document("https://other.example/login?a=1&amp;b=2")));
        Assert.Equal(LoginOutcome.Indeterminate, reply.Outcome);
        Assert.Equal("https://other.example/login?a=1&b=2", reply.NextUrl);
        Assert.Equal(Document("http://127.0.0.1:12080/t/?next=7&amp;x"), Text(reply.PatchNextUrl("http://127.0.0.1:12080/t/?next=7&x")));
    }

    [Theory]
    [InlineData("<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>1</int></value></member></struct></value></fault></methodResponse>", 1)]
    [InlineData("<html><body>502</body></html>", 0)]
    [InlineData("", 0)]
    [InlineData("true", 0)]
    [InlineData("<llsd><string>true</string></llsd>", 1)]
    public void What_is_no_login_reply_is_left_alone(string body, int outcome) =>
        Assert.Equal((LoginOutcome)outcome, LoginReply.Read(Bytes(body)).Outcome);

    [Theory]
    [InlineData("sim.example.org", "<i4>9000</i4>")]
    [InlineData("203.0.113", "<i4>9000</i4>")]
    [InlineData("203.0.113.7", "<i4>0</i4>")]
    [InlineData("203.0.113.7", "<i4>65536</i4>")]
    [InlineData("::1", "<i4>9000</i4>")]
    [InlineData("<struct/>", "<i4>9000</i4>")]
    public void An_address_no_circuit_can_use_leaves_the_reply_as_it_is(string ip, string port) =>
        Assert.Equal(LoginOutcome.Unreadable, LoginReply.Read(Bytes(XmlRpc(ip, port))).Outcome);

    [Fact]
    public void A_document_type_is_refused_whatever_it_declares()
    {
        string bomb = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"aaaaaaaaaa\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">]>" + XmlRpc();
        Assert.Equal(LoginOutcome.Unreadable, LoginReply.Read(Bytes(bomb)).Outcome);
        Assert.Equal(LoginOutcome.Unreadable, LoginReply.Read(Bytes(XmlRpc(ip: "&b;"))).Outcome);
    }

    [Fact]
    public void Nesting_a_hundred_thousand_deep_is_refused_without_effort()
    {
        foreach (string name in (string[])["value", "map", "array", "x"])
        {
            string deep = string.Concat(Enumerable.Repeat($"<{name}>", 100_000));
            byte[] llsd = Bytes("<llsd>" + deep), rpc = Bytes("<methodResponse><params><param>" + deep);
            long before = GC.GetAllocatedBytesForCurrentThread();
            Assert.Equal(LoginOutcome.Unreadable, LoginReply.Read(llsd).Outcome);
            Assert.Equal(LoginOutcome.Unreadable, LoginReply.Read(rpc).Outcome);
            Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
        }
    }

    [Theory]
    [InlineData("5B00000001")]
    [InlineData("7B000000016B0000000161")]
    public void Binary_nesting_a_hundred_thousand_deep_is_refused_without_effort(string opening)
    {
        byte[] one = Convert.FromHexString(opening);
        byte[] deep = [.. Bytes("<? LLSD/Binary ?>\n"), .. Enumerable.Repeat(one, 100_000).SelectMany(b => b)];
        long before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(LoginOutcome.Unreadable, LoginReply.Read(deep).Outcome);
        Assert.Null(EventQueueReply.Patch(deep, new MappedRegions()));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 50_000);
    }

    [Fact]
    public void Values_beyond_what_is_kept_leave_the_reply_as_it_is()
    {
        string many = "<llsd><map>" + string.Concat(Enumerable.Repeat("<key/><undef/>", ReplyDocument.MaxValues)) + "</map></llsd>";
        Assert.Null(ReplyDocument.TryRead(Bytes(many), keepDepth: 1));
        Assert.NotNull(ReplyDocument.TryRead(Bytes(many), keepDepth: 0));
    }

    [Fact]
    public void A_reply_cut_anywhere_is_never_taken_for_a_login()
    {
        byte[] whole = Bytes(XmlRpc().TrimEnd());
        for (int length = 0; length < whole.Length; length++)
            Assert.NotEqual(LoginOutcome.Success, LoginReply.Read(whole.AsMemory(0, length)).Outcome);
        Assert.Equal(LoginOutcome.Success, LoginReply.Read(whole).Outcome);
    }

    [Fact]
    public void Bytes_changed_at_random_never_throw()
    {
        byte[] whole = Bytes(XmlRpc());
        Gen.Select(Gen.Int[0, whole.Length - 1], Gen.Byte).Array[1, 8].Sample(changes =>
        {
            byte[] bytes = [.. whole];
            foreach ((int at, byte with) in changes) bytes[at] = with;
            LoginReply reply = LoginReply.Read(bytes);
            if (reply.Outcome == LoginOutcome.Success) Assert.Contains("127.0.0.1", Text(reply.Patch(Local, Ours)), StringComparison.Ordinal);
        }, iter: 3000);
    }

    [Fact]
    public void Random_bytes_never_throw() =>
        Gen.Select(Gen.Int[0, Starts.Length - 1].Select(i => Starts[i]), Gen.Byte.Array[0, 200]).Sample(
            (start, bytes) => { LoginReply.Read((byte[])[.. Bytes(start), .. bytes]); }, iter: 3000);

    internal static string XmlRpc(string ip = "<string>203.0.113.7</string>", string port = "<i4>13005</i4>",
        string seed = "https://sim.example:12043/cap/9d1", string code = "755126050", string secure = "69b1f602-3ea9-46f3-83aa-8acdcec1c2f5") =>
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><methodResponse><params><param><value><struct>"
        + Member("inventory", "<array><data><value><struct>" + Member("sim_ip", "1.2.3.4") + "</struct></value></data></array>")
        + Member("login", "<string>true</string>") + Member("secure_session_id", secure)
        + Member("agent_id", "<string>33333333-3333-4333-8333-333333333333</string>") + Member("sim_ip", ip)
        + Member("session_id", "43333333-3333-4333-8333-333333333333") + Member("circuit_code", $"<i4>{code}</i4>")
        + Member("sim_port", port) + Member("empty", "") + Member("gestures", "<array><data /></array>") + Member("seed_capability", seed)
        + "</struct></value></param></params></methodResponse>\n";

    internal static string Member(string name, string value) => $"<member><name>{name}</name><value>{value}</value></member>";

    private static string Between(string text, string before, string after)
    {
        int start = text.IndexOf(before, StringComparison.Ordinal) + before.Length;
        return text[start..text.IndexOf(after, start, StringComparison.Ordinal)];
    }

    private static byte[] Bytes(string text) => Encoding.UTF8.GetBytes(text);

    private static string Text(byte[] bytes) => Encoding.UTF8.GetString(bytes);
}
