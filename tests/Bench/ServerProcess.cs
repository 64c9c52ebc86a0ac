using System.Diagnostics;
using System.Globalization;

namespace GlobalCache.Bench;

/// <summary>A server under measurement runs as a process of its own, so that its CPU and memory are its alone.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private const double TicksPerSecond = 100; // USER_HZ, fixed on Linux
    private readonly Process running;

    private ServerProcess(Process running, string ready) => (this.running, Ready) = (running, ready);

    /// <summary>The output line that said the server listens.</summary>
    public string Ready { get; }

    public static async Task<ServerProcess> StartAsync(
        string assembly, IEnumerable<string> arguments, Func<string, bool> isReady, params (string Name, string Value)[] environment)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Path.Combine(AppContext.BaseDirectory, assembly));
        foreach (string argument in arguments) start.ArgumentList.Add(argument);
        foreach ((string name, string value) in environment) start.Environment[name] = value;
        Process process = Process.Start(start)!;
        var said = new List<string>();
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        try
        {
            while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                said.Add(line);
                if (!isReady(line)) continue;
                // Whatever it says later must not fill the pipe.
                _ = process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                _ = process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
                return new ServerProcess(process, line);
            }
        }
        catch (OperationCanceledException)
        {
            process.Kill();
        }
        string error = await process.StandardError.ReadToEndAsync(CancellationToken.None);
        throw new InvalidOperationException($"{assembly} did not start: {string.Join(" | ", said)} {error}");
    }

    /// <summary>User and system time spent so far.</summary>
    public TimeSpan Cpu
    {
        get
        {
            // The second field is the name in brackets and may hold blanks; counting starts after it.
            string stat = File.ReadAllText($"/proc/{running.Id}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            double ticks = double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture);
            return TimeSpan.FromSeconds(ticks / TicksPerSecond);
        }
    }

    /// <summary>Resident memory in bytes.</summary>
    public long Resident
    {
        get
        {
            string line = File.ReadLines($"/proc/{running.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal));
            return 1024 * long.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
        }
    }

    public async ValueTask DisposeAsync()
    {
        if (!running.HasExited) running.Kill();
        await running.WaitForExitAsync(CancellationToken.None);
        running.Dispose();
    }
}
