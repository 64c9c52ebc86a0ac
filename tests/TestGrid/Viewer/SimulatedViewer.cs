using System.Collections.Concurrent;
using System.Net;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.TestGrid.Viewer;

/// <summary>
/// A viewer without a picture: logs in at any login URI, keeps circuits and event queues, follows neighbours, teleports and
/// crossings, and fetches assets in Firestorm's manner. It trusts nothing but what it is told, so it works alike at a grid
/// and behind the client.
/// </summary>
public sealed class SimulatedViewer : IAsyncDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);
    private readonly SimulatedViewerOptions options;
    private readonly ViewerLogin login;
    private readonly HttpClient http;
    private readonly ViewerSocket socket;
    private readonly CancellationTokenSource stopping = new();
    private readonly ConcurrentDictionary<IPEndPoint, ViewerRegion> regions = new();
    private readonly ConcurrentQueue<ViewerEvent> events = new();
    private readonly Lock gate = new();
    private ViewerCircuit root;
    private TaskCompletionSource moved = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int seedChanges;

    private SimulatedViewer(SimulatedViewerOptions options, ViewerLogin login, HttpClient http)
    {
        (this.options, this.login, this.http) = (options, login, http);
        socket = new ViewerSocket(options.Time, options.LosesDatagram);
        Assets = new SceneFetcher(options, CapAsync);
        root = Circuit(login.Sim);
    }

    /// <summary>The agent's id.</summary>
    public Guid AgentId => login.AgentId;

    /// <summary>The UDP port everything is sent from.</summary>
    public int LocalPort => socket.LocalPort;

    /// <summary>The region the agent stands in.</summary>
    public string RegionName => root.RegionName ?? "";

    /// <summary>The simulator the agent stands in, as this viewer addresses it.</summary>
    public IPEndPoint Sim => root.Sim;

    /// <summary>Every simulator it has a circuit with, the name where hands were shaken, as it addresses them.</summary>
    public IReadOnlyDictionary<IPEndPoint, string?> Simulators => socket.Circuits.ToDictionary(c => c.Key, c => c.Value.RegionName);

    /// <summary>Names of the events received so far.</summary>
    public IReadOnlyList<string> EventNames => [.. events.Select(e => e.Message)];

    /// <summary>How often a known region came with another seed: a viewer then throws its capabilities away. Must stay 0.</summary>
    public int SeedChanges => seedChanges;

    /// <summary>Event polls that ended in an error too soon; each costs a viewer 15 s and more.</summary>
    public int HastyPollErrors => regions.Values.Sum(r => r.HastyErrors);

    /// <summary>What ended event polls for good.</summary>
    public IReadOnlyList<string> PollsEnded => [.. regions.Values.Select(r => r.PollingEnded).OfType<string>()];

    /// <summary>Reliable packets nobody acked after all resends.</summary>
    public int LostPackets => socket.Circuits.Values.Sum(c => c.End.Lost);

    /// <summary>Every circuit as it stands, for whoever has to find out why nothing comes any more.</summary>
    public string CircuitStates => string.Join("; ", socket.Circuits.Values.Select(c =>
        $"{c.RegionName ?? "nameless"} {c.Sim.Port}{(c.IsRoot ? " root" : "")}{(c.Disabled ? " disabled" : "")}, heard {options.Time.GetElapsedTime(c.End.LastHeard).TotalSeconds:0.0} s ago, lost {c.End.Lost}"));

    /// <summary>Fetches over HTTP.</summary>
    public SceneFetcher Assets { get; }

    internal IReadOnlyCollection<ViewerCircuit> Circuits => [.. socket.Circuits.Values];

    internal IReadOnlyCollection<ViewerEvent> Events => events;

    internal ViewerCircuit Root => root;

    internal Guid SessionId => login.SessionId;

    /// <summary>Logs in and arrives: returns when the region has shaken hands, the agent has moved in and the capabilities are there.</summary>
    /// <exception cref="LoginRefusedException">The grid said no.</exception>
    public static async Task<SimulatedViewer> LoginAsync(Uri loginUri, SimulatedViewerOptions? options = null, CancellationToken cancelled = default)
    {
        options ??= new SimulatedViewerOptions();
        // Long polls hang; nothing else here goes without its own patience.
        var client = new HttpClient(new SocketsHttpHandler { UseProxy = false, UseCookies = false, AllowAutoRedirect = false }) { Timeout = Timeout.InfiniteTimeSpan };
        ViewerLogin reply;
        try
        {
            reply = await ViewerLogin.PostAsync(client, loginUri, options, cancelled);
        }
        catch
        {
            client.Dispose();
            throw;
        }

        var viewer = new SimulatedViewer(options, reply, client);
        try
        {
            ViewerRegion? region = options.AsksSeeds ? viewer.Region(reply.Sim, reply.Seed) : null;
            await viewer.ArriveAsync(viewer.root, cancelled);
            if (region is not null) await region.Capabilities.WaitAsync(Patience, options.Time, cancelled);
            return viewer;
        }
        catch
        {
            await viewer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Teleports by a region's name and returns when the agent stands there. False: the grid refused.</summary>
    public async Task<bool> TeleportAsync(string region, CancellationToken cancelled = default)
    {
        ViewerCircuit from = root;
        Task<Datagram> map = from.NextAsync(Patience, cancelled, Message.MapBlockReply);
        from.Send(from.Begin(Message.MapNameRequest).U32(0).U32(0).U8(0).Text(region));
        var block = new BodyReader((await map).Body);
        block.Skip(20);
        if (block.U8() < 2) return false;
        ulong handle = Regions.Region.HandleAt(block.U16(), block.U16());
        Task arrived = Moved();
        Task<Datagram> answer = from.NextAsync(Patience, cancelled, Message.TeleportFailed, Message.TeleportLocal);
        from.Send(from.Begin(Message.TeleportLocationRequest).U64(handle).Vector(128, 128, 30).Vector(1, 0, 0));
        Task first = await Task.WhenAny(arrived, answer);
        if (first == answer) return (await answer).Message == Message.TeleportLocal;
        _ = answer.ContinueWith(a => a.Exception, TaskScheduler.Default);
        await arrived;
        return true;
    }

    /// <summary>Returns when the agent stands in the region of this name, however it got there.</summary>
    public async Task WaitForRegionAsync(string region, CancellationToken cancelled = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        patience.CancelAfter(Patience);
        while (RegionName != region) await Task.Delay(TimeSpan.FromMilliseconds(20), options.Time, patience.Token);
    }

    /// <summary>Returns when an event of this name has come.</summary>
    public async Task WaitForEventAsync(string name, int count = 1, CancellationToken cancelled = default)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancelled);
        patience.CancelAfter(Patience);
        while (events.Count(e => e.Message == name) < count) await Task.Delay(TimeSpan.FromMilliseconds(20), options.Time, patience.Token);
    }

    /// <summary>A texture by UDP, whole; null when the grid says it is not in its database.</summary>
    public Task<byte[]?> ImageByUdpAsync(Guid id, CancellationToken cancelled = default) =>
        UdpFetch.ImageAsync(root, id, discard: 0, fromPacket: 0, Patience, cancelled);

    /// <summary>Asks for a texture by UDP and does not look what comes.</summary>
    public void AskImageByUdp(Guid id, int discard) => UdpFetch.AskImage(root, id, discard, fromPacket: 0);

    /// <summary>An asset by UDP transfer; null when the grid says it does not exist.</summary>
    public Task<byte[]?> TransferAsync(Guid id, int type, CancellationToken cancelled = default) =>
        UdpFetch.TransferAsync(root, id, type, Patience, cancelled);

    /// <summary>Logs out. False: no LogoutReply within 5 s; a viewer leaves all the same.</summary>
    public async Task<bool> LogoutAsync(CancellationToken cancelled = default)
    {
        Task<Datagram> reply = root.NextAsync(TimeSpan.FromSeconds(5), cancelled, Message.LogoutReply);
        root.Send(root.Begin(Message.LogoutRequest));
        try
        {
            await reply;
            return true;
        }
        catch (TimeoutException)
        {
            return false;
        }
    }

    /// <summary>Vanishes without a word, as a crash does.</summary>
    public async ValueTask DisposeAsync()
    {
        await stopping.CancelAsync();
        await socket.DisposeAsync();
        foreach (ViewerRegion region in regions.Values) await region.DisposeAsync();
        Assets.Dispose();
        http.Dispose();
        stopping.Dispose();
    }

    /// <summary>The URL of the first of these capabilities that the agent's region has granted.</summary>
    internal async Task<string?> CapAsync(params string[] names)
    {
        if (!regions.TryGetValue(root.Sim, out ViewerRegion? region)) return null;
        IReadOnlyDictionary<string, string> granted = await region.Capabilities;
        return names.Select(n => granted.GetValueOrDefault(n)).FirstOrDefault(u => u is not null);
    }

    private ViewerCircuit Circuit(IPEndPoint sim) => socket.Circuits.GetOrAdd(sim, s => new ViewerCircuit(login, s, socket.Send, options.Time));

    private ViewerRegion Region(IPEndPoint sim, string seed)
    {
        if (regions.TryGetValue(sim, out ViewerRegion? known))
        {
            if (known.Seed == seed) return known;
            Interlocked.Increment(ref seedChanges);
            _ = known.DisposeAsync().AsTask();
        }

        return regions[sim] = new ViewerRegion(http, sim, seed, Hear, options.Time, options.PollsAgain);
    }

    private void Hear(ViewerEvent heard)
    {
        events.Enqueue(heard);
        switch (heard.Message)
        {
            case "EnableSimulator":
                Enable(new IPEndPoint(heard.Address("IP"), heard.Number("Port")));
                break;
            case "EstablishAgentCommunication":
                Region(IPEndPoint.Parse(heard.Value("sim-ip-and-port")!.Value), heard.Value("seed-capability")!.Value);
                break;
            case "TeleportFinish" or "CrossedRegion":
                var sim = new IPEndPoint(heard.Address("SimIP"), heard.Number("SimPort"));
                _ = FollowAsync(sim, heard.Value("SeedCapability")!.Value);
                break;
            default:
                break;
        }
    }

    private ViewerCircuit Enable(IPEndPoint sim)
    {
        // A circuit that was shut is opened anew: the simulator has forgotten its numbers.
        if (socket.Circuits.TryGetValue(sim, out ViewerCircuit? old) && old.Disabled)
        {
            socket.Circuits.TryRemove(new(sim, old));
            if (regions.TryRemove(sim, out ViewerRegion? left)) _ = left.DisposeAsync().AsTask();
        }

        return Circuit(sim);
    }

    private async Task FollowAsync(IPEndPoint sim, string seed)
    {
        ViewerCircuit there = Enable(sim);
        Region(sim, seed);
        await ArriveAsync(there, stopping.Token);
    }

    private async Task ArriveAsync(ViewerCircuit there, CancellationToken cancelled)
    {
        Task<Datagram> complete = there.NextAsync(Patience, cancelled, Message.AgentMovementComplete);
        there.CompleteMovement();
        await complete;
        while (there.RegionName is null) await Task.Delay(TimeSpan.FromMilliseconds(10), options.Time, cancelled);
        lock (gate)
        {
            root.IsRoot = false;
            root = there;
            there.IsRoot = true;
            moved.TrySetResult();
            moved = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }
    }

    private Task Moved()
    {
        lock (gate) return moved.Task.WaitAsync(Patience, options.Time);
    }
}
