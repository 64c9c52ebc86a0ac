namespace GlobalCache.Policy.Sealing;

/// <summary>
/// Why a sealed asset was refused, in the order the reader looks (SECURITY §1). Whatever the fault, the bytes are worthless:
/// drop them and ask elsewhere. For logs and counters, never for the party that sent the bytes.
/// </summary>
public enum SealFault
{
    /// <summary>Nothing wrong.</summary>
    None = 0,

    /// <summary>Too short, not the length its header states, or a length no sealed asset can have.</summary>
    Length,

    /// <summary>Does not begin with <c>GCA1</c>.</summary>
    Magic,

    /// <summary>A version, suite or flag this reader does not know, or inside the seal a codec, dictionary or field: a later version's work, which says nothing against who sent it.</summary>
    Version,

    /// <summary>Longer than an asset of its type may be (<see cref="Assets.AssetTypes.MaxBytes"/>).</summary>
    TooLarge,

    /// <summary>The key does not match the header's commitment: other key, other asset, or a damaged header.</summary>
    Commitment,

    /// <summary>A segment's tag does not match: a flipped bit, a swapped, dropped or transplanted segment.</summary>
    Tag,

    /// <summary>The inner header states impossible lengths, or a dictionary where nothing is coded.</summary>
    InnerHeader,

    /// <summary>The padding is not Padmé's length, or not all zeros.</summary>
    Padding,

    /// <summary>The compressed bytes are not one sound zstd frame of exactly the stated length with a window of at most 8 MiB.</summary>
    Compression,

    /// <summary>The plain bytes do not have the stated SHA-256.</summary>
    Digest,
}
