using System.Net;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Master;
using GlobalCache.Master.Dashboard;
using GlobalCache.Master.Fleets;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Node.Control;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace GlobalCache.Tests.Master;

/// <summary>The operator's calls on a real master: who may, what stands afterwards, what is refused with which sentence, and what is written down of it.</summary>
[Collection("load")]
public sealed class AdminCallsTests : IAsyncLifetime
{
    private const string Code = "an-admin-code-for-tests-" + SecretWatch.Mark;

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-admin-").FullName;
    private readonly GridClient _ann = new("127.1.0.1");
    private readonly HttpClient _http = new(new SocketsHttpHandler { CookieContainer = new CookieContainer() });
    private MasterApp _master = null!;
    private string _token = "";

    public async ValueTask InitializeAsync()
    {
        _master = await StartAsync(isFixed: false);
        _token = await SignInAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        _ann.Dispose();
        await _master.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Every_route_of_both_listeners_is_described_and_nothing_else_is()
    {
        IEnumerable<(string, string)> there = _master.Routes.SelectMany(r => r.Metadata.GetMetadata<IHttpMethodMetadata>() is { } methods
            ? methods.HttpMethods.Select(m => (m, r.RoutePattern.RawText!)) : [("GET", r.RoutePattern.RawText!)]);
        // The descriptions themselves are not among what they describe.
        Assert.Equal(MasterCalls.Table.Calls.Order(), there.Where(r => !r.Item2.Contains("openapi", StringComparison.Ordinal) && !r.Item2.Contains("scalar", StringComparison.Ordinal)).Order());
    }

    [Fact]
    public async Task Every_admin_call_needs_the_session_and_every_one_that_changes_something_its_token()
    {
        RouteEndpoint[] calls = [.. _master.Routes.Where(r => r.RoutePattern.RawText!.StartsWith("/v1/admin/", StringComparison.Ordinal) && r.RoutePattern.RawText != MasterApi.AdminSession)];
        Assert.True(calls.Length >= 10);
        using HttpClient stranger = new();
        foreach (RouteEndpoint call in calls)
        {
            Assert.NotNull(call.Metadata.GetMetadata<AdminOnly>());
            Assert.NotNull(call.Metadata.GetMetadata<Operators>());
            HttpMethod method = new(call.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]);
            var address = new Uri($"http://{_master.Private}{call.RoutePattern.RawText}");
            using HttpResponseMessage alone = await stranger.SendAsync(new HttpRequestMessage(method, address));
            Assert.Equal(HttpStatusCode.Unauthorized, alone.StatusCode);
            if (method == HttpMethod.Get) continue;
            using HttpResponseMessage lacks = await _http.SendAsync(new HttpRequestMessage(method, address));
            Assert.Equal(HttpStatusCode.Forbidden, lacks.StatusCode);
        }

        Assert.False((await _master.Orders.ReadAsync(default)).IsHeld);
    }

