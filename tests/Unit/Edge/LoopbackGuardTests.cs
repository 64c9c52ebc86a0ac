using GlobalCache.Client.Edge;
using Microsoft.AspNetCore.Http;

namespace GlobalCache.Tests.Edge;

public sealed class LoopbackGuardTests
{
    private const string Uuid = "6c0ca000-0000-4000-8000-000000000001";

    [Theory]
    [InlineData("GET /a/TOKEN/?texture_id=" + Uuid, "", "asset-only /")]
    [InlineData("GET /a/TOKEN?texture_id=" + Uuid, "", "asset-only ")]
    [InlineData("POST /TOKEN/", "Content-Type: text/xml\r\n", "login /")]
    [InlineData("POST /TOKEN", "Content-Type: text/xml; charset=utf-8\r\n", "login ")]
    [InlineData("POST /TOKEN/", "Content-Type: application/llsd+xml\r\n", "login /")]
    [InlineData("GET /TOKEN/get_grid_info", "If-Modified-Since: Sun, 22 Nov 2026 19:00:00 GMT\r\n", "grid info /get_grid_info")]
    [InlineData("POST /s/0123456789abcdef", "Content-Type: application/llsd+xml\r\n", "seed ")]
    [InlineData("GET /c/0123456789abcdef/?mesh_id=" + Uuid, "Accept: application/vnd.ll.mesh\r\n", "capability /")]
    [InlineData("POST /c/0123456789abcdef", "Content-Type: application/octet-stream\r\n", "capability ")]
    public async Task A_viewers_request_is_let_in_and_answered_so_that_no_page_can_read_it(string line, string headers, string expected)
    {
        await using FrontHost host = await StartAsync();
        string response = await SendAsync(host, line, $"127.0.0.1:{host.Port}", headers);
        Assert.Equal(200, RawHttp.Status(response));
        Assert.Contains(expected, response, StringComparison.Ordinal);
        Assert.Contains("X-Content-Type-Options: nosniff\r\n", response, StringComparison.Ordinal);
        Assert.Contains("Cross-Origin-Resource-Policy: same-origin\r\n", response, StringComparison.Ordinal);
        Assert.DoesNotContain("Access-Control", response, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("Server:", response, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("GET /a/TOKEN/", "Origin: null\r\n")]
    [InlineData("GET /a/TOKEN/", "Origin: http://127.0.0.1:PORT\r\n")]
    [InlineData("GET /a/TOKEN/", "Sec-Fetch-Site: same-origin\r\n")]
    [InlineData("GET /a/TOKEN/", "sec-fetch-anything: x\r\n")]
    [InlineData("GET /a/TOKEN/", "Referer: http://evil.example/\r\n")]
    [InlineData("GET /a/TOKEN/", "Cookie: a=b\r\n")]
    [InlineData("POST /TOKEN/", "Content-Type: text/xml\r\nOrigin: http://evil.example\r\n")]
    [InlineData("POST /TOKEN/", "Content-Type: text/plain\r\n")]
    [InlineData("POST /TOKEN/", "Content-Type: application/x-www-form-urlencoded\r\n")]
    [InlineData("POST /TOKEN/", "Content-Type: multipart/form-data; boundary=x\r\n")]
    [InlineData("POST /TOKEN/", "Content-Type: text/plain, text/xml\r\n")]
    [InlineData("POST /TOKEN/", "")]
    [InlineData("OPTIONS /TOKEN/", "Access-Control-Request-Method: POST\r\n")]
    [InlineData("GET /TOKEN/", "")]
    [InlineData("GET /a/00000000000000000000000000000000/", "")]
    [InlineData("GET /a/TOKEN0/", "")]
    [InlineData("GET /a/", "")]
    [InlineData("GET /x/TOKEN/", "")]
    [InlineData("GET /", "")]
    [InlineData("GET /favicon.ico", "")]
    [InlineData("OPTIONS *", "")]
    public async Task Everything_else_gets_one_and_the_same_answer(string line, string headers)
    {
        await using FrontHost host = await StartAsync();
        string own = $"127.0.0.1:{host.Port}";
        Assert.Equal(await RefusalAsync(host), WithoutDate(await SendAsync(host, line, own, headers.Replace("PORT", $"{host.Port}", StringComparison.Ordinal))));
    }

    [Theory]
    [InlineData("localhost:PORT")]
    [InlineData("evil.example:PORT")]
    [InlineData("evil.example")]
    [InlineData("127.0.0.1")]
    [InlineData("127.0.0.1:80")]
    [InlineData("127.0.0.2:PORT")]
    [InlineData("127.1:PORT")]
    [InlineData("0x7f000001:PORT")]
    [InlineData("127.0.0.1.:PORT")]
    [InlineData("[::ffff:127.0.0.1]:PORT")]
    [InlineData("asset-cdn.example:PORT")]
    public async Task A_name_that_was_bound_anew_to_our_address_is_refused(string name)
    {
        await using FrontHost host = await StartAsync();
        string response = await SendAsync(host, "GET /a/TOKEN/?texture_id=" + Uuid, name.Replace("PORT", $"{host.Port}", StringComparison.Ordinal), "");
        Assert.Equal(await RefusalAsync(host), WithoutDate(response));
    }

    [Fact]
    public async Task An_absolute_url_is_refused_while_the_web_proxy_is_off()
    {
        await using FrontHost host = await StartAsync();
        string own = $"127.0.0.1:{host.Port}";
        Assert.Equal(404, RawHttp.Status(await SendAsync(host, $"GET http://{own}/a/TOKEN/", own, "")));
        Assert.Equal(404, RawHttp.Status(await SendAsync(host, "GET http://asset-cdn.example/", "asset-cdn.example", "")));
    }

    private static Task<FrontHost> StartAsync() => FrontHost.StartAsync((token, _) => new Front(new LoopbackGuard(false, null), token)
    {
        Login = FrontHost.Say("login"),
        GridInfo = FrontHost.Say("grid info"),
        Seed = FrontHost.Say("seed"),
        Capability = FrontHost.Say("capability"),
        AssetOnly = FrontHost.Say("asset-only"),
        WebProxy = context => context.Response.WriteAsync("web proxy"),
        CdnHost = context => context.Response.WriteAsync("CDN host"),
    });

    private static async Task<string> RefusalAsync(FrontHost host)
    {
        string refusal = WithoutDate(await SendAsync(host, "GET /nothing/at/all", $"127.0.0.1:{host.Port}", ""));
        Assert.StartsWith("HTTP/1.1 404 ", refusal, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n", refusal, StringComparison.Ordinal);
        return refusal;
    }

    private static Task<string> SendAsync(FrontHost host, string line, string name, string headers) => RawHttp.SendAsync(host.Port,
        $"{line.Replace("TOKEN", host.Token.Text, StringComparison.Ordinal)} HTTP/1.1\r\nHost: {name}\r\n{headers}Content-Length: 0\r\nConnection: close\r\n\r\n");

    private static string WithoutDate(string response) =>
        string.Join("\r\n", response.Split("\r\n").Where(line => !line.StartsWith("Date:", StringComparison.Ordinal)));
}
