using System.Net;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Assets;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>A world's owner says in <c>get_grid_info</c> that its assets are not to be shared, and so they are not.</summary>
public sealed class WorldOwnersTests : IDisposable
{
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 50_000, 512, 512), s_other = SyntheticAssets.Texture(2, 50_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-owners-").FullName;

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public async Task Nothing_is_told_before_the_owner_was_asked_and_nothing_at_all_where_it_refuses()
    {
        await using TestNode node = await TestNode.StartAsync();
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        var worlds = new Worlds();
        Guid first = origin.Add(s_texture), second = origin.Add(s_other), third = origin.Add(SyntheticAssets.Texture(3, 50_000, 512, 512));
        await using (LinkedRelay relay = await LinkedRelay.StartAsync(node.File(), _config, worlds: worlds))
        {
            // Nobody is there yet, so nobody was asked.
            await Task.Delay(TimeSpan.FromSeconds(1.2));
            Assert.Empty(worlds.Asked);
            Assert.Equal(s_texture, await relay.Host.BytesAsync(Url(relay, origin, first)));
            await relay.Host.UntilAsync(() => relay.Link.Claims.Waiting == 1);
            await LetPassAsync(relay);
            Assert.Empty(node.Claimed);
            Assert.Equal([$"http://{TestNode.World}/get_grid_info"], worlds.Asked);

            worlds.Say("<gridinfo><globalcache>refuse</globalcache></gridinfo>");
            await relay.Host.UntilAsync(() => relay.Link.Worlds.IsRefused(TestNode.World));
            await relay.Host.UntilAsync(() => relay.Link.Claims.Waiting == 0, TimeSpan.FromSeconds(1));
            int asked = node.Asked.Count;
            Assert.Equal(s_other, await relay.Host.BytesAsync(Url(relay, origin, second)));
            await LetPassAsync(relay);
            Assert.Empty(node.Claimed);
            Assert.Equal((asked, 0), (node.Asked.Count, relay.Link.Claims.Waiting));
            Assert.True(Assert.Single(relay.Link.Status().Worlds, w => w.World == TestNode.World).Refused);
            Assert.Contains(relay.Log.Lines, l => l.Contains($"The owner of {TestNode.World} refuses", StringComparison.Ordinal));
        }
        // After a restart it holds before anybody was asked, and ends when the owner says otherwise.
        worlds = new Worlds();
        await using LinkedRelay after = await LinkedRelay.StartAsync(node.File(), _config, worlds: worlds);
        Assert.True(after.Link.Worlds.IsRefused(TestNode.World));
        Assert.False(after.Link.Worlds.Contains(TestNode.World));
        Assert.True(after.Link.Worlds.Contains(TestNode.OtherWorld));
        Assert.NotEmpty(await after.Host.BytesAsync(Url(after, origin, second)));
        worlds.Say("<gridinfo><globalcache>allow</globalcache></gridinfo>");
        await after.Host.UntilAsync(() => after.Link.Worlds.MayTell(TestNode.World));
        Assert.NotEmpty(await after.Host.BytesAsync(Url(after, origin, third)));
        await after.Host.UntilAsync(() => node.Claimed.Any(c => c.Id == third), TimeSpan.FromSeconds(1));
    }

    [Fact]
    public void An_owner_is_asked_when_somebody_is_there_then_daily_and_soon_when_it_could_not_be()
    {
        string file = Path.Combine(_config, "x.refused");
        var owners = new WorldOwners(["a", "b", GridId.SecondLife], file);
        Assert.Empty(owners.Due(TimeSpan.Zero));
        Assert.False(owners.IsAsked("a"));
        Assert.True(owners.IsAsked(GridId.SecondLife));
        foreach (string world in (string[])["a", GridId.SecondLife, "unknown"]) owners.Visit(world);
        Assert.Equal(["a"], owners.Due(TimeSpan.Zero));
        owners.Unheard("a", TimeSpan.Zero);
        Assert.Equal((true, false), (owners.IsAsked("a"), owners.Refuses("a")));
        Assert.Empty(owners.Due(TimeSpan.FromMinutes(9)));
        Assert.Equal(["a"], owners.Due(TimeSpan.FromMinutes(10)));
        Assert.True(owners.Heard("a", refuses: true, TimeSpan.FromMinutes(10)));
        Assert.Empty(owners.Due(TimeSpan.FromHours(24)));
        Assert.Equal(["a"], owners.Due(TimeSpan.FromHours(24.2)));
        // Who cannot be asked has not changed its mind.
        owners.Unheard("a", TimeSpan.FromHours(24.2));
        Assert.Equal((true, true), (owners.Refuses("a"), new WorldOwners(["a", "b"], file).Refuses("a")));
        Assert.True(owners.Heard("a", refuses: false, TimeSpan.FromHours(25)));
        Assert.Equal((false, false), (owners.Refuses("a"), new WorldOwners(["a", "b"], file).Refuses("a")));
        File.WriteAllText(file, "{");
        Assert.False(new WorldOwners(["a"], file).Refuses("a"));
    }

    /// <summary>Long enough for claims to be made, on the clock of viewers' traffic and on the real one.</summary>
    private static async Task LetPassAsync(LinkedRelay relay)
    {
        for (int i = 0; i < 12; i++)
        {
            await relay.Host.PassAsync(TimeSpan.FromSeconds(1));
            await Task.Delay(200);
        }
    }

    private static string Url(LinkedRelay relay, ScriptedOrigin origin, Guid id) => relay.Host.Cap("c", TestNode.World, new Uri(origin.Url, "/cap")) + $"/?texture_id={id}";

    /// <summary>The worlds' <c>get_grid_info</c>: silent until something is to be said.</summary>
    private sealed class Worlds : HttpMessageHandler
    {
        private readonly TaskCompletionSource<string> _said = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public System.Collections.Concurrent.ConcurrentQueue<string> Asked { get; } = new();

        public void Say(string document) => _said.TrySetResult(document);

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Enqueue(request.RequestUri!.AbsoluteUri);
            return new HttpResponseMessage(HttpStatusCode.OK) { Content = new StringContent(await _said.Task.WaitAsync(cancellationToken)) };
        }
    }
}
