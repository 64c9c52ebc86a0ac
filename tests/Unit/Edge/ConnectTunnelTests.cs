using System.Net;
using System.Net.Sockets;
using System.Text;
using GlobalCache.Client.Edge;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Edge;

/// <summary>The grid of these tests is 127.0.0.2 and grid.example; everything else on this machine is nobody's to reach.</summary>
public sealed class ConnectTunnelTests : IDisposable
{
    private readonly TcpListener _grid = new(IPAddress.Parse("127.0.0.2"), 0);
    private readonly FakeTimeProvider _time = new();

    public ConnectTunnelTests() => _grid.Start();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Grid => _grid.LocalEndpoint.ToString()!;

    public void Dispose() => _grid.Dispose();

    [Fact]
    public async Task Bytes_are_carried_both_ways_unseen_and_each_side_may_finish_alone()
    {
        await using FrontHost host = await StartAsync();
        using Socket viewer = await RawHttp.ConnectAsync(host.Port);
        // What comes right behind the head belongs to the tunnel already.
        await viewer.SendAsync(Encoding.Latin1.GetBytes($"CONNECT {Grid} HTTP/1.1\r\nHost: {Grid}\r\n\r\nGET not parsed\0"));
        using Socket grid = await _grid.AcceptSocketAsync(Ct);
        Assert.Equal("HTTP/1.1 200 Connection Established\r\n\r\n", await RawHttp.ReadHeadAsync(viewer));

        var bytes = new byte[300_000];
        new Random(1).NextBytes(bytes);
        Task<string> up = RawHttp.ReadToEndAsync(grid);
        await viewer.SendAsync(bytes);
        viewer.Shutdown(SocketShutdown.Send);
        Assert.Equal("GET not parsed\0" + Encoding.Latin1.GetString(bytes), await up);

        // The grid answers after the viewer has said everything.
        Task<string> down = RawHttp.ReadToEndAsync(viewer);
        await grid.SendAsync(bytes);
        grid.Shutdown(SocketShutdown.Send);
        Assert.Equal(Encoding.Latin1.GetString(bytes), await down);
    }

    [Fact]
    public async Task The_viewer_may_go_on_after_the_grid_has_said_everything()
    {
        await using FrontHost host = await StartAsync();
        (Socket viewer, Socket grid) = await OpenAsync(host);
        using (viewer)
        using (grid)
        {
            grid.Shutdown(SocketShutdown.Send);
            Assert.Equal("", await RawHttp.ReadToEndAsync(viewer));
            await viewer.SendAsync("late"u8.ToArray());
            viewer.Shutdown(SocketShutdown.Send);
            Assert.Equal("late", await RawHttp.ReadToEndAsync(grid));
        }
    }

    [Theory]
    [InlineData("127.0.0.1:PORT", 403)]
    [InlineData("127.0.0.1:9", 403)]
    [InlineData("[::1]:9", 403)]
    [InlineData("[::ffff:127.0.0.1]:9", 403)]
    [InlineData("10.0.0.1:443", 403)]
    [InlineData("192.168.1.1:80", 403)]
    [InlineData("169.254.169.254:80", 403)]
    [InlineData("0.0.0.0:PORT", 403)]
    [InlineData("rebound.example:443", 403)]
    [InlineData("itself.grid.example:PORT", 403)]
    [InlineData("sim.grid.example:GRID", 200)]
    [InlineData("unknown.example:443", 502)]
    [InlineData("no-port.example", 400)]
    [InlineData("host:0", 400)]
    [InlineData("host:65536", 400)]
    [InlineData("bad host:443", 400)]
    public async Task Only_the_open_internet_and_the_grids_own_hosts_are_reached(string target, int status)
    {
        await using FrontHost host = await StartAsync();
        target = target.Replace("PORT", $"{host.Port}", StringComparison.Ordinal).Replace("GRID", $"{((IPEndPoint)_grid.LocalEndpoint).Port}", StringComparison.Ordinal);
        using Socket viewer = await RawHttp.ConnectAsync(host.Port);
        await viewer.SendAsync(Encoding.Latin1.GetBytes($"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n"));
        Assert.Equal(status, RawHttp.Status(await RawHttp.ReadHeadAsync(viewer)));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(9)]
    public async Task Requests_arriving_in_pieces_are_told_apart(int piece)
    {
        await using FrontHost host = await StartAsync();
        string own = $"127.0.0.1:{host.Port}";
        // COPY begins as CONNECT does, and is nobody's business but the HTTP parser's.
        foreach ((string request, int status) in ((string, int)[])[
            ($"CONNECT {Grid} HTTP/1.1\r\n\r\n", 200), ($"COPY / HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n", 404),
            ($"GET /a/{host.Token.Text} HTTP/1.1\r\nHost: {own}\r\nConnection: close\r\n\r\n", 200)])
        {
            using Socket viewer = await RawHttp.ConnectAsync(host.Port);
            viewer.NoDelay = true;
            byte[] bytes = Encoding.Latin1.GetBytes(request);
            for (int at = 0; at < bytes.Length; at += piece)
            {
                await viewer.SendAsync(bytes.AsMemory(at, Math.Min(piece, bytes.Length - at)), Ct);
                if (at < 12) await Task.Delay(2, Ct);
            }
            Assert.Equal(status, RawHttp.Status(await RawHttp.ReadHeadAsync(viewer)));
        }
    }

