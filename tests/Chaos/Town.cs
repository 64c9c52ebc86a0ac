using System.Globalization;
using GlobalCache.Chaos.Faults;
using GlobalCache.Chaos.Invariants;
using GlobalCache.Chaos.Parts;
using GlobalCache.Chaos.World;
using GlobalCache.Policy;

namespace GlobalCache.Chaos;

/// <summary>The whole: people with viewers and clients, two virtual worlds, the cache grid and its master, and all that is promised of them. Everything is made here, in reading order.</summary>
internal sealed class Town
{
    private const int Clients = 8, Liars = 2, AssetsPerHour = 40;
    private static readonly TimeSpan s_minute = TimeSpan.FromMinutes(1);

    /// <summary>Nodes that are small enough for eight clients to need several.</summary>
    private static readonly ScalingPolicy s_scaling = new() { Max = 4, Capacity = NodeLife.Capacity, BootP95 = TimeSpan.FromSeconds(90), NodeHoursPerDay = 40, SpendPerHour = 0.6m, SpendPerDay = 4m };

    private readonly ClientHome[] _homes;
    private readonly ClientLimits _limits = new();
    private readonly Founding _founding;
    private readonly MemoryPromises _memory;
    private readonly StandInGrid[] _grids;
    private readonly Assets _assets;
    private readonly Dictionary<string, double> _lossy = [];
    private long _endedHits;
    private int _masters, _starts;

    public Town(long seed, string folder, double harshness, Trace trace, ProductLog log)
    {
        World = new Simulation(seed, trace, log);
        Promises = new Promises(World);
        Network = new Network(World);
        Bucket = new Bucket(World);
        var assets = _assets = new Assets();
        _grids = [new StandInGrid(World, Network, assets, Assets.Home, Assets.HomeHost), new StandInGrid(World, Network, assets, Assets.Abroad, Assets.AbroadHost)];
        _founding = new Founding(World, new GridPolicy
        {
            Grids = [new SharedGrid { Id = Assets.Home, Authorities = [Assets.HomeHost] }],
            Scaling = s_scaling,
        });
        Zone = new Zone(World);
        Machines = new Machines(World) { Booted = StartNode };
        Fleet = new FleetPromises(World, Promises, Machines, Zone, s_scaling);
        Viewers = new ViewerPromises(World, Promises, assets, _limits);
        Store = new StorePromises(Promises, assets, _founding, Bucket);
        _memory = new MemoryPromises(Promises, _limits);
        Network.Lost = Lost;
        Network.Way = Way;
        Network.Spoilt = (from, to, id) =>
        {
            if (to is Assets.HomeHost or Assets.AbroadHost && id is { } known) Viewers.OnTheWay(from.Name, known);
        };
        Resolver = new Resolver(World, Zone.Answer);

        assets.Grow(Viewer.Popular);
        _homes = [.. Enumerable.Range(0, Clients).Select(i => HomeOf(folder, i))];
        foreach ((int i, ClientHome home) in _homes.Index())
        {
            // The first two are one person's.
            string branch = string.Create(CultureInfo.InvariantCulture, $"b{Math.Max(1, i):D16}");
            _founding.Enrol(home.ClientId, branch, ClientLife.Prepare(home), TimeSpan.FromDays(30));
        }
        Bucket.Set("m/roll", _founding.SealRoll());
        foreach ((int i, ClientHome liar) in _homes.Index().TakeLast(Liars))
        {
            _ = new LyingGrid(World, Network, assets, liar.AssetHost, i - Clients + Liars);
            Viewers.Liars.Add(liar.Name);
        }
        StartMaster();
        for (int i = 0; i < Clients; i++) StartClient(i);
        foreach (ClientHome home in _homes) _ = new Viewer(World, Network, assets, Viewers, home) { Haste = () => Tide() * Crowd };
        Weather = new Weather(World, new FaultsOf(this).All, harshness);
        World.After(s_minute, EveryMinute);
    }

    public Simulation World { get; }

    public Promises Promises { get; }

    public Network Network { get; }

    public Bucket Bucket { get; }

    public Resolver Resolver { get; }

    public ViewerPromises Viewers { get; }

    public StorePromises Store { get; }

    public Weather Weather { get; }

    public Zone Zone { get; }

    public Machines Machines { get; }

    public FleetPromises Fleet { get; }

    /// <summary>Nodes that run, each on its machine.</summary>
    public IEnumerable<NodeLife> NodesNow => Machines.Live.Select(m => m.Node).OfType<NodeLife>().Where(n => !n.Life.IsOver);

    /// <summary>Everybody looks around so many times as often as at this hour of the day.</summary>
    public double Crowd { get; set; } = 1;

    public ClientLife?[] ClientsNow { get; } = new ClientLife?[Clients];

    public MasterLife? Master { get; private set; }

    /// <summary>Hits of the nodes that were there, and are.</summary>
    public long NodeHits => _endedHits + NodesNow.Sum(HitsOf);

    /// <summary>Lets so much time pass; throws where something does not hold.</summary>
    public async Task RunAsync(TimeSpan span)
    {
        World.Always(() =>
        {
            if (Promises.Failed is { } failed) throw failed;
        });
        await World.RunAsync(World.Now + span);
    }

    public async Task CloseAsync()
    {
        foreach (ClientLife? client in ClientsNow)
        {
            if (client is not null) await client.KillAsync();
        }
    }

