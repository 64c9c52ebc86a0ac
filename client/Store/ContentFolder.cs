using System.Buffers.Binary;
using System.Text.RegularExpressions;

namespace GlobalCache.Client.Store;

/// <summary>
/// The store's folder: <c>lock</c>, <c>index.db</c>, <c>tmp/</c> for files being written, and <c>a/00</c> … <c>a/ff</c> with the sealed
/// assets, each named by 64 hex digits. Nothing else in the folder is ever touched.
/// </summary>
internal sealed partial class ContentFolder : IDisposable
{
    private readonly string _folder;
    private readonly string _temporary;
    private readonly string[] _shards = new string[256];
    private readonly FileStream _lock;
    private readonly bool _created;

    private ContentFolder(string folder, bool created, FileStream exclusive)
    {
        (_folder, _created, _lock) = (folder, created, exclusive);
        _temporary = Path.Combine(folder, "tmp");
        for (int i = 0; i < _shards.Length; i++) _shards[i] = Path.Combine(folder, "a", i.ToString("x2"));
    }

    /// <summary>The SQLite index's file.</summary>
    public string IndexPath => Path.Combine(_folder, "index.db");

    /// <summary>Makes the folder this process's own.</summary>
    /// <exception cref="StoreUnusableException">In use, or it cannot be created or written. Nothing is left behind.</exception>
    public static ContentFolder Open(string path)
    {
        string folder = Path.GetFullPath(path);
        bool created = !Directory.Exists(folder);
        try
        {
            PrivateFolder.Create(folder);
            FileStreamOptions own = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = FileShare.None };
            // In a folder that others can enter nobody else may take the lock.
            if (!OperatingSystem.IsWindows()) own.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            FileStream exclusive = new(Path.Combine(folder, "lock"), own);
            return new ContentFolder(folder, created, exclusive);
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            throw new StoreUnusableException($"The store folder {folder} is in use by another client: stop that one, or give this one its own with --store.", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            if (created) TryDeleteFolder(folder);
            throw new StoreUnusableException($"The store folder {folder} cannot be written: {e.Message} Make it writable, or give another with --store.", e);
        }
    }

    /// <summary>Creates the folders that are missing, and empties <c>tmp</c>: whatever lies there was never finished.</summary>
    public void Prepare()
    {
        PrivateFolder.Create(_temporary);
        PrivateFolder.Create(Path.Combine(_folder, "a"));
        foreach (string left in Directory.EnumerateFiles(_temporary)) File.Delete(left);
    }

    /// <summary>Puts a finished temporary file in its place.</summary>
    /// <exception cref="IOException">The file system refuses; the file stays where it was.</exception>
    public void Publish(ReadOnlySpan<byte> name)
    {
        PrivateFolder.Create(_shards[name[0]]);
        AtomicFile.Replace(TemporaryPathOf(name), PathOf(name));
    }

    /// <summary>Where the file of this name lies.</summary>
    public string PathOf(ReadOnlySpan<byte> name) => Path.Combine(_shards[name[0]], Convert.ToHexStringLower(name));

    /// <summary>A place to write a file of this name before it is renamed.</summary>
    public string TemporaryPathOf(ReadOnlySpan<byte> name) => Path.Combine(_temporary, Convert.ToHexStringLower(name));

    /// <summary>What the system says of a file, without the file's name.</summary>
    public static string Unnamed(string said) => FileName().Replace(said, "…");

    /// <summary>The asset's id: the first eight bytes of its file's name.</summary>
    public static ulong IdOf(ReadOnlySpan<byte> name) => BinaryPrimitives.ReadUInt64BigEndian(name);

    /// <summary>The ids of all files in one shard. Files whose names are not ours are left alone.</summary>
    public IEnumerable<(ulong Id, string Path)> Files(byte shard)
    {
        if (!Directory.Exists(_shards[shard])) yield break;
        byte[] name = new byte[32];
        foreach (string path in Directory.EnumerateFiles(_shards[shard]))
        {
            ReadOnlySpan<char> hex = Path.GetFileName(path.AsSpan());
            if (hex.Length == 64 && Convert.FromHexString(hex, name, out _, out _) == System.Buffers.OperationStatus.Done)
                yield return (IdOf(name), path);
        }
    }

    /// <summary>Deletes a file if it is there.</summary>
    /// <exception cref="IOException">It is there and stays.</exception>
    public static void Delete(string path)
    {
        try
        {
            File.Delete(path);
        }
        catch (Exception e) when ((e is IOException or UnauthorizedAccessException) && !File.Exists(path))
        {
            // Its folder is gone, or is none.
        }
    }

    /// <summary>Gives the folder free.</summary>
    public void Dispose() => _lock.Dispose();

    /// <summary>Gives the folder free after a failed start, as it was found.</summary>
    public void Abandon()
    {
        _lock.Dispose();
        if (_created) TryDeleteFolder(_folder);
    }

    private static void TryDeleteFolder(string folder)
    {
        try
        {
            if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // It cannot be written: then there is nothing of ours in it either.
        }
    }

    private static bool IsSharingViolation(IOException e) =>
        OperatingSystem.IsWindows() ? (e.HResult & 0xFFFF) is 32 or 33       // ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION
        : e.HResult is 11 or 35;                                            // EWOULDBLOCK: Linux, macOS

    [GeneratedRegex("[0-9a-f]{64}", RegexOptions.None, 1000)]
    private static partial Regex FileName();
}
