using GlobalCache.Client.Assets;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// What every whole asset passes on its way into the store, whichever way it came: its structure, the exclusions, the stand-in pictures
/// (PROTOCOL §7.4, §7.5). One at a time, so that a viewer's arrival does not keep every processor busy with checking.
/// </summary>
internal sealed class AssetIntake(AssetStore store, Exclusions exclusions, StandInPictures standIns, ILogger log) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);

    public StandInPictures StandIns { get; } = standIns;

    /// <inheritdoc cref="Exclusions.Told"/>
    public Action<Guid>? Excluded
    {
        set => exclusions.Told = value;
    }

    public bool IsExcluded(AssetType type, Guid id) => type == AssetType.Texture && exclusions.Contains(id);

    /// <summary>False: not kept, for a reason that will not go away by itself. Stops, and keeps nothing, with <paramref name="stop"/>.</summary>
    public async Task<bool> KeepAsync(string gridId, AssetType type, Guid id, byte[] plain, CancellationToken stop)
    {
        await _one.WaitAsync(stop);
        try
        {
            string? reason = Refusal(type, id, plain);
            if (reason is null && type == AssetType.Texture && id == StandInPictures.MissingImage) StandIns.Settle(gridId);
            if (reason is null && !await store.PutAsync(new AssetKey(gridId, type, id), plain, stop)) reason = "refused by the store";
            if (reason is not null) Log.NotKept(log, type.Name(), plain.Length, reason);
            return reason is null;
        }
        finally
        {
            _one.Release();
        }
    }

    /// <summary>Baked, or a stand-in picture: nothing that is another's to give.</summary>
    public bool Refuses(AssetType type, Guid id, byte[] plain) => IsExcluded(type, id) || StandIns.Refuses(type, id, plain);

    public void Dispose() => _one.Dispose();

    private string? Refusal(AssetType type, Guid id, byte[] plain)
    {
        StructureResult structure = AssetStructure.Check(type, plain);
        return structure.Verdict == StructureVerdict.Invalid ? structure.Reason
            : IsExcluded(type, id) ? "a baked texture"
            : StandIns.Refuses(type, id, plain) ? "a stand-in picture"
            : null;
    }
}
