using System.Net;
using System.Text;
using System.Text.Json;
using GlobalCache.Tests.Edge;

namespace GlobalCache.Tests.Status;

public sealed class StatusPageTests : IAsyncLifetime
{
    private StatusHost _host = null!;

    public async ValueTask InitializeAsync() => _host = await StatusHost.StartAsync();

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    [Theory]
    [InlineData("", "text/html")]
    [InlineData("status.css", "text/css")]
    [InlineData("status.js", "text/javascript")]
    [InlineData("icon.svg", "image/svg+xml")]
    [InlineData("status", "application/json")]
    public async Task A_person_who_opens_it_gets_it_and_no_other_page_can(string file, string type)
    {
        string answer = await AskAsync($"GET {_host.Uri.AbsolutePath}{file}", "Sec-Fetch-Site: none\r\nSec-Fetch-Mode: navigate\r\nCookie: theirs=1\r\n");
        Assert.Equal(200, RawHttp.Status(answer));
        Assert.Contains($"Content-Type: {type}", answer, StringComparison.Ordinal);
        foreach (string header in (string[])["Content-Security-Policy: default-src 'none'", "X-Content-Type-Options: nosniff", "Cache-Control: no-store", "Referrer-Policy: no-referrer", "X-Frame-Options: DENY", "Cross-Origin-Resource-Policy: same-origin"])
            Assert.Contains(header, answer, StringComparison.Ordinal);
        foreach (string headers in (string[])["Sec-Fetch-Site: cross-site\r\n", "Sec-Fetch-Site: same-site\r\n", "Origin: null\r\n", "Origin: http://evil.example\r\n", $"Origin: http://localhost:{_host.Port}\r\n"])
            Assert.Equal(404, RawHttp.Status(await AskAsync($"GET {_host.Uri.AbsolutePath}{file}", headers)));
        Assert.Equal(404, RawHttp.Status(await RawHttp.SendAsync(_host.Port, $"GET {_host.Uri.AbsolutePath}{file} HTTP/1.1\r\nConnection: close\r\nHost: localhost:{_host.Port}\r\n\r\n")));
    }

    [Fact]
    public async Task The_viewers_token_opens_no_page_and_the_pages_token_no_assets()
    {
        Assert.Equal(404, RawHttp.Status(await AskAsync($"GET /p/{_host.Viewers}/status", "")));
        Assert.Equal(404, RawHttp.Status(await AskAsync("GET " + _host.Uri.AbsolutePath.Replace("/p/", "/a/", StringComparison.Ordinal), "")));
        Assert.Equal(404, RawHttp.Status(await AskAsync("GET /p/00000000000000000000000000000000/", "")));
        Assert.Equal(404, RawHttp.Status(await AskAsync($"GET {_host.Uri.AbsolutePath}nothing", "")));
        Assert.Equal(404, RawHttp.Status(await AskAsync($"DELETE {_host.Uri.AbsolutePath}status", "")));
    }

    [Fact]
    public async Task Sharing_is_switched_by_the_page_alone()
    {
        string own = $"Origin: http://127.0.0.1:{_host.Port}\r\nSec-Fetch-Site: same-origin\r\n";
        Assert.Equal(204, await SwitchAsync(own, $$"""{"world":"{{StatusHost.World}}","on":false}"""));
        Assert.False(_host.Grid!.Worlds.Single().On);
        Assert.Equal(404, await SwitchAsync("Origin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n", $$"""{"world":"{{StatusHost.World}}","on":true}"""));
        Assert.Equal(404, await SwitchAsync("Sec-Fetch-Site: none\r\n", $$"""{"world":"{{StatusHost.World}}","on":true}"""));
        Assert.False(_host.Grid!.Worlds.Single().On);
        Assert.Equal(409, await SwitchAsync(own, """{"world":"unknown.example.org","on":true}"""));
        Assert.Equal(400, await SwitchAsync(own, "{}"));
        Assert.Equal(400, await SwitchAsync(own, "{"));
        Assert.Equal(400, await SwitchAsync(own, $$"""{"world":"{{new string('x', 2000)}}","on":true}"""));
        Assert.Equal(400, await SwitchAsync(own, $$"""{"world":"{{StatusHost.World}}","on":true}""", "text/plain"));
        Assert.False(_host.Grid!.Worlds.Single().On);
    }

    [Fact]
    public async Task It_is_told_anew_for_as_long_as_somebody_looks()
    {
        using var client = new HttpClient();
        using HttpResponseMessage live = await client.GetAsync(new Uri(_host.Uri, "live"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", live.Content.Headers.ContentType!.MediaType);
        using var lines = new StreamReader(await live.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        Assert.Equal(0, HitsOf(await lines.ReadLineAsync(TestContext.Current.CancellationToken)));
        _host.Evening();
        Assert.Equal("", await lines.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.True(HitsOf(await lines.ReadLineAsync(TestContext.Current.CancellationToken)) > 500);
    }

    [Fact]
    public async Task Somebody_who_opens_it_a_hundred_times_is_told_to_wait()
    {
        using var client = new HttpClient();
        var open = new List<HttpResponseMessage>();
        for (int i = 0; i < 9; i++) open.Add(await client.GetAsync(new Uri(_host.Uri, "live"), HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken));
        Assert.Equal([.. Enumerable.Repeat(HttpStatusCode.OK, 8), HttpStatusCode.ServiceUnavailable], open.Select(a => a.StatusCode));
        foreach (HttpResponseMessage answer in open) answer.Dispose();
    }

    private static long HitsOf(string? line) => JsonDocument.Parse(line!["data: ".Length..]).RootElement.GetProperty("all").GetProperty("hits").GetInt64();

    private Task<string> AskAsync(string line, string headers) => RawHttp.SendAsync(_host.Port, $"{line} HTTP/1.1\r\nHost: 127.0.0.1:{_host.Port}\r\nConnection: close\r\n{headers}\r\n");

    private async Task<int> SwitchAsync(string headers, string body, string type = "application/json") =>
        RawHttp.Status(await AskAsync($"POST {_host.Uri.AbsolutePath}sharing", $"{headers}Content-Type: {type}\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\n", body));

    private Task<string> AskAsync(string line, string headers, string body) =>
        RawHttp.SendAsync(_host.Port, $"{line} HTTP/1.1\r\nHost: 127.0.0.1:{_host.Port}\r\nConnection: close\r\n{headers}\r\n{body}");
}
