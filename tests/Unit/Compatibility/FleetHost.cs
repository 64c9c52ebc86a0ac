using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Node.Fleet;
using GlobalCache.Office.Enrolment;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Compatibility;

/// <summary>What a master and a node of its fleet answer each other on their private listeners, without the rest of either.</summary>
internal sealed class FleetHost : IAsyncDisposable
{
    public const string Id = "given-127-0-0-1";
    public const long Epoch = 7;

    private readonly WebApplication _app;

    private FleetHost(WebApplication app) => _app = app;

    public Uri Address => new(_app.Urls.Single());

    public static FleetOptions Options => new() { Id = Id, Master = new IPEndPoint(IPAddress.Loopback, 12441), ReportEvery = TimeSpan.FromSeconds(2), Orphan = TimeSpan.FromHours(24) };

    public static Instance Instance => new()
    {
        Id = Id,
        State = InstanceState.Running,
        Address = IPAddress.Loopback,
        PrivateAddress = IPAddress.Loopback,
        Launched = Samples.Then,
        Marks = new Marks(Intent.Serve, Epoch),
    };

    public static async Task<FleetHost> StartAsync(GridFolder grid, FakeTimeProvider time)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        builder.Services.AddRouting();
        WebApplication app = builder.Build();
        app.UseRouting();
        var desk = new ReportDesk(time);
        desk.Follow([Instance]);
        new FleetEndpoints(grid.Report, desk, (node, pkcs10) => grid.CertificateFor(node, pkcs10, time.GetUtcNow()), () => Epoch).Map(app);
        new OrderEndpoints(Options, grid.Nodes, new Orders(), new Traffic(time), time, WatchedLog.Unread).Map(app);
        await app.StartAsync();
        return new FleetHost(app);
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