    [Fact]
    public async Task A_head_without_end_is_cut_off()
    {
        await using FrontHost host = await StartAsync();
        using Socket viewer = await RawHttp.ConnectAsync(host.Port);
        await viewer.SendAsync(Encoding.Latin1.GetBytes("CONNECT " + new string('x', 20_000)));
        Assert.Equal("", await RawHttp.ReadToEndAsync(viewer));
    }

    [Fact]
    public async Task A_tunnel_that_carries_nothing_is_closed_after_a_while()
    {
        await using FrontHost host = await StartAsync();
        (Socket viewer, Socket grid) = await OpenAsync(host);
        using (viewer)
        using (grid)
        {
            _time.Advance(ConnectTunnel.IdleTimeout - TimeSpan.FromSeconds(1));
            await viewer.SendAsync("x"u8.ToArray());
            Assert.Equal(1, await grid.ReceiveAsync(new byte[8], Ct));
            Task<string> rest = RawHttp.ReadToEndAsync(grid);
            // The byte has set the clock back; it may do so a moment after it has arrived.
            for (int i = 0; i < 50 && !rest.IsCompleted; i++)
            {
                _time.Advance(ConnectTunnel.IdleTimeout);
                await Task.WhenAny(rest, Task.Delay(20, Ct));
            }
            Assert.Equal("", await rest.WaitAsync(TimeSpan.FromSeconds(10), Ct));
            Assert.Equal("", await RawHttp.ReadToEndAsync(viewer));
        }
    }

    [Fact]
    public async Task Neither_sides_end_leaves_the_others_connection_open()
    {
        await using FrontHost host = await StartAsync();
        (Socket viewer, Socket grid) = await OpenAsync(host);
        using (grid)
        {
            viewer.LingerState = new LingerOption(true, 0);
            viewer.Dispose();
            Assert.Equal("", await RawHttp.ReadToEndAsync(grid).WaitAsync(TimeSpan.FromSeconds(10), Ct));
        }
        (viewer, grid) = await OpenAsync(host);
        using (viewer)
        {
            grid.LingerState = new LingerOption(true, 0);
            grid.Dispose();
            Assert.Equal("", await RawHttp.ReadToEndAsync(viewer).WaitAsync(TimeSpan.FromSeconds(10), Ct));
        }
    }

    private async Task<(Socket Viewer, Socket Grid)> OpenAsync(FrontHost host)
    {
        Socket viewer = await RawHttp.ConnectAsync(host.Port);
        await viewer.SendAsync(Encoding.Latin1.GetBytes($"CONNECT {Grid} HTTP/1.1\r\n\r\n"));
        Socket grid = await _grid.AcceptSocketAsync(Ct);
        Assert.Equal(200, RawHttp.Status(await RawHttp.ReadHeadAsync(viewer)));
        return (viewer, grid);
    }

    private Task<FrontHost> StartAsync() => FrontHost.StartAsync(
        (token, _) => new Front(new LoopbackGuard(true, null), token) { AssetOnly = FrontHost.Say("asset-only") },
        (next, port) => connection => Tunnel(next, port()).OnConnectionAsync(connection));

    private ConnectTunnel Tunnel(ConnectionDelegate next, int port)
    {
        var domains = new GridDomains(new Uri("http://127.0.0.2/"), ["grid.example"]);
        return new ConnectTunnel(next, new Reach(domains, ResolveAsync, new IPEndPoint(IPAddress.Loopback, port)), _time, WatchedLog.Unread);
    }

    private static Task<IPAddress[]> ResolveAsync(string host, CancellationToken ct) => host switch
    {
        "sim.grid.example" => Task.FromResult<IPAddress[]>([IPAddress.Parse("127.0.0.2")]),
        "rebound.example" or "itself.grid.example" => Task.FromResult<IPAddress[]>([IPAddress.Loopback]),
        _ => throw new SocketException((int)SocketError.HostNotFound),
    };
}
