using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Assets;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>What the cache grid gave is compared with what the world gives; what differs is told, and mended here.</summary>
public sealed class GridChecksTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 50_000, 512, 512), s_poison = SyntheticAssets.Texture(2, 50_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public async Task A_checked_hit_that_differs_is_disputed_and_the_worlds_bytes_take_its_place()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, checks: 1);
        Guid id = origin.Add(s_texture);
        node.Add(AssetType.Texture, id, s_poison);
        var later = new TaskCompletionSource();
        origin.Gate = n => n == 0 ? later.Task : Task.CompletedTask;
        Assert.Equal(s_poison, await relay.Host.BytesAsync(Url(relay, origin, id)));
        later.SetResult();
        await relay.Host.UntilAsync(() => !node.Disputed.IsEmpty, TimeSpan.FromSeconds(1));
        ClaimLine line = Assert.Single(node.Disputed);
        Assert.Equal((TestNode.World, id, s_texture.Length, Hash(s_texture)), (line.Grid, line.Id, line.Length, line.Sha256));
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture));
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)));
        // It is not asked for again, even when it is gone from the store.
        relay.Host.Store.Drop(new AssetKey(TestNode.World, AssetType.Texture, id));
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)));
        Assert.Single(node.Asked);
        Assert.Contains(relay.Log.Lines, l => l.Contains("something else than its world gives", StringComparison.Ordinal));
        Assert.Equal(0, relay.Link.Disputes.Waiting);
    }

    [Fact]
    public async Task A_checked_hit_that_is_the_same_is_claimed_since_it_was_received_now()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, checks: 1);
        Guid id = origin.Add(s_texture);
        node.Add(AssetType.Texture, id, s_texture);
        var later = new TaskCompletionSource();
        origin.Gate = n => n == 0 ? later.Task : Task.CompletedTask;
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)));
        later.SetResult();
        await relay.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal((id, Hash(s_texture)), (node.Claimed.First().Id, node.Claimed.First().Sha256));
        Assert.Empty(node.Disputed);
    }

    [Fact]
    public async Task Without_a_share_nothing_is_fetched_twice_and_without_the_worlds_answer_nothing_is_said()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        Guid id = origin.Add(s_texture), gone = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_poison);
        node.Add(AssetType.Texture, gone, s_poison);
        var never = new TaskCompletionSource();
        var asked = new TaskCompletionSource();
        // The node is never so quick that the world was not even asked.
        node.Otherwise = async _ => { await asked.Task; return false; };
        origin.Gate = n =>
        {
            asked.TrySetResult();
            return n == 0 ? never.Task : Task.CompletedTask;
        };
        await using (LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config))
        {
            Assert.Equal(s_poison, await relay.Host.BytesAsync(Url(relay, origin, id)));
            await relay.Host.PassAsync(TimeSpan.FromSeconds(10));
            Assert.Single(origin.Requests);
        }
        await using LinkedRelay checks = await LinkedRelay.StartAsync(node.File(), _config, checks: 1);
        var later = new TaskCompletionSource();
        asked = new TaskCompletionSource();
        origin.Gate = n =>
        {
            asked.TrySetResult();
            return n == 1 ? later.Task : Task.CompletedTask;
        };
        Assert.Equal(s_poison, await checks.Host.BytesAsync(Url(checks, origin, gone)));
        later.SetResult();
        await checks.Host.UntilAsync(() => origin.Requests.Count == 3, TimeSpan.FromSeconds(1));
        await checks.Host.PassAsync(TimeSpan.FromSeconds(10));
        Assert.Equal(0, checks.Link.Disputes.Waiting);
        Assert.Empty(node.Disputed);
        never.SetResult();
    }

    [Fact]
    public async Task Where_both_come_at_once_and_differ_the_viewer_gets_the_worlds_and_the_dispute_costs_no_further_request()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        Guid id = origin.Add(s_texture);
        node.Add(AssetType.Texture, id, s_poison);
        var begun = new TaskCompletionSource();
        var answered = new TaskCompletionSource();
        node.Otherwise = async _ => { await begun.Task; return false; };
        origin.Otherwise = async context =>
        {
            context.Response.ContentLength = s_texture.Length;
            await context.Response.Body.WriteAsync(s_texture.AsMemory(0, 40_000));
            await context.Response.Body.FlushAsync();
            begun.TrySetResult();
            await answered.Task;
            await context.Response.Body.WriteAsync(s_texture.AsMemory(40_000));
            return true;
        };
        Task<byte[]> viewer = relay.Host.BytesAsync(Url(relay, origin, id));
        await relay.Host.UntilAsync(() => relay.Host.Relay.Assembling.ReservedBytes > s_texture.Length);
        await relay.Host.UntilAsync(() => !relay.Link.Lookups.Trusts(new AssetKey(TestNode.World, AssetType.Texture, id)));
        answered.SetResult();
        Assert.Equal(s_texture, await viewer);
        await relay.Host.UntilAsync(() => !node.Disputed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal((id, Hash(s_texture)), (node.Disputed.First().Id, node.Disputed.First().Sha256));
        Assert.Empty(node.Claimed);
        Assert.Single(origin.Requests);
    }

    [Fact]
    public async Task What_the_sim_sends_after_the_cache_grid_has_answered_is_compared_too()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay);
        Guid id = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_poison);
        Assert.Null(circuit.Assets.TryRead(AssetType.Texture, id, () => { }));
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_poison));
        circuit.Assets.Captured(AssetType.Texture, id, s_texture);
        await relay.Host.UntilAsync(() => !node.Disputed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal((id, Hash(s_texture), "127.0.0.1"), (node.Disputed.First().Id, node.Disputed.First().Sha256, node.Disputed.First().Origin));
        Assert.True(await relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture));
        Assert.Empty(node.Claimed);
    }

    [Fact]
    public async Task A_dispute_that_is_refused_for_today_waits_as_long_as_told_and_survives_a_restart()
    {
        await using TestNode node = await TestNode.StartAsync();
        node.DisputeStatus = 429;
        Guid id = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_poison);
        await using (LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config))
        {
            await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay);
            Assert.Null(circuit.Assets.TryRead(AssetType.Texture, id, () => { }));
            await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_poison));
            circuit.Assets.Captured(AssetType.Texture, id, s_texture);
            await relay.Host.UntilAsync(() => node.DisputesRefused == 1, TimeSpan.FromSeconds(1));
            Assert.Equal(1, relay.Link.Disputes.Waiting);
        }
        Assert.Equal(-1, File.ReadAllBytes(Assert.Single(Directory.GetFiles(_config, "*.disputes"))).AsSpan().IndexOf("texture"u8));
        node.DisputeStatus = 202;
        await using LinkedRelay again = await LinkedRelay.StartAsync(node.File(), _config);
        await again.Host.UntilAsync(() => !node.Disputed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal((id, Hash(s_texture)), (node.Disputed.First().Id, node.Disputed.First().Sha256));
        Assert.Equal(1, node.DisputesRefused);
        await again.Host.UntilAsync(() => again.Link.Disputes.Waiting == 0);
    }

    private static string Hash(byte[] bytes) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bytes));

    private static string Url(LinkedRelay relay, ScriptedOrigin origin, Guid id) => relay.Host.Cap("c", TestNode.World, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
}
