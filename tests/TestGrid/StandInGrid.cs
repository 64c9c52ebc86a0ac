using System.Collections.Concurrent;
using System.Net;
using GlobalCache.TestGrid.Http;
using GlobalCache.TestGrid.Link;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.TestGrid.Regions;
using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace GlobalCache.TestGrid;

/// <summary>
/// A whole grid in one process: login, capabilities, event queues and assets on one HTTP port, regions on UDP. It answers
/// as the recorded OpenSimulator does. Tests, the demo and the benchmarks start it; <c>Program</c> lets a person try it.
/// </summary>
public sealed class StandInGrid : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Guid, GridSession> sessions = new();
    private readonly ConcurrentQueue<string> silent = new();
    private readonly List<Region> regions = [];
    private readonly List<(StandInGrid Grid, uint X, uint Y)> linked = [];
    private readonly WebApplication web;

    private StandInGrid(StandInGridOptions options)
    {
        Options = options;
        Assets = new GridAssets(options.ServesRecordedAssets);
        Link = options.Link is { } shape ? new SharedLink(shape) : null;
        Caps = new CapTable(this);
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton(this);
        builder.Services.AddRoutingCore();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = 16 << 20;
            kestrel.Limits.MinResponseDataRate = null;
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(10);
            kestrel.Listen(IPAddress.Parse(options.Host), options.HttpPort, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.Use(next => connection =>
                {
                    Counters.HttpConnection();
                    return Link is null ? next(connection) : ShapedConnection.RunAsync(connection, Link, next);
                });
            });
        });
        web = builder.Build();
    }

    /// <summary>What it was started with.</summary>
    public StandInGridOptions Options { get; }

    /// <summary>What it holds.</summary>
    public GridAssets Assets { get; }

    /// <summary>What it was asked.</summary>
    public GridCounters Counters { get; } = new();

    /// <summary>What it does wrong.</summary>
    public GridFaults Faults { get; } = new();

    /// <summary>Whose visits it has ended because the region in which he stood heard nothing of him for a minute.</summary>
    public IReadOnlyCollection<string> EndedForSilence => silent;

    /// <summary>What stands in every region, beside what stood in the recorded one.</summary>
    public IReadOnlyList<Thing> Things { get; set; } = [];

    /// <summary>Where viewers log in.</summary>
    public Uri LoginUri => new(Base + "/");

    /// <summary>What SimulatorFeatures calls the grid.</summary>
    public string GridUrl => Options.GridUrl ?? Base;

    /// <summary>Each region's name and UDP endpoint.</summary>
    public IReadOnlyDictionary<string, IPEndPoint> Regions => regions.ToDictionary(r => r.Name, r => r.EndPoint);

    /// <summary>Payload bytes that entered the shaped line towards viewers; 0 without one.</summary>
    public long LinkBytesDown => Link?.Down.Bytes ?? 0;

    /// <summary>Payload bytes that entered the shaped line from viewers; 0 without one.</summary>
    public long LinkBytesUp => Link?.Up.Bytes ?? 0;

    /// <summary>Agents logged in now.</summary>
    public int SessionCount => sessions.Count;

    internal string Base { get; private set; } = "";

    internal SharedLink? Link { get; }

    internal CapTable Caps { get; }

    internal IReadOnlyList<Region> AllRegions => regions;

    /// <summary>Starts one; every port is bound when it returns.</summary>
    public static async Task<StandInGrid> StartAsync(StandInGridOptions? options = null)
    {
        var grid = new StandInGrid(options ?? new StandInGridOptions());
        var http = new GridHttp(grid);
        grid.web.Run(http.HandleAsync);
        try
        {
            await grid.web.StartAsync();
            grid.Base = grid.web.Urls.First().TrimEnd('/');
            foreach (RegionPlan plan in grid.Options.Regions) grid.regions.Add(new Region(grid, plan));
            return grid;
        }
        catch
        {
            await grid.DisposeAsync();
            throw;
        }
    }

    /// <summary>Puts another grid's regions on this one's map, as Hypergrid links do; they can be teleported to from here.</summary>
    public void LinkTo(StandInGrid other)
    {
        // Far from everything, each grid in its own row.
        linked.Add((other, 5000, 5000 + 100 * (uint)linked.Count));
    }

    /// <summary>Lets a user walk from where he stands into another region. False: he is not here, or there is no such region.</summary>
    public bool Cross(string first, string last, string region)
    {
        GridSession? session = sessions.Values.FirstOrDefault(s => s.User.First == first && s.User.Last == last);
        Region? target = regions.FirstOrDefault(r => r.Name == region);
        if (session?.Root is not { } from || target is null || target == from) return false;
        Presence there = target.Admit(session, asNeighbour: true, out _);
        there.Crossing = true;
        session.Presences[from].Queue.CrossedRegion(there);
        return true;
    }

    /// <summary>Adds an event to the queue of the region a user stands in. False: he is not here.</summary>
    public bool AddEvent(string first, string last, string message, string llsdBody)
    {
        GridSession? session = sessions.Values.FirstOrDefault(s => s.User.First == first && s.User.Last == last);
        if (session?.Root is not { } root) return false;
        session.Presences[root].Queue.Add(message, llsdBody);
        return true;
    }

    /// <summary>Ends a user's visits, as grids do with what is left of one who logs in again.</summary>
    public void End(string first, string last)
    {
        foreach (GridSession session in sessions.Values.Where(s => s.User.First == first && s.User.Last == last)) End(session, andRoot: true);
    }

    /// <summary>Ends every visit, as a restart of the regions would: event queues answer 404 from now on.</summary>
    public void EndAll()
    {
        foreach (GridSession session in sessions.Values) End(session);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        EndAll();
        using (var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200))) await web.StopAsync(patience.Token);
        await web.DisposeAsync();
        foreach (Region region in regions) await region.DisposeAsync();
        Link?.Dispose();
    }

    internal GridSession? FindSession(Guid id) => sessions.GetValueOrDefault(id);

    internal GridSession Begin(GridUser user, Region region)
    {
        var session = new GridSession(user) { Root = region };
        sessions[session.SessionId] = session;
        return session;
    }

    /// <summary>"uri:Region&amp;128&amp;128&amp;30" names a region; anything else is the first.</summary>
    internal Region StartRegion(string start) =>
        start.StartsWith("uri:", StringComparison.Ordinal) && regions.Find(r => r.Name == start[4..].Split('&')[0]) is { } named ? named : regions[0];

    internal Region? FindByName(string name) =>
        regions.Find(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase))
        ?? linked.Select(l => l.Grid.regions.Find(r => r.Name.Equals(name, StringComparison.OrdinalIgnoreCase))).FirstOrDefault(r => r is not null);

    /// <summary>Where a region lies on this grid's map.</summary>
    internal (uint X, uint Y) PlaceOf(Region region)
    {
        if (region.Grid == this) return (region.Plan.X, region.Plan.Y);
        (StandInGrid grid, uint x, uint y) = linked.First(l => l.Grid == region.Grid);
        return (x + (uint)grid.regions.IndexOf(region), y);
    }

    internal void Teleport(Presence here, BodyReader request)
    {
        request.Skip(32);
        ulong handle = request.U64();
        const uint viaLocation = 0x10;
        here.Send(new BodyWriter(Message.TeleportStart).U32(viaLocation));
        Region? target = regions.Concat(linked.SelectMany(l => l.Grid.regions)).FirstOrDefault(r =>
        {
            (uint x, uint y) = PlaceOf(r);
            return Region.HandleAt(x, y) == handle;
        });
        if (target is null)
        {
            here.Send(new BodyWriter(Message.TeleportFailed).Id(here.Session.AgentId).Text("The region you tried to teleport to was not found.").U8(0));
            return;
        }

        if (target == here.Region)
        {
            here.Send(new BodyWriter(Message.TeleportLocal).Id(here.Session.AgentId).U32(4).Vector(128, 128, 25).Vector(1, 0, 0).U32(viaLocation));
            return;
        }

        // On another grid the visitor has a session of that grid's, under the same ids.
        GridSession session = here.Session;
        if (target.Grid != this)
        {
            session = target.Grid.sessions.GetOrAdd(session.SessionId, _ => new GridSession(session.User)
            {
                SessionId = session.SessionId,
                SecureSessionId = session.SecureSessionId,
                CircuitCode = session.CircuitCode,
                LeaveOrigin = () => End(here.Session, andRoot: true),
            });
        }

        Presence there = target.Admit(session, asNeighbour: false, out _);
        here.Queue.TeleportFinish(there, viaLocation);
    }

    /// <summary>An agent stands in a region now: regions it no longer sees are done with it.</summary>
    internal static void Arrived(Presence presence)
    {
        GridSession session = presence.Session;
        session.Root = presence.Region;
        session.LeaveOrigin?.Invoke();
        session.LeaveOrigin = null;
        foreach ((Region region, Presence old) in session.Presences)
        {
            if (region != presence.Region && !presence.Region.Neighbours.Contains(region)) old.Close(tell: true);
        }
    }

    /// <summary>The region in which an agent stands has heard nothing of him for a minute.</summary>
    internal void EndSilent(Presence presence)
    {
        silent.Enqueue($"{presence.Session.User.First} in {presence.Region.Name}");
        End(presence.Session);
    }

    /// <summary>A visit is over: every region lets go.</summary>
    internal void End(GridSession session, bool andRoot = false)
    {
        if (!sessions.TryRemove(session.SessionId, out _)) return;
        foreach ((Region region, Presence presence) in session.Presences) presence.Close(tell: andRoot || region != session.Root);
    }
}
