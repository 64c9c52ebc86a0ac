using System.Diagnostics;
using System.Globalization;

namespace GlobalCache.Bench.Serving;

/// <summary>
/// A program kept to one core: servers to one, load to the other, so that neither takes the other's turn. Time is that of the process and all it has
/// started, since nginx and Varnish work in children.
/// </summary>
internal sealed class PinnedProcess : IAsyncDisposable
{
    public const int ServersCore = 0, LoadsCore = 1;

    private const double TicksPerSecond = 100; // USER_HZ, fixed on Linux

    private readonly Process _process;

    private PinnedProcess(Process process) => _process = process;

    /// <summary>Whether the system has a program.</summary>
    public static bool Has(string program) => PathOf(program) is not null;

    public static PinnedProcess Start(int core, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo("taskset") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        foreach (string argument in (string[])["-c", core.ToString(CultureInfo.InvariantCulture), PathOf(program) ?? program, .. arguments]) start.ArgumentList.Add(argument);
        return new PinnedProcess(Process.Start(start)!);
    }

    /// <summary>This program with a verb of its own, under the runtime settings that the node ships with.</summary>
    public static PinnedProcess StartSelf(int core, params string[] arguments) => Start(core, "dotnet",
        ["exec", "--runtimeconfig", Path.Combine(AppContext.BaseDirectory, "globalcache-node.runtimeconfig.json"), typeof(PinnedProcess).Assembly.Location, .. arguments]);

    /// <summary>Waits for the line that says it is ready; what comes later is read and dropped, so that no pipe fills.</summary>
    public async Task<string> ReadyAsync(Func<string, bool> isReady)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        var said = new List<string>();
        while (await _process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
        {
            said.Add(line);
            if (!isReady(line)) continue;
            Drop();
            return line;
        }
        throw new InvalidOperationException($"A server did not start: {string.Join(" | ", said)} {await _process.StandardError.ReadToEndAsync(CancellationToken.None)}");
    }

    /// <summary>What it says is nobody's interest.</summary>
    public void Drop()
    {
        _ = _process.StandardOutput.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
        _ = _process.StandardError.BaseStream.CopyToAsync(Stream.Null, CancellationToken.None);
    }

    /// <summary>All it says until it ends.</summary>
    public async Task<string> OutputAsync()
    {
        Task<string> error = _process.StandardError.ReadToEndAsync();
        string output = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        return _process.ExitCode == 0 ? output : throw new InvalidOperationException($"{_process.StartInfo.ArgumentList[2]}: {await error}{output}");
    }

    /// <summary>User and system time spent so far, with all its children.</summary>
    public TimeSpan Cpu => TimeSpan.FromSeconds(Family().Sum(s => s.Ticks) / TicksPerSecond);

    /// <summary>Resident bytes.</summary>
    public long Resident => 1024 * long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1],
        CultureInfo.InvariantCulture);

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited) _process.Kill(entireProcessTree: true);
        await _process.WaitForExitAsync(CancellationToken.None);
        _process.Dispose();
    }

    private List<(int Id, int Parent, double Ticks)> Family()
    {
        List<(int Id, int Parent, double Ticks)> all = [.. Directory.EnumerateDirectories("/proc").Select(Read).OfType<(int, int, double)>()];
        List<(int Id, int Parent, double Ticks)> family = [all.First(s => s.Id == _process.Id)];
        for (int i = 0; i < family.Count; i++) family.AddRange(all.Where(s => s.Parent == family[i].Id));
        return family;
    }

    private static (int Id, int Parent, double Ticks)? Read(string folder)
    {
        if (!int.TryParse(Path.GetFileName(folder), CultureInfo.InvariantCulture, out int id)) return null;
        try
        {
            // The second field is the name in brackets and may hold blanks; counting starts after it.
            string stat = File.ReadAllText($"{folder}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return (id, int.Parse(fields[1], CultureInfo.InvariantCulture), double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture));
        }
        catch (IOException)
        {
            return null; // gone meanwhile
        }
    }

    private static string? PathOf(string program) => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(':').Append("/usr/sbin")
        .Select(folder => Path.Combine(folder, program)).FirstOrDefault(File.Exists);
}
