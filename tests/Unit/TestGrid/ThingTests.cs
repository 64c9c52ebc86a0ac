using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.TestGrid.Regions;
using GlobalCache.TestGrid.Viewer;

namespace GlobalCache.Tests.TestGrid;

/// <summary>What a stand-in region tells of its things can be read: every asset they are made of.</summary>
public sealed class ThingTests
{
    [Fact]
    public void Every_asset_of_a_thing_is_named()
    {
        SceneAsset[] scene = [.. Enumerable.Range(0, 20).Select(i => new SceneAsset(i % 4 < 2 ? 0 : i % 4 == 2 ? 49 : 1, Guid.NewGuid()))];
        var named = new Named();
        foreach (BodyWriter update in Thing.Updates(Thing.MadeOf(scene), 1)) AssetHints.Find(Client.Lludp.Message.ObjectUpdate, update.Plain[1..], named);
        Assert.Equal(scene.Select(a => a.Id).Order(), named.Ids.Order());
    }

    private sealed class Named : IUdpAssets
    {
        public HashSet<Guid> Ids { get; } = [];

        public AssetRead? TryRead(AssetType type, Guid id, Action done) => null;

        public bool IsExcluded(Guid texture) => false;

        public void Captured(AssetType type, Guid id, byte[] bytes) { }

        public void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held) { }

        public void Hint(AssetType type, Guid id) => Ids.Add(id);
    }
}
