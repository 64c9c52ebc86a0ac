using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>Nodes are found by DNS and followed as they come and go.</summary>
public sealed class NodeAddressesTests : IDisposable
{
    private static readonly IPAddress s_two = IPAddress.Parse("127.0.0.2"), s_three = IPAddress.Parse("127.0.0.3");
    private static readonly byte[] s_texture = SyntheticAssets.Texture(1, 20_000, 512, 512);

    private readonly string _config = Directory.CreateTempSubdirectory("gc-grid-").FullName;
    private readonly WatchedTime _time = new();
    private readonly GridNodes _nodes = new(new Random(1));

    public void Dispose() => Directory.Delete(_config, recursive: true);

    [Fact]
    public async Task Of_two_nodes_one_is_taken_out_and_new_requests_go_to_the_other_within_the_TTL()
    {
        await using TestNode two = await TestNode.StartAsync(address: s_two);
        await using TestNode three = await TestNode.StartAsync(address: s_three, beside: two);
        await using var dns = new TestNameServer { Addresses = [s_two], TtlSeconds = 5 };
        await using LinkedRelay relay = await LinkedRelay.StartAsync(two.File() with { Nodes = [], NameServers = [dns.HostAndPort] }, _config, time: _time);
        Assert.NotNull(await AskAsync(relay, two, three));
        Assert.Equal((1, 0), (two.Asked.Count, three.Asked.Count));

        // One more, which is not the one that is kept to unless it is chosen anew; then the first goes.
        dns.Addresses = [s_two, s_three];
        await FollowAsync(dns, TimeSpan.FromSeconds(5));
        dns.Addresses = [s_three];
        await FollowAsync(dns, TimeSpan.FromSeconds(5));
        int before = two.Asked.Count;
        for (int i = 0; i < 5; i++) Assert.NotNull(await AskAsync(relay, two, three));
        Assert.Equal(before, two.Asked.Count);
        Assert.Equal([new IPEndPoint(s_three, two.Port)], relay.Link.Connections.Addresses);

        // It comes back, alone, and is used again.
        dns.Addresses = [s_two];
        await FollowAsync(dns, TimeSpan.FromSeconds(5));
        Assert.NotNull(await AskAsync(relay, two, three));
        Assert.Equal(before + 1, two.Asked.Count);
    }

    [Fact]
    public async Task A_node_that_says_it_is_draining_is_left_at_once_and_its_connections_are_closed()
    {
        await using TestNode two = await TestNode.StartAsync(address: s_two);
        await using TestNode three = await TestNode.StartAsync(address: s_three, beside: two);
        await using LinkedRelay relay = await LinkedRelay.StartAsync(two.File($"127.0.0.2:{two.Port}", $"127.0.0.3:{two.Port}"), _config);
        Assert.NotNull(await AskAsync(relay, two, three));
        (TestNode kept, TestNode other) = two.Asked.IsEmpty ? (three, two) : (two, three);
        kept.Draining = true;
        // The one that says so is an answer like any other.
        Assert.NotNull(await AskAsync(relay, two, three));
        Assert.Equal((2, 0), (kept.Asked.Count, other.Asked.Count));
        for (int i = 0; i < 3; i++) Assert.NotNull(await AskAsync(relay, two, three));
        Assert.Equal((2, 3), (kept.Asked.Count, other.Asked.Count));
        Assert.DoesNotContain(new IPEndPoint(kept.Address, kept.Port), relay.Link.Connections.Addresses);
        // Nobody else is left: one that is about to go is better than none.
        other.Draining = true;
        for (int i = 0; i < 3; i++) Assert.NotNull(await AskAsync(relay, two, three));
    }

    [Theory]
    [InlineData(5, 5)]
    [InlineData(0, 1)]
    [InlineData(86_400, 300)]
    public async Task A_TTL_is_obeyed_between_a_second_and_five_minutes(int ttl, int seconds)
    {
        await using var dns = new TestNameServer { Addresses = [s_two], TtlSeconds = ttl };
        await using NodeAddresses following = Follow(dns.HostAndPort, NoSystem);
        await Eventually.EqualAsync(1, () => _nodes.Addresses.Count);
        // It waits from here on, and not from later.
        await Eventually.EqualAsync(true, () => _time.Waits(TimeSpan.FromSeconds(seconds)));
        int asked = dns.Asked;
        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        await Task.Delay(100);
        Assert.Equal(asked, dns.Asked);
        dns.Addresses = [s_three];
        _time.Advance(TimeSpan.FromMilliseconds(1));
        await Eventually.EqualAsync(true, () => _nodes.Addresses.SequenceEqual([new IPEndPoint(s_three, 8443)]));
    }

