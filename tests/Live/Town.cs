using System.Diagnostics;
using System.Text.Json;
using GlobalCache.Demo.Founding;
using GlobalCache.Live.Faults;
using GlobalCache.Live.Processes;
using GlobalCache.Live.Walkers;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid;

namespace GlobalCache.Live;

/// <summary>How a live run is made up.</summary>
internal sealed record LiveSettings
{
    public TimeSpan Length { get; init; } = TimeSpan.FromMinutes(3);

    public int Seed { get; init; } = 1;

    public int Viewers { get; init; } = 50;

    public int Clients { get; init; } = 3;

    /// <summary>Between two faults, on the average.</summary>
    public TimeSpan FaultEvery { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Words in the names of the faults that may come; empty: all.</summary>
    public string Only { get; init; } = "";

    /// <summary>What the machine may be busy otherwise, before an answer counts as late.</summary>
    public TimeSpan Slack { get; init; } = TimeSpan.FromSeconds(1);
}

/// <summary>A virtual world, a cache grid of a master and three nodes, clients, and viewers behind them: the programs as they are built, on this machine.</summary>
internal sealed class Town : IAsyncDisposable
{
    /// <summary>Everything that UDP goes over: from viewers to their clients, and from there to the regions.</summary>
    public const string Wire = "the wire";

    private const int NodesWanted = 3, DiskMegabytes = 192, NetworkOf127 = 71;

    private static readonly RegionPlan[] s_regions = [new("Alder", 1000, 1000), new("Birch", 1001, 1000), new("Cedar", 1002, 1000), new("Douglas", 1020, 1020)];

    // Everybody logs in at once, to programs that are compiled while they do it.
    private static readonly TimeSpan s_cold = TimeSpan.FromSeconds(8);

    private readonly LiveSettings _settings;
    private readonly string _folder;
    private readonly Random _loss;
    private readonly List<SmallDisk> _disks = [];
    private readonly List<ClientProgram> _clients = [];

    private Town(LiveSettings settings, string folder, Clock clock, StandInGrid grid)
    {
        (_settings, _folder, Clock, Grid, Book, Scene) = (settings, folder, clock, grid, new Book(clock), new Scene(grid));
        _loss = new Random(settings.Seed);
        GridPolicy policy = FoundingPolicy.Of(10);
        string world = GridId.TryFromUrl(grid.LoginUri.AbsoluteUri, out string id) ? id : grid.LoginUri.Authority;
        World = world;
        Policy = policy with
        {
            Grids = [new SharedGrid { Id = world, Authorities = [grid.LoginUri.Host] }],
            Scaling = policy.Scaling with { Min = NodesWanted, Max = NodesWanted + 1, Capacity = 1000, LaunchesPerHour = 10_000, NodeHoursPerDay = 24_000 },
        };
    }

    /// <summary>How the grid answers when all is well: from some way off.</summary>
    public static AssetFault Usual { get; } = new() { Latency = TimeSpan.FromMilliseconds(40) };

    public Clock Clock { get; }

    public Book Book { get; }

    public StandInGrid Grid { get; }

    public Scene Scene { get; }

    public string World { get; }

    public GridPolicy Policy { get; }

    public MasterProcess Master { get; private set; } = null!;

    public IReadOnlyList<ClientProgram> Clients => _clients;

    /// <summary>One of each client, then the grid's; none where file systems must not be mounted.</summary>
    public IReadOnlyList<SmallDisk> Disks => _disks;

    public Direct Direct { get; private set; } = null!;

    public HttpLook Http { get; private set; } = null!;

    /// <summary>Node processes that live, by member's name.</summary>
    public IReadOnlyDictionary<string, int> Nodes => ProcessTable.NodesOf(Path.Combine(_folder, "grid"));

    public IReadOnlyList<string> RegionNames { get; } = [.. s_regions.Select(r => r.Name)];

    /// <summary>Seconds a viewer looks at what it has got, at most.</summary>
    public const double Pause = 3;

