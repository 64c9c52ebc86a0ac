using GlobalCache.Client.Assets;
using GlobalCache.Client.Caps;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Sessions;

/// <summary>
/// Which real URL answers an asset request, and whose grid that is. Viewers go on using the token of a region they have left
/// (PROTOCOL §3.7), so a token that outlives its region leads to the region the viewer is in now. The two are never mixed across grids:
/// what one grid serves must not be kept under the other's name.
/// </summary>
internal static class AssetOrigins
{
    private static readonly CapName[] AssetCaps = [CapName.ViewerAsset, CapName.GetTexture, CapName.GetMesh2, CapName.GetMesh];

    public static AssetSource For(Cap cap)
    {
        Region own = cap.Region;
        Region? root = cap.Session.Root;
        if (root is null || root == own) return new AssetSource(cap.Session, own.GridId, _ => [cap.Real], own.GridIdHold, own);
        if (own.IsGone && Of(root, AssetType.Texture) is not null)
            return new AssetSource(cap.Session, root.GridId, type => [Of(root, type) ?? cap.Real], root.GridIdHold, root);
        return new AssetSource(cap.Session, own.GridId, type =>
            SameGrid(own, root) && Of(root, type) is { } other && other != cap.Real ? [cap.Real, other] : [cap.Real], own.GridIdHold, root);
    }

    /// <summary>What the region itself has granted; null if that is nothing.</summary>
    public static AssetSource? For(Session session, Region region) => Of(region, AssetType.Texture) is null ? null
        : new AssetSource(session, region.GridId, type => Of(region, type) is { } cap ? [cap] : [], region.GridIdHold, session.Root ?? region);

    /// <summary>ViewerAsset serves everything; else the type's own; else any, since OpenSim serves all types from each (PROTOCOL §3.2).</summary>
    private static Uri? Of(Region region, AssetType type)
    {
        CapName[] own = type switch
        {
            AssetType.Texture => [CapName.ViewerAsset, CapName.GetTexture],
            AssetType.Mesh => [CapName.ViewerAsset, CapName.GetMesh2, CapName.GetMesh],
            _ => [CapName.ViewerAsset],
        };
        return own.Concat(AssetCaps).Select(region.Granted).FirstOrDefault(u => u is not null);
    }

    private static bool SameGrid(Region a, Region b) =>
        a.GridId.IsCompletedSuccessfully && b.GridId.IsCompletedSuccessfully && a.GridId.Result == b.GridId.Result;
}
