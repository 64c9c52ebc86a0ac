using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Imports;

/// <summary>A folder of assets, and of the folders in it.</summary>
internal static class AssetFolder
{
    // A link may lead anywhere, and round in circles.
    private static readonly EnumerationOptions s_all = new() { RecurseSubdirectories = true, IgnoreInaccessible = true, AttributesToSkip = FileAttributes.ReparsePoint };

    /// <summary>Every file whose name is an asset's.</summary>
    /// <exception cref="IOException">The folder cannot be read.</exception>
    public static IEnumerable<FoundFile> Look(string folder) =>
        new DirectoryInfo(folder).EnumerateFiles("*", s_all).Where(f => ImportName.Read(f.Name) is not null).Select(f => new FoundFile(f.FullName, f.Length, f.LastWriteTimeUtc));

    /// <summary>One of them; null: it is gone, or cannot be read.</summary>
    public static async Task<ImportedAsset?> ReadAsync(string path, CancellationToken ct)
    {
        if (ImportName.Read(path) is not { } asset) return null;
        try
        {
            await using FileStream file = File.OpenRead(path);
            byte[] plain = file.Length <= asset.Type.MaxBytes() ? new byte[file.Length] : [];
            await file.ReadExactlyAsync(plain, ct);
            return new ImportedAsset(Path.GetFileName(path), asset.Type, asset.Id, plain);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