    [Fact]
    public async Task A_silent_name_server_is_followed_by_the_next_then_the_resolver_then_the_last_good_answer_also_after_a_restart()
    {
        IPAddress[] known = [];
        Task<IPAddress[]> System(string host, CancellationToken stop) => known.Length > 0 ? Task.FromResult(known) : throw new SocketException((int)SocketError.HostNotFound);
        await using var silent = new TestNameServer { Silent = true };
        await using (var dns = new TestNameServer { Addresses = [s_two], TtlSeconds = 1 })
        {
            await using (NodeAddresses following = Follow($"{silent.HostAndPort} {dns.HostAndPort}", System))
            {
                await Eventually.EqualAsync(true, () => Named(s_two));
                Assert.True(silent.Asked > 0);
                // Both are silent: the resolver knows something else.
                known = [s_three];
                dns.Silent = true;
                await Eventually.EqualAsync(true, () =>
                {
                    _time.Advance(TimeSpan.FromSeconds(1));
                    return Named(s_three);
                });
                // Nobody knows anything: it stays.
                known = [];
                int asked = silent.Asked;
                await Eventually.EqualAsync(true, () =>
                {
                    _time.Advance(TimeSpan.FromSeconds(15));
                    return silent.Asked >= asked + 2;
                });
                Assert.True(Named(s_three));
            }
        }
        await using NodeAddresses again = Follow(silent.HostAndPort, NoSystem);
        Assert.True(Named(s_three));
    }

    [Fact]
    public async Task Connections_that_are_let_go_of_close_when_their_last_request_has_ended()
    {
        var handler = new Recorded();
        var pool = new NodePool(new HttpMessageInvoker(handler));
        Assert.True(pool.TryEnter());
        HttpResponseMessage first = await pool.SendAsync(new HttpRequestMessage(HttpMethod.Get, "https://x/"), default);
        Assert.True(pool.TryEnter());
        handler.Fails = true;
        await Assert.ThrowsAsync<HttpRequestException>(() => pool.SendAsync(new HttpRequestMessage(HttpMethod.Get, "https://x/"), default));
        pool.Retire();
        Assert.False(pool.TryEnter());
        Assert.Equal(s_texture, await first.Content.ReadAsByteArrayAsync());
        Assert.Equal(s_texture.Length, first.Content.Headers.ContentLength);
        Assert.False(handler.Disposed || pool.IsDisposed);
        first.Dispose();
        Assert.True(handler.Disposed && pool.IsDisposed);
        pool.Retire();
    }

    private static Task<byte[]?> AskAsync(LinkedRelay relay, params TestNode[] nodes)
    {
        Guid id = Guid.NewGuid();
        foreach (TestNode node in nodes) node.Add(AssetType.Texture, id, s_texture);
        return relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, AssetType.Texture, id), default);
    }

    /// <summary>Lets the TTL pass, and waits until what the server then says has been taken in.</summary>
    private async Task FollowAsync(TestNameServer dns, TimeSpan ttl)
    {
        int asked = dns.Asked;
        _time.Advance(ttl);
        await Eventually.EqualAsync(true, () => dns.Asked > asked);
        await Task.Delay(100);
    }

    private bool Named(IPAddress address) => _nodes.Addresses.SequenceEqual([new IPEndPoint(address, 8443)]);

    private NodeAddresses Follow(string servers, Func<string, CancellationToken, Task<IPAddress[]>> system)
    {
        using var authority = new Edge.TestAuthority("cache grid");
        var file = new GridFile
        {
            Name = "Test",
            Host = TestNode.Host,
            Port = 8443,
            NameServers = servers.Split(' '),
            Ca = authority.Root.ExportCertificatePem(),
            ControlKey = "AAAA",
            Master = new Uri($"https://{TestNode.Host}:8443/"),
            Grids = [],
        };
        return new NodeAddresses(
            file, _nodes, new NodeConnections(file), new NodeNames(file, system, WatchedLog.Unread), NodeAddresses.LastFileOf(_config, TestNode.Host), _time, WatchedLog.Unread);
    }

    private static Task<IPAddress[]> NoSystem(string host, CancellationToken stop) => throw new SocketException((int)SocketError.HostNotFound);

    private sealed class Recorded : HttpMessageHandler
    {
        public bool Fails { get; set; }

        public bool Disposed { get; private set; }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            Fails ? throw new HttpRequestException("gone") : Task.FromResult(new HttpResponseMessage { Content = new ByteArrayContent(s_texture) });

        protected override void Dispose(bool disposing)
        {
            Disposed = true;
            base.Dispose(disposing);
        }
    }

    /// <summary>A clock that knows who waits by it.</summary>
    private sealed class WatchedTime : FakeTimeProvider
    {
        private readonly ConcurrentBag<TimeSpan> _waits = [];

        public bool Waits(TimeSpan length) => _waits.Contains(length);

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            ITimer timer = base.CreateTimer(callback, state, dueTime, period);
            _waits.Add(dueTime);
            return timer;
        }
    }
}
