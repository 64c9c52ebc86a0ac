using System.Text;

namespace GlobalCache.Policy.Assets;

/// <summary>
/// Names one asset of one grid (DESIGN §3). The grid is that of the <em>region</em> asked, not of the login: two grids
/// may hold different bytes under one UUID (PROTOCOL §7.3).
/// </summary>
/// <param name="GridId">See <see cref="Assets.GridId"/>.</param>
/// <param name="Type">One of the four types.</param>
/// <param name="Id">The asset's UUID.</param>
public readonly record struct AssetKey(string GridId, AssetType Type, Guid Id)
{
    /// <summary>The encoded form every derivation and object name starts from: <c>{gridId}/{type}/{uuid}</c> (SECURITY §1).</summary>
    public override string ToString() => $"{GridId}/{Type.Name()}/{Id:D}";

    /// <summary><see cref="ToString"/> as UTF-8.</summary>
    public byte[] Encode() => Encoding.UTF8.GetBytes(ToString());
}

/// <summary>
/// A grid's id: lower-case <c>host[:port if not the scheme's default]</c> of the grid's URL; <c>agni</c> for Second Life
/// (SECURITY §1).
/// </summary>
public static class GridId
{
    /// <summary>Second Life's main grid.</summary>
    public const string SecondLife = "agni";

    /// <summary>The id of the grid at <paramref name="url"/>; false when it is no absolute http or https URL with a host.</summary>
    public static bool TryFromUrl(string? url, out string gridId)
    {
        gridId = "";
        // Operators write "grid.example.org:8002" as often as the full URL.
        if (url is not null && !url.Contains("://", StringComparison.Ordinal)) url = "http://" + url;
        if (!Uri.TryCreate(url, UriKind.Absolute, out Uri? uri) || uri.Host.Length == 0) return false;
        if (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps) return false;
        string host = uri.IdnHost.ToLowerInvariant();
        if (host.EndsWith(".agni.lindenlab.com", StringComparison.Ordinal) || host == "agni.lindenlab.com")
            gridId = SecondLife;
        else
            gridId = uri.IsDefaultPort ? host : $"{host}:{uri.Port}";
        return true;
    }
}
