using System.Globalization;
using GlobalCache.TestGrid;

// A grid to try a viewer or the client with: dotnet run --project tests/TestGrid -- [options]
const string Usage = """
    dotnet run --project tests/TestGrid -- [options]

      --port N             HTTP port: login, capabilities, assets (default 9000, 0: a free one)
      --udp N              UDP port of the first region, the next ones follow (default: the HTTP port)
      --down MBIT          shape the line towards the viewer, in Mbit/s, shared by everything
      --up MBIT            the other direction (default: as --down)
      --rtt MS             round-trip time of the line (default 0; with --down alone 80)
      --loss PERCENT       datagrams lost in each direction
      --latency MS         before every asset
      --no-stand-in        unknown textures by UDP: ImageNotInDatabase instead of the blank picture
      --strict             HTTP must come from the address of the agent's circuit
      --hypergrid          a second grid beside the first, linked to it: other bytes under the same UUIDs
      --assets DIR         serve the files of a folder too: UUID.j2c, .ogg, .anim, .mesh
      --help
    """;

var options = new Dictionary<string, string>();
for (int i = 0; i < args.Length; i++)
{
    bool flag = args[i] is "--no-stand-in" or "--strict" or "--hypergrid" or "--help";
    bool known = flag || args[i] is "--port" or "--udp" or "--down" or "--up" or "--rtt" or "--loss" or "--latency" or "--assets";
    if (!known || (!flag && i + 1 == args.Length))
    {
        await Console.Error.WriteLineAsync($"{args[i]}: {(known ? "needs a value" : "no such option; --help lists them")}");
        return 2;
    }

    options[args[i]] = flag ? "" : args[++i];
}

if (options.ContainsKey("--help"))
{
    Console.WriteLine(Usage);
    return 0;
}

foreach ((string name, string text) in options)
{
    if (name == "--assets" || text.Length == 0 || (double.TryParse(text, CultureInfo.InvariantCulture, out double value) && value >= 0)) continue;
    await Console.Error.WriteLineAsync($"{name}: {text} is no number from 0 up");
    return 2;
}

double Number(string name, double otherwise) =>
    options.TryGetValue(name, out string? text) ? double.Parse(text, CultureInfo.InvariantCulture) : otherwise;

int port = (int)Number("--port", 9000), udp = (int)Number("--udp", port);
double down = Number("--down", 0), up = Number("--up", down), rtt = Number("--rtt", down > 0 ? 80 : 0);
// A line without a given bandwidth is only far away.
LinkShape? link = down > 0 || rtt > 0
    ? new LinkShape((long)((down > 0 ? down : 10_000) * 1e6), (long)((up > 0 ? up : 10_000) * 1e6), TimeSpan.FromMilliseconds(rtt))
    : null;

IReadOnlyList<RegionPlan> Plans(int first, string prefix = "") =>
    [.. new StandInGridOptions().Regions.Select((r, i) => r with { Name = prefix + r.Name, UdpPort = first == 0 ? 0 : first + i })];

var plain = new StandInGridOptions
{
    HttpPort = port,
    Regions = Plans(udp),
    Link = link,
    SendsStandInPicture = !options.ContainsKey("--no-stand-in"),
    StrictAddresses = options.ContainsKey("--strict"),
};
StandInGrid? started = null;
try
{
    started = await StandInGrid.StartAsync(plain);
}
catch (Exception e) when (e is IOException or System.Net.Sockets.SocketException)
{
    await Console.Error.WriteLineAsync($"Port {port} (or UDP {udp} and the next ones) is in use: choose others with --port and --udp. {e.Message}");
    return 2;
}

await using StandInGrid grid = started;
await using StandInGrid? far = options.ContainsKey("--hypergrid")
    ? await StandInGrid.StartAsync(plain with { Name = "the far grid", Nick = "farstandin", HttpPort = port == 0 ? 0 : port + 10, Regions = Plans(udp == 0 ? 0 : udp + 10, "Hyper") })
    : null;
if (far is not null)
{
    grid.LinkTo(far);
    far.LinkTo(grid);
    // Legal anywhere, and a trap for a cache that keys by UUID alone: two assets changed places.
    (GridAsset small, GridAsset large) = (far.Assets.Find(GridAssets.SmallTexture)!, far.Assets.Find(GridAssets.LargeTexture)!);
    far.Assets.Put(GridAssets.SmallTexture, 0, large.Bytes);
    far.Assets.Put(GridAssets.LargeTexture, 0, small.Bytes);
}

if (options.TryGetValue("--assets", out string? folder))
{
    foreach (string file in Directory.EnumerateFiles(folder))
    {
        int type = Path.GetExtension(file) switch { ".j2c" => 0, ".ogg" => 1, ".anim" => 20, ".mesh" => 49, _ => -1 };
        if (type >= 0 && Guid.TryParse(Path.GetFileNameWithoutExtension(file), out Guid id)) grid.Assets.Put(id, type, await File.ReadAllBytesAsync(file));
    }
}

grid.Faults.PacketLoss = Number("--loss", 0) / 100;
if (Number("--latency", 0) is > 0 and var wait) grid.Faults.SetAll(new AssetFault { Latency = TimeSpan.FromMilliseconds(wait) });

Console.WriteLine($"""
    The stand-in grid is up. Login URI: {grid.LoginUri}
      regions   {string.Join(", ", grid.Regions.Select(r => $"{r.Key} (UDP {r.Value.Port})"))}{(far is null ? "" : $"; by Hypergrid: {string.Join(", ", far.Regions.Keys)}")}
      users     {string.Join(", ", grid.Options.Users.Select(u => $"{u.First} {u.Last}{(u.Manner == LoginManner.Plain ? "" : $" ({u.Manner})")}"))}; every password is "password"
      viewer    firestorm --loginuri {grid.LoginUri}
      client    dotnet run --project client -- --login-uri {grid.LoginUri}
      counters  {grid.LoginUri}counters
      crossing  curl "{grid.LoginUri}control/cross?first=Test&last=User&region=RigTwo"
    Ctrl+C ends it.
    """);
var stop = new TaskCompletionSource();
Console.CancelKeyPress += (_, pressed) =>
{
    pressed.Cancel = true;
    stop.TrySetResult();
};
using var terminated = System.Runtime.InteropServices.PosixSignalRegistration.Create(System.Runtime.InteropServices.PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    stop.TrySetResult();
});
await stop.Task;
return 0;
