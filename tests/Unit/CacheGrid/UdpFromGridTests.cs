using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using Microsoft.Extensions.Time.Testing;

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
        var time = new FakeTimeProvider();
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, time: time);
        await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay);

        // Nothing is known of the grid yet: the sim is asked at once, and what comes serves the next one.
        Guid first = Known(node);
        Assert.Null(circuit.Assets.TryRead(AssetType.Texture, first, () => { }));
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, first, s_texture));
        // A world that is not shared is never asked for.
        Assert.Null(circuit.Shelf.TryRead(new AssetKey("grid.example.com", AssetType.Texture, Guid.NewGuid()), () => { }));

        var took = TimeSpan.FromMilliseconds(5);
        node.Otherwise = _ =>
        {
            time.Advance(took);
            return Task.FromResult(false);
        };
        for (int i = 0; i < 64; i++) Assert.NotNull(await relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, AssetType.Texture, Known(node)), default));
        Assert.Equal(took, relay.Link.Lookups.Hold(TestNode.World));
        Guid warm = Known(node);
        var done = new TaskCompletionSource();
        using (AssetRead? read = circuit.Assets.TryRead(AssetType.Texture, warm, done.SetResult))
        {
            Assert.NotNull(read);
            await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
            Assert.Equal(s_texture, read.Bytes);
            // One that is under way is not asked for twice.
            Assert.Single(node.Asked, p => p.EndsWith($"{warm:D}", StringComparison.Ordinal));
        }
        Assert.Equal(0, circuit.Shelf.ReadBytes);
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, warm, s_texture));

        var told = new TaskCompletionSource();
        using (AssetRead? none = circuit.Assets.TryRead(AssetType.Texture, Guid.NewGuid(), told.SetResult))
        {
            Assert.NotNull(none);
            await told.Task.WaitAsync(TimeSpan.FromSeconds(10));
            Assert.True(none.Done);
            Assert.Null(none.Bytes);
        }

        // A cache grid that is slower than a circuit waits is asked for the next time only.
        took = TimeSpan.FromMilliseconds(60);
        for (int i = 0; i < 64; i++) Assert.NotNull(await relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, AssetType.Texture, Known(node)), default));
        Assert.Equal(took, relay.Link.Lookups.Hold(TestNode.World));
        Assert.Null(circuit.Assets.TryRead(AssetType.Texture, Known(node), () => { }));
    }

    [Fact]
    public async Task What_a_message_has_named_is_fetched_ahead_and_never_claimed()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay);
        Guid id = Known(node);
        Assert.True(circuit.Assets.WantsHints);
        circuit.Assets.Hint(AssetType.Texture, id);
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture), TimeSpan.FromSeconds(1));
        Assert.Equal(0, relay.Link.Claims.Waiting);
        Assert.Empty(node.Claimed);
    }

    private static Guid Known(TestNode node)
    {
        Guid id = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_texture);
        return id;
    }
}
