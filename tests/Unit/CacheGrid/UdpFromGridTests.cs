using GlobalCache.Client.Assets;
using GlobalCache.Client.Edge;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>What a circuit, and what prefetch, get from the cache grid.</summary>
public sealed class UdpFromGridTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 50_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public async Task A_circuit_waits_for_the_cache_grid_only_where_that_usually_has_it_and_what_comes_is_kept()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using UdpShelf shelf = Shelf(relay);

        // Nothing is known of the grid yet: the sim is asked at once, and what comes serves the next one.
        AssetKey first = Known(node);
        Assert.Null(shelf.TryRead(first, () => { }));
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(first.GridId, first.Type, first.Id, s_texture));
        // A world that is not shared is never asked for.
        Assert.Null(shelf.TryRead(first with { GridId = "grid.example.com", Id = Guid.NewGuid() }, () => { }));

        for (int i = 0; i < 64; i++) Assert.NotNull(await relay.Link.Lookups.AskAsync(Known(node), default));
        // A busy machine may be slower than a circuit waits; then there is nothing to see here.
        if (relay.Link.Lookups.Hold(TestNode.World) > TimeSpan.FromMilliseconds(25)) return;
        AssetKey warm = Known(node);
        var done = new TaskCompletionSource();
        using (AssetRead? read = shelf.TryRead(warm, done.SetResult))
        {
            Assert.NotNull(read);
            await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(s_texture, read.Bytes);
            // One that is under way is not asked for twice.
            Assert.Single(node.Asked, p => p.EndsWith($"{warm.Id:D}", StringComparison.Ordinal));
        }
        Assert.Equal(0, shelf.ReadBytes);
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(warm.GridId, warm.Type, warm.Id, s_texture));

        var told = new TaskCompletionSource();
        using AssetRead? none = shelf.TryRead(warm with { Id = Guid.NewGuid() }, told.SetResult);
        Assert.NotNull(none);
        await told.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.True(none.Done);
        Assert.Null(none.Bytes);
    }

    [Fact]
    public async Task What_a_message_has_named_is_fetched_ahead_and_never_claimed()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using UdpShelf shelf = Shelf(relay);
        AssetKey key = Known(node);
        Assert.True(shelf.Prefetch.IsOn);
        shelf.Prefetch.Hint(key);
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(key.GridId, key.Type, key.Id, s_texture), TimeSpan.FromSeconds(1));
        Assert.Equal(0, relay.Link.Claims.Waiting);
        Assert.Empty(node.Claimed);
    }

    private static AssetKey Known(TestNode node)
    {
        Guid id = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_texture);
        return new AssetKey(TestNode.World, AssetType.Texture, id);
    }

    private static UdpShelf Shelf(LinkedRelay relay)
    {
        var limits = new ClientLimits();
        AssetRelay assets = relay.Host.Relay;
        var kept = new PrefetchTarget(relay.Host.Store.Holds, assets.Intake.IsExcluded, (key, bytes, stop) => assets.Intake.KeepAsync(key.GridId, key.Type, key.Id, bytes, stop));
        var prefetch = new Prefetch(relay.Link.Lookups.AskAsync, kept, assets.Traffic, limits, relay.Host.Time, NullLogger.Instance);
        return new UdpShelf(relay.Host.Store, assets, prefetch, limits, relay.Host.Time, NullLogger.Instance, relay.Link.Lookups);
    }
}
