namespace GlobalCache.Client.Commands;

/// <summary>A viewer on this machine.</summary>
/// <param name="Name">As people call it.</param>
/// <param name="Program">What starts it.</param>
internal sealed record InstalledViewer(string Name, string Program);

/// <summary>Viewers that are found where their installers put them, or by their names on the PATH. Looks, and starts nothing.</summary>
internal static class InstalledViewers
{
    private static readonly (string Name, string[] Programs)[] s_byName =
    [
        ("Firestorm", ["firestorm", "firestorm-viewer"]), ("Second Life Viewer", ["secondlife", "secondlife-viewer"]), ("Alchemy", ["alchemy", "alchemy-viewer"]),
        ("Kokua", ["kokua"]), ("Cool VL Viewer", ["cool_vl_viewer", "coolvlviewer"]), ("Singularity", ["singularity"]), ("Dayturn", ["dayturn"]),
    ];

    /// <summary>Folders in which an installer makes one for the viewer, and the program within that.</summary>
    private static readonly (string Name, string Folder, string Program)[] s_linux =
    [
        ("Firestorm", "firestorm*", "firestorm"), ("Firestorm", "Firestorm*", "firestorm"), ("Firestorm", "Phoenix_Firestorm*", "firestorm"), ("Second Life Viewer", "secondlife*", "secondlife"), ("Second Life Viewer", "SecondLife*", "secondlife"),
        ("Alchemy", "alchemy*", "alchemy"), ("Kokua", "kokua*", "kokua"), ("Cool VL Viewer", "CoolVLViewer*", "cool_vl_viewer"), ("Singularity", "singularity*", "singularity"),
    ];

    private static readonly (string Name, string Folder, string Program)[] s_windows =
    [
        ("Firestorm", "Firestorm*", "Firestorm*.exe"), ("Second Life Viewer", "SecondLife*", "SecondLifeViewer.exe"), ("Alchemy", "Alchemy*", "Alchemy*.exe"),
        ("Kokua", "Kokua*", "Kokua*.exe"), ("Cool VL Viewer", "CoolVLViewer*", "CoolVLViewer.exe"), ("Singularity", "Singularity*", "Singularity*.exe"),
    ];

    private static readonly (string Name, string Folder, string Program)[] s_mac =
    [
        ("Firestorm", "Firestorm*.app", "Contents/MacOS/Firestorm"), ("Second Life Viewer", "Second Life*.app", "Contents/MacOS/Second Life Viewer"), ("Alchemy", "Alchemy*.app", "Contents/MacOS/Alchemy*"), ("Kokua", "Kokua*.app", "Contents/MacOS/Kokua*"),
    ];

    /// <summary>This machine's.</summary>
    public static IReadOnlyList<InstalledViewer> Find()
    {
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        (string[] folders, (string, string, string)[] known) =
            OperatingSystem.IsWindows() ? ((string[])[Environment.GetFolderPath(Environment.SpecialFolder.ProgramFiles), Environment.GetFolderPath(Environment.SpecialFolder.ProgramFilesX86)], s_windows)
            : OperatingSystem.IsMacOS() ? ((string[])["/Applications", Path.Combine(home, "Applications")], s_mac)
            : ((string[])["/opt", home, "/usr/local/share"], s_linux);
        return Find(folders, known, OperatingSystem.IsWindows() ? "" : Environment.GetEnvironmentVariable("PATH") ?? "");
    }

    /// <summary>Those below these folders, and on this path.</summary>
    public static IReadOnlyList<InstalledViewer> Find(IEnumerable<string> folders, IEnumerable<(string Name, string Folder, string Program)> known, string path)
    {
        var found = new List<InstalledViewer>();
        foreach (string folder in folders.Where(f => f.Length > 0 && Directory.Exists(f)))
        {
            foreach ((string name, string inside, string program) in known)
            {
                try
                {
                    foreach (string place in Directory.EnumerateDirectories(folder, inside))
                    {
                        string full = Path.Combine(place, program), where = Path.GetDirectoryName(full)!;
                        if (Directory.Exists(where) && Directory.EnumerateFiles(where, Path.GetFileName(full)).FirstOrDefault() is { } there) found.Add(new InstalledViewer(name, there));
                    }
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // Not ours to see.
                }
            }
        }
        foreach ((string name, string[] programs) in s_byName)
        {
            foreach (string program in programs)
                if (path.Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries).Any(folder => File.Exists(Path.Combine(folder, program)))) found.Add(new InstalledViewer(name, program));
        }
        return [.. found.DistinctBy(v => v.Program)];
    }

    /// <summary>For those who look for what is wrong.</summary>
    public static Finding Finding() => Find() is { Count: > 0 } found
        ? new Finding(Health.Good, "viewers", string.Join(", ", found.Select(v => $"{v.Name} ({v.Program})")) + ".")
        : new Finding(Health.Doubtful, "viewers", "None was found where installers put them.", "That does no harm: globalcache run takes any viewer's path.");
}