    /// <summary>Share of datagrams lost on every way, 0 – 1.</summary>
    public double LossNow
    {
        get;
        set => Grid.Faults.PacketLoss = field = value;
    }

    public Delays RestartsTook { get; } = new();

    /// <summary>Most memory each kind of process has held, and what it holds now.</summary>
    public MemoryWatch Memory { get; private set; } = null!;

    public static async Task<Town> StartAsync(LiveSettings settings, string folder, TimeProvider time)
    {
        GridUser[] users = [.. Enumerable.Range(0, settings.Viewers + 1).Select(n => new GridUser($"Walker{n}", "Live", "password"))];
        StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { Regions = s_regions, Users = users, ServesRecordedAssets = false });
        grid.Faults.SetAll(Usual);
        var town = new Town(settings, folder, new Clock(time), grid);
        try
        {
            await town.StartAsync(users);
            return town;
        }
        catch
        {
            await town.DisposeAsync();
            throw;
        }
    }

    public static bool AreNeighbours(string a, string b)
    {
        RegionPlan from = s_regions.First(r => r.Name == a), to = s_regions.First(r => r.Name == b);
        return Math.Abs((int)from.X - (int)to.X) <= 1 && Math.Abs((int)from.Y - (int)to.Y) <= 1;
    }

    /// <summary>Whether a datagram between a viewer and its client is lost.</summary>
    public bool Loses(string _)
    {
        if (LossNow == 0) return false;
        lock (_loss) return _loss.NextDouble() < LossNow;
    }

    /// <summary>As an init system does: who cannot start, for the disk is full, is started again a second later.</summary>
    /// <param name="startAsync">Starts it; throws where it ended instead.</param>
    public async Task StartAgainAsync(Func<Task> startAsync)
    {
        for (int attempt = 0; ; attempt++)
        {
            try
            {
                await startAsync();
                return;
            }
            catch (InvalidOperationException e) when (attempt < 60)
            {
                Book.Count($"starts refused: {e.Message}");
                await Clock.WaitAsync(TimeSpan.FromSeconds(1), CancellationToken.None);
            }
        }
    }

    /// <summary>Everybody walks about, and trouble comes, until it is time or told to stop; then all is to be well again.</summary>
    public async Task RunAsync(CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        using var calm = CancellationTokenSource.CreateLinkedTokenSource(ct);
        foreach (ClientProgram client in _clients) Book.Excuse("first seconds", client.Name, s_cold);
        var weather = new Weather(Clock, _settings.Seed, _settings.FaultEvery, [.. FaultsOfTown.Of(this).Where(f => f.Kind.Contains(_settings.Only, StringComparison.Ordinal))]);
        Task walking = Task.WhenAll(Enumerable.Range(0, _settings.Viewers).Select(n =>
            Task.Run(() => new Walker(this, _clients[n % _clients.Count], new GridUser($"Walker{n}", "Live", "password"), pollsAgain: n / _clients.Count % 2 == 0, (_settings.Seed * 1000) + n).RunAsync(over.Token), CancellationToken.None)));
        Task uploading = UploadAsync(over.Token), watching = Memory.RunAsync(over.Token), raining = Task.Run(() => weather.RunAsync(calm.Token), CancellationToken.None);
        // The last moments are calm, so that it is seen whether all heals.
        await Task.WhenAny(Clock.WaitAsync(_settings.Length, ct), walking, raining);
        await calm.CancelAsync();
        await raining;
        await HealAsync(ct);
        await over.CancelAsync();
        await Task.WhenAll(walking, uploading, watching);
    }

