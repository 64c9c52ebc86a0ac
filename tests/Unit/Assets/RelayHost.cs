using System.Collections.Concurrent;
using System.Net;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Assets;

/// <summary>The real relay on a real loopback listener over a real store; only the clock is the test's.</summary>
internal sealed class RelayHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    // These tests are about the relay: where there is a disk in memory, the store's many small syncs cost nothing.
    private static readonly string Disk = Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath();

    private readonly string _folder = Directory.CreateDirectory(Path.Combine(Disk, $"gc-relay-{Path.GetRandomFileName()}")).FullName;
    private readonly SocketsHttpHandler _upstream = new() { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = 32 };
    private readonly SocketsHttpHandler _background = new() { UseProxy = false, AllowAutoRedirect = false, UseCookies = false, MaxConnectionsPerServer = 2 };
    private readonly ConcurrentDictionary<string, AssetSource> _sources = new();

    private readonly CacheGridLink? _link;

    private RelayHost(ClientLimits limits, Func<AssetStore, Task<CacheGridLink>>? link)
    {
        Store = AssetStore.Open(new StoreOptions(Path.Combine(_folder, "store")) { ReadDeadline = TimeSpan.FromSeconds(5) },
            new LocalKey(new byte[32]), TimeProvider.System, WatchedLog.Unread);
        Exclusions = new Exclusions(Store, Time);
        _link = link?.Invoke(Store).GetAwaiter().GetResult();
        Relay = new AssetRelay(Store, Exclusions, new StandInPictures(), new HttpMessageInvoker(_upstream), new HttpMessageInvoker(_background),
            limits, Time, WatchedLog.Unread, _link?.Lookups, _link?.Checks, Figures);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k =>
        {
            k.AddServerHeader = false;
            k.Listen(IPAddress.Loopback, 0);
        });
        _app = builder.Build();
        _app.Run(HandleAsync);
        // One that hangs up at once when it no longer wants an answer, as curl does.
        SocketsHttpHandler viewer = new() { UseProxy = false, AllowAutoRedirect = false, MaxConnectionsPerServer = 256, MaxResponseDrainSize = 0 };
        Viewer = new HttpClient(viewer) { Timeout = TimeSpan.FromSeconds(30) };
    }

    public FakeTimeProvider Time { get; } = new();

    public AssetStore Store { get; }

    public ClientFigures Figures { get; } = new();

    public Exclusions Exclusions { get; }

    public AssetRelay Relay { get; }

    public HttpClient Viewer { get; }

    public string Folder => _folder;

    public IPEndPoint EndPoint { get; private set; } = null!;

    public static async Task<RelayHost> StartAsync(ClientLimits? limits = null, Func<AssetStore, Task<CacheGridLink>>? link = null)
    {
        RelayHost host = new(limits ?? new ClientLimits(), link);
        await host._app.StartAsync();
        Uri url = new(host._app.Urls.Single());
        host.EndPoint = new IPEndPoint(IPAddress.Loopback, url.Port);
        return host;
    }

    /// <summary>A cap of one region: its URL for the viewer.</summary>
    public string Cap(string name, string gridId, params Uri[] origins) => Cap(name, this, Task.FromResult(gridId), origins);

    public string Cap(string name, object scope, Task<string> gridId, params Uri[] origins)
    {
        _sources[name] = new AssetSource(scope, gridId, _ => origins);
        return $"http://{EndPoint}/{name}";
    }

    public async Task<HttpResponseMessage> GetAsync(string url, string? range = null, HttpMethod? method = null)
    {
        using HttpRequestMessage request = new(method ?? HttpMethod.Get, url);
        if (range is not null) request.Headers.TryAddWithoutValidation("Range", range);
        return await SendAsync(request);
    }

    public Task<HttpResponseMessage> SendAsync(HttpRequestMessage request) => Viewer.SendAsync(request);

    public static Task<byte[]> BodyAsync(HttpResponseMessage answer) => answer.Content.ReadAsByteArrayAsync();

    public async Task PutAsync(string gridId, AssetType type, Guid id, byte[] bytes) =>
        Assert.True(await Store.PutAsync(new AssetKey(gridId, type, id), bytes, default));

    /// <summary>Flips a bit of the only stored asset, near this place.</summary>
    public void DamageStore(int at)
    {
        string file = Directory.GetFiles(Path.Combine(_folder, "store", "a"), "*", SearchOption.AllDirectories).Single();
        byte[] sealed_ = File.ReadAllBytes(file);
        sealed_[at + 1000] ^= 1;
        File.WriteAllBytes(file, sealed_);
    }

    /// <summary>Lets time pass on the fake clock, in steps that leave other threads room to act on it.</summary>
    public async Task PassAsync(TimeSpan time)
    {
        for (int i = 0; i < 20; i++)
        {
            Time.Advance(time / 20);
            await Task.Delay(5);
        }
    }

    public Task<byte[]> BytesAsync(string url, string? range = null) => Task.Run(async () =>
    {
        using HttpResponseMessage answer = await GetAsync(url, range);
        return await answer.Content.ReadAsByteArrayAsync();
    });

    public async Task<bool> HoldsAsync(string gridId, AssetType type, Guid id, byte[] expected)
    {
        using StoredAsset? stored = Store.TryOpen(new AssetKey(gridId, type, id));
        if (stored is null) return false;
        byte[] bytes = new byte[stored.Length];
        return await stored.ReadAsync(0, bytes, default) && bytes.AsSpan().SequenceEqual(expected);
    }

    /// <summary>Waits in real time for what happens on other threads; <paramref name="tick"/> moves the fake clock between two looks.</summary>
    public async Task UntilAsync(Func<Task<bool>> condition, TimeSpan? tick = null)
    {
        for (int i = 0; i < 1000; i++)
        {
            if (await condition()) return;
            if (tick is { } step) Time.Advance(step);
            await Task.Delay(10);
        }
        Assert.Fail("It did not come about within ten seconds.");
    }

    public Task UntilAsync(Func<bool> condition, TimeSpan? tick = null) => UntilAsync(() => Task.FromResult(condition()), tick);

    public async ValueTask DisposeAsync()
    {
        Viewer.Dispose();
        using CancellationTokenSource now = new(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        if (_link is not null) await _link.Checks.DisposeAsync();
        await Relay.DisposeAsync();
        if (_link is not null) await _link.DisposeAsync();
        _upstream.Dispose();
        _background.Dispose();
        await Store.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private Task HandleAsync(HttpContext context)
    {
        string path = context.Request.Path.Value![1..];
        int slash = path.IndexOf('/');
        string name = slash < 0 ? path : path[..slash];
        return Relay.HandleAsync(context, _sources[name], slash < 0 ? "" : path[slash..]);
    }
}
