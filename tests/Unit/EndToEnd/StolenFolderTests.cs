using System.Buffers.Text;
using System.Text;
using GlobalCache.Client;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>What a thief finds in the folders of a node and of clients, and a reader in their logs (SECURITY §1, §7).</summary>
[Collection("load")]
public sealed class StolenFolderTests
{
    private const int Window = 24;

    [Fact]
    public async Task A_nodes_store_shows_no_asset_UUID_or_client_and_no_key_of_an_asset_is_ever_written_down()
    {
        using var logs = new WatchedLog();
        await using SharedWorld shared = await SharedWorld.StartAsync(logs: logs);
        IReadOnlyList<SceneAsset> assets = SceneAsset.AllOf(shared.World);
        await using (ClientApp first = await shared.ClientAsync("first", logs: logs))
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(first.LoginUri))
        {
            Assert.True((await viewer.Assets.FetchAsync(assets)).Ok);
            await shared.StoredAsync(assets.Count);
        }
        shared.World.Faults.SetAll(new GlobalCache.TestGrid.AssetFault { Latency = TimeSpan.FromSeconds(20), Status = 503 });
        await using (ClientApp second = await shared.ClientAsync("second", logs: logs))
        await using (SimulatedViewer viewer = await SimulatedViewer.LoginAsync(second.LoginUri))
        {
            Assert.True((await viewer.Assets.FetchAsync(assets)).Ok);
        }

        byte[][] store = Read("node/store"), clients = [.. Read("first"), .. Read("second")];
        Assert.True(store.Length >= 2 * assets.Count && clients.Length > 2 * assets.Count);
        byte[] text = Encoding.UTF8.GetBytes(logs.Text);
        Assert.NotEmpty(logs.Lines);
        foreach (SceneAsset asset in assets)
        {
            foreach (byte[] name in Forms(asset.Id))
            {
                AssertNowhere(store, name, "a UUID");
                AssertNowhere(clients, name, "a UUID");
                AssertNowhere([text], name, "a UUID");
            }
            foreach (byte[] part in Parts(asset.Expected!))
            {
                AssertNowhere(store, part, "a part of an asset");
                AssertNowhere(clients, part, "a part of an asset");
            }
            foreach (byte[] key in AssetKeys(shared, asset))
            {
                AssertNowhere(clients, key, "an asset's key");
                AssertNowhere(store, key, "an asset's key");
                AssertNowhere([text], key, "an asset's key");
            }
        }
        foreach (string client in shared.Node.Desk.Roll.Clients.Keys)
        {
            AssertNowhere(store, Encoding.UTF8.GetBytes(client), "a client's name");
        }
        // The control document says which virtual worlds are shared, as grid.json does to everybody; it is signed, not secret.
        AssertNowhere([.. store.Where(f => f.AsSpan().IndexOf("/control/"u8) < 0)], Encoding.UTF8.GetBytes(shared.WorldId), "a grid's name");

        byte[][] Read(string folder) =>
            [.. Directory.GetFiles(Path.Combine(shared.Folder, folder), "*", SearchOption.AllDirectories).Select(f => (byte[])[.. Encoding.UTF8.GetBytes(f[shared.Folder.Length..]), .. File.ReadAllBytes(f)])];
    }

    private static IEnumerable<byte[]> Forms(Guid id) =>
    [
        id.ToByteArray(bigEndian: true), id.ToByteArray(), Encoding.UTF8.GetBytes($"{id:D}"), Encoding.UTF8.GetBytes($"{id:N}"),
        Encoding.UTF8.GetBytes($"{id:D}".ToUpperInvariant()), Encoding.UTF8.GetBytes($"{id:N}".ToUpperInvariant()), Encoding.Unicode.GetBytes($"{id:D}"),
    ];

    /// <summary>Pieces from all over it; what is the same all along, such as zeros, tells nobody anything.</summary>
    private static IEnumerable<byte[]> Parts(byte[] asset) => Enumerable.Range(0, 64).Select(i => (int)((long)i * Math.Max(0, asset.Length - Window) / 63))
        .Distinct().Select(at => asset.AsSpan(at, Math.Min(Window, asset.Length - at)).ToArray()).Where(p => p.Distinct().Count() > 8);

    private static byte[][] AssetKeys(SharedWorld shared, SceneAsset asset)
    {
        AssetType type = asset.Type switch { 0 => AssetType.Texture, 1 => AssetType.Sound, 20 => AssetType.Animation, _ => AssetType.Mesh };
        var key = new AssetKey(shared.WorldId, type, asset.Id);
        string name = shared.Node.Grid.Keys.NameOf(key);
        byte[] blob = File.ReadAllBytes(Path.Combine(shared.Folder, "node", "store", "a", name[..2], name));
        Assert.Equal(SealFault.None, SealedHeader.Read(blob, out SealedHeader header));
        byte[] contentKey = new byte[SealKeys.Length];
        SealKeys.DeriveContentKey(shared.Node.Grid.Keys.GridKey(header.KeyId, key.GridId)!, header.Salt, key.Encode(), contentKey);
        Assert.True(SealKeys.Commits(contentKey, header.Commitment));
        return
        [
            contentKey, Encoding.UTF8.GetBytes(Base64Url.EncodeToString(contentKey)), Encoding.UTF8.GetBytes(Convert.ToBase64String(contentKey)),
            Encoding.UTF8.GetBytes(Convert.ToHexStringLower(contentKey)), Encoding.UTF8.GetBytes(Convert.ToHexString(contentKey)),
        ];
    }

    private static void AssertNowhere(byte[][] files, byte[] what, string called)
    {
        foreach (byte[] file in files) Assert.True(file.AsSpan().IndexOf(what) < 0, $"{called} can be found");
    }
}
