using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>What is fetched ahead comes out of the spare half of the quota.</summary>
public sealed class SpareQuotaTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 20_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public void Below_half_nothing_is_fetched_ahead_but_one_a_minute_that_tells_whether_it_has_risen()
    {
        var quota = new SpareQuota();
        Assert.True(quota.TryTake(At(0)) && quota.TryTake(At(0)));
        quota.Told("0.50", At(0));
        Assert.True(quota.TryTake(At(0)));
        quota.Told("0.49", At(10));
        Assert.False(quota.TryTake(At(10)));
        foreach (string? odd in (string?[])[null, "", "1.5", "-1", "NaN", "0,9", "1e0"]) quota.Told(odd, At(11));
        Assert.False(quota.TryTake(At(69)));
        Assert.True(quota.TryTake(At(70)));
        Assert.False(quota.TryTake(At(71)));
        quota.Told("1.00", At(72));
        Assert.True(quota.TryTake(At(72)) && quota.TryTake(At(72)));
        quota.UsedUp(At(80));
        Assert.False(quota.TryTake(At(81)));
    }

    [Fact]
    public async Task A_hint_is_followed_while_half_is_left_and_a_viewer_is_served_as_long_as_anything_is()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        node.QuotaLeft = "0.50";
        Assert.NotNull(await relay.Link.Lookups.AskAheadAsync(Known(node), default));
        node.QuotaLeft = "0.49";
        Assert.NotNull(await relay.Link.Lookups.AskAheadAsync(Known(node), default));
        Assert.Null(await relay.Link.Lookups.AskAheadAsync(Known(node), default));
        Assert.Equal(2, node.Asked.Count);
        node.QuotaLeft = "0.60";
        Assert.NotNull(await relay.Link.Lookups.AskAsync(Known(node), default));
        Assert.NotNull(await relay.Link.Lookups.AskAheadAsync(Known(node), default));
        // Used up: that is a miss and a pause, and nothing has failed.
        node.Otherwise = context =>
        {
            context.Response.StatusCode = 429;
            context.Response.Headers.RetryAfter = "60";
            return Task.FromResult(true);
        };
        for (int i = 0; i < 10; i++) Assert.Null(await relay.Link.Lookups.AskAsync(Known(node), default));
        Assert.Equal(5, node.Asked.Count);
        Assert.Equal(TimeSpan.Zero, relay.Link.Lookups.Hold(TestNode.World));
        Assert.Null(await relay.Link.Lookups.AskAheadAsync(Known(node), default));
        Assert.Empty(relay.Log.Lines);
    }

    private static AssetKey Known(TestNode node)
    {
        Guid id = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_texture);
        return new AssetKey(TestNode.World, AssetType.Texture, id);
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
