using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Assets;

/// <summary>Where one asset request may be answered from, and which grid's assets those are.</summary>
/// <param name="Scope">
/// Pieces and identical requests are joined only within one scope, compared by reference: a session, or one static object for
/// each of asset-only, web proxy and CDN host.
/// </param>
/// <param name="GridId">
/// Completes when the region has told its grid; never faults. Until then requests go upstream, and the asset's key is fixed when it arrives.
/// </param>
/// <param name="Origins">
/// Called at request time: the cap to ask first, then the current root region's cap if that is another one. The second is asked
/// once when the first answers 403, 404 or 410, or cannot be reached (PROTOCOL §3.7).
/// </param>
/// <param name="Hold">Completes when <paramref name="GridId"/> does, or has been waited for long enough; never faults. Null: nothing is waited for.</param>
/// <param name="Place">The region the viewer is in, compared by reference; null: nobody knows.</param>
internal sealed record AssetSource(object Scope, Task<string> GridId, Func<AssetType, IReadOnlyList<Uri>> Origins, Task? Hold = null, object? Place = null)
{
    /// <summary>The virtual world, once it is known.</summary>
    public string? World => GridId.IsCompletedSuccessfully ? GridId.Result : null;
}
