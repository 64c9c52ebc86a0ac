namespace GlobalCache.TestGrid.Viewer;

/// <summary>
/// One visit to a scene: a fresh viewer logs in, fetches everything, logs out; what the grid gave meanwhile is read from its
/// counters. The demo and the benchmarks compare visits: direct, cold and warm.
/// </summary>
/// <param name="Name">Which visit.</param>
/// <param name="Scene">What the viewer got.</param>
/// <param name="GridRequests">Asset requests the grid answered until the scene was complete.</param>
/// <param name="GridBytes">Asset bytes the grid sent until the scene was complete.</param>
/// <param name="GridBytesInAll">Asset bytes the grid sent until nothing more came.</param>
public sealed record SceneVisit(string Name, SceneReport Scene, long GridRequests, long GridBytes, long GridBytesInAll)
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(3), Patience = TimeSpan.FromMinutes(2);

    /// <summary>Visits <paramref name="scene"/> through <paramref name="loginUri"/>, the grid's own or a client's.</summary>
    public static async Task<SceneVisit> RunAsync(
        string name, StandInGrid grid, Uri loginUri, IReadOnlyList<SceneAsset> scene, SimulatedViewerOptions? options = null)
    {
        options ??= new SimulatedViewerOptions();
        await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(loginUri, options);
        long requests = grid.Counters.HttpAssetRequests, bytes = grid.Counters.HttpAssetBytes;
        SceneReport report = await viewer.Assets.FetchAsync(scene);
        long until = grid.Counters.HttpAssetBytes - bytes;
        long asked = grid.Counters.HttpAssetRequests - requests;
        // Remainders are fetched after the viewer has what it wants.
        long start = options.Time.GetTimestamp(), changed = start, last = grid.Counters.HttpAssetBytes;
        while (options.Time.GetElapsedTime(changed) < Quiet && options.Time.GetElapsedTime(start) < Patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(100), options.Time);
            if (grid.Counters.HttpAssetBytes == last) continue;
            (last, changed) = (grid.Counters.HttpAssetBytes, options.Time.GetTimestamp());
        }
        await viewer.LogoutAsync();
        return new SceneVisit(name, report, asked, until, last - bytes);
    }
}
