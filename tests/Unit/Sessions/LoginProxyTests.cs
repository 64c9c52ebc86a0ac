using System.IO.Compression;
using System.Net;
using System.Text;
using GlobalCache.Client.Edge;
using GlobalCache.Policy;
using GlobalCache.Tests.Caps;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Primitives;

#pragma warning disable xUnit1051 // The listeners here end with their test; nothing waits without a bound.

namespace GlobalCache.Tests.Sessions;

public sealed class LoginProxyTests
{
    private const string Request = "<?xml version=\"1.0\"?>\r\n<methodCall><methodName>login_to_simulator</methodName>…&amp;\u00e9</methodCall>";

    [Fact]
    public async Task T17_The_request_reaches_the_grid_byte_for_byte_and_the_reply_differs_in_three_values()
    {
        await using Front front = await Front.StartAsync();
        string login = LoginReplyTests.XmlRpc(ip: "203.0.113.7", port: "<int>13005</int>", seed: "http://sim.example/cap/1");
        front.Grid.Answer("/", 200, login, "text/xml", ("X-Grid", "yes"), ("Keep-Alive", "timeout=60"), ("Set-Cookie", "a=b"));
        using var message = new HttpRequestMessage(HttpMethod.Post, front.LoginUri) { Content = new StringContent(Request) };
        message.Content.Headers.Remove("Content-Type");
        message.Content.Headers.TryAddWithoutValidation("Content-Type", "text/xml");
        message.Headers.TryAddWithoutValidation("Accept-Encoding", "gzip, deflate, br");
        message.Headers.TryAddWithoutValidation("X-SecondLife-UDP-Listen-Port", "13005");
        message.Headers.TryAddWithoutValidation("User-Agent", "NodeJS XML-RPC Client");
        using HttpResponseMessage reply = await front.Viewer.SendAsync(message);

        Asked asked = Assert.Single(front.Grid.AskedFor("/"));
        Assert.Equal(Request, Encoding.UTF8.GetString(asked.Body));
        Assert.Equal("text/xml", asked.Headers["Content-Type"]);
        Assert.Equal("13005", asked.Headers["X-SecondLife-UDP-Listen-Port"]);
        Assert.Equal("NodeJS XML-RPC Client", asked.Headers["User-Agent"]);
        Assert.Equal(asked.Body.Length.ToString(), asked.Headers["Content-Length"]);
        Assert.Equal(front.Grid.Root.Authority, asked.Headers["Host"]);
        foreach (string hop in (string[])["Accept-Encoding", "Connection", "Keep-Alive", "Transfer-Encoding"]) Assert.DoesNotContain(hop, asked.Headers.Keys);

        string body = await reply.Content.ReadAsStringAsync();
        string token = Assert.Single(body.Split('<'), p => p.Contains("/s/", StringComparison.Ordinal)).Split("/s/")[1];
        Assert.Matches("^[0-9a-f]{32}$", token);
        Assert.Equal(login.Replace("<value>203.0.113.7<", "<value>127.0.0.1<", StringComparison.Ordinal).Replace("13005", "20000", StringComparison.Ordinal)
            .Replace("http://sim.example/cap/1", $"{front.Root}s/{token}", StringComparison.Ordinal), body);
        Assert.Equal(Encoding.UTF8.GetByteCount(body), reply.Content.Headers.ContentLength);
        Assert.Equal("text/xml", reply.Content.Headers.ContentType!.ToString());
        Assert.Equal("yes", reply.Headers.GetValues("X-Grid").Single());
        Assert.False(reply.Headers.Contains("Keep-Alive"));
        Assert.False(reply.Headers.Contains("Set-Cookie"));
        Assert.Equal(1, front.Sessions.Count);
    }

