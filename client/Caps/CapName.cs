using System.Text;

namespace GlobalCache.Client.Caps;

/// <summary>The capabilities a viewer reaches through us. All others keep their own URL (PROTOCOL §3.2).</summary>
internal enum CapName
{
    Seed,
    EventQueueGet,
    ViewerAsset,
    GetTexture,
    GetMesh,
    GetMesh2,
}

/// <summary>The names as they stand in seed replies.</summary>
internal static class CapNames
{
    private static readonly (CapName Name, byte[] Key)[] Granted =
        [.. Enum.GetValues<CapName>().Where(n => n != CapName.Seed).Select(n => (n, Encoding.ASCII.GetBytes(n.ToString())))];

    /// <summary>The capability a seed reply grants under <paramref name="key"/>; null when it is none of ours.</summary>
    public static CapName? Parse(ReadOnlySpan<byte> key)
    {
        foreach ((CapName name, byte[] known) in Granted)
            if (key.SequenceEqual(known)) return name;
        return null;
    }
}
