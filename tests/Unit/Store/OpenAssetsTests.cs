using GlobalCache.Client.Store;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Tests.Store;

/// <summary>How many files stay open, and which.</summary>
public sealed class OpenAssetsTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task The_least_recently_used_is_closed_when_there_are_too_many()
    {
        await using (AssetStore store = _folder.Open())
            for (int n = 0; n < 5; n++) Assert.True(await StoreFolder.PutAsync(store, n));
        OpenAsset[] assets = [.. Enumerable.Range(0, 5).Select(Open)];
        OpenAssets open = new(capacity: 3);
        for (int n = 0; n < 3; n++) open.Add(assets[n]);
        Assert.Same(assets[0], open.Find(0));
        open.Add(assets[3]);
        Assert.True(assets[1].Handle.IsClosed);
        Assert.Null(open.Find(1));
        foreach (int n in (int[])[0, 2, 3]) Assert.False(assets[n].Handle.IsClosed);
        open.Remove(0);
        open.Remove(0);
        Assert.True(assets[0].Handle.IsClosed);
        OpenAsset again = Open(2);
        open.Add(again);                    // replaces the older one
        Assert.True(assets[2].Handle.IsClosed);
        Assert.Same(again, open.Find(2));
        open.Dispose();
        Assert.True(again.Handle.IsClosed && assets[3].Handle.IsClosed);
        open.Add(assets[4]);                // too late
        Assert.True(assets[4].Handle.IsClosed);
    }

    [Fact]
    public async Task A_cipher_is_lent_to_one_at_a_time()
    {
        await using (AssetStore store = _folder.Open()) Assert.True(await StoreFolder.PutAsync(store, 0));
        using OpenAsset asset = Open(0);
        SegmentCipher one = asset.TakeCipher(), two = asset.TakeCipher();
        Assert.NotSame(one, two);
        asset.Return(one);
        asset.Return(two);
        Assert.Same(two, asset.TakeCipher());
        Assert.NotSame(two, asset.TakeCipher());
    }

    private OpenAsset Open(int number) => OpenAsset.Check(
        File.OpenHandle(_folder.FileOf(number)), (ulong)number, StoreFolder.KeyOf(number), StoreFolder.BytesOf(number).Length, _folder.Key,
        warm: null, new byte[SealedLayout.SegmentBytes], out _)!;
}
