using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Assets;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>A cache grid that does not answer, on a clock that goes only when a test says so: what it costs a viewer is counted, not measured. A connection has one second of the real clock, which a machine busy with other tests may not keep.</summary>
[Collection("load")]
public sealed class DownOrSlowTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 50_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Theory]
    [InlineData("hung")]
    [InlineData("ten seconds")]
    [InlineData("closes")]
    [InlineData("500")]
    [InlineData("503")]
    public async Task T37_A_cache_grid_that_is_down_or_slow_adds_no_more_than_the_hold_is_told_of_once_and_left_alone(string fault)
    {
        var time = new FakeTimeProvider();
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, time: time);
        // It used to be quick: it is worth 5 ms of anybody's time.
        node.Otherwise = _ => { time.Advance(TimeSpan.FromMilliseconds(5)); return Task.FromResult(false); };
        for (int i = 0; i < 20; i++)
        {
            Guid known = Guid.NewGuid();
            node.Add(AssetType.Texture, known, s_texture);
            Assert.NotNull(await relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, AssetType.Texture, known), default));
        }
        Assert.Equal(TimeSpan.FromMilliseconds(5), relay.Link.Lookups.Hold(TestNode.World));

        var over = new TaskCompletionSource();
        bool answers = fault is not ("hung" or "ten seconds");
        node.Otherwise = async context =>
        {
            if (!answers) await Task.WhenAny(over.Task, Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted));
            if (fault is "500" or "503") context.Response.StatusCode = fault == "500" ? 500 : 503;
            else context.Abort();
            return fault != "ten seconds";
        };
        int before = node.Asked.Count;
        for (int i = 0; i < 8; i++)
        {
            Guid id = origin.Add(s_texture);
            node.Add(AssetType.Texture, id, s_texture);
            // The origin answers only once the lookup's patience is over, so that every lookup ends by itself.
            var answered = new TaskCompletionSource();
            origin.Gate = answers ? null : _ => answered.Task;
            int asked = node.Asked.Count, given = origin.Requests.Count;
            Task<byte[]> viewer = relay.Host.BytesAsync(Url(relay, origin, id));
            await relay.Host.UntilAsync(() => node.Asked.Count > asked || origin.Requests.Count > given);
            // Where the node is asked and does not answer, the hold and not a moment more has to pass before the origin is asked.
            if (!answers && node.Asked.Count > asked)
            {
                await Task.Delay(50);
                Assert.Equal(given, origin.Requests.Count);
                relay.Host.Time.Advance(TimeSpan.FromMilliseconds(5));
            }
            await relay.Host.UntilAsync(() => origin.Requests.Count > given);
            if (!answers && node.Asked.Count > asked) time.Advance(TimeSpan.FromSeconds(2));
            await Task.Delay(20);
            answered.SetResult();
            Assert.Equal(s_texture, await viewer.WaitAsync(TimeSpan.FromSeconds(10)));
        }
        // Left alone: not one of eight in a row has been asked since the node was given up, and nobody waits for it any more.
        Assert.InRange(node.Asked.Count - before, 1, 3);
        Assert.Equal(TimeSpan.Zero, relay.Link.Lookups.Hold(TestNode.World));
        Assert.Single(relay.Log.Lines, l => l.Contains("cannot be reached", StringComparison.Ordinal));
        Assert.Single(relay.Log.Lines);
        over.SetResult();

        // It has come back: after its pause one lookup finds that out.
        node.Otherwise = null;
        await relay.Host.UntilAsync(async () =>
        {
            time.Advance(TimeSpan.FromSeconds(10));
            Guid known = Guid.NewGuid();
            node.Add(AssetType.Texture, known, s_texture);
            return await relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, AssetType.Texture, known), default) is not null;
        });
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(1)]
    public async Task A_clock_that_is_an_hour_off_changes_nothing(int hours)
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow.AddHours(hours));
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        await using LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, time: time);
        var never = new TaskCompletionSource();
        origin.Gate = n => n == 0 ? never.Task : Task.CompletedTask;
        Guid theirs = origin.Add(s_texture), ours = origin.Add(s_texture);
        node.Add(AssetType.Texture, theirs, s_texture);
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, theirs)));
        Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, ours)));
        // The clock goes on only while no lookup is under way and a claim has had its time: a test's clock can outrun an answer that is on its way.
        await relay.Host.UntilAsync(async () =>
        {
            await relay.Host.UntilAsync(() => relay.Link.Lookups.Asking == 0);
            time.Advance(TimeSpan.FromSeconds(0.5));
            relay.Host.Time.Advance(TimeSpan.FromSeconds(0.5));
            await Task.Delay(200);
            return !node.Claimed.IsEmpty;
        });
        Assert.Empty(relay.Log.Lines);
        never.SetResult();
    }

    private static string Url(LinkedRelay relay, ScriptedOrigin origin, Guid id) => relay.Host.Cap("c", TestNode.World, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";
}
