using System.Collections.Concurrent;
using System.Net;
using System.Text;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Sessions;

/// <summary>The login, seed and event queue edges behind a real listener, in front of a fake grid, on a fake clock.</summary>
internal sealed class Front : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpMessageInvoker _toGrid = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        AutomaticDecompression = DecompressionMethods.None,
    });

    private int _arrived;

    private Front(WebApplication app, FakeGrid grid) => (_app, Grid) = (app, grid);

    public FakeGrid Grid { get; }

    public FakeTimeProvider Time { get; } = new();

    public ClientLimits Limits { get; private init; } = new();

    public CapTable Caps { get; } = new();

    public SessionTable Sessions { get; private set; } = null!;

    public WatchedLog Log { get; } = new();

    public Uri Root { get; private set; } = null!;

    /// <summary>Requests that have come in.</summary>
    public int Arrived => Volatile.Read(ref _arrived);

    public string LoginUri => Root + "t/";

    /// <summary>As a viewer is: no redirects followed, no waiting given up.</summary>
    public HttpClient Viewer { get; } = new(new SocketsHttpHandler { AllowAutoRedirect = false, UseProxy = false })
    {
        Timeout = Timeout.InfiniteTimeSpan,
    };

    /// <summary>What the fake circuits of each session were told; null entries mean real sockets.</summary>
    public ConcurrentDictionary<Session, FakeCircuits> Circuits { get; } = new();

    public static async Task<Front> StartAsync(ClientLimits? limits = null, bool realSockets = false, Uri? login = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        FakeGrid grid = await FakeGrid.StartAsync();
        var front = new Front(builder.Build(), grid) { Limits = limits ?? new ClientLimits() };
        OpenCircuits open = realSockets
            ? SessionSockets.Over(front.Limits, (_, _) => { }, null, front.Time, front.Log)
            : (session, ended) => (front.Circuits[session] = new FakeCircuits(front.Time, ended)).Contract;
        front.Sessions = new SessionTable(front.Caps, () => front.Root.GetLeftPart(UriPartial.Authority), open, front.Limits, front.Time, front.Log);
        Uri gridLogin = login ?? grid.Root;
        var logins = new LoginProxy(gridLogin, () => front.LoginUri, front._toGrid, front.Sessions, front.Limits, front.Log);
        var info = new GridInfoProxy(gridLogin, () => front.LoginUri, front._toGrid, front.Limits, front.Log);
        var seeds = new SeedProxy(front._toGrid, front.Limits, front.Time, front.Log);
        var queues = new EventQueueProxy(front._toGrid, front.Limits, front.Time, front.Log);
        front._app.Run(context =>
        {
            Interlocked.Increment(ref front._arrived);
            string[] parts = context.Request.Path.Value!.Split('/');
            if (parts is ["", "t", "get_grid_info"]) return info.HandleAsync(context);
            if (parts is ["", "t", ""]) return logins.HandleAsync(context);
            if (parts.Length > 2 && front.Caps.Find(parts[2]) is { } cap)
            {
                if (parts[1] == "s" && cap.Name == CapName.Seed) return seeds.HandleAsync(context, cap);
                if (parts[1] == "c" && cap.Name == CapName.EventQueueGet) return queues.HandleAsync(context, cap);
            }
            context.Response.StatusCode = 404;
            return Task.CompletedTask;
        });
        await front._app.StartAsync();
        front.Root = new Uri(front._app.Urls.Single());
        return front;
    }

    public Task<HttpResponseMessage> PostAsync(string url, string body, string contentType = "application/llsd+xml", CancellationToken ct = default)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, url) { Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) };
        message.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        return Viewer.SendAsync(message, ct);
    }

    /// <summary>Logs a viewer in at the fake grid's region and returns the session and the seed it was given.</summary>
    public async Task<(Session Session, string Seed)> LoginAsync(string seedPath = "/seed", string sim = "203.0.113.7")
    {
        Grid.Answer("/", 200, Caps_.Login(new Uri(Grid.Root, seedPath).ToString(), sim), "text/xml");
        var before = Sessions.Sessions.ToHashSet();
        string reply = await (await PostAsync(LoginUri, "<methodCall/>", "text/xml")).Content.ReadAsStringAsync();
        string seed = reply.Split("seed_capability</name><value>")[1].Split('<')[0];
        return (Sessions.Sessions.Single(s => !before.Contains(s)), seed);
    }

    /// <summary>Posts a seed that grants an event queue at <paramref name="queuePath"/>; returns the proxied URL of that queue.</summary>
    public async Task<string> QueueAsync(string seed, string queuePath = "/eq", string seedPath = "/seed")
    {
        Grid.Answer(seedPath, 200, $"<llsd><map><key>EventQueueGet</key><string>{new Uri(Grid.Root, queuePath)}</string></map></llsd>");
        string reply = await (await PostAsync(seed, "<llsd><array><string>EventQueueGet</string></array></llsd>")).Content.ReadAsStringAsync();
        return reply.Split("<string>")[1].Split('<')[0];
    }

    /// <summary>Moves the clock on in small steps until <paramref name="done"/>; says how far that was.</summary>
    public async Task<TimeSpan> AdvanceUntilAsync(Func<bool> done, TimeSpan atMost, TimeSpan? step = null)
    {
        TimeSpan passed = TimeSpan.Zero;
        while (!done() && passed < atMost)
        {
            Time.Advance(step ?? TimeSpan.FromMilliseconds(500));
            passed += step ?? TimeSpan.FromMilliseconds(500);
            await Task.Delay(4);
        }
        return passed;
    }

    /// <summary>Waits, in real time, for what happens on other threads without the clock moving.</summary>
    public static async Task UntilAsync(Func<bool> done)
    {
        for (int i = 0; i < 1000 && !done(); i++) await Task.Delay(5);
        Assert.True(done());
    }

    public async ValueTask DisposeAsync()
    {
        await Sessions.DisposeAsync();
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        await Grid.DisposeAsync();
        Viewer.Dispose();
        _toGrid.Dispose();
    }

    /// <summary>Short for documents the tests share.</summary>
    private static class Caps_
    {
        public static string Login(string seed, string sim) => Tests.Caps.LoginReplyTests.XmlRpc(ip: sim, seed: seed);
    }
}

/// <summary>Circuits without sockets: numbered ports, a settable silence, an end on demand.</summary>
internal sealed class FakeCircuits
{
    private readonly ConcurrentDictionary<IPEndPoint, IPEndPoint> _ports = new();

    public FakeCircuits(TimeProvider time, Action<string> ended)
    {
        Last = time.GetTimestamp();
        End = ended;
        Contract = new SessionCircuits(
            sim => Refuse ? null : _ports.GetOrAdd(sim, _ => new IPEndPoint(IPAddress.Loopback, 20000 + _ports.Count)),
            () => Last, () => Root, () =>
            {
                Closed++;
                return ValueTask.CompletedTask;
            });
    }

    public SessionCircuits Contract { get; }

    public Action<string> End { get; }

    public long Last { get; set; }

    public IPEndPoint? Root { get; set; }

    public bool Refuse { get; set; }

    public int Closed { get; private set; }
}
