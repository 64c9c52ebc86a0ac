using System.Net;
using System.Security.Cryptography;
using GlobalCache.Node;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Bench.Serving;

/// <summary>
/// The whole node as a process of its own (<c>bench serve-node FOLDER CACHE</c>) with the product's runtime settings: sessions, quotas and metrics as shipped,
/// and for this measurement alone a listener in clear. At its first start it fills the folder's store, and leaves the same sealed bytes for the other
/// servers below <c>www</c> and all requests in <c>requests.txt</c>.
/// </summary>
internal static class NodeServer
{
    public const string Verb = "serve-node";
    public const int Clients = 64, Branches = 16;

    public static async Task RunAsync(string folder, long cacheBytes)
    {
        await using NodeApp node = await NodeApp.StartAsync(Options(folder) with { CacheBytes = cacheBytes, Clear = new IPEndPoint(IPAddress.Loopback, 0) }, NullLoggerFactory.Instance);
        if (!File.Exists(Requests(folder))) await FillAsync(node, folder);
        string invite = (await node.Desk.InviteAsync(inviter: null, CancellationToken.None))!;
        await Console.Out.WriteLineAsync($"listening {node.Endpoint} {node.Clear} {invite}");
        await Task.Delay(Timeout.Infinite);
    }

    public static NodeOptions Options(string folder) => new()
    {
        Data = folder,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Private = new IPEndPoint(IPAddress.Loopback, 0),
        Grids = [new SharedGrid { Id = SampleAssets.Grid, Authorities = [SampleAssets.Authority] }],
    };

    /// <summary>A line a request: path, blank, token.</summary>
    public static string Requests(string folder) => Path.Combine(folder, "requests.txt");

    /// <summary>Where files for the other servers lie.</summary>
    public static string Files(string folder) => Path.Combine(folder, "www");

    private static async Task FillAsync(NodeApp node, string folder)
    {
        GridKeys keys = node.Grid.Keys;
        string[] tokens = await TokensAsync(node);
        var requests = new List<string>();
        for (int i = 0; i < SampleAssets.Count; i++)
        {
            AssetKey key = SampleAssets.Key(i);
            byte[] blob = SealedAsset.Seal(key, SampleAssets.Bytes(i), keys.GridKey(keys.Newest, key.GridId)!, keys.Newest, 0, SealCompression.None);
            await node.Store.PutAsync("a/" + keys.NameOf(key), blob, ifMatch: null, CancellationToken.None);
            string file = Files(folder) + NodeApi.PathOf(key);
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllBytesAsync(file, blob);
            requests.Add($"{NodeApi.PathOf(key)} {tokens[i % tokens.Length]}");
        }
        // In no order, and every connection with what it happens to get, as people come.
        string[] shuffled = [.. requests];
        new Random(1).Shuffle(shuffled);
        await File.WriteAllLinesAsync(Requests(folder), shuffled);
    }

    // The node's own key is gone with its process; the requests are used by several.
    private static async Task<string[]> TokensAsync(NodeApp node)
    {
        using ECDsa client = ECDsa.Create(ECCurve.NamedCurves.nistP256), signs = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string key = Convert.ToBase64String(client.ExportSubjectPublicKeyInfo());
        byte[] spki = signs.ExportSubjectPublicKeyInfo();
        var session = new SessionKey(SessionKey.IdOf(spki), signs);
        var entry = new SessionKeyEntry { Id = session.Id, PublicKey = Convert.ToBase64String(spki), GoodUntil = TimeProvider.System.GetUtcNow().AddDays(1) };
        await node.Desks.Control.ChangeAsync(document => document with { SessionKeys = [.. document.SessionKeys, entry] }, CancellationToken.None);
        var tokens = new SessionTokens(node.Grid.File.Host, session, [], TimeProvider.System);
        return [.. Enumerable.Range(0, Clients).Select(i => tokens.Issue(new SessionIdentity($"client {i}", $"branch {i % Branches}", DateTimeOffset.UnixEpoch, key))!.Token)];
    }
}
