namespace GlobalCache.Policy.Assets;

/// <summary>What a structural check says of an asset's bytes (PROTOCOL §7.5).</summary>
public enum StructureVerdict
{
    /// <summary>Whole and well-formed: may be kept and shared.</summary>
    Valid,

    /// <summary>
    /// A texture without its end marker, or whose last tile-part states a wrong length. Old assets look so, and so does a
    /// truncated one: it may be kept locally when its length is the origin's total, and is never shared.
    /// </summary>
    Incomplete,

    /// <summary>Not an asset of this type, or a damaged one: passed through, never kept.</summary>
    Invalid,
}

/// <summary>A verdict and why.</summary>
/// <param name="Verdict">The verdict.</param>
/// <param name="Reason">One constant phrase without any of the asset's bytes, fit for a log; empty when there is nothing to say.</param>
public readonly record struct StructureResult(StructureVerdict Verdict, string Reason)
{
    internal static StructureResult Valid { get; } = new(StructureVerdict.Valid, "");

    internal static StructureResult Invalid(string reason) => new(StructureVerdict.Invalid, reason);

    internal static StructureResult Incomplete(string reason) => new(StructureVerdict.Incomplete, reason);
}

/// <summary>
/// Tells a whole asset from a damaged one by walking its structure from the first byte to the last (PROTOCOL §7.5).
/// Never throws whatever the bytes; time is linear in the bytes (and what a mesh inflates to, at most 128 MiB); memory is constant.
/// It protects against accidents and nonsense, not against intent: that is vouching's work (SECURITY §4).
/// </summary>
public static class AssetStructure
{
    /// <summary>Checks <paramref name="bytes"/> as a whole asset of <paramref name="type"/>; over <see cref="AssetTypes.MaxBytes"/> is <see cref="StructureVerdict.Invalid"/>.</summary>
    public static StructureResult Check(AssetType type, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty) return StructureResult.Invalid("empty");
        if (bytes.Length > type.MaxBytes()) return StructureResult.Invalid("larger than the type allows");
        return type switch
        {
            AssetType.Texture => J2cStructure.Check(bytes),
            AssetType.Sound => OggStructure.Check(bytes),
            AssetType.Animation => AnimationStructure.Check(bytes),
            AssetType.Mesh => MeshStructure.Check(bytes),
            _ => throw new ArgumentOutOfRangeException(nameof(type)),
        };
    }
}
