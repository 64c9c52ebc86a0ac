using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;

namespace GlobalCache.Infra;

/// <summary>Node and master with all they need to run, packed as one file for the image.</summary>
/// <param name="Path">The file.</param>
/// <param name="Sha256">Its hash, hex.</param>
internal sealed record ImageArchive(string Path, string Sha256)
{
    /// <summary>Hashes a file.</summary>
    public static ImageArchive Of(string path)
    {
        using FileStream file = File.OpenRead(path);
        return new ImageArchive(path, Convert.ToHexStringLower(SHA256.HashData(file)));
    }

    /// <summary>
    /// Version of whatever is made from it. AWS' image parts are immutable and numbered, so the number follows the content: the revision first, then 56 bits of the hash (each
    /// part may have 30).
    /// </summary>
    public string Version(int revision)
    {
        byte[] hash = Convert.FromHexString(Sha256);
        uint high = BinaryPrimitives.ReadUInt32BigEndian(hash) >> 4, low = BinaryPrimitives.ReadUInt32BigEndian(hash.AsSpan(4)) >> 4;
        return string.Create(CultureInfo.InvariantCulture, $"{revision + 1}.{high}.{low}");
    }
}
