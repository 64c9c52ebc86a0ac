using GlobalCache.Office.Serving;

namespace GlobalCache.Master.Fleets;

/// <summary>Where the node's program lies: beside the master's where both were published, or where both were built.</summary>
internal static class NodeProgram
{
    private const string Name = "globalcache-node";

    /// <summary>What it is started with.</summary>
    /// <exception cref="CannotStartException">It is nowhere.</exception>
    public static IReadOnlyList<string> Find(string folder)
    {
        // Built: artifacts/bin/GlobalCache.Node/debug beside artifacts/bin/GlobalCache.Master/debug.
        string full = Path.GetFullPath(folder).TrimEnd(Path.DirectorySeparatorChar);
        string built = Path.Combine(full, "..", "..", "GlobalCache.Node", Path.GetFileName(full));
        foreach (string place in new[] { Path.GetFullPath(built), Path.Combine(full, "node"), full })
        {
            string program = Path.Combine(place, OperatingSystem.IsWindows() ? Name + ".exe" : Name), library = Path.Combine(place, Name + ".dll");
            if (File.Exists(program)) return [program];
            if (File.Exists(library)) return ["dotnet", library];
        }
        throw new CannotStartException($"The node's program ({Name}) lies neither beside the master's nor where it would be built: build the whole solution, or start nodes yourself and name them with --nodes.");
    }
}
