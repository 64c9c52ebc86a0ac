namespace GlobalCache.Office.Enrolment;

/// <summary>The data folder cannot be used: what a person is told, in one sentence.</summary>
internal sealed class GridUnusableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Files and folders that on Unix only their owner can read; a file is there whole or not at all.</summary>
internal static class PrivateFile
{
    private const UnixFileMode Owner = UnixFileMode.UserRead | UnixFileMode.UserWrite;
    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
        | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;

    /// <summary>Creates a folder 0700; leaves one alone that is there.</summary>
    public static void CreateFolder(string path)
    {
        if (OperatingSystem.IsWindows()) Directory.CreateDirectory(path);
        else Directory.CreateDirectory(path, Owner | UnixFileMode.UserExecute);
    }

    /// <summary>Replaces a file, or creates it.</summary>
    public static void Write(string path, ReadOnlySpan<byte> bytes)
    {
        using FileStream file = Begin(path);
        Finish(file, path, bytes);
    }

    /// <summary>
    /// Creates a file. Of several that do so at once one wins, and the others get false: the exclusive handle on the file beside it is the lock, and
    /// only its holder may find the place empty and fill it.
    /// </summary>
    /// <exception cref="IOException">Somebody else holds it at this moment, or the disk refuses.</exception>
    public static bool TryCreate(string path, Func<byte[]> content)
    {
        using FileStream file = Begin(path);
        if (File.Exists(path))
        {
            File.Delete(path + ".new");
            return false;
        }
        Finish(file, path, content());
        return true;
    }

    /// <summary>Reads a small file that must be its owner's alone.</summary>
    /// <exception cref="GridUnusableException">Others can read or change it.</exception>
    public static byte[] Read(string path, int most)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        if (!OperatingSystem.IsWindows() && (File.GetUnixFileMode(file.SafeFileHandle) & Others) != UnixFileMode.None)
            throw new GridUnusableException($"{path} can be read or changed by other users: run \"chmod 600 {path}\" and start again.");
        if (file.Length > most) return [];
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }

    private static FileStream Begin(string path)
    {
        // Exclusive on both; only Windows must be told that an open file may be renamed.
        FileShare share = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = Owner;
        FileStream file = new(path + ".new", options);
        // What a killed start left behind may have any mode and content.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, Owner);
        return file;
    }

    private static void Finish(FileStream file, string path, ReadOnlySpan<byte> bytes)
    {
        file.SetLength(0);
        file.Write(bytes);
        file.Flush(flushToDisk: true);
#pragma warning disable RS0030 // One rename(2): readers see the old or the new one, whole.
        File.Move(path + ".new", path, overwrite: true);
#pragma warning restore RS0030
    }
}
