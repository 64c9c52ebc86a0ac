using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>A client nobody here wrote, npm's node-metaverse, lives behind the proxy as it does before a grid.</summary>
[Collection("load")]
public sealed class NodeMetaverseTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Unit", "NodeMetaverse");

    [Fact]
    public async Task The_second_user_gets_every_asset_from_the_store_and_the_grid_is_not_asked()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> assets = Recorded(proxied.Grid);
        string wanted = string.Join(',', assets.Select(a => $"{Name(a.Type)}:{a.Id:D}"));

        Visit cold = await VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--http", wanted);
        AssertHolds(assets, cold);
        long asked = proxied.Grid.Counters.HttpAssetRequests;
        Assert.True(asked >= assets.Count);

        Visit warm = await VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--http", wanted, "--first", "Other");
        AssertHolds(assets, warm);
        Assert.NotEqual(cold.Agent, warm.Agent);
        Assert.Equal(asked, proxied.Grid.Counters.HttpAssetRequests);
    }

    [Fact]
    public async Task It_teleports_and_fetches_on_both_sides_over_both_protocols()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        IReadOnlyList<SceneAsset> assets = Recorded(proxied.Grid);
        string wanted = string.Join(',', assets.Select(a => $"{Name(a.Type)}:{a.Id:D}"));
        string udp = string.Join(',', assets.Where(a => a.Type != 49).Select(a => $"{Name(a.Type)}:{a.Id:D}"));

        Visit visit = await VisitAsync(
            "--login", proxied.Client.LoginUri.AbsoluteUri, "--http", wanted, "--udp", udp, "--teleport", "RigTwo,RigFar", "--again");

        Assert.Equal(["RigOne", "RigTwo", "RigFar"], visit.Regions);
        AssertHolds(assets, visit);
        Assert.All(assets.Where(a => a.Type != 49), a => Assert.Equal(Hash(a), visit.Udp[a.Id.ToString("D")]));
    }

    [Fact]
    public async Task By_UDP_too_the_second_user_gets_every_asset_from_the_store_and_the_grid_is_not_asked()
    {
        await using Proxied proxied = await Proxied.StartAsync();
        SceneAsset[] assets = [.. Recorded(proxied.Grid).Where(a => a.Type != 49)];
        string wanted = string.Join(',', assets.Select(a => $"{Name(a.Type)}:{a.Id:D}"));
        GridCounters counters = proxied.Grid.Counters;

        Visit cold = await VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--udp", wanted);
        AssertCame(cold);
        (long images, long transfers) = (counters.ImageRequests, counters.TransferRequests);
        Assert.Equal((3, 4), (images, transfers));

        // The client ends what it has begun to keep before it stops.
        await proxied.RestartClientAsync();
        Visit warm = await VisitAsync("--login", proxied.Client.LoginUri.AbsoluteUri, "--udp", wanted, "--first", "Other");
        AssertCame(warm);
        Assert.NotEqual(cold.Agent, warm.Agent);
        Assert.Equal((images, transfers), (counters.ImageRequests, counters.TransferRequests));

        void AssertCame(Visit visit)
        {
            Assert.True(visit.Ok, string.Join("; ", visit.Errors));
            Assert.All(assets, a => Assert.Equal(Hash(a), visit.Udp[a.Id.ToString("D")]));
        }
    }

    private static void AssertHolds(IReadOnlyList<SceneAsset> assets, Visit visit)
    {
        Assert.True(visit.Ok, string.Join("; ", visit.Errors));
        Assert.All(assets, a => Assert.Equal(Hash(a), visit.Http[a.Id.ToString("D")]));
    }

    private static IReadOnlyList<SceneAsset> Recorded(StandInGrid grid)
    {
        SceneAsset[] assets = [.. SceneAsset.AllOf(grid).Where(a => a.Id.ToString().StartsWith("6c0ca000", StringComparison.Ordinal))];
        Assert.Equal(8, assets.Length);
        return assets;
    }

    private static string Name(int type) => type switch { 0 => "texture", 1 => "sound", 20 => "animation", _ => "mesh" };

    private static string Hash(SceneAsset asset) => Convert.ToHexStringLower(SHA256.HashData(asset.Expected!));

    private static async Task<Visit> VisitAsync(params string[] arguments)
    {
        string node = Needs.Program("node", "it runs node-metaverse");
        Needs.That(Directory.Exists(Path.Combine(Folder, "node_modules")),
            "node-metaverse is not installed: npm ci --ignore-scripts --omit=optional in tests/Unit/NodeMetaverse");
        var start = new ProcessStartInfo(node, ["session.mjs", .. arguments])
        {
            WorkingDirectory = Folder,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using Process process = Process.Start(start)!;
        Task<string> said = process.StandardError.ReadToEndAsync();
        string output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.False(string.IsNullOrWhiteSpace(output), await said);
        return JsonSerializer.Deserialize<Visit>(output, JsonSerializerOptions.Web)!;
    }

    private sealed record Visit(
        bool Ok, string? Agent, string[] Regions, Dictionary<string, string> Http, Dictionary<string, string> Udp, string[] Errors);
}
