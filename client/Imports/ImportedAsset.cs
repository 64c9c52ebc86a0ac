using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Imports;

/// <summary>An asset as it lies in an archive or a folder.</summary>
/// <param name="Name">The file's.</param>
/// <param name="Type">What it is, by its name.</param>
/// <param name="Id">Its UUID.</param>
/// <param name="Plain">Its bytes; empty: larger than its type allows.</param>
internal sealed record ImportedAsset(string Name, AssetType Type, Guid Id, byte[] Plain);

/// <summary>What became of an import so far.</summary>
/// <param name="Sent">Assets the cache grid has taken.</param>
/// <param name="SentBytes">Their plain bytes.</param>
/// <param name="There">Assets it did not want: it has them already, or its owner has banned them.</param>
/// <param name="Faulty">Assets that are not what their name says, or that it refused.</param>
internal sealed record ImportTally(int Sent, long SentBytes, int There, int Faulty)
{
    public int Seen => Sent + There + Faulty;
}
