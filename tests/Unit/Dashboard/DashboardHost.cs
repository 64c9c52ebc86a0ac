using System.Net;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Master.Dashboard;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace GlobalCache.Tests.Dashboard;

/// <summary>The dashboard as a master serves it, over a state that the test changes.</summary>
internal sealed class DashboardHost : IAsyncDisposable
{
    public const string Code = "a-code-for-tests-" + SecretWatch.Mark;

    private static readonly AdminMembers s_members = new()
    {
        Clients = [new AdminClient { Id = "c0011223344556677", Branch = "b8899aabbccddeeff", Since = SampleDay.Evening, IsTrusted = true }],
        Invites = [new AdminInvite { Id = "i0123456789abcdef", Until = SampleDay.Evening }],
    };

    private readonly WebApplication _web;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;

    private DashboardHost(WebApplication web, DashboardSource source)
    {
        (_web, Source) = (web, source);
        _running = source.RunAsync(_stop.Token);
    }

    public DashboardSource Source { get; }

    /// <summary>The operator's calls that have come, but invites.</summary>
    public List<string> Asked { get; private init; } = [];

    public Uri Address => new(_web.Urls.Single());

    public IReadOnlyList<RouteEndpoint> Routes => [.. ((IEndpointRouteBuilder)_web).DataSources.SelectMany(d => d.Endpoints).OfType<RouteEndpoint>()];

    /// <param name="look">The state.</param>
    /// <param name="day">For the plots.</param>
    /// <param name="peer">Where requests seem to come from; null: where they do.</param>
    /// <param name="time">The sessions' clock.</param>
    /// <param name="withCode">There is an admin code.</param>
    public static async Task<DashboardHost> StartAsync(Func<MasterState> look, DayPlot? day = null, Func<IPAddress>? peer = null, TimeProvider? time = null, bool withCode = true)
    {
        var source = new DashboardSource(look, day ?? new DayPlot(), TimeProvider.System);
        var guard = new AdminGuard(new AdminSession(withCode ? () => SHA256.HashData(Encoding.UTF8.GetBytes(Code)) : null), time ?? TimeProvider.System);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, Listeners.MarkPrivate));
        builder.Services.AddRouting();
        builder.Services.AddOpenApi(MasterCalls.Table.Complete);
        WebApplication web = builder.Build();
        if (peer is not null)
        {
            web.Use(next => context =>
            {
                context.Connection.RemoteIpAddress = peer();
                return next(context);
            });
        }

        web.UseRouting();
        web.UseAdminGuard(guard);
        web.MapDashboard(source, guard);
        int invites = 0;
        RouteGroupBuilder calls = web.MapGroup("").WithMetadata(new Operators(), new AdminOnly());
        ((IEndpointConventionBuilder)calls).Add(MasterCalls.Table.Describe);
        calls.MapPost(MasterApi.Invites, (RequestDelegate)(context => context.Response.WriteAsJsonAsync(new NewInvite { Invite = $"gc-invite-{++invites}" }, MasterJson.Default.NewInvite)));
        List<string> asked = [];
        RequestDelegate note = async context =>
        {
            using var body = new StreamReader(context.Request.Body);
            asked.Add($"{context.Request.Method} {context.Request.Path} {await body.ReadToEndAsync()}".TrimEnd());
            await context.Response.WriteAsJsonAsync(new AdminAnswer { Said = $"Done: {asked.Count}." }, MasterJson.Default.AdminAnswer);
        };
        foreach (string path in (string[])[AdminApi.Revocations, AdminApi.Bans, AdminApi.Retirements]) calls.MapPost(path, note);
        calls.MapPatch(AdminApi.Limits, note);
        foreach (string path in (string[])[AdminApi.SessionKeys, AdminApi.Hold]) calls.MapDelete(path, note);
        calls.MapPut(AdminApi.Hold, note);
        calls.MapGet(AdminApi.Members, (RequestDelegate)(context => context.Response.WriteAsJsonAsync(s_members, MasterJson.Default.AdminMembers)));
        await web.StartAsync();
        return new DashboardHost(web, source) { Asked = asked };
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        await _web.DisposeAsync();
        _stop.Dispose();
    }
}
