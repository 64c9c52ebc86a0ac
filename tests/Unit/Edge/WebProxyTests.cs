using System.Net;
using System.Net.Sockets;
using System.Text;
using GlobalCache.Client.Edge;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Http;
using WebProxy = GlobalCache.Client.Edge.WebProxy;

namespace GlobalCache.Tests.Edge;

public sealed class WebProxyTests : IDisposable
{
    private const string Asset = "/?texture_id=6c0ca000-0000-4000-8000-000000000001";

    /// <summary>One server that stands for every host; what it was sent is the test's business.</summary>
    private readonly TcpListener _web = new(IPAddress.Loopback, 0);
    private readonly List<string> _dialled = [];

    public WebProxyTests() => _web.Start();

    public void Dispose() => _web.Dispose();

    [Fact]
    public async Task An_asset_hosts_get_is_served_from_the_store()
    {
        await using FrontHost host = await StartAsync();
        Assert.Contains("served http://asset-cdn.example/ /sub%20path/ ?mesh_id=1",
            await SendAsync(host, "GET http://asset-cdn.example/sub%20path/?mesh_id=1", "asset-cdn.example"), StringComparison.Ordinal);
        Assert.Contains("served", await SendAsync(host, "GET http://ASSET-CDN.example:80" + Asset, "asset-cdn.example:80"), StringComparison.Ordinal);
        Assert.Empty(_dialled);
    }

    [Theory]
    [InlineData("Origin: http://page.example\r\n")]
    [InlineData("Referer: http://page.example/\r\n")]
    [InlineData("Sec-Fetch-Mode: no-cors\r\n")]
    [InlineData("Cookie: a=b\r\n")]
    public async Task A_page_gets_nothing_out_of_the_store(string header)
    {
        await using FrontHost host = await StartAsync();
        Assert.Equal(404, RawHttp.Status(await SendAsync(host, "GET http://asset-cdn.example" + Asset, "asset-cdn.example", header)));
        Assert.Empty(_dialled);
    }

