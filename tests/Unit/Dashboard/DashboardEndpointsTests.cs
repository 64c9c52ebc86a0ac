using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using GlobalCache.Master.Dashboard;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Dashboard;

/// <summary>The dashboard over HTTP: who may read, who may act, and what those get who read along.</summary>
public sealed class DashboardEndpointsTests : IAsyncLifetime
{
    private readonly SampleDay _day = new SampleDay().Pass(60);
    private readonly FakeTimeProvider _time = new(SampleDay.Evening);
    private IPAddress _peer = IPAddress.Loopback;
    private DashboardHost _host = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await DashboardHost.StartAsync(_day.Look, _day.Day, () => _peer, _time);
        _http = new HttpClient(new SocketsHttpHandler { CookieContainer = new CookieContainer() }) { BaseAddress = _host.Address, Timeout = TimeSpan.FromMinutes(1) };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task The_page_may_fetch_run_and_send_nothing_that_is_not_its_own()
    {
        using HttpResponseMessage answer = await _http.GetAsync("/");
        string policy = answer.Headers.GetValues("Content-Security-Policy").Single();
        Assert.StartsWith("default-src 'none';", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("http", policy, StringComparison.Ordinal);
        Assert.Equal("nosniff", answer.Headers.GetValues("X-Content-Type-Options").Single());
        string page = await answer.Content.ReadAsStringAsync();
        foreach (string own in (string[])["/dashboard.css", "/dashboard.js", "/icon.svg"])
        {
            Assert.Contains($"\"{own}\"", page, StringComparison.Ordinal);
            Assert.NotEmpty(await _http.GetStringAsync(own));
        }

        Assert.DoesNotContain(" style=", page, StringComparison.Ordinal);
        Assert.DoesNotContain("://", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Machines_get_the_state()
    {
        MasterState state = (await _http.GetFromJsonAsync(MasterApi.State, MasterJson.Default.MasterState))!;
        Assert.Equal("grid.example.net", state.Grid);
        Assert.NotEmpty(state.Nodes);
        Assert.Contains("gc_master_leads 1\n", await _http.GetStringAsync("/metrics"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_call_is_described_and_the_page_that_shows_it_asks_no_other_server()
    {
        using JsonDocument document = JsonDocument.Parse(await _http.GetStringAsync("/openapi/v1.json"));
        JsonElement paths = document.RootElement.GetProperty("paths");
        foreach (RouteEndpoint route in _host.Routes.Where(r => r.RoutePattern.RawText is { } path && !path.Contains("openapi", StringComparison.Ordinal) && !path.Contains("scalar", StringComparison.Ordinal)))
        {
            string path = route.RoutePattern.RawText!, method = route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0];
            Assert.True(MasterCalls.Table.Knows(method, path), $"{method} {path} is not described.");
            foreach (JsonProperty answer in paths.GetProperty(path).GetProperty(method.ToLowerInvariant()).GetProperty("responses").EnumerateObject())
                Assert.EndsWith(".", answer.Value.GetProperty("description").GetString(), StringComparison.Ordinal);
            bool needsSession = route.Metadata.GetMetadata<AdminOnly>() is not null;
            Assert.Equal(needsSession, paths.GetProperty(path).GetProperty(method.ToLowerInvariant()).TryGetProperty("security", out _));
        }

        Assert.Contains("savedBytes", document.RootElement.GetProperty("components").GetProperty("schemas").GetProperty("CacheState").GetRawText(), StringComparison.Ordinal);
        string page = await _http.GetStringAsync("/scalar/v1");
        foreach (string foreign in (string[])["cdn.", "src=\"http", "href=\"http"]) Assert.DoesNotContain(foreign, page, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Who_reads_along_has_the_last_state_at_once_and_then_every_new_one()
    {
        using StreamReader events = new(await _http.GetStreamAsync(MasterApi.Events));
        Assert.Empty((await NextAsync(events)).Alarms);
        _day.Alarms = ["One."];
        while ((await NextAsync(events)).Alarms is not ["One."])
        {
        }
    }

    [Fact]
    public async Task Of_the_page_only_what_has_changed_is_sent()
    {
        using StreamReader events = new(await _http.GetStreamAsync("/live"));
        HashSet<string> first = [];
        while (first.Count < 9) first.Add(await NameAsync(events));
        _day.Alarms = ["One."];
        string next = await NameAsync(events);
        Assert.Equal("alarms", next);
    }

    [Fact]
    public async Task Readers_are_counted_and_those_who_go_are_forgotten()
    {
        List<DashboardSource.Reader> readers = [];
        while (_host.Source.TryRead() is { } reader) readers.Add(reader);
        Assert.Equal(DashboardSource.MostReaders, readers.Count);
        using (HttpResponseMessage refused = await _http.GetAsync(MasterApi.Events))
        {
            Assert.Equal(HttpStatusCode.ServiceUnavailable, refused.StatusCode);
            Assert.Equal(TimeSpan.FromSeconds(10), refused.Headers.RetryAfter?.Delta);
        }

        readers.ForEach(r => r.Dispose());
        using (await _http.GetStreamAsync(MasterApi.Events)) await Eventually.EqualAsync(1, () => _host.Source.Readers);
        await Eventually.EqualAsync(0, () => _host.Source.Readers);
    }

    [Fact]
    public async Task A_slow_reader_holds_one_state_the_newest()
    {
        int count = 0;
        var source = new DashboardSource(() => _day.Look() with { Epoch = ++count }, _day.Day, _time);
        using DashboardSource.Reader slow = source.TryRead()!;
        for (int i = 0; i < 100; i++) source.Look();
        Assert.Equal(count, (await slow.NextAsync(CancellationToken.None)).State.Epoch);
        ValueTask<Frame> next = slow.NextAsync(CancellationToken.None);
        Assert.False(next.IsCompleted);
        source.Look();
        Assert.Equal(count, (await next).State.Epoch);
    }

    [Fact]
    public async Task What_has_not_changed_is_said_again_after_ten_seconds()
    {
        MasterState same = _day.Look();
        var source = new DashboardSource(() => same with { Now = _time.GetUtcNow() }, _day.Day, _time);
        using DashboardSource.Reader reader = source.TryRead()!;
        await reader.NextAsync(CancellationToken.None);
        source.Look();
        await reader.NextAsync(CancellationToken.None);
        ValueTask<Frame> next = reader.NextAsync(CancellationToken.None);
        for (int i = 0; i < 9; i++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            source.Look();
            Assert.False(next.IsCompleted);
        }

        _time.Advance(TimeSpan.FromSeconds(1));
        source.Look();
        Assert.True(next.IsCompleted);
        Assert.Equal(_time.GetUtcNow(), (await next).State.Now);
    }

    [Fact]
    public async Task Every_route_is_the_operators_alone()
    {
        Assert.True(_host.Routes.Count > 9);
        Assert.All(_host.Routes, r => Assert.NotNull(r.Metadata.GetMetadata<Operators>()));
        using var ask = new HttpRequestMessage(HttpMethod.Get, MasterApi.State) { Headers = { Host = "rebind.example" } };
        using HttpResponseMessage answer = await _http.SendAsync(ask);
        Assert.Equal(HttpStatusCode.MisdirectedRequest, answer.StatusCode);
    }

    [Theory]
    [InlineData("127.0.0.1", true)]
    [InlineData("10.1.2.3", true)]
    [InlineData("172.31.0.1", true)]
    [InlineData("192.168.7.7", true)]
    [InlineData("fd00::7", true)]
    [InlineData("::ffff:10.0.0.1", true)]
    [InlineData("172.32.0.1", false)]
    [InlineData("198.51.100.7", false)]
    [InlineData("2001:db8::1", false)]
    public async Task Reading_is_free_inside_and_the_operators_from_elsewhere(string peer, bool isInside)
    {
        _peer = IPAddress.Parse(peer);
        foreach (string path in (string[])["/", MasterApi.State, "/metrics"])
        {
            using HttpResponseMessage answer = await _http.GetAsync(path);
            Assert.Equal(isInside ? HttpStatusCode.OK : HttpStatusCode.Unauthorized, answer.StatusCode);
            if (!isInside) Assert.DoesNotContain("grid.example.net", await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        }

        if (isInside) return;
        await SignInAsync();
        Assert.Contains("grid.example.net", await _http.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_admin_call_needs_the_session_and_its_token()
    {
        Assert.Equal(HttpStatusCode.Unauthorized, await InviteAsync(null));
        Assert.DoesNotContain("gc-admin-token", await _http.GetStringAsync("/"), StringComparison.Ordinal);
        string token = await SignInAsync();
        Assert.Equal(HttpStatusCode.Forbidden, await InviteAsync(null));
        Assert.Equal(HttpStatusCode.Forbidden, await InviteAsync(token[..^1]));
        Assert.Equal(HttpStatusCode.Forbidden, await InviteAsync(token, "https://evil.example"));
        Assert.Equal(HttpStatusCode.OK, await InviteAsync(token));
        Assert.Equal(HttpStatusCode.OK, await InviteAsync(token, _host.Address.GetLeftPart(UriPartial.Authority)));
        Assert.Contains(token, await _http.GetStringAsync("/"), StringComparison.Ordinal);

        _time.Advance(TimeSpan.FromHours(12.1));
        Assert.Equal(HttpStatusCode.Unauthorized, await InviteAsync(token));
    }

    [Fact]
    public async Task Signing_out_ends_the_session_itself_and_not_only_the_cookie()
    {
        string token = await SignInAsync();
        using var ask = new HttpRequestMessage(HttpMethod.Delete, MasterApi.AdminSession) { Headers = { { MasterApi.TokenHeader, token } } };
        using HttpClient other = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = _host.Address, DefaultRequestHeaders = { { "Cookie", _cookie } } };
        Assert.Contains(token, await other.GetStringAsync("/"), StringComparison.Ordinal);
        using (HttpResponseMessage gone = await _http.SendAsync(ask)) Assert.Equal(HttpStatusCode.NoContent, gone.StatusCode);
        Assert.DoesNotContain(token, await other.GetStringAsync("/"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{\"code\":\"wrong\"}")]
    [InlineData("{\"code\":null}")]
    [InlineData("{}")]
    [InlineData("not JSON")]
    [InlineData("")]
    public async Task Whatever_else_is_sent_is_refused(string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using HttpResponseMessage answer = await _http.PostAsync(MasterApi.AdminSession, content);
        Assert.Equal(HttpStatusCode.Forbidden, answer.StatusCode);
        Assert.False(answer.Headers.Contains("Set-Cookie"));
    }

    [Fact]
    public async Task The_sixth_try_of_a_minute_is_not_heard()
    {
        for (int i = 0; i < AdminSession.MostTries; i++) await Whatever_else_is_sent_is_refused("{\"code\":\"wrong\"}");
        using HttpResponseMessage answer = await _http.PostAsJsonAsync(MasterApi.AdminSession, new AdminSignIn { Code = DashboardHost.Code });
        Assert.Equal(HttpStatusCode.TooManyRequests, answer.StatusCode);
        Assert.Equal(TimeSpan.FromMinutes(1), answer.Headers.RetryAfter?.Delta);
    }

    private string _cookie = "";

    private async Task<string> SignInAsync()
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync(MasterApi.AdminSession, new AdminSignIn { Code = DashboardHost.Code }, MasterJson.Default.AdminSignIn);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        string set = answer.Headers.GetValues("Set-Cookie").Single();
        Assert.StartsWith("gc-admin=", set, StringComparison.Ordinal);
        Assert.Contains("httponly", set, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=strict", set, StringComparison.OrdinalIgnoreCase);
        _cookie = set.Split(';')[0];
        return (await answer.Content.ReadFromJsonAsync(MasterJson.Default.AdminWelcome))!.Token;
    }

    private async Task<HttpStatusCode> InviteAsync(string? token, string? origin = null)
    {
        using var ask = new HttpRequestMessage(HttpMethod.Post, MasterApi.Invites);
        if (token is not null) ask.Headers.Add(MasterApi.TokenHeader, token);
        if (origin is not null) ask.Headers.Add("Origin", origin);
        using HttpResponseMessage answer = await _http.SendAsync(ask);
        return answer.StatusCode;
    }

    private static async Task<MasterState> NextAsync(StreamReader events)
    {
        Assert.Equal("state", await NameAsync(events));
        return JsonSerializer.Deserialize((await events.ReadLineAsync())!["data: ".Length..], MasterJson.Default.MasterState)!;
    }

    private static async Task<string> NameAsync(StreamReader events)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(1));
        while (await events.ReadLineAsync(patience.Token) is { } line)
            if (line.StartsWith("event: ", StringComparison.Ordinal)) return line["event: ".Length..];
        throw new EndOfStreamException();
    }
}
