using System.Text.Json;
using GlobalCache.Bench;
using GlobalCache.Bench.Eviction;
using GlobalCache.Bench.Master;
using GlobalCache.Bench.Planning;
using GlobalCache.Bench.Reconcile;
using GlobalCache.Bench.Scaling;
using GlobalCache.Bench.Serving;
using GlobalCache.Bench.Training;

const string Usage = """
    dotnet run -c Release --project tests/Bench -- http [hits] [misses] [idle] [scene] [--json]
    dotnet run -c Release --project tests/Bench -- lludp [stream] [injected] [latency] [open] [calm] [texture] [--json]
    dotnet run -c Release --project tests/Bench -- node [serving] [start] [memory] [ingest] [--rounds N] [--json]
    dotnet run -c Release --project tests/Bench -- scaling --traces FOLDER [--json] [--seeds N] [--boot LOW,HIGH]
    dotnet run -c Release --project tests/Bench -- eviction [--rounds N]
    dotnet run -c Release --project tests/Bench -- plan [--clients N]
    dotnet run -c Release --project tests/Bench -- reconcile [--json]
    dotnet run -c Release --project tests/Bench -- master [--nodes N] [--seconds N] [--json]
    dotnet run -c Release --project tests/Bench -- train FOLDER tests/Vectors/assets
    """;

if (args is [BareKestrel.Verb, var bytes])
{
    await BareKestrel.RunAsync(int.Parse(bytes));
    return 0;
}

if (args is [BareRelay.Verb, var port])
{
    await BareRelay.RunAsync(int.Parse(port));
    return 0;
}

switch (args)
{
    case [UdpEnd.Verb, var role]:
        new UdpEnd(isSim: role == "sim").Run();
        return 0;
    case [BareForwarder.Verb, var sim]:
        BareForwarder.Run(int.Parse(sim));
        return 0;
    case [PumpProcess.Verb, var sim, .. var what]:
        await PumpProcess.RunAsync(int.Parse(sim), assets: what is [PumpProcess.Assets]);
        return 0;
    case [NodeServer.Verb, var folder, var cacheBytes]:
        await NodeServer.RunAsync(folder, long.Parse(cacheBytes));
        return 0;
    case [IngestBench.Verb, var folder, var address, var invite, var count]:
        await IngestBench.LoadAsync(folder, address, invite, int.Parse(count), Console.Out);
        return 0;
    case [BlobKestrel.Verb, var folder]:
        await BlobKestrel.RunAsync(folder);
        return 0;
    case [TextureViewer.Verb]:
        TextureViewer.Run();
        return 0;
}

bool json = args.Contains("--json");
string[] words = [.. args.Where(a => a != "--json")];
switch (words)
{
    case ["http", .. var parts]:
        return await HttpBench.RunAsync(json, part => parts.Length == 0 || parts.Contains(part));
    case ["lludp", .. var parts]:
        LludpFigures figures = await LludpBench.RunAsync(part => parts.Length == 0 || parts.Contains(part));
        Console.WriteLine(json ? JsonSerializer.Serialize(figures, JsonSerializerOptions.Web) : figures.ToTable());
        return 0;
    case ["node", .. var parts]:
        int at = Array.IndexOf(parts, "--rounds");
        int rounds = at >= 0 && at + 1 < parts.Length ? int.Parse(parts[at + 1]) : 5;
        string[] named = at >= 0 ? parts[..at] : parts;
        return await NodeBench.RunAsync(json, part => named.Length == 0 || named.Contains(part), rounds);
    case ["train", var into, var recorded]:
        Trainer.Run(into, recorded);
        return 0;
    case ["master", .. var options]:
        return await MasterBench.RunAsync(json, Number(options, "--nodes", 400), Math.Max(1, Number(options, "--seconds", 130) / 10), Console.Out);
    case ["reconcile"]:
        return await ReconcileBench.RunAsync(json, Console.Out);
    case ["eviction", .. var options]:
        EvictionBench.Run(Number(options, "--rounds", 3), Console.Out);
        return 0;
    case ["plan", .. var options]:
        return await PlanBench.RunAsync(options, Console.Out);
    case ["scaling", .. var options]:
        return await ScalingBench.RunAsync(json, options);
    default:
        await Console.Error.WriteLineAsync(Usage);
        return 2;
}

static int Number(string[] options, string name, int otherwise) =>
    Array.IndexOf(options, name) is >= 0 and int at && at + 1 < options.Length ? int.Parse(options[at + 1]) : otherwise;
