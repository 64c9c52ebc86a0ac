using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Ingest;

/// <summary>What became of bytes that were sent, and a phrase that says why not, without any of them.</summary>
internal readonly record struct Received(Upload Upload, string Fault = "")
{
    /// <summary>They are no valid asset of their type.</summary>
    public bool IsInvalid => Fault.Length > 0;
}

/// <summary>
/// Takes in the agreed bytes of an asset (SECURITY §4): the node itself checks structure and hash, compresses where it saves, and seals with
/// the newest key for the record's epoch. Idempotent.
/// </summary>
internal sealed class UploadIntake(GridKeys keys, Ledger ledger, IngestRules rules)
{
    /// <exception cref="StoreTroubleException">Not known whether they are stored; to be repeated.</exception>
    public async Task<Received> PutAsync(AssetKey key, ReadOnlyMemory<byte> plain, CancellationToken ct)
    {
        string name = keys.NameOf(key);
        if (rules.Grid(key.GridId) is null || rules.Bans().Contains(name)) return new Received(Upload.NotAgreed);
        StructureResult structure = AssetStructure.Check(key.Type, plain.Span);
        // An incomplete texture may be a truncated one: it is never shared.
        if (structure.Verdict != StructureVerdict.Valid) return new Received(Upload.NotAgreed, structure.Reason);
        return new Received(await ledger.PutAsync(name, plain, epoch => Seal(key, plain.Span, epoch), ct));
    }

    private byte[] Seal(AssetKey key, ReadOnlySpan<byte> plain, uint epoch) =>
        SealedAsset.Seal(key, plain, keys.GridKey(keys.Newest, key.GridId)!, keys.Newest, epoch, SealCompression.WhereItSaves);
}
