using System.Runtime.InteropServices;

namespace GlobalCache.Node.Vouching;

/// <summary>What a claimant's word is worth.</summary>
internal enum Weight : byte
{
    /// <summary>A branch that is new, revoked, or has lost too often: its claim changes nothing and may be made again later.</summary>
    None,
    Ordinary,

    /// <summary>A trusted uploader or verifier: its word alone decides.</summary>
    Trusted,
}

/// <summary>“I received these bytes from the grid”, as it reaches the fold: who is who has become tags that mean something for this asset only.</summary>
/// <param name="Branch">Tag of the claimant's branch.</param>
/// <param name="Net">Tag of its network.</param>
/// <param name="Origin">Tag of the host that served the bytes.</param>
/// <param name="FromRegion">That host is a region's own, no authority of the grid.</param>
/// <param name="Hash">SHA-256 of the bytes.</param>
/// <param name="Weight">What it counts.</param>
/// <param name="OverIpv6">It came over IPv6.</param>
internal sealed record Claim(
    ulong Branch, ulong Net, ulong Origin, bool FromRegion, ReadOnlyMemory<byte> Hash, Weight Weight = Weight.Ordinary, bool OverIpv6 = false);

/// <summary>A claim as the record keeps it.</summary>
/// <param name="Branch">Tag of its branch.</param>
/// <param name="Net">Tag of its network.</param>
/// <param name="Origin">Tag of the serving host.</param>
/// <param name="Hash8">The first eight bytes of the hash it was for.</param>
/// <param name="Day">Days since 1970.</param>
/// <param name="Marks">What else is to be known about it.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct KeptClaim(ulong Branch, ulong Net, ulong Origin, ulong Hash8, ushort Day, ClaimMarks Marks);

[Flags]
internal enum ClaimMarks : byte
{
    None = 0,
    FromRegion = 1,

    /// <summary>Made before the asset became public, or in a contest that is over: it is its branch's word, and no contradiction of today.</summary>
    Past = 2,

    OverIpv6 = 4,
}