    [Fact]
    public async Task Who_belongs_to_the_grid_is_told_and_can_be_shut_out()
    {
        await _ann.EnrolAsync(_master);
        string open = (await AskAsync<NewInvite>(HttpMethod.Post, MasterApi.Invites, null)).Invite;
        Assert.NotEmpty(open);
        AdminMembers members = await AskAsync<AdminMembers>(HttpMethod.Get, AdminApi.Members, null);
        AdminClient ann = Assert.Single(members.Clients);
        Assert.Equal((_ann.Id, false), (ann.Id, ann.IsRevoked));
        AdminInvite used = Assert.Single(members.Invites, i => i.UsedBy == _ann.Id);
        Assert.Contains(members.Invites, i => i.UsedBy is null);

        Assert.Contains(_ann.Id, await RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Post, AdminApi.Revocations, new AdminRevocation { Id = used.Id }), StringComparison.Ordinal);
        await RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Post, AdminApi.Revocations, new AdminRevocation { Id = "nobody" });
        await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AdminApi.Revocations, new AdminRevocation { Id = "" });
        await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AdminApi.Revocations, "no object");
        await AskAsync<AdminAnswer>(HttpMethod.Post, AdminApi.Revocations, new AdminRevocation { Id = _ann.Id });
        Assert.True((await AskAsync<AdminMembers>(HttpMethod.Get, AdminApi.Members, null)).Clients.Single().IsRevoked);
        ControlDocument control = _master.Control.Current!.Document;
        Assert.True(control.RevokedClients.Count + control.RevokedBranches.Count > 0);
        // What is written down names nobody.
        Assert.Contains(_master.Reconciler.History.Newest(), e => e.What == "order");
        Assert.DoesNotContain(_master.Reconciler.History.Newest(), e => e.Reason.Contains(_ann.Id, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Limits_are_shown_and_set_one_by_one_and_refused_whole()
    {
        AdminLimits before = await AskAsync<AdminLimits>(HttpMethod.Get, AdminApi.Limits, null);
        Assert.Equal(AdminLimits.Of(new ScalingPolicy()), before);
        AdminLimits after = await AskAsync<AdminLimits>(HttpMethod.Patch, AdminApi.Limits, new AdminLimits { Max = 3, SpendPerDay = 5.5m });
        Assert.Equal(before with { Max = 3, SpendPerDay = 5.5m }, after);
        Assert.Equal((3, 5.5m), (_master.Policy.Scaling.Max, _master.Policy.Scaling.SpendPerDay));
        await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Patch, AdminApi.Limits, new AdminLimits { Max = 7, Min = 9 });
        await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Patch, AdminApi.Limits, new AdminLimits { SpendPerHour = -1 });
        Assert.Equal(after, await AskAsync<AdminLimits>(HttpMethod.Get, AdminApi.Limits, null));
    }

    [Fact]
    public async Task Ending_all_sessions_strikes_their_keys_off_and_makes_a_new_one()
    {
        await _ann.EnrolAsync(_master);
        string before = Assert.Single(_master.Control.Current!.Document.SessionKeys).Id;
        await AskAsync<AdminAnswer>(HttpMethod.Delete, AdminApi.SessionKeys, null);
        Assert.NotEqual(before, Assert.Single(_master.Control.Current!.Document.SessionKeys).Id);
        Assert.NotNull(_master.Office.Issuer.Signs());
    }

    [Fact]
    public async Task An_asset_is_taken_down_only_by_its_name_and_without_a_node_nobody_knows_it()
    {
        var ban = new AdminBan { Grid = "login.example.org", Type = "texture", Id = Guid.NewGuid() };
        Assert.Contains("texture, sound", await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AdminApi.Bans, ban with { Type = "notecard" }), StringComparison.Ordinal);
        await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AdminApi.Bans, ban with { Grid = "" });
        await RefusedAsync(HttpStatusCode.ServiceUnavailable, HttpMethod.Post, AdminApi.Bans, ban);
    }

    [Fact]
    public async Task A_fleet_is_held_and_let_go_and_of_nodes_only_those_that_there_are_can_be_retired()
    {
        await AskAsync<AdminAnswer>(HttpMethod.Put, AdminApi.Hold, null);
        Assert.True((await _master.Orders.ReadAsync(default)).IsHeld);
        await RefusedAsync(HttpStatusCode.NotFound, HttpMethod.Post, AdminApi.Retirements, new AdminRetirement { Node = "7.7" });
        await RefusedAsync(HttpStatusCode.BadRequest, HttpMethod.Post, AdminApi.Retirements, new AdminRetirement { Node = "the first" });
        await AskAsync<AdminAnswer>(HttpMethod.Delete, AdminApi.Hold, null);
        Assert.False((await _master.Orders.ReadAsync(default)).IsHeld);
    }

    [Fact]
    public async Task Machines_of_ones_own_are_nobodys_to_retire()
    {
        await _master.DisposeAsync();
        _master = await StartAsync(isFixed: true);
        _token = await SignInAsync();
        await RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Put, AdminApi.Hold, null);
        await RefusedAsync(HttpStatusCode.Conflict, HttpMethod.Post, AdminApi.Retirements, new AdminRetirement { Node = "0.0" });
    }

    private Task<MasterApp> StartAsync(bool isFixed) => MasterApp.StartAsync(new MasterOptions
    {
        Data = _folder,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Private = new IPEndPoint(IPAddress.Loopback, 0),
        Dns = new IPEndPoint(IPAddress.Loopback, 0),
        Nodes = isFixed ? [new GivenMachine(IPAddress.Parse("127.45.0.2"))] : [],
        NodeProgram = ["/bin/true"],
        AdminCodeHash = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(Code))),
        Policy = new GridPolicy { Vouching = new VouchingPolicy { Lead = 1 } },
    }, WatchedLog.Unread);

    private async Task<string> SignInAsync()
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync($"http://{_master.Private}{MasterApi.AdminSession}", new AdminSignIn { Code = Code }, MasterJson.Default.AdminSignIn);
        return (await answer.Content.ReadFromJsonAsync(MasterJson.Default.AdminWelcome))!.Token;
    }

    private async Task<T> AskAsync<T>(HttpMethod method, string path, object? body)
    {
        using HttpResponseMessage answer = await SendAsync(method, path, body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<T>())!;
    }

    private async Task<string> RefusedAsync(HttpStatusCode status, HttpMethod method, string path, object? body)
    {
        using HttpResponseMessage answer = await SendAsync(method, path, body);
        Assert.Equal(status, answer.StatusCode);
        string said = (await answer.Content.ReadFromJsonAsync<AdminAnswer>())!.Said;
        Assert.EndsWith(".", said, StringComparison.Ordinal);
        return said;
    }

    private Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, object? body)
    {
        var ask = new HttpRequestMessage(method, $"http://{_master.Private}{path}") { Headers = { { MasterApi.TokenHeader, _token } } };
        if (body is not null) ask.Content = JsonContent.Create(body, body.GetType());
        return _http.SendAsync(ask);
    }
}
