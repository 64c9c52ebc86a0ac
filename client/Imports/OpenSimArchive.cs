using System.Formats.Tar;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Imports;

/// <summary>
/// The assets of an OpenSimulator archive (OAR of a region, IAR of an inventory), which is a tar file, as a rule under gzip, with the assets in its folder <c>assets</c>.
/// Read from the first byte to the last, one asset in memory at a time, so that it may be of any size.
/// </summary>
internal static class OpenSimArchive
{
    private const string Folder = "assets/";

    /// <exception cref="IOException">It cannot be read.</exception>
    /// <exception cref="InvalidDataException">It is no such archive, or a damaged one; what came before is right.</exception>
    public static async IAsyncEnumerable<ImportedAsset> ReadAsync(Stream file, [EnumeratorCancellation] CancellationToken ct)
    {
        await using Stream tar = await IsGzipAsync(file, ct) ? new GZipStream(file, CompressionMode.Decompress, leaveOpen: true) : new BufferedStream(file);
        await using var reader = new TarReader(tar, leaveOpen: true);
        bool any = false;
        while (await NextAsync(reader, ct) is { } entry)
        {
            any = true;
            string name = entry.Name.StartsWith("./", StringComparison.Ordinal) ? entry.Name[2..] : entry.Name;
            if (entry.DataStream is not { } data || !name.StartsWith(Folder, StringComparison.Ordinal) || ImportName.Read(name) is not { } asset) continue;
            byte[] plain = entry.Length <= asset.Type.MaxBytes() ? new byte[entry.Length] : [];
            await ReadAsync(data, plain, ct);
            yield return new ImportedAsset(name[Folder.Length..], asset.Type, asset.Id, plain);
        }
        if (!any) throw new InvalidDataException("it is empty");
    }

    private static async Task<bool> IsGzipAsync(Stream file, CancellationToken ct)
    {
        byte[] magic = new byte[2];
        int read = await file.ReadAtLeastAsync(magic, magic.Length, throwOnEndOfStream: false, ct);
        file.Position = 0;
        return read == 2 && magic is [0x1f, 0x8b];
    }

    private static async Task<TarEntry?> NextAsync(TarReader reader, CancellationToken ct)
    {
        try
        {
            return await reader.GetNextEntryAsync(copyData: false, ct);
        }
        catch (Exception e) when (e is EndOfStreamException or FormatException or ArgumentException or OverflowException)
        {
            throw new InvalidDataException("it ends in the middle, or is damaged", e);
        }
    }

    private static async Task ReadAsync(Stream data, byte[] plain, CancellationToken ct)
    {
        try
        {
            await data.ReadExactlyAsync(plain, ct);
        }
        catch (EndOfStreamException e)
        {
            throw new InvalidDataException("it ends in the middle", e);
        }
    }
}
