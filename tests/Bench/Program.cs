using System.Text.Json;
using GlobalCache.Bench;

const string Usage = """
    dotnet run -c Release --project tests/Bench -- http [hits] [misses] [idle] [scene] [--json]
    dotnet run -c Release --project tests/Bench -- lludp [stream] [injected] [latency] [open] [calm] [texture] [--json]
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
    case ["node" or "scaling", ..]:
        await Console.Error.WriteLineAsync($"{words[0]}: there is nothing to measure yet; this version has the client alone.");
        return 2;
    default:
        await Console.Error.WriteLineAsync(Usage);
        return 2;
}
