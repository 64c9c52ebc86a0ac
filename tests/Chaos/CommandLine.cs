using System.Globalization;
using GlobalCache.Chaos.World;

namespace GlobalCache.Chaos;

/// <summary>Runs seeds, and says what came of each.</summary>
internal static class CommandLine
{
    private const string Usage = """
        dotnet run -c Release --project tests/Chaos -- --seed N [--hours H] [--runs R] [--harshness X] [--trace FILE] [--log FILE]

          --seed N        what is left to chance follows from it; default 1
          --hours H       simulated hours of each run; default 10
          --runs R        so many seeds, from N on; default 1
          --harshness X   faults come so many times as often; 0: none; default 1
          --trace FILE    every event, a line each
          --log FILE      every line that the product logs

        With --live real processes for real minutes, with --load a thousand clients at three nodes: --live --help and --load --help tell more.
        """;

    /// <summary>Files in memory where the system has them: a store that waits for a disk would take most of a run's time.</summary>
    private const string Memory = "/dev/shm";

    public static async Task<int> RunAsync(string[] args)
    {
        if (args.Any(a => a is "--live" or "--load" or "--plan")) return await LiveProgram.RunAsync(args);
        TextWriter output = Output();
        if (!TryRead(args, out Dictionary<string, string> said))
        {
            await output.WriteLineAsync(Usage);
            return 2;
        }
        Pool.Demand();
        long seed = long.Parse(said.GetValueOrDefault("seed", "1"), CultureInfo.InvariantCulture), runs = long.Parse(said.GetValueOrDefault("runs", "1"), CultureInfo.InvariantCulture);
        double hours = double.Parse(said.GetValueOrDefault("hours", "10"), CultureInfo.InvariantCulture), harshness = double.Parse(said.GetValueOrDefault("harshness", "1"), CultureInfo.InvariantCulture);
        int broken = 0;
        var totals = new Totals();
        for (long i = seed; i < seed + runs; i++)
        {
            // All of it happens on the pool, whose one worker this thread is not.
            if (!await Task.Run(() => RunAsync(i, TimeSpan.FromHours(hours), harshness, said.GetValueOrDefault("trace"), said.GetValueOrDefault("log"), totals, output))) broken++;
        }
        if (runs > 1) await output.WriteLineAsync(string.Create(CultureInfo.InvariantCulture, $"{totals}; broken: {broken}"));
        return broken > 0 ? 1 : 0;
    }

    private static async Task<bool> RunAsync(long seed, TimeSpan span, double harshness, string? traceFile, string? logFile, Totals totals, TextWriter output)
    {
        string folder = Path.Combine(Directory.Exists(Memory) ? Memory : Path.GetTempPath(), "gc-chaos-" + Path.GetRandomFileName());
        Directory.CreateDirectory(folder);
        long begun = TimeProvider.System.GetTimestamp();
        using var trace = new Trace(traceFile);
        using var log = new ProductLog(logFile);
        try
        {
            var town = new Town(seed, folder, harshness, trace, log);
            try
            {
                await town.RunAsync(span);
                totals.Add(town);
                await output.WriteLineAsync(Report.Of(town, TimeProvider.System.GetElapsedTime(begun)));
                return true;
            }
            catch (BrokenPromiseException e)
            {
                foreach (string line in trace.Last) await output.WriteLineAsync(line);
                await output.WriteLineAsync($"seed {seed} BROKEN {e.Message}");
                return false;
            }
            finally
            {
                await town.CloseAsync();
            }
        }
        finally
        {
            await output.FlushAsync();
            Directory.Delete(folder, recursive: true);
        }
    }

    private static bool TryRead(string[] args, out Dictionary<string, string> said)
    {
        said = [];
        string[] known = ["seed", "hours", "runs", "harshness", "trace", "log"];
        for (int i = 0; i < args.Length; i += 2)
        {
            if (i + 1 == args.Length || !args[i].StartsWith("--", StringComparison.Ordinal) || !known.Contains(args[i][2..])) return false;
            said[args[i][2..]] = args[i + 1];
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
