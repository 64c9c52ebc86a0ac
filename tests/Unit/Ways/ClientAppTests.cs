using System.Net;
using System.Net.Sockets;
using System.Text;
using GlobalCache.Client;
using GlobalCache.Client.Store;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Edge;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;

namespace GlobalCache.Tests.Ways;

/// <summary>The whole client in this process, before an asset host that counts.</summary>
public sealed class ClientAppTests : IAsyncLifetime, IDisposable
{
    private const string Asset = "/?texture_id=6c0ca000-0000-4000-8000-00000000abcd";

    private readonly byte[] _texture = SyntheticAssets.Texture(7, 40_000, 512, 512);
    private readonly TemporaryFolder _folder = new();
    private readonly WebApplication _origin;
    private int _asked;

    public ClientAppTests()
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls("http://127.0.0.1:0");
        _origin = builder.Build();
        _origin.Run(async context =>
        {
            Interlocked.Increment(ref _asked);
            context.Response.ContentLength = _texture.Length;
            await context.Response.Body.WriteAsync(_texture);
        });
    }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private Uri Origin => new(_origin.Urls.First());

    public async ValueTask InitializeAsync() => await _origin.StartAsync();

    public ValueTask DisposeAsync() => _origin.DisposeAsync();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Asset_only_asks_the_grid_once_and_the_store_after_a_restart_too()
    {
        using var viewer = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        string path;
        await using (ClientApp app = await ClientApp.StartAsync(Options(), WatchedLog.Unread))
        {
            path = app.AssetUri.AbsolutePath;
            Assert.Equal(_texture, await viewer.GetByteArrayAsync(new Uri(app.AssetUri + Asset), Ct));
        }
        int before = _asked;
        await using ClientApp again = await ClientApp.StartAsync(Options(), WatchedLog.Unread);
        Assert.Equal(path, again.AssetUri.AbsolutePath);
        Assert.Equal(_texture, await viewer.GetByteArrayAsync(new Uri(again.AssetUri + Asset), Ct));
        Assert.Equal(before, _asked);
        using HttpResponseMessage login = await viewer.PostAsync(again.LoginUri, new StringContent("<methodCall/>", Encoding.UTF8, "text/xml"), Ct);
        Assert.Equal(HttpStatusCode.NotFound, login.StatusCode);
    }

    [Fact]
    public async Task Whatever_it_writes_is_its_owners_alone_in_folders_that_others_can_enter_too()
    {
        if (OperatingSystem.IsWindows()) return;
        const UnixFileMode others = UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute;
        const UnixFileMode own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        ClientOptions options = Options();
        foreach (string folder in (string[])[options.Store, options.ConfigFolder]) Directory.CreateDirectory(folder, own | others);
        await using ClientApp app = await ClientApp.StartAsync(options, WatchedLog.Unread);
        using var viewer = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await viewer.GetByteArrayAsync(new Uri(app.AssetUri + Asset), Ct);
        // Index, its log and its shared memory, lock, assets' folders, keys.
        await Eventually.EqualAsync(true, () => Directory.EnumerateDirectories(options.Store).Count() > 1);
        string[] written = [.. Directory.EnumerateFileSystemEntries(options.Store), .. Directory.EnumerateFileSystemEntries(options.ConfigFolder)];
        Assert.Superset(new HashSet<string?> { "index.db", "index.db-wal", "lock", "tmp", "store.key", "install.token" }, written.Select(Path.GetFileName).ToHashSet());
        foreach (string path in written) Assert.True((File.GetUnixFileMode(path) & ~own) == UnixFileMode.None, path);
    }

    [Fact]
    public async Task As_a_web_proxy_it_serves_the_same_store_and_tunnels_to_the_grid()
    {
        var asset = new Uri(Origin, Asset);
        await using (ClientApp app = await ClientApp.StartAsync(Options() with { WebProxy = true }, WatchedLog.Unread))
        {
            using var viewer = new HttpClient(new SocketsHttpHandler { UseProxy = true, Proxy = new System.Net.WebProxy($"http://{app.Endpoint}") });
            Assert.Equal(_texture, await viewer.GetByteArrayAsync(asset, Ct));
            Assert.Equal(_texture, await GetUntilHeldAsync(viewer, asset));
        }
        int before = _asked;
        await using ClientApp again = await ClientApp.StartAsync(Options() with { WebProxy = true }, WatchedLog.Unread);
        using var direct = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        Assert.Equal(_texture, await direct.GetByteArrayAsync(new Uri(again.AssetUri + Asset), Ct));
        Assert.Equal(before, _asked);

        using Socket tunnel = await RawHttp.ConnectAsync(again.Port);
        await tunnel.SendAsync(Encoding.Latin1.GetBytes($"CONNECT {Origin.Authority} HTTP/1.1\r\n\r\n"), Ct);
        Assert.Equal(200, RawHttp.Status(await RawHttp.ReadHeadAsync(tunnel)));
        await tunnel.SendAsync(Encoding.Latin1.GetBytes($"GET / HTTP/1.1\r\nHost: {Origin.Authority}\r\nConnection: close\r\n\r\n"), Ct);
        Assert.Equal(200, RawHttp.Status(await RawHttp.ReadToEndAsync(tunnel)));
        Assert.Equal(before + 1, _asked);
    }

    [Fact]
    public async Task Two_clients_do_not_share_a_store_and_the_second_lets_go_of_its_port()
    {
        await using ClientApp first = await ClientApp.StartAsync(Options(), WatchedLog.Unread);
        int port;
        using (var free = new TcpListener(IPAddress.Loopback, 0))
        {
            free.Start();
            port = ((IPEndPoint)free.LocalEndpoint).Port;
        }
        await Assert.ThrowsAsync<StoreUnusableException>(() => ClientApp.StartAsync(Options() with { Port = port }, WatchedLog.Unread));
        await Assert.ThrowsAsync<CannotStartException>(() => ClientApp.StartAsync(Options() with { Port = first.Port }, WatchedLog.Unread));
        using var again = new TcpListener(IPAddress.Loopback, port);
        again.Start();
    }

    private ClientOptions Options() => new()
    {
        LoginUri = Origin,
        AssetUpstream = Origin,
        AssetOnly = true,
        Port = 0,
        Store = Path.Combine(_folder.Path, "store"),
        ConfigFolder = Path.Combine(_folder.Path, "config"),
        StoreBytes = 100_000_000,
        Limits = new() { LocalReadDeadline = TimeSpan.FromSeconds(5) },
    };

    /// <summary>An asset is kept a moment after it has been served: asks until the grid is not asked any more.</summary>
    private async Task<byte[]> GetUntilHeldAsync(HttpClient viewer, Uri asset)
    {
        for (int i = 0; ; i++)
        {
            int before = _asked;
            byte[] bytes = await viewer.GetByteArrayAsync(asset, Ct);
            if (_asked == before) return bytes;
            Assert.True(i < 100, "the asset is never kept");
            await Task.Delay(20, Ct);
        }
    }
}
