using System.Runtime.InteropServices;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Assets;

/// <summary>
/// What a request on an asset cap asks for (PROTOCOL §3.3). Only the exact form viewers build, one known <c>*_id</c> parameter
/// with one UUID, is an asset request; everything else (<c>format=</c>, notecards, further parameters, escapes) is passed through.
/// </summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct AssetRequest(AssetType Type, Guid Id)
{
    private const int UuidLength = 36;

    /// <param name="remainder">The path after the cap: viewers send <c>/</c>, node-metaverse and some bots nothing.</param>
    /// <param name="query">With its question mark, as the viewer sent it.</param>
    /// <param name="request">The asset asked for.</param>
    /// <returns>False: pass the request through and keep nothing of it.</returns>
    public static bool TryParse(string? remainder, string? query, out AssetRequest request)
    {
        request = default;
        if (remainder is not (null or "" or "/") || query is null || query.Length < UuidLength + 2) return false;

        ReadOnlySpan<char> text = query.AsSpan(1);
        int equals = text.Length - UuidLength - 1;
        if (query[0] != '?' || text[equals] != '=') return false;
        AssetType type;
        switch (text[..equals])
        {
            case "texture_id": type = AssetType.Texture; break;
            case "sound_id": type = AssetType.Sound; break;
            case "animatn_id": type = AssetType.Animation; break;
            case "mesh_id": type = AssetType.Mesh; break;
            default: return false;
        }
        if (!Guid.TryParseExact(text[(equals + 1)..], "D", out Guid id) || id == Guid.Empty) return false;
        request = new AssetRequest(type, id);
        return true;
    }

    /// <summary>
    /// The URL upstream: the cap as the grid gave it, the viewer's remainder, the cap's own query and then the viewer's, joined
    /// by <c>&amp;</c> (PROTOCOL §3.2: a cap may be signed, so nothing of it may get lost).
    /// </summary>
    public static Uri Upstream(Uri cap, string? remainder, string? query)
    {
        string whole = cap.OriginalString;
        int hash = whole.IndexOf('#');
        if (hash >= 0) whole = whole[..hash];
        int mark = whole.IndexOf('?');
        ReadOnlySpan<char> path = mark < 0 ? whole : whole.AsSpan(0, mark);
        ReadOnlySpan<char> own = mark < 0 ? "" : whole.AsSpan(mark + 1);
        ReadOnlySpan<char> asked = query.AsSpan().TrimStart('?');
        // A bare host is asked as http://host/?…, whether or not the cap was written with the final slash.
        if (remainder is ['/', ..] && path.EndsWith("/") && cap.AbsolutePath == "/") path = path[..^1];
        string joined = own.IsEmpty || asked.IsEmpty ? $"{own}{asked}" : $"{own}&{asked}";
        return new Uri(joined.Length == 0 ? $"{path}{remainder}" : $"{path}{remainder}?{joined}");
    }
}
