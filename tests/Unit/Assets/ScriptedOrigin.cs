using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.Assets;

/// <summary>One request as the asset host saw it.</summary>
internal sealed record Seen(string Method, string Target, string? Range, IReadOnlyDictionary<string, string> Headers);

/// <summary>
/// An asset host on loopback that answers as OpenSim does (PROTOCOL §3.5), counts every byte it gives, and does otherwise where a
/// test says so.
/// </summary>
internal sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<Guid, byte[]> _assets = new();
    private readonly ConcurrentDictionary<Guid, int[]> _given = new();
    private readonly ConcurrentQueue<Seen> _seen = new();

    private ScriptedOrigin(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>Requests so far, in order of arrival.</summary>
    public IReadOnlyList<Seen> Requests => [.. _seen];

    /// <summary>Handles a request itself and says true, or leaves it to the ordinary answer.</summary>
    public Func<HttpContext, Task<bool>>? Otherwise { get; set; }

    /// <summary>Asked before the n-th request (from 0) is answered.</summary>
    public Func<int, Task>? Gate { get; set; }

    public static async Task<ScriptedOrigin> StartAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0));
        ScriptedOrigin origin = new(builder.Build());
        origin._app.Run(origin.AnswerAsync);
        await origin._app.StartAsync();
        origin.Url = new Uri(origin._app.Urls.Single());
        return origin;
    }

    public Guid Add(byte[] asset, Guid? id = null)
    {
        Guid key = id ?? Guid.NewGuid();
        _assets[key] = asset;
        _given[key] = new int[asset.Length];
        return key;
    }

    /// <summary>How often the byte that was given most often has been given.</summary>
    public int MostOftenGiven(Guid id) => _given[id].Max();

    public long BytesGiven(Guid id) => _given[id].Sum(n => (long)n);

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        HttpRequest request = context.Request;
        string target = context.Features.Get<IHttpRequestFeature>()!.RawTarget;
        string? range = request.Headers.Range.Count == 0 ? null : request.Headers.Range.ToString();
        int number;
        lock (_seen)
        {
            number = _seen.Count;
            _seen.Enqueue(new Seen(request.Method, target, range, request.Headers.ToDictionary(h => h.Key, h => h.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
        }
        if (Gate is { } gate) await gate(number);
        if (Otherwise is { } otherwise && await otherwise(context)) return;

        string last = request.Query.Count == 0 ? "" : request.Query.Last().Value.ToString();
        if (!Guid.TryParse(last, out Guid id) || !_assets.TryGetValue(id, out byte[]? asset))
        {
            context.Response.StatusCode = 404;
            await context.Response.WriteAsync("not here");
            return;
        }
        (int start, int end) = (0, asset.Length);
        if (range is not null && range.StartsWith("bytes=", StringComparison.Ordinal) && range.Count(c => c == '-') == 1 && !range.Contains(','))
        {
            string[] ends = range["bytes=".Length..].Split('-');
            bool closed = int.TryParse(ends[1], out int to);
            if (int.TryParse(ends[0], out int from) && from < asset.Length && (!closed || to >= from))
            {
                start = from;
                if (closed) end = Math.Min(end, to + 1);
                context.Response.StatusCode = 206;
                context.Response.Headers.ContentRange = $"bytes {start}-{end - 1}/{asset.Length}";
            }
        }
        context.Response.ContentType = "application/octet-stream";
        context.Response.ContentLength = end - start;
        if (HttpMethods.IsHead(request.Method)) return;
        int[] given = _given[id];
        for (int at = start; at < end; at += 8192)
        {
            int length = Math.Min(8192, end - at);
            await context.Response.Body.WriteAsync(asset.AsMemory(at, length), context.RequestAborted);
            lock (given)
            {
                for (int i = at; i < at + length; i++) given[i]++;
            }
        }
    }
}
