using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.EndToEnd;

/// <summary>
/// A web site that tries from inside a browser to reach loopback URLs in every way a page has: fetch in its modes, forms,
/// images, scripts, frames. It tells its own server when it has tried them all.
/// </summary>
internal sealed class AttackerPage : IAsyncDisposable
{
    private const string Html = """
        <!doctype html><title>innocent</title><body><script type="module">
        const targets = TARGETS;
        const settle = p => Promise.race([p.catch(() => 0), new Promise(r => setTimeout(r, 1500))]);
        const element = (name, url) => new Promise(done => {
          const e = document.createElement(name);
          e.onload = e.onerror = done;
          e.src = url;
          document.body.append(e);
        });
        const form = (url, method, type) => new Promise(done => {
          const frame = document.createElement('iframe');
          frame.name = 'f' + Math.random();
          document.body.append(frame);
          const f = document.createElement('form');
          f.action = url; f.method = method; f.enctype = type; f.target = frame.name;
          const field = document.createElement('input');
          field.name = '<?xml version'; field.value = '"1.0"?><methodCall><methodName>login_to_simulator</methodName></methodCall>';
          f.append(field); document.body.append(f);
          frame.onload = () => setTimeout(done, 50);
          f.submit();
        });
        const body = '<?xml version="1.0"?><methodCall><methodName>login_to_simulator</methodName></methodCall>';
        for (const url of targets) {
          await Promise.all([
            settle(fetch(url)), settle(fetch(url, {mode: 'no-cors'})),
            settle(fetch(url, {mode: 'no-cors', referrerPolicy: 'no-referrer', credentials: 'omit'})),
            settle(fetch(url, {method: 'POST', mode: 'no-cors', body, headers: {'Content-Type': 'text/plain'}})),
            settle(fetch(url, {method: 'POST', body, headers: {'Content-Type': 'text/xml'}})),
            settle(fetch(url, {method: 'POST', body, headers: {'Content-Type': 'application/llsd+xml'}})),
            settle(element('img', url)), settle(element('script', url)), settle(element('iframe', url)), settle(element('audio', url)),
            settle(form(url, 'POST', 'text/plain')), settle(form(url, 'GET', 'text/plain')),
          ]);
        }
        await fetch('/done', {method: 'POST', body: String(targets.length)});
        </script>
        """;

    private readonly WebApplication site;

    private AttackerPage(WebApplication app, TaskCompletionSource<int> done) => (site, Done) = (app, done.Task);

    /// <summary>How many targets the page says it has tried; completes when it is through.</summary>
    public Task<int> Done { get; }

    public int Port => new Uri(site.Urls.First()).Port;

    public static async Task<AttackerPage> StartAsync(IEnumerable<string> targets)
    {
        var done = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        WebApplication app = builder.Build();
        string html = Html.Replace("TARGETS", $"[{string.Join(",", targets.Select(t => $"'{t}'"))}]", StringComparison.Ordinal);
        app.MapGet("/", () => Results.Content(html, "text/html"));
        app.MapPost("/done", async (HttpRequest request) =>
        {
            using var reader = new StreamReader(request.Body);
            done.TrySetResult(int.Parse(await reader.ReadToEndAsync()));
        });
        await app.StartAsync();
        return new AttackerPage(app, done);
    }

    public ValueTask DisposeAsync() => site.DisposeAsync();
}
