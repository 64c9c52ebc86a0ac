namespace GlobalCache.Client.Caps;

/// <summary>
/// A seed's reply: capability names and their URLs. Five are replaced; the region's SimulatorFeatures is only read, for it names the grid.
/// Values that are no URLs, and names nobody here knows, stay as they are (PROTOCOL §3.1).
/// </summary>
internal static class SeedReply
{
    /// <param name="Body">The patched reply.</param>
    /// <param name="SimulatorFeatures">The region's own URL for it, if granted.</param>
    internal readonly record struct Patched(byte[] Body, Uri? SimulatorFeatures);

    /// <summary>
    /// Replaces what <paramref name="map"/> has a URL for; where it answers null the grid's own stays. Null when the body is no LLSD map.
    /// </summary>
    public static Patched? Patch(ReadOnlyMemory<byte> body, Func<CapName, Uri, string?> map)
    {
        if (ReplyDocument.TryRead(body, keepDepth: 1) is not { Notation: not Notation.XmlRpc, Root.Kind: ValueKind.Map } document) return null;
        var patches = new PatchList();
        Uri? features = null;
        foreach (Value cap in document.Children(document.Root))
        {
            if (cap.Kind is not (ValueKind.String or ValueKind.Uri)) continue;
            bool isFeatures = document.Key(cap).SequenceEqual("SimulatorFeatures"u8);
            CapName? name = CapNames.Parse(document.Key(cap));
            if (name is null && !isFeatures) continue;
            string? text = document.Text(cap)?.Trim();
            if (!LoginReply.IsWebUrl(text)) continue;
            var real = new Uri(text!);
            if (isFeatures) features = real;
            else if (map(name!.Value, real) is { } url) document.PatchText(patches, cap, url);
        }
        return new Patched(patches.Apply(body.Span), features);
    }
}