    /// <summary>Everything is told to stop, and whatever is left then is a broken promise.</summary>
    public async Task EndAsync()
    {
        foreach (ClientProgram client in _clients)
        {
            try
            {
                int code = await client.StopAsync();
                string[] left = [.. Directory.EnumerateFiles(client.Runtime, "*", SearchOption.AllDirectories)];
                Book.Check(Book.EndsClean, code == 0 && left.Length == 0, $"{client.Name} ended with {code} and left {left.Length} pages");
            }
            catch (TimeoutException)
            {
                Book.Check(Book.EndsClean, kept: false, $"{client.Name} did not end: {string.Join(" | ", client.Said.TakeLast(3))}");
            }
        }
        await Master.DisposeAsync();
        for (int i = 0; i < 100 && ProcessTable.In(_folder).Count > 0; i++) await Task.Delay(TimeSpan.FromMilliseconds(100), Clock.Time);
        Book.Check(Book.EndsClean, ProcessTable.In(_folder).Count == 0, $"{ProcessTable.In(_folder).Count} processes are left");
    }

    /// <summary>However it comes to its end, nothing is left running or mounted.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Direct is not null) await Direct.DisposeAsync();
        Http?.Dispose();
        foreach (ClientProgram client in _clients) await client.DisposeAsync();
        if (Master is not null) await Master.KillAsync();
        foreach (int pid in ProcessTable.In(_folder)) Signals.Kill(pid);
        foreach (SmallDisk disk in _disks) await disk.DisposeAsync();
        await Grid.DisposeAsync();
    }

    private async Task StartAsync(GridUser[] users)
    {
        _clients.AddRange(Enumerable.Range(0, _settings.Clients).Select(n => new ClientProgram(
            $"client {(char)('A' + n)}", Path.Combine(_folder, $"client{n}"),
            ["--login-uri", Grid.LoginUri.AbsoluteUri, "--store-size", "100MB", "--grid", Path.Combine(_folder, "grid", "grid.json"), "--share", World, "--verbose"], Clock)));
        // Mounted before anything is written there.
        foreach (string folder in _clients.Select(c => c.Data).Append(Path.Combine(_folder, "grid")))
            if (await SmallDisk.MountAsync(folder, DiskMegabytes) is { } disk) _disks.Add(disk);
        Master = new MasterProcess(_folder, Policy, 100_000_000, NetworkOf127, Clock.Time);
        await Master.StartAsync();
        await HealAsync(CancellationToken.None);
        foreach (ClientProgram client in _clients) await client.StartAsync(await InviteAsync());
        Memory = new MemoryWatch(this);
        Direct = await Direct.StartAsync(Clock, Grid, users[^1], Scene);
        Http = new HttpLook(Book, Clock, Direct, _settings.Slack);
    }

    private async Task UploadAsync(CancellationToken over)
    {
        var dice = new Random(_settings.Seed);
        while (await Clock.WaitAsync(TimeSpan.FromSeconds(1), over)) Scene.Add(dice);
    }

    private async Task HealAsync(CancellationToken ct)
    {
        TimeSpan since = Clock.Now;
        while (!ct.IsCancellationRequested && (Nodes.Count < NodesWanted || InDns() < NodesWanted) && Clock.Now - since < TimeSpan.FromSeconds(90)) await Clock.WaitAsync(TimeSpan.FromMilliseconds(200), ct);
        if (ct.IsCancellationRequested) return;
        Book.Check(Book.Heals, Nodes.Count >= NodesWanted && InDns() >= NodesWanted, $"{Nodes.Count} nodes run and {InDns()} are in the DNS: {string.Join(" | ", Master.History.TakeLast(6).Select(h => $"{h.Node} {h.What} {h.Reason}"))}");
    }

    private int InDns()
    {
        try
        {
            using JsonDocument zone = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Master.Data, "zone.json")));
            return zone.RootElement.GetProperty("nodes").GetArrayLength();
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return 0;
        }
    }

    private async Task<string> InviteAsync()
    {
        var start = new ProcessStartInfo(MasterProcess.Find(), ["invite", "--data", Path.Combine(_folder, "grid")]) { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        using Process process = Process.Start(start)!;
        Task<string> error = process.StandardError.ReadToEndAsync();
        string said = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return said.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).FirstOrDefault() ?? throw new InvalidOperationException("No invite: " + await error);
    }
}
