using GlobalCache.Client.Edge;
using GlobalCache.Client.Figures;
using GlobalCache.Client.Ways;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Edge;

namespace GlobalCache.Tests.Status;

/// <summary>The owner's page on a real port, over figures and a cache grid that the test makes up.</summary>
internal sealed class StatusHost : IAsyncDisposable
{
    public const string World = "grid.example.org:8002";
    private static readonly DateTimeOffset s_evening = new(2026, 11, 22, 21, 0, 0, TimeSpan.FromHours(1));

    private readonly InstallToken _page = InstallToken.Fresh();
    private FrontHost _host = null!;

    public ClientFigures Figures { get; } = new();

    public CacheGridStatus? Grid { get; set; } = new("nodes.example.org", "good", "It answers.", 3, [new WorldStatus(World, true)]);

    public Uri Uri => new($"http://127.0.0.1:{_host.Port}/p/{_page.Text}/");

    public string Viewers => _host.Token.Text;

    public int Port => _host.Port;

    public static async Task<StatusHost> StartAsync()
    {
        var host = new StatusHost();
        var page = new StatusPage(host.Now, host.TrySwitch, TimeProvider.System);
        host._host = await FrontHost.StartAsync((token, _) => new Front(new LoopbackGuard(webProxy: true, null), token)
        {
            Page = (host._page, page.HandleAsync),
            AssetOnly = FrontHost.Say("assets"),
        });
        return host;
    }

    /// <summary>An evening: one region seen before, one that was not.</summary>
    public void Evening()
    {
        object scope = new(), home = new(), shop = new();
        for (int i = 0; i < 40; i++) Figures.Measured(World, TimeSpan.FromMilliseconds(90), TimeSpan.FromMilliseconds(120 + i), 100_000);
        for (int i = 0; i < 600; i++)
        {
            AssetType type = i % 7 == 0 ? AssetType.Mesh : i % 31 == 0 ? AssetType.Sound : AssetType.Texture;
            ServedFrom from = i % 11 == 0 ? ServedFrom.Shared : i % 23 == 0 ? ServedFrom.Injected : ServedFrom.Hit;
            Figures.Add(new Visitor(scope, home, World), new Served(from, type, 60_000 + (i * 97), TimeSpan.FromMilliseconds(from == ServedFrom.Injected ? 0 : 3.4)), s_evening.AddMilliseconds(i * 9));
        }
        for (int i = 0; i < 300; i++)
        {
            ServedFrom from = i % 5 == 0 ? ServedFrom.Hit : i % 9 == 0 ? ServedFrom.Captured : ServedFrom.Miss;
            Figures.Add(new Visitor(scope, shop, World), new Served(from, i % 3 == 0 ? AssetType.Mesh : AssetType.Texture, 45_000 + (i * 31), TimeSpan.FromMilliseconds(from == ServedFrom.Miss ? 260 : 4)), s_evening.AddMinutes(7).AddMilliseconds(i * 60));
        }
    }

    public ValueTask DisposeAsync() => _host.DisposeAsync();

    private ClientStatus Now() => Figures.Tell(new ClientStatus
    {
        Version = "0.9.0",
        Now = s_evening.AddMinutes(8),
        Since = s_evening,
        Viewers = 1,
        Store = new StoreStatus(18_230, 3_412_000_000, 10_000_000_000),
        Grid = Grid,
        Work = [new WorkStatus("assets being put together", 2), new WorkStatus("claims and uploads", 17)],
    }, s_evening.AddMinutes(8));

    private bool TrySwitch(string world, bool on)
    {
        if (Grid is null || world != World) return false;
        Grid = Grid with { Worlds = [new WorldStatus(world, on)] };
        return true;
    }
}
