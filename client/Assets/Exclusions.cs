using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Assets;

/// <summary>
/// Textures that are never cached because they were seen baked onto an avatar: on OpenSim they come from the ordinary cap under
/// ordinary UUIDs, and live only as long as the outfit (PROTOCOL §7.4). Bounded; the longest unseen is forgotten. Thread-safe.
/// </summary>
internal sealed class Exclusions(AssetStore store, TimeProvider time)
{
    /// <summary>Fills the unbaked faces of every AvatarAppearance, and is an asset like any other.</summary>
    private static readonly Guid DefaultAvatarTexture = new("c228d1cf-4b5d-4ba8-84f4-899a0796aa97");

    // Eleven faces of six thousand avatars, in about 5 MB at the most.
    private readonly Recent<Guid, bool> _baked = new(65_536, Timeout.InfiniteTimeSpan, time);

    /// <summary>Told of every texture that turns out to be baked, on any thread, again for one that is known: what was to be done with it is not done.</summary>
    public Action<Guid>? Told { get; set; }

    public bool Contains(Guid texture) => _baked.TryGet(texture, out _);

    /// <summary>Excludes from now on, and drops what was stored before the texture was known to be baked. Idempotent.</summary>
    public void Add(Guid texture, params ReadOnlySpan<string> gridIds)
    {
        if (texture == Guid.Empty || texture == DefaultAvatarTexture) return;
        _baked.Set(texture, true);
        foreach (string gridId in gridIds) store.Drop(new AssetKey(gridId, AssetType.Texture, texture));
        Told?.Invoke(texture);
    }
}
