using System.Buffers.Text;
using GlobalCache.Client;
using GlobalCache.Client.Edge;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Assets;
using Microsoft.AspNetCore.Http;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>Viewer, relay, origin and node over real sockets: what the cache grid gives, and that nothing it does wrong reaches a viewer.</summary>
public sealed class CacheGridLinkTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 50_000, 512, 512), s_other = SyntheticAssets.Texture(2, 50_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public async Task What_the_cache_grid_has_comes_from_there_while_the_origin_has_not_answered()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        var never = new TaskCompletionSource();
        origin.Gate = _ => never.Task;
        Guid id = origin.Add(s_texture);
        node.Add(AssetType.Texture, id, s_texture);
        string url = Url(relay, origin, id);

        Assert.Equal(s_texture[..600], await relay.Host.BytesAsync(url, "bytes=0-599"));
        Assert.Equal(s_texture, await relay.Host.BytesAsync(url));
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture));
        Assert.Single(node.Asked);
        Assert.Empty(relay.Log.Lines);
        never.SetResult();
        // Came from a cache: never claimed. What the origin gives afterwards is.
        Guid mine = origin.Add(s_other);
        Assert.Equal(s_other, await relay.Host.BytesAsync(Url(relay, origin, mine)));
        await relay.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
        Assert.Equal(mine, Assert.Single(node.Claimed).Id);
    }

    [Theory]
    [InlineData("hung")]
    [InlineData("slow")]
    [InlineData("flipped bit")]
    [InlineData("wrong key")]
    [InlineData("no key")]
    [InlineData("truncated")]
    [InlineData("cut off")]
    [InlineData("too long")]
    [InlineData("without a length")]
    [InlineData("another asset")]
    [InlineData("no texture")]
    [InlineData("broken")]
    [InlineData("busy")]
    [InlineData("redirect")]
    public async Task T53_Whatever_a_node_does_wrong_the_viewer_gets_the_origins_bytes_and_it_is_said_once(string fault)
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        var asked = new TaskCompletionSource();
        // The node's answer comes first, whatever it is worth.
        bool waits = fault is not ("hung" or "slow");
        Guid id = origin.Add(s_texture), after = origin.Add(s_other);
        node.Add(AssetType.Texture, id, fault == "no texture" ? new byte[5000] : s_texture);
        node.Add(AssetType.Texture, after, s_other);
        var gone = new TaskCompletionSource();
        node.Otherwise = fault switch
        {
            "hung" => async context => { asked.TrySetResult(); await Task.WhenAny(gone.Task, Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted)); return true; }
            ,
            "slow" => async context =>
            {
                asked.TrySetResult();
                context.Response.Headers[NodeApi.AssetKeyHeader] = Base64Url.EncodeToString(new byte[32]);
                context.Response.ContentLength = 60_000;
                await context.Response.Body.WriteAsync(new byte[10]);
                await Task.WhenAny(gone.Task, Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted));
                context.Abort();
                return true;
            }
            ,
            "cut off" => async context => { context.Response.Headers[NodeApi.AssetKeyHeader] = Base64Url.EncodeToString(new byte[32]); context.Response.ContentLength = 60_000; await context.Response.Body.WriteAsync(new byte[10]); context.Abort(); return true; }
            ,
            "no key" => async context => { context.Response.ContentLength = 60_000; await context.Response.Body.WriteAsync(new byte[60_000]); return true; }
            ,
            "too long" => context => { context.Response.ContentLength = int.MaxValue; context.Response.Headers[NodeApi.AssetKeyHeader] = Base64Url.EncodeToString(new byte[32]); return context.Response.StartAsync().ContinueWith(_ => { context.Abort(); return true; }); }
            ,
            "without a length" => async context => { context.Response.Headers[NodeApi.AssetKeyHeader] = Base64Url.EncodeToString(new byte[32]); await context.Response.Body.WriteAsync(new byte[60_000]); return true; }
            ,
            "broken" => Status(500),
            "busy" => Status(503),
            "redirect" => context => { context.Response.Redirect("https://127.0.0.1:1/"); return Task.FromResult(true); }
            ,
            _ => null,
        };
        node.Change = (key, blob, contentKey) => fault switch
        {
            "flipped bit" => (Flipped(blob), contentKey),
            "wrong key" => (blob, new byte[32]),
            "truncated" => (blob[..^1], contentKey),
            "another asset" => node.Seal(key with { Id = Guid.NewGuid() }, s_texture),
            _ => (blob, contentKey),
        };
        if (waits) origin.Gate = async _ => { while (node.Asked.IsEmpty) await Task.Delay(1); await Task.Delay(100); };
        else origin.Gate = _ => asked.Task;

        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)).WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Single(origin.Requests);
        // Kept as the origin's, and claimed as such.
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture));
        Assert.Equal(s_other, await relay.Host.BytesAsync(Url(relay, origin, after)).WaitAsync(TimeSpan.FromSeconds(10)));
        gone.SetResult();
        // Of one that is given up before its time is over there is nothing to say.
        if (!waits) Assert.Empty(relay.Log.Lines);
        else Assert.Contains(fault is "cut off" or "broken" or "busy" or "redirect" ? "cannot be reached" : "not what it should be", Assert.Single(relay.Log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_is_down_costs_nothing_and_another_one_is_asked()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File("127.0.0.1:9", $"127.0.0.1:{node.Port}"), _config);
        Guid id = origin.Add(s_texture);
        node.Add(AssetType.Texture, id, s_texture);
        var never = new TaskCompletionSource();
        origin.Gate = _ => never.Task;
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)));
        never.SetResult();
    }

    [Theory]
    [InlineData("other.test.internal", false, false, "certificate")]
    [InlineData(TestNode.Host, true, false, "clock")]
    [InlineData(TestNode.Host, false, true, "certificate")]
    public async Task Under_a_wrong_certificate_nothing_is_asked_and_it_is_said_once(string named, bool expired, bool other, string says)
    {
        Guid id;
        await using (TestNode sound = await TestNode.StartAsync())
        {
            await using LinkedRelay enrolled = await LinkedRelay.StartAsync(sound.File(), _config);
        }
        await using TestNode node = await TestNode.StartAsync(named, expired, other);
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, session: false);
        await relay.Host.UntilAsync(() => !relay.Log.Lines.IsEmpty);
        for (int i = 0; i < 3; i++)
        {
            id = origin.Add(s_texture);
            node.Add(AssetType.Texture, id, s_other);
            Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)));
        }
        Assert.Contains(says, Assert.Single(relay.Log.Lines), StringComparison.Ordinal);
        Assert.Empty(node.Asked);
        Assert.Equal(0, node.Sessions);
    }

    [Fact]
    public async Task Bytes_that_differ_from_what_the_origin_has_begun_to_send_are_not_joined_with_it()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        Guid id = origin.Add(s_texture);
        node.Add(AssetType.Texture, id, s_other);
        var begun = new TaskCompletionSource();
        var answered = new TaskCompletionSource();
        node.Otherwise = async _ => { await begun.Task; return false; };
        origin.Otherwise = async context =>
        {
            context.Response.ContentLength = s_texture.Length;
            await context.Response.Body.WriteAsync(s_texture.AsMemory(0, 40_000));
            await context.Response.Body.FlushAsync();
            await answered.Task;
            await context.Response.Body.WriteAsync(s_texture.AsMemory(40_000));
            return true;
        };
        Task<byte[]> viewer = relay.Host.BytesAsync(Url(relay, origin, id));
        await relay.Host.UntilAsync(() => relay.Host.Relay.Assembling.ReservedBytes > s_texture.Length);
        await Task.Delay(200);
        begun.SetResult();
        await relay.Host.UntilAsync(() => !node.Asked.IsEmpty);
        await Task.Delay(200);
        answered.SetResult();
        Assert.Equal(s_texture, await viewer);
        await relay.Host.UntilAsync(() => relay.Host.HoldsAsync(TestNode.World, AssetType.Texture, id, s_texture));
    }

    [Fact]
    public async Task Where_the_cache_grid_is_usually_sooner_the_origin_is_held_back_and_no_longer_than_the_hold()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config);
        Assert.Equal(TimeSpan.Zero, relay.Link.Lookups.Hold(TestNode.World));
        for (int i = 0; i < 20; i++)
        {
            Guid known = Guid.NewGuid();
            node.Add(AssetType.Texture, known, s_texture);
            Assert.NotNull(await relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, AssetType.Texture, known), default));
        }
        Assert.InRange(relay.Link.Lookups.Hold(TestNode.World), TimeSpan.FromTicks(1), TimeSpan.FromMilliseconds(150));

        // The relay's clock stands still, so a hold would last for ever: the origin is not asked.
        Guid warm = origin.Add(s_texture);
        node.Add(AssetType.Texture, warm, s_texture);
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, warm)));
        Assert.Empty(origin.Requests);
        // A miss is told at once, and ends the hold.
        Guid cold = origin.Add(s_other);
        Assert.Equal(s_other, await relay.Host.BytesAsync(Url(relay, origin, cold)));
        Assert.Single(origin.Requests);
        // A node that does not answer is not waited for beyond it.
        var gone = new TaskCompletionSource();
        node.Otherwise = async context => { await Task.WhenAny(gone.Task, Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted)); return true; };
        Guid late = origin.Add(s_other);
        Task<byte[]> viewer = relay.Host.BytesAsync(Url(relay, origin, late));
        await relay.Host.UntilAsync(() => node.Asked.Any(p => p.EndsWith($"{late:D}", StringComparison.Ordinal)));
        Assert.Single(origin.Requests);
        await relay.Host.PassAsync(TimeSpan.FromMilliseconds(160));
        Assert.Equal(s_other, await viewer.WaitAsync(TimeSpan.FromSeconds(10)));
        gone.SetResult();
    }

    [Fact]
    public async Task What_the_grid_wants_is_sent_to_it_signed_and_what_waits_survives_a_restart()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        node.Verdict = _ => ClaimVerdict.Again;
        Guid id = origin.Add(s_texture), second = origin.Add(s_other);
        byte[] spool;
        await using (LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config))
        {
            Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, id)));
            await relay.Host.UntilAsync(() => !node.Claimed.IsEmpty, TimeSpan.FromSeconds(1));
            ClaimLine line = node.Claimed.First();
            Assert.Equal((TestNode.World, "texture", id, s_texture.Length, "127.0.0.1"), (line.Grid, line.Type, line.Id, line.Length, line.Origin));
            Assert.Empty(node.Uploaded);
            node.Verdict = _ => ClaimVerdict.Wanted;
            await relay.Host.UntilAsync(() => !node.Uploaded.IsEmpty, TimeSpan.FromSeconds(1));
            Assert.Equal(s_texture, node.Uploaded[NodeApi.PathOf(new AssetKey(TestNode.World, AssetType.Texture, id))]);
            await relay.Host.UntilAsync(() => relay.Link.Claims.Waiting == 0);
            node.Verdict = _ => ClaimVerdict.Again;
            Assert.Equal(s_other, await relay.Host.BytesAsync(Url(relay, origin, second)));
            await relay.Host.UntilAsync(() => relay.Link.Claims.Waiting == 1, TimeSpan.FromSeconds(1));
        }
        string file = Assert.Single(Directory.GetFiles(_config, "*.spool"));
        spool = File.ReadAllBytes(file);
        Assert.Equal(-1, spool.AsSpan().IndexOf("texture"u8));
        node.Claimed.Clear();
        node.Uploaded.Clear();
        node.Verdict = _ => ClaimVerdict.Wanted;
        await using LinkedRelay again = await LinkedRelay.StartAsync(node.File(), _config, prepare: store => store.PutAsync(new AssetKey(TestNode.World, AssetType.Texture, second), s_other, default).AsTask());
        await again.Host.UntilAsync(() => again.Link.Claims.Waiting == 0, TimeSpan.FromSeconds(1));
        Assert.Equal(second, Assert.Single(node.Claimed).Id);
        Assert.Equal(s_other, Assert.Single(node.Uploaded).Value);
        Assert.Equal(1, node.Enrolments);
    }

    [Fact]
    public async Task An_invite_that_is_used_up_and_a_key_others_can_read_are_told_in_one_sentence()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using (LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config))
        {
        }
        string key = GridIdentity.PathOf(_config, TestNode.Host);
        if (!OperatingSystem.IsWindows())
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(key));
            File.SetUnixFileMode(key, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead);
            Assert.Contains("chmod 600", Assert.Throws<CannotStartException>(() => GridIdentity.Load(_config, TestNode.Host)).Message, StringComparison.Ordinal);
        }
        File.Delete(key);
        CannotStartException refused = await Assert.ThrowsAsync<CannotStartException>(() => LinkedRelay.StartAsync(node.File(), _config));
        Assert.StartsWith("--invite: ", refused.Message, StringComparison.Ordinal);
    }

    private static string Url(LinkedRelay relay, ScriptedOrigin origin, Guid id) => relay.Host.Cap("c", TestNode.World, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";

    private static Func<HttpContext, Task<bool>> Status(int status) => context =>
    {
        context.Response.StatusCode = status;
        return Task.FromResult(true);
    };

    private static byte[] Flipped(byte[] bytes)
    {
        bytes[bytes.Length / 2] ^= 1;
        return bytes;
    }
}