    [Theory]
    [InlineData("GET http://other.example/a%2Fb/../c?x=%41", "other.example", "GET /a%2Fb/../c?x=%41 HTTP/1.1\r\nHost: other.example\r\n", "other.example:80")]
    [InlineData("GET http://other.example:8080/", "other.example:8080", "GET / HTTP/1.1\r\nHost: other.example:8080\r\n", "other.example:8080")]
    [InlineData("GET http://asset-cdn.example:81/", "asset-cdn.example:81", "GET / HTTP/1.1\r\nHost: asset-cdn.example:81\r\n", "asset-cdn.example:81")]
    [InlineData("POST http://asset-cdn.example/", "asset-cdn.example", "POST / HTTP/1.1\r\nHost: asset-cdn.example\r\n", "asset-cdn.example:80")]
    public async Task Everything_else_is_passed_on_as_it_is_and_signed(string line, string name, string sent, string dialled)
    {
        await using FrontHost host = await StartAsync();
        Task<string> seen = AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nSet-Cookie: kept=1\r\nConnection: close\r\n\r\nhello");
        string response = await SendAsync(host, line, name,
            "Cookie: page=1\r\nReferer: http://page.example/\r\nProxy-Connection: keep-alive\r\nVia: 1.1 somebody\r\nX-Own: yes\r\n");
        string request = await seen;
        Assert.StartsWith(sent, request, StringComparison.Ordinal);
        Assert.Contains("Cookie: page=1\r\n", request, StringComparison.Ordinal);
        Assert.Contains("X-Own: yes\r\n", request, StringComparison.Ordinal);
        Assert.Matches("Via: 1.1 somebody, 1.1 globalcache-[0-9a-f]{8}\r\n", request);
        Assert.DoesNotContain("Proxy-Connection", request, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("traceparent", request, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("X-Forwarded", request, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(200, RawHttp.Status(response));
        Assert.Contains("Set-Cookie: kept=1\r\n", response, StringComparison.Ordinal);
        Assert.DoesNotContain("Cross-Origin-Resource-Policy", response, StringComparison.Ordinal);
        Assert.EndsWith("hello", response, StringComparison.Ordinal);
        Assert.Equal(dialled, Assert.Single(_dialled));
    }

    [Fact]
    public async Task A_request_that_has_been_here_before_is_refused()
    {
        await using FrontHost host = await StartAsync();
        Task<string> seen = AnswerAsync("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
        await SendAsync(host, "GET http://other.example/", "other.example");
        string via = (await seen).Split("\r\n").Single(line => line.StartsWith("Via: ", StringComparison.Ordinal));
        Assert.Equal(508, RawHttp.Status(await SendAsync(host, "GET http://other.example/", "other.example", via + "\r\n")));
        Assert.Equal(508, RawHttp.Status(await SendAsync(host, "GET http://asset-cdn.example" + Asset, "asset-cdn.example", via + ", 1.1 else\r\n")));
        Assert.Single(_dialled);
    }

    [Fact]
    public async Task What_may_not_be_reached_is_a_bad_gateway_and_our_own_address_cannot_be_reached_through_us()
    {
        var reach = new Reach(new GridDomains(new Uri("http://login.grid.example/"), []), Reach.SystemAsync, new IPEndPoint(IPAddress.Loopback, 1));
        await using FrontHost host = await StartAsync(async (name, port, ct) =>
            await reach.ConnectAsync(name, port, ct) is { } socket ? new NetworkStream(socket, true) : throw new HttpRequestException("not allowed"));
        string own = $"127.0.0.1:{host.Port}";
        Assert.Equal(502, RawHttp.Status(await SendAsync(host, $"GET http://{own}/a/{host.Token.Text}/", own)));
        Assert.Equal(502, RawHttp.Status(await SendAsync(host, "GET http://169.254.169.254/latest/", "169.254.169.254")));
    }

    [Theory]
    [InlineData("GET https://other.example/", "other.example", 404)]
    [InlineData("GET ftp://other.example/", "other.example", 400)]
    public async Task Other_schemes_are_refused(string line, string name, int status)
    {
        await using FrontHost host = await StartAsync();
        Assert.Equal(status, RawHttp.Status(await SendAsync(host, line, name)));
    }

    [Fact]
    public async Task Under_the_cdn_hosts_name_assets_are_served_and_the_rest_passed_on()
    {
        await using FrontHost host = await StartAsync();
        Assert.Contains("served http://named.example/ / ?texture_id=1", await SendAsync(host, "GET /?texture_id=1", "named.example"), StringComparison.Ordinal);
        Assert.Contains("served", await SendAsync(host, "GET /?texture_id=1", $"Named.Example:{host.Port}"), StringComparison.Ordinal);
        Assert.Equal(404, RawHttp.Status(await SendAsync(host, "GET /?texture_id=1", "named.example", "Origin: http://page.example\r\n")));
        Assert.Equal(404, RawHttp.Status(await SendAsync(host, "GET /?texture_id=1", "named.example.evil.example")));
        Assert.Empty(_dialled);
        Task<string> seen = AnswerAsync("HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        Assert.Equal(200, RawHttp.Status(await SendAsync(host, "PUT /x%2Fy?z", "named.example")));
        Assert.StartsWith("PUT /x%2Fy?z HTTP/1.1\r\nHost: named.example\r\n", await seen, StringComparison.Ordinal);
        Assert.Equal("named.example:80", Assert.Single(_dialled));
    }

    [Fact]
    public async Task The_cdn_hosts_address_is_asked_of_the_name_server_given()
    {
        using var server = new UdpClient(new IPEndPoint(IPAddress.Loopback, 0));
        Task answering = Task.Run(async () =>
        {
            UdpReceiveResult query = await server.ReceiveAsync();
            byte[] question = query.Buffer;
            int end = question.AsSpan(12).IndexOf((byte)0) + 12 + 5;
            // Id, a standard answer with one question and one record: the name by its offset, A, IN, 60 s, 192.0.2.7.
            byte[] answer = [.. question[..2], 0x81, 0x80, 0, 1, 0, 1, 0, 0, 0, 0, .. question[12..end],
                0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 7];
            await server.SendAsync(answer, query.RemoteEndPoint);
        }, TestContext.Current.CancellationToken);
        var names = new NameServers((IPEndPoint)server.Client.LocalEndPoint!, WatchedLog.Unread);
        Assert.Equal([IPAddress.Parse("192.0.2.7")], await names.ResolveAsync("named.example", TestContext.Current.CancellationToken));
        await answering;
        // Its time to live has not run out: nobody is asked again.
        Assert.Equal([IPAddress.Parse("192.0.2.7")], await names.ResolveAsync("named.example", TestContext.Current.CancellationToken));
    }

    private Task<FrontHost> StartAsync(Dial? dial = null) => FrontHost.StartAsync((token, forwarder) =>
    {
        int port = ((IPEndPoint)_web.LocalEndpoint).Port;
        var trust = new GridTrust(new GridDomains(new Uri("http://login.grid.example/"), []), []);
        HttpMessageInvoker web = Upstream.Pool(trust, dial ?? ((host, to, ct) =>
        {
            _dialled.Add($"{host}:{to}");
            return Upstream.DialAsync(new IPEndPoint(IPAddress.Loopback, port), ct);
        }), new ClientLimits().ConnectionsPerHost, TimeSpan.FromSeconds(1));
        var proxy = new WebProxy(forwarder, web, ["asset-cdn.example", "named.example"],
            (context, origin, remainder) => context.Response.WriteAsync($"served {origin} {remainder} {context.Request.QueryString}"));
        return new Front(new LoopbackGuard(true, "named.example"), token)
        {
            WebProxy = proxy.HandleAsync,
            CdnHost = new CdnHost("named.example", proxy, web).HandleAsync,
            AssetOnly = FrontHost.Say("asset-only"),
        };
    });

    private static Task<string> SendAsync(FrontHost host, string line, string name, string headers = "") =>
        RawHttp.SendAsync(host.Port, $"{line} HTTP/1.1\r\nHost: {name}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");

    private async Task<string> AnswerAsync(string answer)
    {
        using Socket socket = await _web.AcceptSocketAsync();
        string head = await RawHttp.ReadHeadAsync(socket);
        await socket.SendAsync(Encoding.Latin1.GetBytes(answer));
        return head;
    }
}
