using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.Sessions;

/// <summary>What the fake grid was asked.</summary>
internal sealed record Asked(string Method, string Path, Dictionary<string, string> Headers, byte[] Body);

/// <summary>An HTTP server that answers each path as a test says, and remembers what it was asked.</summary>
internal sealed class FakeGrid : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Func<HttpContext, Asked, Task>> _answers = new(StringComparer.Ordinal);
    private readonly ConcurrentQueue<Asked> _asked = new();
    private int _open;
    private int _aborted;

    private FakeGrid(WebApplication app) => _app = app;

    public Uri Root { get; private set; } = null!;

    /// <summary>Requests the grid is working on, and those whose asker went away.</summary>
    public int Open => Volatile.Read(ref _open);

    /// <inheritdoc cref="Open"/>
    public int Aborted => Volatile.Read(ref _aborted);

    public IReadOnlyList<Asked> AskedFor(string path) => [.. _asked.Where(a => a.Path == path)];

    public Func<HttpContext, Asked, Task> this[string path]
    {
        set => _answers[path] = value;
    }

    public static async Task<FakeGrid> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        var grid = new FakeGrid(builder.Build());
        grid._app.Run(grid.AnswerAsync);
        await grid._app.StartAsync();
        grid.Root = new Uri(grid._app.Urls.Single());
        return grid;
    }

    /// <summary>Answers <paramref name="path"/> with this, always.</summary>
    public void Answer(string path, int status, string body, string contentType = "application/llsd+xml", params (string, string)[] headers) =>
        this[path] = (context, _) => WriteAsync(context, status, body, contentType, headers);

    public static async Task WriteAsync(HttpContext context, int status, string body, string contentType = "application/llsd+xml",
        params (string Name, string Value)[] headers)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        foreach ((string name, string value) in headers) context.Response.Headers[name] = value;
        if (body.Length > 0) await context.Response.WriteAsync(body);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        using var body = new MemoryStream();
        await context.Request.Body.CopyToAsync(body);
        var asked = new Asked(context.Request.Method, context.Request.Path + context.Request.QueryString,
            context.Request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase), body.ToArray());
        Interlocked.Increment(ref _open);
        _asked.Enqueue(asked);
        try
        {
            if (_answers.TryGetValue(context.Request.Path, out Func<HttpContext, Asked, Task>? answer)) await answer(context, asked);
            else context.Response.StatusCode = 404;
        }
        catch (OperationCanceledException)
        {
            Interlocked.Increment(ref _aborted);
        }
        finally
        {
            Interlocked.Decrement(ref _open);
        }
    }
}
