using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using GlobalCache.Client.Store;
using GlobalCache.Demo.Founding;
using GlobalCache.Live.Processes;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Live.Load;

/// <summary>How a load run is made up.</summary>
internal sealed record LoadSettings
{
    public TimeSpan Length { get; init; } = TimeSpan.FromMinutes(3);

    public int Clients { get; init; } = 1000;

    /// <summary>Assets a second that viewers look at, all together.</summary>
    public double Rate { get; init; } = 300;

    public int Seed { get; init; } = 1;

    /// <summary>What the world holds.</summary>
    public int Assets { get; init; } = 5000;

    /// <summary>What is not measured: connections are made, caches fill.</summary>
    public TimeSpan Warming => Length / 3 < TimeSpan.FromMinutes(5) ? Length / 3 : TimeSpan.FromMinutes(5);
}

/// <summary>
/// A thousand enrolled clients at a master's three nodes. Their viewers come into a place and look at two dozen things within a second, whatever becomes of those before: every time is counted from
/// the moment the viewer wanted it, so that waiting in a queue of ours is waiting.
/// </summary>
internal sealed class LoadRun : IAsyncDisposable
{
    private const int NodesWanted = 3, SceneAssets = 24, NetworkOf127 = 72;
    private const string World = "world.example.org", Host = "assets.example.org";

    private static readonly TimeSpan s_between = TimeSpan.FromMilliseconds(40);

    private readonly LoadSettings _settings;
    private readonly string _folder;
    private readonly MasterProcess _master;
    private readonly List<LoadClient> _clients = [];
    private readonly Catalogue _catalogue;
    private AssetStore? _store;
    private long _open, _wrong;

    public LoadRun(LoadSettings settings, string folder, TimeProvider time)
    {
        (_settings, _folder, Clock, _catalogue) = (settings, folder, new Clock(time), new Catalogue(World, settings.Assets));
        GridPolicy policy = FoundingPolicy.Of(10);
        _master = new MasterProcess(folder, policy with
        {
            Grids = [new SharedGrid { Id = World, Authorities = [Host] }],
            Scaling = policy.Scaling with { Min = NodesWanted, Max = NodesWanted, Capacity = 10_000, Ttl = TimeSpan.FromSeconds(60) },
        }, 1_000_000_000, NetworkOf127, time);
    }

    public Clock Clock { get; }

    /// <summary>Answers of nodes with the asset, from the moment it was wanted.</summary>
    public Delays Hits { get; } = new();

    /// <summary>Answers of nodes without.</summary>
    public Delays Misses { get; } = new();

    /// <summary>Later than it was wanted the question was asked: what the driver itself adds.</summary>
    public Delays Driver { get; } = new();

    public long Own { get; private set; }

    public long Wrong => Volatile.Read(ref _wrong);

    public Soak Soak { get; private set; } = null!;

    public CountingLog Log { get; } = new();

    public TimeSpan Enrolled { get; private set; }

    public int ClaimsWaiting => _clients.Sum(c => c.ClaimsWaiting);

    /// <summary>A master and its nodes, and everybody enrolled and with a session.</summary>
    public async Task StartAsync(CancellationToken ct)
    {
        await _master.StartAsync();
        GridFile file = JsonSerializer.Deserialize<GridFile>(await File.ReadAllBytesAsync(Path.Combine(_master.Data, "grid.json"), ct), JsonSerializerOptions.Web)!;
        for (int i = 0; i < 600 && InDns() < NodesWanted; i++) await Task.Delay(TimeSpan.FromMilliseconds(200), Clock.Time, ct);
        string keys = Path.Combine(_folder, "keys");
        Directory.CreateDirectory(keys);
        LocalKey key = LocalKey.Load(Path.Combine(keys, "store.key"));
        _store = AssetStore.Open(new StoreOptions(Path.Combine(_folder, "received"), 2_000_000_000), key, Clock.Time, NullLogger.Instance);
        GridFolder grid = GridFolder.Open(_master.Data);
        using GridDesks desks = GridDesks.Of(grid, new FolderStore(Path.Combine(_master.Data, "store"), Clock.Time), follower: null, Clock.Time, NullLogger.Instance);
        for (int i = 0; i < _settings.Clients; i++)
        {
            var client = new LoadClient(OwnAddress.Of(i), Path.Combine(keys, $"{i}"), file, World, _store, key, Clock.Time, Log);
            _clients.Add(client);
            await client.EnrolAsync(await desks.Enrolment.InviteAsync(inviter: null, ct) ?? throw new InvalidOperationException("No invite is given."), ct);
        }
        for (int i = 0; i < 600 && !_clients.TrueForAll(c => c.Ready); i++) await Task.Delay(TimeSpan.FromMilliseconds(100), Clock.Time, ct);
        Enrolled = Clock.Now;
        Soak = new Soak(Clock, Path.Combine(_folder, "grid"), () => ProcessTable.NodesOf(_master.Data), () => _master.Id,
            [.. Enumerable.Range(2, NodesWanted).Select(n => new Uri($"http://127.{NetworkOf127}.0.{n}:{_master.NodePrivatePort}/metrics"))]);
    }

