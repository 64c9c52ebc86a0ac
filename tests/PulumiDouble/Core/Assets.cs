namespace Pulumi;

public abstract class AssetOrArchive
{
    private protected AssetOrArchive(string path) => Path = path;

    internal string Path { get; }
}

public sealed class FileAsset(string path) : AssetOrArchive(path);
