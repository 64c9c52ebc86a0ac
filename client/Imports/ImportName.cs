using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Imports;

/// <summary>
/// An asset's name among files: its UUID, and behind it what it is. <c>UUID_texture.jp2</c> and its kin are how OpenSimulator's archives (OAR, IAR) name them; a plain
/// <c>UUID.j2c</c> is how people do.
/// </summary>
internal static class ImportName
{
    private const int UuidLength = 36;

    /// <summary>Null: no asset of a kind that is shared, by its name.</summary>
    public static (AssetType Type, Guid Id)? Read(ReadOnlySpan<char> path)
    {
        ReadOnlySpan<char> name = path[(path.LastIndexOfAny('/', '\\') + 1)..];
        if (name.Length <= UuidLength || !Guid.TryParseExact(name[..UuidLength], "D", out Guid id)) return null;
        // A JPEG 2000 codestream, whatever the ending says; an animation is no BVH either.
        AssetType? type = name[UuidLength..].ToString().ToLowerInvariant() switch
        {
            "_texture.jp2" or ".j2c" or ".j2k" or ".jp2" or ".texture" => AssetType.Texture,
            "_sound.ogg" or ".ogg" or ".sound" => AssetType.Sound,
            "_animation.bvh" or ".anim" or ".animation" => AssetType.Animation,
            "_mesh.llmesh" or ".llmesh" or ".mesh" => AssetType.Mesh,
            _ => null,
        };
        return type is { } known ? (known, id) : null;
    }
}
