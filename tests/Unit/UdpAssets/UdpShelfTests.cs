using System.Net;
using System.Text;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Assets;
using GlobalCache.Tests.Caps;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>A circuit's view of the client: the real store and relay, a clock of the test's, and no sockets.</summary>
public sealed class UdpShelfTests : IAsyncLifetime
{
    private const string Grid = "grid.example";
    private static readonly IPEndPoint s_sim = IPEndPoint.Parse("203.0.113.7:13005");
    private static readonly Guid s_id = new("6c0ca000-0000-4000-8000-000000000003");
    private static readonly byte[] s_texture = Repository.Asset("6c0ca000-0000-4000-8000-000000000003");
    private static readonly byte[] s_sound = Repository.Asset("6c0ca000-0000-4000-8000-000000000011");
    private static readonly byte[] s_standIn = Repository.Asset("6c0ca000-0000-4000-8000-000000000002");

    private RelayHost _host = null!;
    private UdpShelf _shelf = null!;
    private Session _session = null!;
    private RegionAssets _assets = null!;
    private int _woken;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _host = await RelayHost.StartAsync();
        Begin(new ClientLimits());
    }

    public async ValueTask DisposeAsync()
    {
        await _session.DisposeAsync();
        await _shelf.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Nothing_is_read_before_the_grid_is_known_and_then_all_of_it()
    {
        await _host.PutAsync(Grid, AssetType.Texture, s_id, s_texture);
        Assert.Null(_assets.TryRead(AssetType.Texture, s_id, () => { }));
        await LearnAsync();
        Assert.Equal(s_texture, await ReadAsync(AssetType.Texture, s_id));
        Assert.Null(_assets.TryRead(AssetType.Sound, s_id, () => { }));
        Assert.Null(_assets.TryRead(AssetType.Texture, Guid.NewGuid(), () => { }));
    }

    [Fact]
    public async Task A_baked_texture_is_neither_read_nor_kept()
    {
        await LearnAsync();
        _host.Exclusions.Add(s_id);
        await _host.PutAsync(Grid, AssetType.Texture, s_id, s_texture);
        Assert.True(_assets.IsExcluded(s_id));
        Assert.True(_assets.IsExcluded(Guid.Empty));
        Assert.Null(_assets.TryRead(AssetType.Texture, s_id, () => { }));
        _assets.Captured(AssetType.Texture, s_id, s_texture);
        Assert.Equal(0, _shelf.Captures.Used);
    }

    [Fact]
    public async Task Reads_beyond_the_memory_for_them_are_left_to_the_grid()
    {
        await _shelf.DisposeAsync();
        Begin(new ClientLimits { InjectionBytes = s_texture.Length + 10 });
        await LearnAsync();
        await _host.PutAsync(Grid, AssetType.Texture, s_id, s_texture);
        using (AssetRead first = _assets.TryRead(AssetType.Texture, s_id, () => { })!)
        {
            Assert.Null(_assets.TryRead(AssetType.Texture, s_id, () => { }));
            await Eventually.EqualAsync(true, () => first.Done);
        }

        Assert.Equal(0, _shelf.ReadBytes);
        Assert.Equal(s_texture, await ReadAsync(AssetType.Texture, s_id));
    }

    [Fact]
    public async Task A_damaged_asset_is_told_as_none()
    {
        await _host.PutAsync(Grid, AssetType.Texture, s_id, s_texture);
        await LearnAsync();
        _host.DamageStore(at: 50_000);
        Assert.Null(await ReadAsync(AssetType.Texture, s_id));
    }

    [Fact]
    public async Task What_was_captured_waits_for_the_grid_and_is_then_kept()
    {
        _assets.Captured(AssetType.Sound, s_id, s_sound);
        Assert.Equal(s_sound.Length, _shelf.Captures.Used);
        await LearnAsync();
        await _host.UntilAsync(() => _host.HoldsAsync(Grid, AssetType.Sound, s_id, s_sound));
        await Eventually.EqualAsync(0, () => _shelf.Captures.Used);
    }

    [Fact]
    public async Task A_viewer_that_never_asks_its_seed_has_its_grid_after_a_while()
    {
        _session.MapSeed("http://elsewhere.example:9000/CAPS/1", s_sim);
        _assets.Captured(AssetType.Sound, s_id, s_sound);
        await _host.PassAsync(TimeSpan.FromSeconds(9));
        Assert.False(_session.Find(s_sim)!.GridId.IsCompleted);
        await _host.PassAsync(TimeSpan.FromSeconds(2));
        string grid = await _session.Find(s_sim)!.GridId;
        Assert.True(GridId.TryFromUrl("http://elsewhere.example:9000/", out string expected));
        Assert.Equal(expected, grid);
        await _host.UntilAsync(() => _host.HoldsAsync(grid, AssetType.Sound, s_id, s_sound));
    }

    [Fact]
    public async Task What_waits_for_a_grid_that_is_never_told_is_given_up()
    {
        _assets.Captured(AssetType.Sound, s_id, s_sound);
        await _host.UntilAsync(() => _shelf.Captures.Used == 0, TimeSpan.FromSeconds(1));
        Assert.Equal(0, _host.Store.Count);
    }

    [Fact]
    public async Task What_is_no_asset_is_not_kept()
    {
        await LearnAsync();
        _assets.Captured(AssetType.Sound, s_id, s_texture);
        await Eventually.EqualAsync(0, () => _shelf.Captures.Used);
        Assert.Equal(0, _host.Store.Count);
    }

    [Fact]
    public async Task T47_A_texture_waits_until_the_sim_has_shown_its_stand_in_picture_and_is_refused_if_it_is_that()
    {
        await LearnAsync();
        Guid missing = Guid.NewGuid();
        _assets.Captured(AssetType.Texture, missing, s_standIn);
        _assets.Captured(AssetType.Texture, s_id, s_texture);
        await Eventually.EqualAsync(1, () => Volatile.Read(ref _woken));
        Assert.True(_assets.TryTakeQuestion(out Guid question));
        Assert.Equal(StandInPictures.MissingImage, question);
        Assert.False(_assets.TryTakeQuestion(out _));
        Assert.Equal(0, _host.Store.Count);

        _assets.Captured(AssetType.Texture, question, s_standIn);
        await _host.UntilAsync(() => _host.HoldsAsync(Grid, AssetType.Texture, s_id, s_texture));
        await Eventually.EqualAsync(0, () => _shelf.Captures.Used);
        Assert.False(await _host.HoldsAsync(Grid, AssetType.Texture, missing, s_standIn));
        Assert.True(await _host.HoldsAsync(Grid, AssetType.Texture, question, s_standIn));
    }

    [Fact]
    public async Task T47_Another_client_on_the_same_store_knows_the_stand_in_picture_from_there()
    {
        await _host.PutAsync(Grid, AssetType.Texture, StandInPictures.MissingImage, s_standIn);
        await LearnAsync();
        Guid missing = Guid.NewGuid();
        _assets.Captured(AssetType.Texture, missing, s_standIn);
        await Eventually.EqualAsync(0, () => _shelf.Captures.Used);
        Assert.Equal((1, 0), (_host.Store.Count, _woken));
    }

    [Fact]
    public async Task T47_With_a_capability_the_stand_in_picture_is_learnt_over_HTTP_once()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        origin.Add(s_standIn, StandInPictures.MissingImage);
        await LearnAsync(origin.Url);
        _assets.Captured(AssetType.Texture, Guid.NewGuid(), s_standIn);
        _assets.Captured(AssetType.Texture, s_id, s_texture);
        await _host.UntilAsync(() => _host.HoldsAsync(Grid, AssetType.Texture, s_id, s_texture));
        await Eventually.EqualAsync(0, () => _shelf.Captures.Used);
        Assert.Single(origin.Requests);
        Assert.Equal((2, 0), (_host.Store.Count, _woken));
    }

    [Fact]
    public async Task A_grid_that_never_shows_its_stand_in_picture_is_not_waited_for_for_ever()
    {
        await LearnAsync();
        _assets.Captured(AssetType.Texture, s_id, s_texture);
        await Eventually.EqualAsync(1, () => Volatile.Read(ref _woken));
        await _host.UntilAsync(() => _host.HoldsAsync(Grid, AssetType.Texture, s_id, s_texture), TimeSpan.FromSeconds(1));
        Guid other = Guid.NewGuid();
        _assets.Captured(AssetType.Texture, other, s_texture);
        await _host.UntilAsync(() => _host.HoldsAsync(Grid, AssetType.Texture, other, s_texture));
    }

    [Fact]
    public async Task A_part_is_completed_over_HTTP_asking_only_for_what_is_missing()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        origin.Add(s_texture, s_id);
        await LearnAsync(origin.Url);
        _assets.CapturedPart(AssetType.Texture, s_id, Part(20, out bool[] held), held);
        await _host.UntilAsync(() => _host.HoldsAsync(Grid, AssetType.Texture, s_id, s_texture), TimeSpan.FromMilliseconds(50));
        Seen asked = Assert.Single(origin.Requests, r => r.Target.Contains(s_id.ToString(), StringComparison.Ordinal));
        Assert.Equal($"bytes={ImagePackets.Extent(s_texture.Length, 20).Start}-", asked.Range);
    }

    [Fact]
    public async Task A_viewer_s_HTTP_request_joins_what_has_come_by_UDP()
    {
        await using ScriptedOrigin origin = await ScriptedOrigin.StartAsync();
        origin.Add(s_texture, s_id);
        await LearnAsync(origin.Url);
        string cap = _host.Cap("x", _session, Task.FromResult(Grid), origin.Url);
        _assets.CapturedPart(AssetType.Texture, s_id, Part(20, out bool[] held), held);
        await Eventually.EqualAsync(true, () => _host.Relay.Assembling.ReservedBytes > s_texture.Length);
        Assert.Equal(s_texture, await _host.BytesAsync($"{cap}/?texture_id={s_id}"));
        Assert.Equal(1, origin.MostOftenGiven(s_id));
        Assert.Contains(origin.Requests, r => r.Range == $"bytes={ImagePackets.Extent(s_texture.Length, 20).Start}-{s_texture.Length - 1}");
    }

    [Fact]
    public async Task A_part_without_a_capability_or_of_a_large_texture_is_dropped()
    {
        await LearnAsync();
        StandInsKnown();
        _assets.CapturedPart(AssetType.Texture, s_id, Part(20, out bool[] held), held);
        await Eventually.EqualAsync(0, () => _shelf.Captures.Used);
        _assets.CapturedPart(AssetType.Texture, s_id, new byte[(1 << 20) + 1], new bool[ImagePackets.Count((1 << 20) + 1)]);
        Assert.Equal(0, _shelf.Captures.Used);
        Assert.Equal(0, _host.Relay.Assembling.Count);
    }

    private void Begin(ClientLimits limits)
    {
        var kept = new PrefetchTarget(_host.Store.Holds, _host.Relay.Intake.IsExcluded, (_, _, _) => Task.CompletedTask);
        _shelf = new UdpShelf(_host.Store, _host.Relay, new Prefetch(null, kept, _host.Relay.Traffic, limits, _host.Time, WatchedLog.Unread), limits, _host.Time, WatchedLog.Unread);
        LoginReply login = LoginReply.Read(Encoding.UTF8.GetBytes(LoginReplyTests.XmlRpc()))!;
        _session = new Session(login, new Uri("http://login.example/"), new CapTable(), () => "http://127.0.0.1:1", limits, WatchedLog.Unread);
        _session.Attach(new SessionCircuits(_ => new IPEndPoint(IPAddress.Loopback, 4000), () => 0, () => null, () => default));
        _session.MapSim(s_sim);
        _assets = new RegionAssets(_shelf, _session, () => _session.Find(s_sim), () => Interlocked.Increment(ref _woken));
    }

    private async Task LearnAsync(Uri? cap = null)
    {
        Region region = _session.Find(s_sim)!;
        if (cap is not null) region.Grant(CapName.ViewerAsset, cap);
        await region.LearnGridAsync(_ => Task.FromResult<string?>(Grid), "x", new ClientLimits(), _host.Time, Cancelled);
    }

    private void StandInsKnown() => _host.Relay.Intake.StandIns.Settle(Grid);

    private async Task<byte[]?> ReadAsync(AssetType type, Guid id)
    {
        var done = new TaskCompletionSource();
        using AssetRead read = _assets.TryRead(type, id, done.SetResult)!;
        await done.Task.WaitAsync(TimeSpan.FromSeconds(10), Cancelled);
        Assert.True(read.Done);
        return read.Bytes;
    }

    private static byte[] Part(int packets, out bool[] held)
    {
        held = new bool[ImagePackets.Count(s_texture.Length)];
        held.AsSpan(0, packets).Fill(true);
        byte[] bytes = new byte[s_texture.Length];
        s_texture.AsSpan(0, ImagePackets.Extent(s_texture.Length, packets).Start).CopyTo(bytes);
        return bytes;
    }
}
