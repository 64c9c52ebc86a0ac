using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Bench;

/// <summary>What the measurements need of a stand-in grid.</summary>
internal static class Grids
{
    /// <summary>The asset capability of a viewer who stays logged in.</summary>
    public static async Task<Uri> ViewerAssetAsync(StandInGrid grid)
    {
        SimulatedViewer viewer = await SimulatedViewer.LoginAsync(grid.LoginUri);
        return new Uri(await viewer.CapAsync("ViewerAsset") ?? throw new InvalidOperationException("no ViewerAsset"));
    }
}
