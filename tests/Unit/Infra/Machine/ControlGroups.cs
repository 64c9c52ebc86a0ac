namespace GlobalCache.Tests.Infra.Machine;

/// <summary>Control groups for machines: each systemd manages one of its own, below this process's, and none is left.</summary>
internal sealed class ControlGroups
{
    private readonly List<string> _given = [];

    /// <summary>Where this process is in the second version's hierarchy; null: there is none that may be written.</summary>
    public static string? Own { get; } = Find();

    /// <summary>A group for a machine, for it to make.</summary>
    public string Name(string of)
    {
        string name = Path.Combine(Own!, $"{of}-{_given.Count + 1}");
        _given.Add(name);
        return name;
    }

    /// <summary>Removes what the machines have left, once their processes have ended.</summary>
    public void Delete()
    {
        foreach (string group in _given.Where(Directory.Exists))
        {
            // The deepest first; a group's files go with it.
            foreach (string folder in Directory.EnumerateDirectories(group, "*", SearchOption.AllDirectories).OrderByDescending(f => f.Length).Append(group).ToList()) Directory.Delete(folder);
        }
    }

    private static string? Find()
    {
        if (!OperatingSystem.IsLinux()) return null;
        string? at = File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')).FirstOrDefault(f => f[2] == "cgroup2" && f[3].Split(',').Contains("rw"))?[1];
        string? own = File.ReadLines("/proc/self/cgroup").FirstOrDefault(l => l.StartsWith("0::", StringComparison.Ordinal))?[3..];
        return at is null || own is null ? null : Path.Join(at, own);
    }
}
