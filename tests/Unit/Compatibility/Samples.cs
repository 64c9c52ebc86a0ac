using System.Security.Cryptography;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Compatibility;

/// <summary>The frozen samples: what an earlier version has stored and sent, and what is known of it.</summary>
internal static class Samples
{
    public const string World = "login.example.org:8002", Authority = "assets.example.org", Host = "nodes.example.org";

    /// <summary>When they were made, by the clock of those who made them: sessions and signed words are good for a while only.</summary>
    public static readonly DateTimeOffset Then = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    /// <summary>Under what the assets in <c>sealed</c> were sealed.</summary>
    public static byte[] SealKey { get; } = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    /// <summary>Where one lies.</summary>
    public static string PathOf(string name) => Path.Combine(Repository.Root, "tests", "Unit", "Compatibility", "Samples", "v1", name);

    public static byte[] Read(string name) => File.ReadAllBytes(PathOf(name));

    public static AssetKey KeyOf(AssetType type) => new(World, type, Guid.Parse($"6c0ca000-0000-4000-8000-0000000000{(byte)type:x2}"));

    /// <summary>The plain bytes of the sample asset of a type, as they lie in <c>sealed</c>.</summary>
    public static byte[] PlainOf(AssetType type) => Read($"sealed/{type.Name()}.plain");

    /// <summary>New bytes for the same.</summary>
    public static byte[] Make(AssetType type) => type switch
    {
        AssetType.Texture => SyntheticAssets.Texture(1, 700, 8, 8),
        AssetType.Sound => SyntheticAssets.Sound(1, 900),
        AssetType.Animation => SyntheticAssets.Animation(1, 6),
        _ => SyntheticAssets.Mesh(1, 2500),
    };

    /// <summary>Copies a folder of samples to where it may be written, as private as its programs demand.</summary>
    public static void Copy(string name, string folder)
    {
        string from = PathOf(name);
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string to = Path.Combine(folder, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
            if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(to, UnixFileMode.UserRead | UnixFileMode.UserWrite);
        }
        if (OperatingSystem.IsWindows()) return;
        foreach (string sub in Directory.EnumerateDirectories(folder, "*", SearchOption.AllDirectories).Append(folder))
            File.SetUnixFileMode(sub, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>All that lies in a folder, but for locks and what is half written: a line a file, with its hash.</summary>
    public static string[] Look(string folder) =>
    [
        .. Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Where(f => Path.GetRelativePath(folder, f) is var at && Path.GetFileName(at) != "lock" && !at.Split('/', '\\').Contains("lock"))
            .Order(StringComparer.Ordinal).Select(f => $"{Path.GetRelativePath(folder, f)} {Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(f)))}"),
    ];
}
