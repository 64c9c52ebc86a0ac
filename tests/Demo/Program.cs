using GlobalCache.Client;
using GlobalCache.Demo;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

if (args.FirstOrDefault() == "founding") return await GlobalCache.Demo.Founding.FoundingDemo.RunAsync(args.Contains("--json"));

// The whole of it on one machine: a stand-in grid behind a slow line, the client, and a simulated viewer that asks as
// Firestorm does and visits one scene three times: without the client, with an empty store, with a full one.
bool json = args.Contains("--json");
string folder = Directory.CreateTempSubdirectory("globalcache-demo-").FullName;
try
{
    await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { Link = LinkShape.Dsl });
    IReadOnlyList<SceneAsset> scene = SyntheticScene.Fill(grid, textures: 120, meshes: 24, sounds: 8, animations: 8);
    if (!json)
    {
        AnsiConsole.MarkupLine($"A scene of [bold]{scene.Count}[/] assets, {DemoReport.Bytes(scene.Sum(a => (long)a.Expected!.Length))}, behind a line of 20 Mbit/s and 80 ms.\n");
    }

    SceneVisit direct = await SceneVisit.RunAsync("direct", grid, grid.LoginUri, scene);
    SceneVisit cold, warm;
    long coldStore, warmStore;
    var options = new ClientOptions
    {
        LoginUri = grid.LoginUri,
        Port = 0,
        Store = Path.Combine(folder, "store"),
        ConfigFolder = Path.Combine(folder, "config"),
    };
    await using (ClientApp client = await ClientApp.StartAsync(options, NullLoggerFactory.Instance))
    {
        using var store = new StoreBytes();
        cold = await SceneVisit.RunAsync("cold", grid, client.LoginUri, scene);
        coldStore = store.Take();
        warm = await SceneVisit.RunAsync("warm", grid, client.LoginUri, scene, new SimulatedViewerOptions { First = "Other" });
        warmStore = store.Take();
    }

    bool ok = direct.Scene.Ok && cold.Scene.Ok && warm.Scene.Ok && warm.GridRequests == 0 && warm.GridBytesInAll == 0;
    (SceneVisit Visit, long Store)[] visits = [(direct, 0), (cold, coldStore), (warm, warmStore)];
    if (json) Console.WriteLine(DemoReport.Json(visits, ok));
    else AnsiConsole.Write(DemoReport.Table(visits));
    if (!ok && !json) AnsiConsole.MarkupLine("[red]Something is wrong: a byte was, or the warm visit asked the grid.[/]");
    return ok ? 0 : 1;
}
finally
{
    Directory.Delete(folder, recursive: true);
}
