namespace GlobalCache.Policy.Assets;

/// <summary>
/// The four asset types the cache handles, with the grid's own numbers (PROTOCOL §3.3). Everything else is passed
/// through untouched: landmarks, wearables, notecards and the like carry personal or permission-bearing data.
/// </summary>
public enum AssetType : byte
{
    /// <summary>JPEG 2000 codestream, <c>texture_id</c>.</summary>
    Texture = 0,

    /// <summary>OGG Vorbis, <c>sound_id</c>.</summary>
    Sound = 1,

    /// <summary>Key-frame motion, <c>animatn_id</c> (sic).</summary>
    Animation = 20,

    /// <summary>LLSD header and zlib blocks, <c>mesh_id</c>.</summary>
    Mesh = 49,
}

/// <summary>Names, content types and hard caps of the asset types.</summary>
public static class AssetTypes
{
    /// <summary>The name in asset keys and node routes: <c>texture</c>, <c>sound</c>, <c>animation</c>, <c>mesh</c>.</summary>
    public static string Name(this AssetType type) => type switch
    {
        AssetType.Texture => "texture",
        AssetType.Sound => "sound",
        AssetType.Animation => "animation",
        AssetType.Mesh => "mesh",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Reads <see cref="Name"/> back; false for anything else, upper case included.</summary>
    public static bool TryParseName(string? name, out AssetType type)
    {
        (type, bool known) = name switch
        {
            "texture" => (AssetType.Texture, true),
            "sound" => (AssetType.Sound, true),
            "animation" => (AssetType.Animation, true),
            "mesh" => (AssetType.Mesh, true),
            _ => (AssetType.Texture, false),
        };
        return known;
    }

    /// <summary>The query parameter viewers ask with (PROTOCOL §3.3).</summary>
    public static string QueryParameter(this AssetType type) => type switch
    {
        AssetType.Texture => "texture_id",
        AssetType.Sound => "sound_id",
        AssetType.Animation => "animatn_id",
        AssetType.Mesh => "mesh_id",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>The content type served on a hit (PROTOCOL §7.5); viewers do not check it.</summary>
    public static string ContentType(this AssetType type) => type switch
    {
        AssetType.Texture => "image/x-j2c",
        AssetType.Sound => "audio/ogg",
        AssetType.Animation => "application/vnd.ll.animation",
        AssetType.Mesh => "application/vnd.ll.mesh",
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };

    /// <summary>Hard cap in bytes of one plain asset (PROTOCOL §7.2). Larger ones pass through and are never kept.</summary>
    public static int MaxBytes(this AssetType type) => type switch
    {
        AssetType.Texture => 16 << 20,
        AssetType.Sound => 4 << 20,
        AssetType.Animation => 1 << 20,
        AssetType.Mesh => 64 << 20,
        _ => throw new ArgumentOutOfRangeException(nameof(type)),
    };
}
