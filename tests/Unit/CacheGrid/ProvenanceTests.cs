using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Assets;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>What may be claimed: what this client received itself, from the world whose region sent it, and nothing that came from a cache.</summary>
public sealed class ProvenanceTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 50_000, 512, 512), s_other = SyntheticAssets.Texture(2, 50_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public async Task What_came_whole_by_UDP_is_claimed_and_sent_as_the_sims()
    {
        await using TestNode node = await TestNode.StartAsync();
        node.Verdict = _ => ClaimVerdict.Wanted;
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay);
        Guid id = Guid.NewGuid();
        circuit.Assets.Captured(AssetType.Texture, id, s_texture);
        await relay.Host.UntilAsync(() => !node.Uploaded.IsEmpty, TimeSpan.FromSeconds(1));
        ClaimLine line = Assert.Single(node.Claimed);
        Assert.Equal((TestNode.World, "texture", id, s_texture.Length, "127.0.0.1"), (line.Grid, line.Type, line.Id, line.Length, line.Origin));
        Assert.Equal(s_texture, node.Uploaded[NodeApi.PathOf(new AssetKey(TestNode.World, AssetType.Texture, id))]);
    }

    [Theory]
    // Its name leads to where the sim is: over UDP and over HTTP the same operator.
    [InlineData("http://localhost:9000/cap/1", "127.0.0.9:13005", "localhost")]
    // A name that leads elsewhere is no name of this sim's, however loudly it says so.
    [InlineData("http://localhost:9000/cap/1", "203.0.113.7:13005", "203.0.113.7")]
    [InlineData("http://no-such-host.invalid/cap/1", "203.0.113.7:13005", "203.0.113.7")]
    public async Task A_sim_is_called_by_a_name_that_leads_to_it_else_by_its_address(string cap, string sim, string origin)
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay, cap: new Uri(cap), sim: System.Net.IPEndPoint.Parse(sim));
        circuit.Assets.Captured(AssetType.Texture, Guid.NewGuid(), s_texture);
        await relay.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal(origin, Assert.Single(node.Claimed).Origin);
    }

    [Fact]
    public async Task Nothing_is_claimed_of_a_world_that_is_not_shared_nor_a_stand_in_nor_a_baked_texture()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        await using (LinkedCircuit abroad = await LinkedCircuit.StartAsync(relay, "grid.example.com"))
        {
            Guid theirs = Guid.NewGuid();
            abroad.Assets.Captured(AssetType.Texture, theirs, s_texture);
            await relay.Host.UntilAsync(() => relay.Host.HoldsAsync("grid.example.com", AssetType.Texture, theirs, s_texture));
        }
        await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay);
        Guid baked = Guid.NewGuid(), missing = Guid.NewGuid(), last = Guid.NewGuid();
        relay.Host.Exclusions.Add(baked, TestNode.World);
        Assert.False(relay.Host.Relay.Intake.Refuses(AssetType.Texture, Client.Assets.StandInPictures.MissingImage, s_other));
        circuit.Assets.Captured(AssetType.Texture, baked, s_texture);
        circuit.Assets.Captured(AssetType.Texture, missing, s_other);
        await relay.Host.UntilAsync(() => circuit.Shelf.Captures.Used == 0);
        circuit.Assets.Captured(AssetType.Texture, last, s_texture);
        await relay.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal(last, Assert.Single(node.Claimed).Id);
        Assert.Empty(node.Asked);
    }

    [Fact]
    public async Task T51_Bytes_that_came_from_the_cache_are_never_claimed_by_HTTP_by_UDP_after_a_restart_or_in_a_mixture()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        var never = new TaskCompletionSource();
        Guid http = origin.Add(s_texture), udp = Guid.NewGuid(), hint = Guid.NewGuid(), mixed = origin.Add(s_texture), own = origin.Add(s_other);
        foreach (Guid id in (Guid[])[http, udp, hint, mixed]) node.Add(AssetType.Texture, id, s_texture);
        await using (LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config))
        {
            await using LinkedCircuit circuit = await LinkedCircuit.StartAsync(relay, cap: new Uri(origin.Url, "/cap"));
            origin.Gate = _ => never.Task;
            Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, http)));
            Assert.Null(circuit.Assets.TryRead(AssetType.Texture, udp, () => { }));
            circuit.Assets.Hint(AssetType.Texture, hint);
            foreach (Guid id in (Guid[])[http, udp, hint])
                await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture), TimeSpan.FromMilliseconds(100));
            // Evicted, and captured anew as a mixture: the world begins to send, the cache brings the rest.
            relay.Host.Store.Drop(new AssetKey(TestNode.World, AssetType.Texture, mixed));
            origin.Gate = null;
            var begun = new TaskCompletionSource();
            node.Otherwise = async _ => { await begun.Task; return false; };
            origin.Otherwise = async context =>
            {
                context.Response.ContentLength = s_texture.Length;
                await context.Response.Body.WriteAsync(s_texture.AsMemory(0, 40_000));
                await context.Response.Body.FlushAsync();
                begun.TrySetResult();
                await Task.WhenAny(never.Task, Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted));
                return true;
            };
            Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, mixed)));
            await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, mixed, s_texture));
            origin.Otherwise = null;
            Assert.Equal(0, relay.Link.Claims.Waiting);
            Assert.Empty(node.Claimed);
        }
        // A restart: what lies in the store has no history any more, and is served, not claimed.
        await using LinkedRelay again = await LinkedRelay.StartAsync(node.File(), _config);
        await again.Host.PutAsync(TestNode.World, AssetType.Texture, http, s_texture);
        node.Otherwise = null;
        Assert.Equal(s_texture, await again.Host.BytesAsync(Url(again, origin, http)));
        Assert.Equal(s_other, await again.Host.BytesAsync(Url(again, origin, own)));
        await again.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal(own, Assert.Single(node.Claimed).Id);
        never.SetResult();
    }

    [Fact]
    public async Task T54_A_texture_that_turns_out_to_be_baked_after_the_capture_is_neither_claimed_nor_sent()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        // It waits, is claimed and wanted; between that and the upload the avatar is seen.
        Guid late = origin.Add(s_other), early = origin.Add(s_texture);
        node.Verdict = line =>
        {
            relay.Host.Exclusions.Add(line.Id, TestNode.World);
            return ClaimVerdict.Wanted;
        };
        Assert.Equal(s_other, await relay.Host.BytesAsync(Url(relay, origin, late)));
        await relay.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
        await relay.Host.UntilAsync(() => relay.Link.Claims.Waiting == 0);
        // Before it is claimed: what waits is forgotten at once, so that no restart brings it back.
        node.Verdict = _ => ClaimVerdict.Again;
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, early)));
        await relay.Host.UntilAsync(() => relay.Link.Claims.Waiting == 1);
        relay.Host.Exclusions.Add(early, TestNode.World);
        Assert.Equal(0, relay.Link.Claims.Waiting);
        Assert.Empty(node.Uploaded);
        Assert.False(await relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, early, s_texture));
    }

    [Fact]
    public async Task T55_One_uuid_on_two_worlds_with_different_bytes_is_served_right_for_both()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        var never = new TaskCompletionSource();
        origin.Gate = _ => never.Task;
        Guid id = Guid.NewGuid();
        node.Add(AssetType.Texture, id, s_texture);
        node.Add(AssetType.Texture, id, s_other, TestNode.OtherWorld);
        string one = relay.Host.Cap("one", TestNode.World, new Uri(origin.Url, "/1")), two = relay.Host.Cap("two", TestNode.OtherWorld, new Uri(origin.Url, "/2"));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(s_texture, await relay.Host.BytesAsync($"{one}/?texture_id={id}"));
            Assert.Equal(s_other, await relay.Host.BytesAsync($"{two}/?texture_id={id}"));
            await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture));
            await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.OtherWorld, AssetType.Texture, id, s_other));
        }
        Assert.Equal(2, node.Asked.Count);
        never.SetResult();
    }

    private static string Url(LinkedRelay relay, ScriptedOrigin origin, Guid id) => relay.Host.Cap("c", TestNode.World, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
}
