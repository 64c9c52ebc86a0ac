using GlobalCache.Chaos.Parts;
using GlobalCache.Chaos.World;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Chaos.Invariants;

/// <summary>
/// <c>NothingWrongPublished</c>: whatever is written under <c>a/</c> is the sealed truth of a shared world's asset, or a tombstone. However many liars there are, as
/// long as no two of different people agree on a lie.
/// </summary>
internal sealed class StorePromises
{
    public const string NothingWrongPublished = nameof(NothingWrongPublished);

    private const int TombstoneLength = 8;

    private readonly Promises _promises;
    private readonly Assets _assets;
    private readonly Founding _founding;
    private readonly Dictionary<string, AssetKey> _names = new(StringComparer.Ordinal);

    public StorePromises(Promises promises, Assets assets, Founding founding, Bucket bucket)
    {
        (_promises, _assets, _founding) = (promises, assets, founding);
        assets.Made = key =>
        {
            if (key.GridId == Assets.Home) _names[founding.Keys.NameOf(key)] = key;
        };
        bucket.Wrote = Wrote;
    }

    /// <summary>Blobs and tombstones written.</summary>
    public long Published { get; private set; }

    public long Withdrawn { get; private set; }

    private void Wrote(string name, ReadOnlyMemory<byte> bytes)
    {
        if (!name.StartsWith("a/", StringComparison.Ordinal)) return;
        if (bytes.Length == TombstoneLength)
        {
            Withdrawn++;
            return;
        }
        Published++;
        _promises.Check(NothingWrongPublished, IsTruth(name[2..], bytes.Span), () => $"{name}, {bytes.Length} bytes");
    }

    private bool IsTruth(string name, ReadOnlySpan<byte> bytes) => _names.TryGetValue(name, out AssetKey key)
        && SealedAsset.OpenWithGridKey(key, bytes, _founding.Keys.GridKey(1, key.GridId)!, out byte[] plain) == SealFault.None && plain.AsSpan().SequenceEqual(_assets.Of(key));
}
