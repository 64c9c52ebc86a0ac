namespace GlobalCache.Client.Store;

/// <summary>Files that are either wholly there or not: written beside their place, flushed, renamed.</summary>
internal static class AtomicFile
{
    /// <summary>Renames a finished file over <paramref name="path"/>, on one file system. Readers see the old or the new one, whole.</summary>
    /// <exception cref="IOException">The file system refuses; the old file is untouched.</exception>
    public static void Replace(string finished, string path)
    {
#pragma warning disable RS0030 // overwrite: true is one rename(2); only overwrite: false is banned for what it does not do.
        File.Move(finished, path, overwrite: true);
#pragma warning restore RS0030
    }

    /// <summary>Writes <paramref name="bytes"/> to <paramref name="path"/>; on Unix only its owner may read it.</summary>
    /// <param name="path">Its place.</param>
    /// <param name="bytes">All of it.</param>
    /// <param name="flush">False: a crash of the machine may undo it or leave it empty; one of the process may not.</param>
    /// <exception cref="IOException">Disk full and the like; nothing is left behind.</exception>
    public static void Write(string path, ReadOnlySpan<byte> bytes, bool flush = true)
    {
        string fresh = path + ".new";
        try
        {
            FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.Write, Share = FileShare.None };
            if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            using (FileStream file = new(fresh, options))
            {
                file.Write(bytes);
                file.Flush(flushToDisk: flush);
            }
            Replace(fresh, path);
        }
        catch
        {
            File.Delete(fresh);
            throw;
        }
    }
}