    /// <summary>One more: whichever holds the lease acts, whichever is the newest is asked.</summary>
    public void StartMaster() => Master = new MasterLife(World, Network, Bucket, Machines, Zone, _founding, string.Create(CultureInfo.InvariantCulture, $"master {++_masters}"));

    public void EndMaster()
    {
        Master?.Life.End();
        Master = null;
    }

    /// <summary>The node's process dies; its unit starts it again, if the machine is still there.</summary>
    public void RestartNode(Machine machine, TimeSpan after)
    {
        if (machine.Node is not { Life.IsOver: false } node) return;
        node.Life.End();
        World.After(after, () =>
        {
            if (machine.IsLive) StartNode(machine);
        });
    }

    public void StartClient(int i)
    {
        if (ClientsNow[i] is not null) return;
        ClientsNow[i] = new ClientLife(World, Network, _founding, Resolver, _homes[i], i >= Clients - Liars ? _limits with { SpotCheckShare = 0.1 } : _limits);
        Viewers.Restarts(_homes[i].Name, World.Now);
    }

    /// <summary>It dies, and is started again after so long.</summary>
    public void RestartClient(int i, TimeSpan after)
    {
        if (ClientsNow[i] is not { } client) return;
        ClientsNow[i] = null;
        Viewers.Restarts(client.Home.Name, World.Now + after);
        // Its store's threads are real: nobody else may have the folder before they have let go.
        Task gone = client.KillAsync();
        bool IsGone() => gone.IsCompleted;
        World.WaitFor(IsGone);
        World.After(after, () => World.WaitNoMore(IsGone));
        World.After(after, () => StartClient(i));
    }

    public void SleepClient(int i, TimeSpan length)
    {
        if (ClientsNow[i] is not { } client) return;
        client.Life.Sleep(length);
        Viewers.Restarts(client.Home.Name, World.Now + length);
    }

    public void BreakGrid(int i, TimeSpan length)
    {
        _grids[i].Break(length);
        // Who was told so may be told so again for as long as that is remembered.
        Viewers.Outage(i == 0 ? Assets.Home : Assets.Abroad, World.Now + length + _limits.NegativeLifetime);
    }

    /// <summary>Nothing more can be written there for so long: neither the store nor what waits to be claimed.</summary>
    public void FillDisk(int i, TimeSpan length)
    {
        string temporary = Path.Combine(_homes[i].Folder, "store", "tmp"), aside = temporary + ".aside";
        if (!Directory.Exists(temporary)) return;
        Directory.Move(temporary, aside);
        World.After(length, () =>
        {
            // One that was started meanwhile has made its own.
            if (Directory.Exists(temporary)) Directory.Delete(aside, recursive: true);
            else Directory.Move(aside, temporary);
        });
    }

    /// <summary>Share of exchanges of a kind that get lost, for so long.</summary>
    public void Lose(string kind, double share, TimeSpan length)
    {
        _lossy[kind] = share;
        World.After(length, () => _lossy.Remove(kind));
    }

    private double Lost(Life from, string to) => to.StartsWith("loopback/", StringComparison.Ordinal) || _lossy.Count == 0 ? 0
        : _lossy.GetValueOrDefault(KindOf(to));

    private static string KindOf(string to) => to is Assets.HomeHost or Assets.AbroadHost ? "origin" : to == Founding.MasterAddress ? "master"
        : to == Founding.MasterPrivate || to.StartsWith("10.2.", StringComparison.Ordinal) ? "private" : "node";

    private static TimeSpan Way(Life from, string to, Random dice) => to.StartsWith("loopback/", StringComparison.Ordinal) ? TimeSpan.Zero
        : TimeSpan.FromMilliseconds(2) + ((ViewerPromises.LongestWay - TimeSpan.FromMilliseconds(2)) * dice.NextDouble());

    private static long HitsOf(NodeLife node) => node.Metrics.MemoryHits.Value + node.Metrics.StoreHits.Value;

    private static ClientHome HomeOf(string folder, int i) => new(
        string.Create(CultureInfo.InvariantCulture, $"client {i}"), string.Create(CultureInfo.InvariantCulture, $"c{i:D16}"), string.Create(CultureInfo.InvariantCulture, $"10.100.{i}.1"),
        Path.Combine(folder, string.Create(CultureInfo.InvariantCulture, $"client-{i}")), i >= Clients - Liars ? string.Create(CultureInfo.InvariantCulture, $"lies-{i}.example.org") : Assets.HomeHost);

    private void StartNode(Machine machine)
    {
        var node = new NodeLife(World, Network, Bucket, _founding, machine, string.Create(CultureInfo.InvariantCulture, $"node {machine.Id}/{++_starts}"));
        machine.Node = node;
        node.Life.AtEnd(() => _endedHits += HitsOf(node));
    }

    /// <summary>More people in the evening than in the morning.</summary>
    private double Tide() => 1 + (0.8 * Math.Cos(2 * Math.PI * World.Now.TotalHours / 24));

    private void EveryMinute()
    {
        _assets.Grow(Viewer.Popular + (int)(AssetsPerHour * World.Now.TotalHours));
        Viewers.Look();
        foreach (Machine orphan in Machines.Live.Where(m => m.Node is { IsOrphan: true }).ToArray()) Machines.Lose(orphan);
        foreach (NodeLife node in NodesNow) _memory.Look(node);
        foreach (ClientLife client in ClientsNow.OfType<ClientLife>()) _memory.Look(client);
        World.After(s_minute, EveryMinute);
    }
}
