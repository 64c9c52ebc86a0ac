using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Client.Store;

/// <summary>
/// The key the local store is sealed under: 32 random bytes in <c>$XDG_CONFIG_HOME/globalcache/store.key</c>, outside the store's
/// folder, readable by its owner only (SECURITY §1, §2). A store without its key is noise.
/// </summary>
internal sealed class LocalKey
{
    private const int MaxGridKeys = 256;
    private const string Label = "globalcache-store-key-1";
    private readonly byte[] _sealKey;
    private readonly byte[] _nameKey;
    private readonly ConcurrentDictionary<string, byte[]> _gridKeys = new(StringComparer.Ordinal);

    /// <summary>A key from its 32 bytes: for tests; a client calls <see cref="Load"/>.</summary>
    public LocalKey(ReadOnlySpan<byte> sealKey)
    {
        _sealKey = sealKey.ToArray();
        _nameKey = HKDF.Expand(HashAlgorithmName.SHA256, _sealKey, SealKeys.Length, "name"u8.ToArray());
        Fingerprint = HKDF.Expand(HashAlgorithmName.SHA256, _sealKey, 16, "fingerprint"u8.ToArray());
    }

    /// <summary>16 bytes by which a store knows its key; they tell nothing about it.</summary>
    public byte[] Fingerprint { get; }

    /// <summary><c>$XDG_CONFIG_HOME/globalcache/store.key</c>, or the system's place for a program's settings.</summary>
    public static string DefaultPath() => Path.Combine(
        Environment.GetFolderPath(
            OperatingSystem.IsWindows() ? Environment.SpecialFolder.LocalApplicationData : Environment.SpecialFolder.ApplicationData,
            Environment.SpecialFolderOption.DoNotVerify),
        "globalcache", "store.key");

    /// <summary>Reads the key file, creating it first if there is none.</summary>
    /// <exception cref="StoreUnusableException">Readable or writable by others, damaged, or impossible to read or create.</exception>
    public static LocalKey Load(string path)
    {
        try
        {
            for (int attempt = 0; ; attempt++)
            {
                if (File.Exists(path)) return Read(path);
                if (Directory.Exists(path)) throw new StoreUnusableException($"The store key {path} is a folder: move it away and start again.");
                if (attempt == 2) throw new StoreUnusableException($"The store key {path} cannot be created: is the folder a normal one?");
                Create(path);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StoreUnusableException($"The store key {path} cannot be read or created: {e.Message}", e);
        }
    }

    /// <summary>K_grid of one grid under this key. Kept: a session asks the same few grids over and over.</summary>
    public byte[] GridKey(string gridId)
    {
        if (_gridKeys.TryGetValue(gridId, out byte[]? key)) return key;
        if (_gridKeys.Count >= MaxGridKeys) _gridKeys.Clear();
        return _gridKeys[gridId] = SealKeys.DeriveGridKey(_sealKey, gridId);
    }

    /// <summary>The 32 bytes whose hex is an asset's file name: whoever sees the folder cannot tell which assets are held.</summary>
    public void NameOf(ReadOnlySpan<byte> encodedKey, Span<byte> name) => HMACSHA256.HashData(_nameKey, encodedKey, name);

    /// <summary>A key for something else that is kept beside the store and must not tell more than it does.</summary>
    public byte[] Derive(string purpose) => HKDF.Expand(HashAlgorithmName.SHA256, _sealKey, SealKeys.Length, System.Text.Encoding.ASCII.GetBytes(purpose));

    private static LocalKey Read(string path)
    {
        using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        if (!OperatingSystem.IsWindows())
        {
            const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupWrite | UnixFileMode.GroupExecute
                | UnixFileMode.OtherRead | UnixFileMode.OtherWrite | UnixFileMode.OtherExecute;
            if ((File.GetUnixFileMode(file.SafeFileHandle) & others) != UnixFileMode.None)
                throw new StoreUnusableException($"The store key {path} can be read or changed by other users: run \"chmod 600 {path}\" and start again.");
        }
        string text = "";
        if (file.Length <= 256)
        {
            using StreamReader reader = new(file);
            text = reader.ReadToEnd();
        }
        string[] parts = text.Split(' ');
        if (parts.Length == 3 && parts[0] == Label && parts[1].Length == 2 * SealKeys.Length && parts[1].All(char.IsAsciiHexDigitLower)
            && Convert.FromHexString(parts[1]) is var key && parts[2] == Check(key) + "\n")
            return new LocalKey(key);
        if (text.StartsWith(Label[..^1], StringComparison.Ordinal) && parts[0] != Label)
            throw new StoreUnusableException($"The store key {path} is another version's, or damaged: run the version that wrote it, or put back a copy of it.");
        throw new StoreUnusableException(
            $"The store key {path} is damaged: put back a copy of it, or delete it together with the store folder, which is unreadable without it.");
    }

    /// <summary>
    /// Writes a new key beside its place and renames it there. The exclusive handle on the new file is also the lock between two
    /// clients that start at the same moment: only its holder may find the place empty and fill it.
    /// </summary>
    private static void Create(string path)
    {
        string folder = Path.GetDirectoryName(Path.GetFullPath(path))!, fresh = path + ".new";
        PrivateFolder.Create(folder);
        // Exclusive on both; only Windows must be told that an open file may be renamed.
        FileShare share = OperatingSystem.IsWindows() ? FileShare.Delete : FileShare.None;
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.ReadWrite, Share = share };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using FileStream file = new(fresh, options);
        if (File.Exists(path)) return;
        // What a killed start left behind may have any mode and content.
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(file.SafeFileHandle, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        byte[] key = RandomNumberGenerator.GetBytes(SealKeys.Length);
        file.SetLength(0);
        file.Write(System.Text.Encoding.ASCII.GetBytes($"{Label} {Convert.ToHexStringLower(key)} {Check(key)}\n"));
        file.Flush(flushToDisk: true);
        AtomicFile.Replace(fresh, path);
    }

    private static string Check(ReadOnlySpan<byte> key) => Convert.ToHexStringLower(SHA256.HashData(key).AsSpan(0, 4));
}
