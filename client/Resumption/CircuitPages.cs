using System.Buffers.Binary;
using System.IO.MemoryMappedFiles;
using System.Security.Cryptography;
using GlobalCache.Client.Circuits;

namespace GlobalCache.Client.Resumption;

/// <summary>
/// Where the hot part of the sessions lies: files in memory (tmpfs) that outlive the process but not the machine. Nothing in them names anybody: when
/// this client was last alive, and each circuit's numbers.
/// </summary>
/// <param name="folder">A folder in memory.</param>
/// <param name="name">Begins their names; random, so that other users' and other clients' do not collide and cannot be foretold.</param>
internal sealed class CircuitPages(string folder, string name)
{
    /// <summary>Circuits beyond so many are not resumed; each page takes 140 KB of memory while its circuit is open.</summary>
    public const int MaxPages = 128;

    private const string Prefix = "globalcache-";

    private int _pages;

    /// <summary>As the record has it.</summary>
    public string Name { get; } = name;

    private string Alive => Path.Combine(folder, Name);

    /// <summary>The session's own runtime folder, else the machine's shared memory; null where there is neither.</summary>
    public static string? Folder()
    {
        string? own = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        return !string.IsNullOrEmpty(own) && Directory.Exists(own) ? own : Directory.Exists("/dev/shm") ? "/dev/shm" : null;
    }

    public static string NewName() => Prefix + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    public static bool IsName(string name) => name.StartsWith(Prefix, StringComparison.Ordinal) && name.Length == Prefix.Length + 32
        && name.Skip(Prefix.Length).All(char.IsAsciiHexDigitLower);

    /// <summary>This client lives. Eight bytes in memory, no disk.</summary>
    /// <exception cref="IOException">The memory is full.</exception>
    public void Beat(TimeSpan up)
    {
        FileStreamOptions options = new() { Mode = FileMode.OpenOrCreate, Access = FileAccess.Write, Share = FileShare.ReadWrite, BufferSize = 0 };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using FileStream file = new(Alive, options);
        Span<byte> ticks = stackalloc byte[8];
        BinaryPrimitives.WriteInt64LittleEndian(ticks, up.Ticks);
        file.Write(ticks);
    }

    /// <summary>When the client whose pages these are was last alive, as time since the boot.</summary>
    public TimeSpan? LastBeat()
    {
        try
        {
            byte[] ticks = File.Exists(Alive) && new FileInfo(Alive).Length == 8 ? File.ReadAllBytes(Alive) : [];
            return ticks.Length == 8 ? new TimeSpan(BinaryPrimitives.ReadInt64LittleEndian(ticks)) : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    /// <summary>A page for the circuit behind this loopback port; null where there is no room for it. To be given back by <see cref="Remove"/>.</summary>
    public CircuitPage? Create(int port)
    {
        if (Interlocked.Increment(ref _pages) <= MaxPages)
        {
            try
            {
                FileStreamOptions options = new() { Mode = FileMode.Create, Access = FileAccess.ReadWrite, Share = FileShare.ReadWrite | FileShare.Delete, BufferSize = 0 };
                if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
                using FileStream file = new(PathOf(port), options);
                // Written, not only made long: memory that turns out not to be there when it is first touched would end the process.
                file.Write(new byte[CircuitPage.Size]);
                return Map(file);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // Without a page a circuit is as good, but for being resumed.
            }
        }
        Remove(port);
        return null;
    }

    /// <summary>The page the client before this one had for the circuit behind this port; null if there was none.</summary>
    public CircuitPage? Find(int port)
    {
        try
        {
            if (!File.Exists(PathOf(port))) return null;
            Interlocked.Increment(ref _pages);
            using FileStream file = new(PathOf(port), FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite | FileShare.Delete, 0);
            if (file.Length == CircuitPage.Size) return Map(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // As if there were none.
        }
        Remove(port);
        return null;
    }

    /// <summary>The circuit is over.</summary>
    public void Remove(int port)
    {
        Interlocked.Decrement(ref _pages);
        try
        {
            File.Delete(PathOf(port));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Gone with the boot.
        }
    }

    /// <summary>Removes all of them.</summary>
    public void Clear()
    {
        try
        {
            foreach (string file in Directory.EnumerateFiles(folder, Name + "*")) File.Delete(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // They are gone with the boot.
        }
    }

    private static CircuitPage Map(FileStream file)
    {
        using var map = MemoryMappedFile.CreateFromFile(file, null, CircuitPage.Size, MemoryMappedFileAccess.ReadWrite, HandleInheritability.None, leaveOpen: true);
        return new CircuitPage(map.CreateViewAccessor(0, CircuitPage.Size).SafeMemoryMappedViewHandle);
    }

    private string PathOf(int port) => Path.Combine(folder, $"{Name}-{port}");
}
