using System.Collections.Concurrent;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Sealing;

/// <summary>
/// The zstd dictionaries that sealed assets may be written with, by the number in their inner header. A number is for good: what was sealed with it must open for
/// ever, so a better dictionary gets the next one. Made by <c>tests/Bench -- train</c>. Sounds have none: their bytes are coded already (docs/BENCHMARKS.md).
/// </summary>
internal static class SealDictionaries
{
    public const byte None = 0, Animation1 = 1;

    private static readonly string[] s_files = ["", "animation-1.zdict"];
    private static readonly ConcurrentDictionary<byte, byte[]> s_read = new();

    /// <summary>What an asset of this type is written with.</summary>
    public static byte For(AssetType type) => type == AssetType.Animation ? Animation1 : None;

    /// <summary>Whether this version can read it.</summary>
    public static bool IsKnown(byte dictionary) => dictionary < s_files.Length;

    /// <summary>The dictionary's bytes. Not to be changed.</summary>
    public static byte[] Read(byte dictionary) => s_read.GetOrAdd(dictionary, static number =>
    {
        using Stream stream = typeof(SealDictionaries).Assembly.GetManifestResourceStream(s_files[number])!;
        byte[] bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
    });
}