    [Fact]
    public async Task T18_A_login_that_needs_a_code_passes_twice_and_then_succeeds()
    {
        await using Front front = await Front.StartAsync();
        string challenge = "<methodResponse><params><param><value><struct>" + LoginReplyTests.Member("login", "<string>false</string>")
            + LoginReplyTests.Member("reason", "mfa_challenge") + LoginReplyTests.Member("message_id", "LoginFailedMFA") + "</struct></value></param></params></methodResponse>";
        front.Grid["/"] = (context, asked) => FakeGrid.WriteAsync(context, 200,
            Encoding.UTF8.GetString(asked.Body).Contains("123456", StringComparison.Ordinal) ? LoginReplyTests.XmlRpc() : challenge, "text/xml");
        Assert.Equal(challenge, await Text(front.PostAsync(front.LoginUri, "<token></token>", "text/xml")));
        Assert.Equal(0, front.Sessions.Count);
        Assert.Contains("/s/", await Text(front.PostAsync(front.LoginUri, "<token>123456</token>", "text/xml; charset=utf-8")), StringComparison.Ordinal);
        Assert.Equal(1, front.Sessions.Count);
    }

    [Fact]
    public async Task T18_An_indeterminate_login_is_followed_through_us()
    {
        await using Front front = await Front.StartAsync();
        await using FakeGrid other = await FakeGrid.StartAsync();
        string Document(string url) => "<methodResponse><params><param><value><struct>" + LoginReplyTests.Member("next_method", "login_to_simulator")
            + LoginReplyTests.Member("login", "<string>indeterminate</string>") + LoginReplyTests.Member("next_url", url) + "</struct></value></param></params></methodResponse>";
        front.Grid.Answer("/", 200, Document($"{other.Root}next?a=1&amp;b=2"), "text/xml");
        other.Answer("/next", 200, LoginReplyTests.XmlRpc(), "text/xml");
        string sentOn = await Text(front.PostAsync(front.LoginUri, "first", "text/xml"));
        string next = sentOn.Split("next_url</name><value>")[1].Split('<')[0];
        Assert.StartsWith(front.LoginUri + "?next=", next, StringComparison.Ordinal);
        Assert.Equal(Document(next), sentOn);
        Assert.Contains("/s/", await Text(front.PostAsync(next, "second", "text/xml")), StringComparison.Ordinal);
        Assert.Equal("second", Encoding.UTF8.GetString(Assert.Single(other.AskedFor("/next?a=1&b=2")).Body));
        Assert.Equal(HttpStatusCode.NotFound, (await front.PostAsync(front.LoginUri + "?next=0123", "third", "text/xml")).StatusCode);
    }

