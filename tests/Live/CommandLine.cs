using System.Globalization;
using GlobalCache.Live.Load;

namespace GlobalCache.Live;

/// <summary>Live chaos and load, as <c>tests/Chaos</c> starts them.</summary>
internal static class CommandLine
{
    private const string Usage = """
        dotnet run -c Release --project tests/Chaos -- --live [--minutes M] [--seed N] [--viewers V] [--clients C] [--every S]

          --minutes M   how long; default 3
          --seed N      faults follow from it; default 1
          --viewers V   default 50
          --clients C   default 3
          --every S     seconds between two faults, on the average; default 5
          --only WORDS  no other faults than those with these words in their name, such as "of a client"

        dotnet run -c Release --project tests/Chaos -- --load [--minutes M] [--clients C] [--rate R] [--assets A] [--seed N]

          --clients C   default 1000
          --rate R      assets a second that their viewers look at, all together; default 300
          --assets A    what there is to look at; default 5000
        """;

    public static async Task<int> RunAsync(string[] args)
    {
        TextWriter output = Output();
        if (!TryRead(args, out Dictionary<string, string> said) || (!said.ContainsKey("live") && !said.ContainsKey("load")))
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }
        using var over = new CancellationTokenSource();
        Console.CancelKeyPress += (_, ask) =>
        {
            ask.Cancel = true;
            over.Cancel();
        };
        // Whoever has started us holds our input open for as long as it lives.
        if (said.ContainsKey("until-eof")) _ = Task.Run(() => EndOfInput(over));
        string folder = Directory.CreateTempSubdirectory("gc-live-").FullName;
        try
        {
            if (said.ContainsKey("load"))
            {
                return await LoadAsync(new LoadSettings
                {
                    Length = TimeSpan.FromMinutes(Number(said, "minutes", 3)),
                    Clients = (int)Number(said, "clients", 1000),
                    Rate = Number(said, "rate", 300),
                    Assets = (int)Number(said, "assets", 5000),
                    Seed = (int)Number(said, "seed", 1),
                }, folder, output, over.Token);
            }
            return await LiveAsync(new LiveSettings
            {
                Length = TimeSpan.FromMinutes(Number(said, "minutes", 3)),
                Seed = (int)Number(said, "seed", 1),
                Viewers = (int)Number(said, "viewers", 50),
                Clients = (int)Number(said, "clients", 3),
                Only = said.GetValueOrDefault("only", ""),
                FaultEvery = TimeSpan.FromSeconds(Number(said, "every", 5)),
            }, folder, output, over.Token);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task<int> LiveAsync(LiveSettings settings, string folder, TextWriter output, CancellationToken ct)
    {
        await using Town town = await Town.StartAsync(settings, folder, TimeProvider.System);
        await town.RunAsync(ct);
        await town.EndAsync();
        await output.WriteAsync(LiveReport.Of(town, settings));
        await output.FlushAsync(CancellationToken.None);
        return town.Book.BrokenCount > 0 ? 1 : 0;
    }

    private static async Task<int> LoadAsync(LoadSettings settings, string folder, TextWriter output, CancellationToken ct)
    {
        await using var run = new LoadRun(settings, folder, TimeProvider.System);
        await run.StartAsync(ct);
        await run.RunAsync(ct);
        await output.WriteAsync(LoadReport.Of(run, settings));
        await output.FlushAsync(CancellationToken.None);
        return run.Wrong > 0 || run.Soak.Grown().Count > 0 ? 1 : 0;
    }

    private static void EndOfInput(CancellationTokenSource over)
    {
        while (Console.In.Read() >= 0)
        {
            // Nothing that is said here means anything.
        }
        over.Cancel();
    }

    private static double Number(Dictionary<string, string> said, string name, double usual) => said.TryGetValue(name, out string? text) ? double.Parse(text, CultureInfo.InvariantCulture) : usual;

    private static bool TryRead(string[] args, out Dictionary<string, string> said)
    {
        said = [];
        string[] words = ["live", "load", "until-eof"], texts = ["only"], numbers = ["minutes", "seed", "viewers", "clients", "every", "rate", "assets"];
        for (int i = 0; i < args.Length; i++)
        {
            if (!args[i].StartsWith("--", StringComparison.Ordinal)) return false;
            string name = args[i][2..];
            if (words.Contains(name)) said[name] = "";
            else if (numbers.Contains(name) && i + 1 < args.Length && double.TryParse(args[i + 1], CultureInfo.InvariantCulture, out _)) said[name] = args[++i];
            else if (texts.Contains(name) && i + 1 < args.Length) said[name] = args[++i];
            else return false;
        }
        return true;
    }

    private static TextWriter Output()
    {
#pragma warning disable RS0030 // This is the program's terminal.
        return Console.Out;
#pragma warning restore RS0030
    }
}
