using System.Globalization;

namespace GlobalCache.Live.Processes;

/// <summary>What one process holds at a moment.</summary>
/// <param name="Resident">Bytes of memory.</param>
/// <param name="Threads">Threads.</param>
/// <param name="Handles">Open files and sockets.</param>
/// <param name="Processor">Processor time so far.</param>
internal sealed record Held(long Resident, int Threads, int Handles, TimeSpan Processor);

/// <summary>Linux's own list of processes.</summary>
internal static class ProcessTable
{
    // The kernel counts in hundredths of a second on every system .NET runs on.
    private const double TicksPerSecond = 100;

    /// <summary>The live node processes whose grid lies in a folder, by member's name, whoever has started them.</summary>
    public static IReadOnlyDictionary<string, int> NodesOf(string gridFolder)
    {
        Dictionary<string, int> nodes = [];
        foreach ((int pid, string[] command) in All())
        {
            int member = Array.IndexOf(command, "--member");
            if (member > 0 && command[0] != "/bin/sh" && command.Contains(gridFolder)) nodes[command[member + 1]] = pid;
        }
        return nodes;
    }

    /// <summary>Live processes that name a folder in their command line.</summary>
    public static IReadOnlyList<int> In(string folder) => [.. All().Where(p => p.Pid != Environment.ProcessId && p.Command.Any(c => c.Contains(folder, StringComparison.Ordinal))).Select(p => p.Pid)];

    /// <summary>Null: there is no such process.</summary>
    public static Held? Look(int pid)
    {
        try
        {
            string stat = File.ReadAllText($"/proc/{pid}/stat");
            string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            if (fields[0] is "Z" or "X") return null;
            return new Held(
                Number(fields[21]) * Environment.SystemPageSize,
                (int)Number(fields[17]),
                Directory.GetFileSystemEntries($"/proc/{pid}/fd").Length,
                TimeSpan.FromSeconds((Number(fields[11]) + Number(fields[12])) / TicksPerSecond));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static IEnumerable<(int Pid, string[] Command)> All()
    {
        foreach (string process in Directory.EnumerateDirectories("/proc"))
        {
            if (!int.TryParse(Path.GetFileName(process), CultureInfo.InvariantCulture, out int pid)) continue;
            string[] command;
            try
            {
                command = File.ReadAllText(Path.Combine(process, "cmdline")).Split('\0');
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Gone while it was looked at.
                continue;
            }
            // What has ended and is not yet collected has no command line any more.
            if (command.Length > 1) yield return (pid, command);
        }
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