    [Fact]
    public async Task T19_No_secret_and_no_address_is_ever_logged()
    {
        await using Front front = await Front.StartAsync(new ClientLimits { MaxSessions = 1 });
        const string secrets = "<passwd>$1$8eee3efdde1eb6cf</passwd><token>987123</token><mfa_hash>c0ffee00</mfa_hash>";
        (_, string seed) = await front.LoginAsync();
        string queue = await front.QueueAsync(seed);
        front.Grid.Answer("/", 200, LoginReplyTests.XmlRpc(secure: "5ec5e700-0000-4000-8000-000000000000"), "text/xml");
        await front.PostAsync(front.LoginUri, secrets, "text/xml");
        front.Grid.Answer("/", 200, LoginReplyTests.XmlRpc(secure: "5ec5e700-0000-4000-8000-000000000000").Replace("</struct>", "", StringComparison.Ordinal), "text/xml");
        await front.PostAsync(front.LoginUri, secrets, "text/xml");
        front.Grid["/"] = (context, _) => { context.Abort(); return Task.CompletedTask; };
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await front.PostAsync(front.LoginUri, secrets, "text/xml")).StatusCode);
        front.Grid.Answer("/eq", 200, "<llsd><map><key>events</key>");
        await front.PostAsync(queue, "<llsd><map><key>ack</key><undef/></map></llsd>");
        front.Grid.Answer("/seed", 200, "<html>");
        await front.PostAsync(seed, "<llsd/>");
        await front.Sessions.DisposeAsync();

        Assert.Contains("2001", front.Log.Text, StringComparison.Ordinal);
        Assert.Contains("2003", front.Log.Text, StringComparison.Ordinal);
        Assert.Contains("2004", front.Log.Text, StringComparison.Ordinal);
        Assert.Contains("2006", front.Log.Text, StringComparison.Ordinal);
        string[] secretParts = ["8eee3efd", "987123", "c0ffee00", "5ec5e700", "33333333-", "43333333-", "755126050", "/s/", "/c/", "/seed", "/eq", "203.0.113",
            seed.Split("/s/")[1], queue.Split("/c/")[1]];
        foreach (string part in secretParts) Assert.DoesNotContain(part, front.Log.Text, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void Headers_of_one_connection_and_headers_nobody_can_send_stay_behind()
    {
        var headers = new Dictionary<string, StringValues>
        {
            ["Connection"] = "X-Hop, keep-alive",
            ["X-Hop"] = "1",
            ["te"] = "trailers",
            ["accept-encoding"] = "gzip",
            ["X-Odd"] = "caf\u00e9",
            ["X-Plain"] = new(["a", "b"]),
        };
        KeyValuePair<string, StringValues> kept = Assert.Single(HeaderCopy.Forward(headers));
        Assert.Equal(("X-Plain", "a,b"), (kept.Key, kept.Value.ToString()));
    }

    [Theory]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    [InlineData("multipart/form-data; boundary=x")]
    [InlineData("")]
    public async Task A_body_that_a_web_page_could_post_is_refused(string contentType)
    {
        await using Front front = await Front.StartAsync();
        front.Grid.Answer("/", 200, LoginReplyTests.XmlRpc(), "text/xml");
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, (await front.PostAsync(front.LoginUri, Request, contentType)).StatusCode);
        Assert.Empty(front.Grid.AskedFor("/"));
    }

    [Theory]
    [InlineData(302, "Location", "https://elsewhere.example/login")]
    [InlineData(307, "Location", "/login2")]
    [InlineData(503, "Retry-After", "30")]
    [InlineData(500, "X-Why", "no")]
    public async Task What_the_grid_answers_instead_of_a_login_is_passed_on_as_it_is(int status, string header, string value)
    {
        await using Front front = await Front.StartAsync();
        front.Grid.Answer("/", status, LoginReplyTests.XmlRpc(), "text/html", (header, value));
        using HttpResponseMessage reply = await front.PostAsync(front.LoginUri, Request, "text/xml");
        Assert.Equal(status, (int)reply.StatusCode);
        Assert.Equal(value, reply.Headers.GetValues(header).Single());
        Assert.Equal(LoginReplyTests.XmlRpc(), await reply.Content.ReadAsStringAsync());
        Assert.Single(front.Grid.AskedFor("/"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_reply_too_large_to_patch_is_streamed_as_it_is(bool lengthKnown)
    {
        await using Front front = await Front.StartAsync(new ClientLimits { MaxPatchedBodyBytes = 1 << 20 });
        string login = LoginReplyTests.XmlRpc() + new string(' ', 3 << 20);
        front.Grid["/"] = (context, _) =>
        {
            if (lengthKnown) context.Response.ContentLength = login.Length;
            return FakeGrid.WriteAsync(context, 200, login, "text/xml");
        };
        using HttpResponseMessage reply = await front.PostAsync(front.LoginUri, Request, "text/xml");
        Assert.Equal(login, await reply.Content.ReadAsStringAsync());
        Assert.Contains("2005", front.Log.Text, StringComparison.Ordinal);
        Assert.Equal(0, front.Sessions.Count);
    }

    [Fact]
    public async Task A_reply_compressed_unasked_passes_as_it_is()
    {
        await using Front front = await Front.StartAsync();
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true)) await gzip.WriteAsync(Encoding.UTF8.GetBytes(LoginReplyTests.XmlRpc()));
        front.Grid["/"] = (context, _) =>
        {
            context.Response.ContentType = "text/xml";
            context.Response.Headers.ContentEncoding = "gzip";
            return context.Response.Body.WriteAsync(packed.ToArray()).AsTask();
        };
        using HttpResponseMessage reply = await front.PostAsync(front.LoginUri, Request, "text/xml");
        Assert.Equal(packed.ToArray(), await reply.Content.ReadAsByteArrayAsync());
        Assert.Equal("gzip", reply.Content.Headers.ContentEncoding.Single());
    }

    [Fact]
    public async Task Beyond_the_last_session_a_viewer_reaches_its_grid_directly()
    {
        await using Front front = await Front.StartAsync(new ClientLimits { MaxSessions = 2 });
        front.Grid.Answer("/", 200, LoginReplyTests.XmlRpc(), "text/xml");
        for (int i = 0; i < 2; i++) Assert.NotEqual(LoginReplyTests.XmlRpc(), await Text(front.PostAsync(front.LoginUri, Request, "text/xml")));
        Assert.Equal(LoginReplyTests.XmlRpc(), await Text(front.PostAsync(front.LoginUri, Request, "text/xml")));
        Assert.Equal(2, front.Sessions.Count);
    }

    [Fact]
    public async Task A_login_that_breaks_off_can_be_tried_again()
    {
        await using Front front = await Front.StartAsync();
        front.Grid["/"] = async (context, _) =>
        {
            context.Response.ContentLength = 10_000;
            await context.Response.WriteAsync(LoginReplyTests.XmlRpc());
            context.Abort();
        };
        using HttpResponseMessage reply = await front.PostAsync(front.LoginUri, Request, "text/xml");
        Assert.Equal(HttpStatusCode.ServiceUnavailable, reply.StatusCode);
        Assert.Equal("5", reply.Headers.GetValues("Retry-After").Single());
        Assert.Equal(0, front.Sessions.Count);
    }

    [Fact]
    public async Task T20_Grid_info_names_our_login_and_conditional_requests_reach_the_grid()
    {
        await using Front front = await Front.StartAsync();
        const string stamp = "Sun, 22 Nov 2026 17:14:25 GMT";
        string Document(string login, string nick) => $"<gridinfo><login>{login}</login><gridname>My Grid</gridname><gridnick>{nick}</gridnick><help>http://h.example/?a&amp;b</help></gridinfo>";
        front.Grid["/get_grid_info"] = (context, asked) => asked.Headers.GetValueOrDefault("If-Modified-Since") == stamp
            ? FakeGrid.WriteAsync(context, 304, "", "application/xml")
            : FakeGrid.WriteAsync(context, 200, Document("http://grid.example/", "mygrid"), "application/xml", ("Last-Modified", stamp));
        using HttpResponseMessage fresh = await front.Viewer.GetAsync(front.LoginUri + "get_grid_info");
        Assert.Equal(Document(front.LoginUri, "mygrid-gc"), await fresh.Content.ReadAsStringAsync());
        Assert.Equal("application/xml", fresh.Content.Headers.ContentType!.ToString());
        using var again = new HttpRequestMessage(HttpMethod.Get, front.LoginUri + "get_grid_info");
        again.Headers.TryAddWithoutValidation("If-Modified-Since", fresh.Content.Headers.GetValues("Last-Modified").Single());
        using HttpResponseMessage unchanged = await front.Viewer.SendAsync(again);
        Assert.Equal(HttpStatusCode.NotModified, unchanged.StatusCode);
        Assert.Empty(await unchanged.Content.ReadAsByteArrayAsync());
    }

    private static async Task<string> Text(Task<HttpResponseMessage> reply) => await (await reply).Content.ReadAsStringAsync();
}