    public async Task RunAsync(CancellationToken ct)
    {
        TimeSpan begin = Clock.Now, end = begin + _settings.Length, measured = begin + _settings.Warming;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Task soak = Soak.RunAsync(measured, over.Token);
        var dice = new Random(_settings.Seed);
        for (TimeSpan due = begin; due < end; due += TimeSpan.FromSeconds(SceneAssets / _settings.Rate * -Math.Log(1 - dice.NextDouble())))
        {
            TimeSpan wait = due - Clock.Now;
            if (wait > TimeSpan.Zero && !await Clock.WaitAsync(wait, ct)) break;
            LoadClient client = _clients[dice.Next(_clients.Count)];
            int[] scene = [.. Enumerable.Range(0, SceneAssets).Select(_ => _catalogue.Any(dice))];
            _ = VisitAsync(client, scene, due, measured, ct);
        }
        for (int i = 0; i < 300 && Volatile.Read(ref _open) > 0; i++) await Task.Delay(TimeSpan.FromMilliseconds(100), Clock.Time, CancellationToken.None);
        await over.CancelAsync();
        await soak;
    }

    public async ValueTask DisposeAsync()
    {
        await Parallel.ForEachAsync(_clients, async (client, _) => await client.DisposeAsync());
        if (_store is not null) await _store.DisposeAsync();
        await _master.DisposeAsync();
        foreach (int pid in ProcessTable.In(_folder)) Signals.Kill(pid);
    }

    private async Task VisitAsync(LoadClient client, int[] scene, TimeSpan due, TimeSpan measured, CancellationToken ct)
    {
        List<Task> looking = [];
        foreach (int number in scene)
        {
            TimeSpan wait = due - Clock.Now;
            if (wait > TimeSpan.Zero && !await Clock.WaitAsync(wait, ct)) return;
            if (client.Sees(number)) looking.Add(LookAsync(client, number, due, due >= measured, ct));
            else if (due >= measured) Own++;
            due += s_between;
        }
        await Task.WhenAll(looking);
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "Whatever goes wrong is counted.")]
    private async Task LookAsync(LoadClient client, int number, TimeSpan due, bool isMeasured, CancellationToken ct)
    {
        Interlocked.Increment(ref _open);
        try
        {
            AssetKey key = _catalogue.KeyOf(number);
            if (isMeasured) Driver.Add(Clock.Now - due);
            byte[]? bytes = await client.AskAsync(key, ct);
            if (isMeasured) (bytes is null ? Misses : Hits).Add(Clock.Now - due);
            if (bytes is null) await client.ReceivedAsync(key, Catalogue.BytesOf(number), Host, ct);
            else if (!_catalogue.IsRight(number, bytes)) Interlocked.Increment(ref _wrong);
        }
        catch (Exception e)
        {
            Log.Log(LogLevel.Warning, new EventId(0, e.GetType().Name), e.Message, null, static (message, _) => message);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }

    private int InDns()
    {
        try
        {
            using JsonDocument zone = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(_master.Data, "zone.json")));
            return zone.RootElement.GetProperty("nodes").GetArrayLength();
        }
        catch (Exception e) when (e is IOException or JsonException)
        {
            return 0;
        }
    }
}
