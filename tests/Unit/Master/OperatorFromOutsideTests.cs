using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GlobalCache.Master;
using GlobalCache.Master.Dashboard;
using GlobalCache.Master.Operator;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Dashboard;
using GlobalCache.Tests.Node.Control;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GlobalCache.Tests.Master;

/// <summary>The operator of a master elsewhere, such as one in AWS: what its public listener lets whom do, and the commands that use it.</summary>
[Collection("load")]
public sealed class OperatorFromOutsideTests : IAsyncLifetime
{
    private const string Code = "3f0c7b1a9d5e4c2b8a7f6e5d4c3b2a19";

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-outside-").FullName;
    private readonly GridClient _ann = new("127.1.0.1");
    private MasterApp _master = null!;

    public async ValueTask InitializeAsync() => _master = await MasterApp.StartAsync(new MasterOptions
    {
        Data = _folder,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Private = new IPEndPoint(IPAddress.Loopback, 0),
        Dns = new IPEndPoint(IPAddress.Loopback, 0),
        NodeProgram = ["/bin/true"],
        AdminCodeHash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Code))),
        Policy = new GridPolicy { Vouching = new VouchingPolicy { Lead = 1 } },
    }, WatchedLog.Unread);

    public async ValueTask DisposeAsync()
    {
        _ann.Dispose();
        await _master.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task By_the_public_listener_nothing_of_the_operators_is_told_or_done_without_the_session()
    {
        HttpClient open = _ann.At(_master);
        string[] free = ["/dashboard.css", "/dashboard.js", "/icon.svg", MasterApi.AdminSession];
        RouteEndpoint[] routes = [.. _master.Routes.Where(r => r.Metadata.GetMetadata<Operators>() is not null && !free.Contains(r.RoutePattern.RawText) && !r.RoutePattern.RawText!.Contains('{', StringComparison.Ordinal))];
        Assert.True(routes.Length >= 16, $"{routes.Length} routes");
        foreach (RouteEndpoint route in routes)
        {
            foreach (string method in route.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods ?? ["GET"])
            {
                using HttpResponseMessage answer = await open.SendAsync(new HttpRequestMessage(new HttpMethod(method), route.RoutePattern.RawText));
                Assert.True(answer.StatusCode == HttpStatusCode.Unauthorized, $"{method} {route.RoutePattern.RawText} answers {(int)answer.StatusCode}");
            }
        }

        // Beside the machine itself the state may be read, as ever.
        using var near = new HttpClient();
        Assert.Contains("requestsPerSecond", await near.GetStringAsync($"http://{_master.Private}{MasterApi.State}"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Whoever_opens_the_page_from_outside_is_shown_where_to_sign_in_and_then_the_page()
    {
        HttpClient open = _ann.At(_master);
        using (HttpResponseMessage door = await open.GetAsync("/"))
        {
            string page = await door.Content.ReadAsStringAsync();
            Assert.Equal((HttpStatusCode.Unauthorized, true, false), (door.StatusCode, page.Contains("Admin code", StringComparison.Ordinal), page.Contains("id=\"nodes\"", StringComparison.Ordinal)));
        }

        using HttpResponseMessage wrong = await open.PostAsJsonAsync(MasterApi.AdminSession, new AdminSignIn { Code = "another" }, MasterJson.Default.AdminSignIn);
        Assert.Equal(HttpStatusCode.Forbidden, wrong.StatusCode);
        using HttpResponseMessage welcome = await open.PostAsJsonAsync(MasterApi.AdminSession, new AdminSignIn { Code = Code }, MasterJson.Default.AdminSignIn);
        string cookie = welcome.Headers.GetValues("Set-Cookie").Single();
        Assert.All(["__Host-gc-admin=", "secure", "httponly", "samesite=strict"], part => Assert.Contains(part, cookie, StringComparison.OrdinalIgnoreCase));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Get, "/", cookie, origin: null, token: null));
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Get, MasterApi.State, cookie, origin: null, token: null));

        // Another site's page has the cookie's owner's browser, and neither the token nor this origin.
        string token = (await welcome.Content.ReadFromJsonAsync(MasterJson.Default.AdminWelcome))!.Token;
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(HttpMethod.Put, AdminApi.Hold, cookie, origin: null, token: null));
        Assert.Equal(HttpStatusCode.Forbidden, await AskAsync(HttpMethod.Put, AdminApi.Hold, cookie, "https://evil.example", token));
        Assert.False((await _master.Orders.ReadAsync(default)).IsHeld);
        Assert.Equal(HttpStatusCode.OK, await AskAsync(HttpMethod.Put, AdminApi.Hold, cookie, open.BaseAddress!.GetLeftPart(UriPartial.Authority), token));
        Assert.True((await _master.Orders.ReadAsync(default)).IsHeld);
    }

    [Fact]
    public async Task What_describes_the_grid_is_known_by_the_admin_code_alone()
    {
        using HttpResponseMessage answer = await _ann.At(_master).GetAsync(EnrolmentApi.GridFile);
        byte[] body = await answer.Content.ReadAsByteArrayAsync();
        string mac = answer.Headers.GetValues(EnrolmentApi.GridMac).Single();
        Assert.True(GridMac.IsOf(Code, body, mac));
        Assert.False(GridMac.IsOf(Code + "x", body, mac));
        Assert.False(GridMac.IsOf(Code, [.. body, (byte)' '], mac));
        Assert.False(GridMac.IsOf(Code, body, null));
        Assert.Equal(_master.Office.Grid.File.Ca, JsonSerializer.Deserialize<GridFile>(body, JsonSerializerOptions.Web)!.Ca);
    }

    [Fact]
    public async Task The_commands_do_from_elsewhere_what_they_say()
    {
        await _ann.EnrolAsync(_master);
        string file = await DoneAsync("grid");
        Assert.Equal(_master.Office.Grid.File.Ca, JsonSerializer.Deserialize<GridFile>(file, JsonSerializerOptions.Web)!.Ca);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----", await DoneAsync("authority"), StringComparison.Ordinal);
        Assert.True(InviteText.TryParse(await DoneAsync("invite"), out InviteText? invite));
        Assert.Equal(InviteText.FingerprintOf(_master.Office.Grid.Authority), invite.Fingerprint);
        string members = await DoneAsync("members");
        Assert.Contains($"client {_ann.Id} branch ", members, StringComparison.Ordinal);
        string branch = members.Split("branch ")[1][..members.Split("branch ")[1].IndexOf(' ', StringComparison.Ordinal)];
        await DoneAsync("trust", _ann.Id, "on");
        Assert.Contains(" trusted", await DoneAsync("members"), StringComparison.Ordinal);
        await DoneAsync("throttle", branch, "on");
        Assert.Equal([branch], (await _master.Office.Desks.Control.ReadAsync(default)).ThrottledBranches);
        await DoneAsync("throttle", branch, "off");
        Assert.Empty((await _master.Office.Desks.Control.ReadAsync(default)).ThrottledBranches);
        Assert.Contains("max 5\n", await DoneAsync("limits", "--max", "5"), StringComparison.Ordinal);
        Assert.Contains("max 5\n", await DoneAsync("limits"), StringComparison.Ordinal);
        await DoneAsync("end-sessions");
        await DoneAsync("retire-all");
        Assert.True((await _master.Orders.ReadAsync(default)).IsHeld);
        await DoneAsync("resume");
        Assert.False((await _master.Orders.ReadAsync(default)).IsHeld);
        await DoneAsync("revoke", _ann.Id);
        Assert.Contains(" revoked", await DoneAsync("members"), StringComparison.Ordinal);
        Assert.StartsWith(_master.Office.Grid.File.Host, await DoneAsync("state"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_state_is_told_in_lines()
    {
        MasterState evening = new SampleDay().Look();
        string[] lines = StateText.Of(evening).Split('\n');
        Assert.Matches(@"^\S+: \d+ nodes in service, \d+ on their way in or out\.$", lines[0]);
        foreach (FleetNode node in evening.Nodes) Assert.Equal(node.State is not NodeStage.Gone, lines.Any(l => l.StartsWith(node.Name + " ", StringComparison.Ordinal)));
        Assert.EndsWith("all are to go, and none is opened until resume.", StateText.Of(evening with { IsHeld = true }).Split('\n')[0], StringComparison.Ordinal);
        Assert.Contains("another master leads", StateText.Of(evening with { Leads = false, Nodes = [] }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_cannot_be_done_is_said_in_one_sentence()
    {
        Assert.Contains("There is no node 7.1 now.", await RefusedAsync(Code, _master.Public.ToString(), "retire", "7.1"), StringComparison.Ordinal);
        Assert.Contains("No node answers", await RefusedAsync(Code, _master.Public.ToString(), "ban", "agni", "texture", Guid.NewGuid().ToString()), StringComparison.Ordinal);
        Assert.Contains("does not know this admin code", await RefusedAsync("another", _master.Public.ToString(), "retire-all"), StringComparison.Ordinal);
        Assert.Contains("does not speak TLS", await RefusedAsync(Code, _master.Private.ToString(), "state"), StringComparison.Ordinal);
        Assert.Contains("is no HOST or HOST:PORT", await RefusedAsync(Code, "a b", "state"), StringComparison.Ordinal);
        Assert.False((await _master.Orders.ReadAsync(default)).IsHeld);
    }

    /// <summary>Whoever stands between can repeat what describes the grid, and learns nothing and does nothing by it.</summary>
    [Fact]
    public async Task Somebody_who_only_repeats_what_the_master_says_is_never_told_the_code()
    {
        await using var liar = await RepeatingLiar.StartAsync(_ann.At(_master));
        Assert.Contains("does not prove to be the grid's master", await RefusedAsync(Code, liar.Address, "retire-all"), StringComparison.Ordinal);
        Assert.Equal([EnrolmentApi.GridFile], liar.Asked);
    }

    private async Task<string> DoneAsync(params string[] words)
    {
        (int outcome, string output, string error) = await InvokeAsync(Code, _master.Public.ToString(), words);
        Assert.Equal((0, ""), (outcome, error));
        return output;
    }

    private static async Task<string> RefusedAsync(string code, string at, params string[] words)
    {
        (int outcome, string output, string error) = await InvokeAsync(code, at, words);
        Assert.Equal((2, ""), (outcome, output));
        Assert.Single(error.TrimEnd().Split('\n'));
        return error;
    }

    private static async Task<(int Outcome, string Output, string Error)> InvokeAsync(string code, string at, string[] words)
    {
        CommandLine line = CommandLine.Read(["at", at, .. words], TimeProvider.System, WatchedLog.Unread, _ => Task.FromResult(code));
        Assert.Empty(line.Errors);
        using StringWriter output = new(), error = new();
        int outcome = await line.Errand!.InvokeAsync(new System.CommandLine.InvocationConfiguration { Output = output, Error = error, EnableDefaultExceptionHandler = false });
        return (outcome, output.ToString(), error.ToString());
    }

    private async Task<HttpStatusCode> AskAsync(HttpMethod method, string path, string cookie, string? origin, string? token)
    {
        using var ask = new HttpRequestMessage(method, path);
        ask.Headers.Add("Cookie", cookie[..cookie.IndexOf(';', StringComparison.Ordinal)]);
        if (origin is not null) ask.Headers.Add("Origin", origin);
        if (token is not null) ask.Headers.Add(MasterApi.TokenHeader, token);
        using HttpResponseMessage answer = await _ann.At(_master).SendAsync(ask);
        return answer.StatusCode;
    }
}
