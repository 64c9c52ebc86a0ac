using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>What the store holds outlives the client; what is damaged in it does not reach a viewer.</summary>
[Collection("load")]
public sealed class RestartTests
{
    [Fact]
    public async Task After_a_restart_the_scene_comes_from_the_store()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> scene = SyntheticScene.Fill(proxied.Grid, textures: 20, meshes: 5, sounds: 3, animations: 3);
        SceneVisit cold = await SceneVisit.RunAsync("cold", proxied.Grid, proxied.Client.LoginUri, scene);
        Assert.True(cold.Scene.Ok);

        await proxied.RestartClientAsync();
        SceneVisit warm = await SceneVisit.RunAsync("warm", proxied.Grid, proxied.Client.LoginUri, scene);
        Assert.True(warm.Scene.Ok);
        Assert.Equal((0, 0), (warm.GridRequests, warm.GridBytesInAll));
    }
}
