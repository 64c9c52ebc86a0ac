using GlobalCache.Client.Figures;
using GlobalCache.Tests.Support;
using Microsoft.Playwright;

namespace GlobalCache.Tests.Status;

/// <summary>The owner's page in a browser: alive, by keyboard, dark and light, on a phone, and for those who do not see it.</summary>
[Collection("load")]
public sealed class StatusBrowserTests : IAsyncLifetime
{
    private StatusHost _host = null!;
    private Browser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await StatusHost.StartAsync();
        _browser = await Browser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1000, 1150, "status.png")]
    [InlineData(ColorScheme.Dark, 390, 844, "status-phone.png")]
    public async Task It_is_readable_dark_and_light_wide_and_narrow_and_axe_finds_nothing(ColorScheme colours, int width, int height, string picture)
    {
        _host.Evening();
        IPage page = await _browser.OpenAsync(_host.Uri, new BrowserNewPageOptions { ColorScheme = colours, ViewportSize = new ViewportSize { Width = width, Height = height } });
        await page.Locator("#recent tr").First.WaitForAsync();
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal("", await Browser.FoundByAxeAsync(page));
        await Browser.PictureAsync(page, picture);
        Assert.Empty(_browser.Said);
    }

    [Fact]
    public async Task It_says_what_was_saved_and_shows_requests_as_they_fly_by()
    {
        IPage page = await _browser.OpenAsync(_host.Uri);
        await page.Locator("text=None yet").WaitForAsync();
        Assert.Equal("not known yet", await page.InnerTextAsync("#saved-today"));
        _host.Evening();
        await page.Locator("#recent .captured").First.WaitForAsync();
        Assert.Equal(2, await page.Locator("#visits tr").CountAsync());
        Assert.EndsWith(" s", await page.InnerTextAsync("#saved-today"), StringComparison.Ordinal);
        Assert.Contains("nodes.example.org, 3 nodes: It answers.", await page.InnerTextAsync("#grid"), StringComparison.Ordinal);
        Assert.Contains("18\u202f230 assets", await page.InnerTextAsync("#assets"), StringComparison.Ordinal);

        await page.Locator("#hold").PressAsync("Enter");
        Assert.Equal("true", await page.GetAttributeAsync("#hold", "aria-pressed"));
        string before = await page.InnerTextAsync("#recent");
        string bytes = await page.InnerTextAsync("#bytes-today");
        _host.Evening();
        await page.WaitForFunctionAsync("before => document.getElementById('bytes-today').textContent !== before", bytes);
        Assert.Equal(before, await page.InnerTextAsync("#recent"));
        Assert.Empty(_browser.Said);
    }

    [Fact]
    public async Task Sharing_is_switched_by_keyboard_which_stays_where_it_is()
    {
        IPage page = await _browser.OpenAsync(_host.Uri);
        ILocator sharing = page.GetByRole(AriaRole.Switch, new PageGetByRoleOptions { Name = $"Share {StatusHost.World}" });
        await sharing.FocusAsync();
        await page.Keyboard.PressAsync("Space");
        await page.Locator("[role=switch][aria-checked=false]").WaitForAsync();
        Assert.False(_host.Grid!.Worlds.Single().On);
        Assert.Equal("switch", await page.EvaluateAsync<string>("document.activeElement.getAttribute('role')"));
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("[role=switch][aria-checked=true]").WaitForAsync();
        Assert.True(_host.Grid!.Worlds.Single().On);
        Assert.Empty(_browser.Said);
    }

    [Fact]
    public async Task A_world_whose_owner_refuses_cannot_be_switched_on()
    {
        _host.Grid = _host.Grid! with { Worlds = [new WorldStatus(StatusHost.World, On: true, Refused: true)] };
        IPage page = await _browser.OpenAsync(_host.Uri);
        await page.Locator($"text={StatusHost.World} is not shared: its owner refuses that").WaitForAsync();
        ILocator sharing = page.GetByRole(AriaRole.Switch, new PageGetByRoleOptions { Name = $"Share {StatusHost.World}" });
        Assert.True(await sharing.IsDisabledAsync());
        Assert.Equal("false", await sharing.GetAttributeAsync("aria-checked"));
    }

    [Fact]
    public async Task It_says_so_when_the_client_ends_and_when_no_cache_grid_is_used()
    {
        _host.Grid = null;
        IPage page = await _browser.OpenAsync(_host.Uri);
        await page.Locator("text=your own store alone").WaitForAsync();
        await _host.DisposeAsync();
        await page.Locator("text=the client does not answer").WaitForAsync();
    }
}
