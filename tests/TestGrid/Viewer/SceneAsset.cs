namespace GlobalCache.TestGrid.Viewer;

/// <summary>One asset of a scene: what a viewer knows of it, and the bytes it ought to be (null: unchecked).</summary>
public sealed record SceneAsset(int Type, Guid Id, byte[]? Expected = null)
{
    /// <summary>Everything of a grid's that viewers fetch over HTTP, with its bytes.</summary>
    public static IReadOnlyList<SceneAsset> AllOf(StandInGrid grid) =>
        [.. grid.Assets.Ids.Where(id => id != GridAssets.StandInPicture).Order().Select(id => Of(grid, id))];

    /// <summary>One of a grid's.</summary>
    public static SceneAsset Of(StandInGrid grid, Guid id) =>
        grid.Assets.Find(id) is { } asset ? new SceneAsset(asset.Type, id, asset.Bytes) : throw new KeyNotFoundException(id.ToString());
}

/// <summary>How one asset's fetch went.</summary>
/// <param name="Asset">Which.</param>
/// <param name="Requests">HTTP requests, retries included.</param>
/// <param name="Bytes">Body bytes received.</param>
/// <param name="FirstByte">From the first request to the first body byte of it.</param>
/// <param name="LastByte">From the first request to the last byte the viewer wanted.</param>
/// <param name="Error">Null when it was got; "missing" for 404 and 403.</param>
/// <param name="Right">Whether every byte was as expected (true when nothing was expected).</param>
public sealed record AssetFetch(SceneAsset Asset, int Requests, long Bytes, TimeSpan FirstByte, TimeSpan LastByte, string? Error, bool Right);

/// <summary>How a scene went.</summary>
public sealed record SceneReport(IReadOnlyList<AssetFetch> Fetches, TimeSpan Complete)
{
    /// <summary>HTTP requests.</summary>
    public int Requests => Fetches.Sum(f => f.Requests);

    /// <summary>Body bytes.</summary>
    public long Bytes => Fetches.Sum(f => f.Bytes);

    /// <summary>Assets not got.</summary>
    public IReadOnlyList<AssetFetch> Failed => [.. Fetches.Where(f => f.Error is not null)];

    /// <summary>Assets got with a wrong byte. Must be none.</summary>
    public IReadOnlyList<AssetFetch> Wrong => [.. Fetches.Where(f => !f.Right)];

    /// <summary>Everything there, every byte right.</summary>
    public bool Ok => Failed.Count == 0 && Wrong.Count == 0;

    /// <summary>A percentile (0–100) of the times to the first byte.</summary>
    public TimeSpan FirstByte(double percentile) => Percentile([.. Fetches.Select(f => f.FirstByte).Order()], percentile);

    /// <summary>A percentile (0–100) of the times to the last byte.</summary>
    public TimeSpan LastByte(double percentile) => Percentile([.. Fetches.Select(f => f.LastByte).Order()], percentile);

    private static TimeSpan Percentile(TimeSpan[] sorted, double percentile) =>
        sorted.Length == 0 ? TimeSpan.Zero : sorted[Math.Min(sorted.Length - 1, (int)(sorted.Length * percentile / 100))];
}
