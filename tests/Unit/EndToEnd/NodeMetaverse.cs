using System.Diagnostics;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.TestGrid;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>What a visit of node-metaverse brought: hashes of assets by UUID and protocol.</summary>
internal sealed record NodeMetaverseVisit(
    bool Ok, string? Agent, string[] Regions, Dictionary<string, string> Http, Dictionary<string, string> Udp, string[] Errors);

/// <summary>npm's node-metaverse as a process of its own: logs in, fetches, goes where it is told, logs out.</summary>
internal static class NodeMetaverse
{
    private static readonly string Folder = Path.Combine(Repository.Root, "tests", "Unit", "NodeMetaverse");

    /// <summary>The assets that were recorded: eight, of all types.</summary>
    public static IReadOnlyList<SceneAsset> Recorded(StandInGrid grid)
    {
        SceneAsset[] assets = [.. SceneAsset.AllOf(grid).Where(a => a.Id.ToString().StartsWith("6c0ca000", StringComparison.Ordinal))];
        Assert.Equal(8, assets.Length);
        return assets;
    }

    /// <summary>Assets as its command line names them.</summary>
    public static string Wanted(IEnumerable<SceneAsset> assets) => string.Join(',', assets.Select(a => $"{Name(a.Type)}:{a.Id:D}"));

    public static string Hash(SceneAsset asset) => Convert.ToHexStringLower(SHA256.HashData(asset.Expected!));

    public static async Task<NodeMetaverseVisit> VisitAsync(params string[] arguments)
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
        return JsonSerializer.Deserialize<NodeMetaverseVisit>(output, JsonSerializerOptions.Web)!;
    }

    private static string Name(int type) => type switch { 0 => "texture", 1 => "sound", 20 => "animation", _ => "mesh" };
}
