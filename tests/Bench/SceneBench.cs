using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Bench;

/// <summary>
/// A scene of 300 textures and 60 meshes behind 20 Mbit/s and 80 ms, asked for as Firestorm does: direct, cold, warm, each
/// round with assets nobody has seen. Once to the last byte, once with only part of each texture wanted.
/// </summary>
internal static class SceneBench
{
    /// <summary>How far textures are wanted: everything, or as a scene is where most textures are far away.</summary>
    public static readonly (string Name, int[] Steps)[] Manners = [("whole", [4, 2, 0]), ("half seen", [4, 2])];

    public static async Task<SceneFigures> RunAsync(int[] discardSteps, int rounds)
    {
        List<double> coldTime = [], coldBytes = [], totalBytes = [], warmTime = [], directSeconds = [];
        long warmGridBytes = 0;
        bool ok = true;
        for (int round = 0; round < rounds; round++)
        {
            await using StandInGrid grid = await StandInGrid.StartAsync(new StandInGridOptions { Link = LinkShape.Dsl, RequestsPerConnection = int.MaxValue });
            IReadOnlyList<SceneAsset> scene = SyntheticScene.Fill(grid, textures: 300, meshes: 60, seed: 100 + round);
            var manner = new SimulatedViewerOptions { DiscardSteps = discardSteps };
            SceneVisit direct = await SceneVisit.RunAsync("direct", grid, grid.LoginUri, scene, manner);
            await using ClientProcess client = await ClientProcess.StartAsync("--login-uri", grid.LoginUri.AbsoluteUri);
            SceneVisit cold = await SceneVisit.RunAsync("cold", grid, client.Uri, scene, manner);
            SceneVisit warm = await SceneVisit.RunAsync("warm", grid, client.Uri, scene, manner with { First = "Other" });
            ok &= direct.Scene.Ok && cold.Scene.Ok && warm.Scene.Ok;
            directSeconds.Add(direct.Scene.Complete.TotalSeconds);
            coldTime.Add(cold.Scene.Complete / direct.Scene.Complete);
            coldBytes.Add((double)cold.GridBytes / direct.GridBytes);
            totalBytes.Add((double)(cold.GridBytesInAll + warm.GridBytesInAll) / direct.GridBytes);
            warmTime.Add(warm.Scene.Complete / direct.Scene.Complete);
            warmGridBytes += warm.GridBytesInAll;
        }

        return new SceneFigures(Statistics.Median(directSeconds), Statistics.Median(coldTime), Statistics.Median(coldBytes),
            Statistics.Median(totalBytes), Statistics.Median(warmTime), warmGridBytes, ok);
    }
}

/// <summary>Medians over the rounds, each against the direct visit of the same round.</summary>
internal sealed record SceneFigures(
    double DirectSeconds, double ColdTimeRatio, double ColdBytesRatio, double TotalBytesRatio, double WarmTimeRatio, long WarmGridBytes, bool Ok);
