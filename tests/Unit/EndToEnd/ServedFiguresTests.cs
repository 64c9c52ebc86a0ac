using System.Text.Json;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>What the owner's page says is what the viewer got and what the grid was asked for.</summary>
[Collection("load")]
public sealed class ServedFiguresTests
{
    [Fact]
    public async Task Hits_misses_captures_and_injections_are_told_as_they_were_and_remembered()
    {
        // A grid some way off, so that there is something to save.
        await using Proxied proxied = await Proxied.StartAsync(new StandInGridOptions { Link = LinkShape.Dsl });
        IReadOnlyList<SceneAsset> scene = SceneAsset.AllOf(proxied.Grid);
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(proxied.Client.LoginUri))
        {
            SceneAsset sent = SceneAsset.Of(proxied.Grid, GridAssets.SmallTexture);
            Assert.Equal(sent.Expected, await viewer.ImageByUdpAsync(sent.Id));
            await UntilAsync(async () => (await StatusAsync(proxied)).All.Captured > 0);
            Assert.Equal(sent.Expected, await viewer.ImageByUdpAsync(sent.Id));
            Assert.True((await viewer.Assets.FetchAsync(scene)).Ok);
            ServedLine cold = (await StatusAsync(proxied)).All;
            Assert.Equal((1, 1), (cold.Captured, cold.Injected));
            Assert.True(cold.Misses >= scene.Count - 1, $"{cold}");

            await UntilAsync(async () =>
            {
                long before = proxied.Grid.Counters.HttpAssetRequests;
                Assert.True((await viewer.Assets.FetchAsync(scene)).Ok);
                return proxied.Grid.Counters.HttpAssetRequests == before;
            });
            StatusLine warm = await StatusAsync(proxied);
            Assert.True(warm.All.Hits >= scene.Count, $"{warm.All}");
            Assert.True(warm.All.SavedBytes >= scene.Sum(a => (long)a.Expected!.Length), $"{warm.All}");
            Assert.Equal(1, warm.Viewers);
            Assert.Contains(warm.Recent, r => r.From == "hit");
            Assert.Equal(warm.All.Hits + warm.All.Misses + warm.All.Captured + warm.All.Injected, warm.Visits.Sum(v => v.Requests));
        }

        ServedLine last = (await StatusAsync(proxied)).All;
        await proxied.RestartClientAsync();
        StatusLine after = await StatusAsync(proxied);
        Assert.Equal(last with { SavedSeconds = null }, after.All with { SavedSeconds = null });
        Assert.Empty(after.Visits);
    }

    private static async Task UntilAsync(Func<Task<bool>> isSo)
    {
        for (int i = 0; i < 100; i++)
        {
            if (await isSo()) return;
            await Task.Delay(50);
        }
        Assert.Fail("It did not come to that.");
    }

    private static async Task<StatusLine> StatusAsync(Proxied proxied)
    {
        using var client = new HttpClient();
        return JsonSerializer.Deserialize<StatusLine>(await client.GetStringAsync(new Uri(proxied.Client.PageUri, "status"), TestContext.Current.CancellationToken), JsonSerializerOptions.Web)!;
    }

    private sealed record StatusLine(ServedLine All, int Viewers, RecentLine[] Recent, VisitLine[] Visits);

    private sealed record ServedLine(long Hits, long Misses, long Captured, long Injected, long SavedBytes, double? SavedSeconds);

    private sealed record RecentLine(string From);

    private sealed record VisitLine(long Requests);
}
