using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.Caps;

/// <summary>The region's features, of which only the grid's own URL is read: <c>OpenSimExtras/GridURL</c> (DESIGN §3).</summary>
internal static class SimulatorFeatures
{
    /// <summary>The grid the region says it belongs to; null when it does not say.</summary>
    public static string? ReadGridId(ReadOnlyMemory<byte> body)
    {
        if (ReplyDocument.TryRead(body, keepDepth: 2) is not { } document) return null;
        return document.Find(document.Root, "OpenSimExtras"u8) is { } extras
            && GridId.TryFromUrl(document.Text(document.Find(extras, "GridURL"u8))?.Trim(), out string gridId) ? gridId : null;
    }
}
