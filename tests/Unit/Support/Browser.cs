using Deque.AxeCore.Commons;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;

namespace GlobalCache.Tests.Support;

/// <summary>Debian's browser, without anything it would fetch by itself, and what it says to its console.</summary>
internal sealed class Browser : IAsyncDisposable
{
    public const int Patience = 60_000;

    private readonly IPlaywright _playwright;
    private readonly IBrowser _browser;
    private readonly List<string> _said = [];

    private Browser(IPlaywright playwright, IBrowser browser) => (_playwright, _browser) = (playwright, browser);

    /// <summary>Errors and warnings of all its pages so far.</summary>
    public IReadOnlyList<string> Said
    {
        get { lock (_said) return [.. _said]; }
    }

    public static async Task<Browser> StartAsync()
    {
        string program = Needs.Program("chromium", "apt-get install chromium");
        IPlaywright playwright = await Playwright.CreateAsync();
        return new Browser(playwright, await playwright.Chromium.LaunchAsync(new BrowserTypeLaunchOptions
        {
            ExecutablePath = program,
            Timeout = Patience,
            Args = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
        }));
    }

    public async Task<IPage> OpenAsync(Uri address, BrowserNewPageOptions? options = null)
    {
        IPage page = await _browser.NewPageAsync(options);
        page.SetDefaultTimeout(Patience);
        page.Console += (_, message) => Note(message.Type is "error" or "warning" ? message.Text : null);
        page.PageError += (_, error) => Note(error);
        page.RequestFailed += (_, request) => Note(request.Failure is "net::ERR_ABORTED" ? null : $"{request.Url} {request.Failure}");
        await page.GotoAsync(address.AbsoluteUri);
        return page;
    }

    /// <summary>What would keep somebody from using the page: nothing, or each finding in words.</summary>
    public static async Task<string> FoundByAxeAsync(IPage page)
    {
        AxeResult found = await page.RunAxe();
        Assert.NotEmpty(found.Passes);
        return string.Join("; ", found.Violations.Select(v => $"{v.Id}: {v.Help} ({string.Join(", ", v.Nodes.Select(n => n.Html))})"));
    }

    /// <summary>For docs/: <c>GC_PICTURES</c> names a folder.</summary>
    public static async Task PictureAsync(IPage page, string name)
    {
        if (Environment.GetEnvironmentVariable("GC_PICTURES") is { Length: > 0 } folder)
            await page.ScreenshotAsync(new PageScreenshotOptions { Path = Path.Combine(folder, name), Timeout = Patience });
    }

    public async ValueTask DisposeAsync()
    {
        await _browser.DisposeAsync();
        _playwright.Dispose();
    }

    private void Note(string? trouble)
    {
        lock (_said) if (trouble is not null) _said.Add(trouble);
    }
}
