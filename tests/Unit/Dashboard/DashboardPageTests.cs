using GlobalCache.Tests.Support;
using Microsoft.Playwright;

namespace GlobalCache.Tests.Dashboard;

/// <summary>The page in a browser: readable without a script and on a phone, dark and light, alive, and quiet in the console.</summary>
[Collection("load")]
public sealed class DashboardPageTests : IAsyncLifetime
{
    private readonly SampleDay _day = new SampleDay().Pass(1440);
    private DashboardHost _host = null!;
    private Browser _browser = null!;

    public async ValueTask InitializeAsync()
    {
        _host = await DashboardHost.StartAsync(_day.Look, _day.Day);
        _browser = await Browser.StartAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_browser is not null) await _browser.DisposeAsync();
        await _host.DisposeAsync();
    }

    [Fact]
    public async Task Without_a_script_it_shows_all_there_is()
    {
        IPage page = await OpenAsync(new BrowserNewPageOptions { JavaScriptEnabled = false });
        Assert.Contains("grid.example.net", await page.TitleAsync(), StringComparison.Ordinal);
        string text = await page.InnerTextAsync("main");
        foreach (string said in (string[])["requests/s", "in service", "node 0.3", "draining", "192.0.2.10", "It names", "are to serve", "launches in the last hour", "saved", "Hit rate", "USD"])
            Assert.Contains(said, text, StringComparison.Ordinal);
        Assert.Equal(4, await page.Locator("figure svg path.curve.a").CountAsync());
        foreach (ILocator curve in await page.Locator("path.curve").AllAsync()) Assert.True((await curve.GetAttributeAsync("d"))!.Length > 4, "A curve is empty.");
        Assert.Empty(_browser.Said);
    }

    [Fact]
    public async Task It_follows_the_state_and_says_nothing_to_the_console()
    {
        IPage page = await OpenAsync();
        await page.Locator("#line.on").WaitForAsync();
        Assert.Equal("live", await page.InnerTextAsync("#line"));
        await page.FocusAsync("#code");
        await page.FillAsync("#code", "half typed");

        _day.Alarms = ["The <fleet> cannot be seen."];
        _day.Extra = 60;
        await page.Locator("text=The <fleet> cannot be seen.").WaitForAsync();
        Assert.Equal($"{_host.Source.Current.Nodes.Count}", $"{await page.Locator("#nodes tbody tr").CountAsync()}");
        Assert.Equal("half typed", await page.InputValueAsync("#code"));
        Assert.Equal("code", await page.EvaluateAsync<string>("document.activeElement.id"));

        _day.Leads = false;
        _day.Alarms = [];
        await page.Locator("text=stands by").WaitForAsync();
        Assert.Equal(0, await page.Locator("p.alarm").CountAsync());
        Assert.Empty(_browser.Said);
    }

    [Fact]
    public async Task An_operator_signs_in_makes_an_invite_and_signs_out()
    {
        IPage page = await OpenAsync();
        await page.FillAsync("#code", DashboardHost.Code);
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("#invite button").WaitForAsync();
        await page.ClickAsync("#invite button");
        await page.Locator("text=gc-invite-1").WaitForAsync();
        await page.ClickAsync("#sign-out button");
        await page.Locator("#code").WaitForAsync();
        Assert.Empty(_browser.Said);
        await page.FillAsync("#code", "another");
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("text=That is not the code.").WaitForAsync();
    }

    [Fact]
    public async Task An_operators_forms_send_what_they_say_and_show_what_came_of_it()
    {
        IPage page = await SignedInAsync();
        bool isSure = true;
        page.Dialog += (_, dialog) => _ = isSure ? dialog.AcceptAsync() : dialog.DismissAsync();
        await page.FillAsync("#retire [name=node]", "0.3");
        await page.ClickAsync("#retire button");
        await page.Locator("#retire output:text('Done: 1.')").WaitForAsync();
        await page.FillAsync("#limit [name=max]", "3");
        await page.ClickAsync("#limit button");
        await page.Locator("#limit output:text('Done: 2.')").WaitForAsync();
        await page.FillAsync("#revoke [name=id]", "c0011223344556677");
        await page.ClickAsync("#revoke button");
        await page.Locator("#revoke output:text('Done: 3.')").WaitForAsync();
        await page.FillAsync("#ban [name=grid]", "agni");
        await page.SelectOptionAsync("#ban [name=type]", "mesh");
        await page.FillAsync("#ban [name=id]", "01234567-89ab-cdef-0123-456789abcdef");
        await page.ClickAsync("#ban button");
        await page.Locator("#ban output:text('Done: 4.')").WaitForAsync();
        isSure = false;
        await page.ClickAsync("#end-sessions button");
        await page.ClickAsync("#members summary");
        await page.Locator("#members td:text('i0123456789abcdef')").WaitForAsync();
        Assert.Contains("trusted", await page.InnerTextAsync("#members"), StringComparison.Ordinal);
        isSure = true;
        await page.ClickAsync("#hold button");
        await Eventually.EqualAsync(5, () => _host.Asked.Count);
        Assert.Equal(
            ["POST /v1/admin/retirements {\"node\":\"0.3\"}", "PATCH /v1/admin/limits {\"max\":3}", "POST /v1/admin/revocations {\"id\":\"c0011223344556677\"}",
                "POST /v1/admin/bans {\"grid\":\"agni\",\"type\":\"mesh\",\"id\":\"01234567-89ab-cdef-0123-456789abcdef\",\"banned\":true}", "PUT /v1/admin/hold"],
            _host.Asked);
        Assert.Empty(_browser.Said);
    }

    [Theory]
    [InlineData(1200)]
    [InlineData(360)]
    public async Task What_an_operator_sees_fits_can_be_read_and_every_field_has_a_name(int width)
    {
        IPage page = await SignedInAsync(new BrowserNewPageOptions { ViewportSize = new ViewportSize { Width = width, Height = 900 } });
        await page.ClickAsync("#members summary");
        await page.Locator("#members td:text('i0123456789abcdef')").WaitForAsync();
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal("", await page.EvaluateAsync<string>(Unreadable));
        Assert.Equal(0, await page.EvaluateAsync<int>("[...document.querySelectorAll('form.order [name]')].filter(f => !f.labels.length || !f.labels[0].textContent.trim()).length"));
        if (Environment.GetEnvironmentVariable("GC_PICTURES") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, $"operator-{width}.png"), FullPage = true, Timeout = Browser.Patience });
        Assert.Empty(_browser.Said);
    }

    [Theory]
    [InlineData(ColorScheme.Light, 1200, 1250, "dashboard.png")]
    [InlineData(ColorScheme.Dark, 1200, 1250, "dashboard-dark.png")]
    [InlineData(ColorScheme.Light, 360, 740, "dashboard-phone-light.png")]
    [InlineData(ColorScheme.Dark, 360, 740, "dashboard-phone.png")]
    public async Task It_fits_and_can_be_read(ColorScheme colours, int width, int height, string picture)
    {
        _day.Alarms = ["node 2.3: It has been silent for 31 s."];
        IPage page = await OpenAsync(new BrowserNewPageOptions { ColorScheme = colours, ViewportSize = new ViewportSize { Width = width, Height = height } });
        await page.Locator("#line.on").WaitForAsync();
        await page.Locator("p.alarm").WaitForAsync();
        Assert.Equal(width, await page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        Assert.Equal("", await page.EvaluateAsync<string>(Unreadable));
        Assert.Equal("", await Browser.FoundByAxeAsync(page));
        await Browser.PictureAsync(page, picture);
        Assert.Empty(_browser.Said);
    }

    // WCAG 2: 4.5 between letters and what is behind them.
    private const string Unreadable = """
        (() => {
          const parse = c => c.match(/[\d.]+/g).map(Number);
          const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4).reduce((s, v, i) => s + v * [.2126, .7152, .0722][i], 0);
          const behind = e => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c[3] !== 0) return c; } return [255, 255, 255]; };
          const bad = [];
          for (const e of document.body.querySelectorAll("*")) {
            if (e.closest("svg, noscript") || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
            const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
            const ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
            if (ratio < 4.5) bad.push(`${e.tagName}.${e.className}: ${ratio.toFixed(2)}`);
          }
          return [...new Set(bad)].join(", ");
        })()
        """;

    private async Task<IPage> SignedInAsync(BrowserNewPageOptions? options = null)
    {
        IPage page = await OpenAsync(options);
        await page.FillAsync("#code", DashboardHost.Code);
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("#invite button").WaitForAsync();
        return page;
    }

    private Task<IPage> OpenAsync(BrowserNewPageOptions? options = null) => _browser.OpenAsync(_host.Address, options);
}
