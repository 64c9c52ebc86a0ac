namespace GlobalCache.Client.Store;

/// <summary>Folders that on Unix only their owner can enter.</summary>
internal static class PrivateFolder
{
    /// <summary>Creates it 0700; leaves one alone that is there.</summary>
    public static void Create(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }
}
