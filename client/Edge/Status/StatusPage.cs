using System.Net;
using System.Net.Mime;
using System.Text.Json;
using GlobalCache.Client.Figures;
using Microsoft.Net.Http.Headers;

namespace GlobalCache.Client.Edge;

/// <summary>
/// The client's page, for browsers on this machine, and the same for <c>globalcache stats</c>: <c>/p/TOKEN/</c>. Its token is another than the viewers', since
/// browsers write down where they were. <see cref="LoopbackGuard"/> has refused whatever comes from another page.
/// </summary>
/// <param name="status">What is to be shown now.</param>
/// <param name="trySwitch">Switches a world's sharing; false: it cannot be.</param>
/// <param name="time">The clock of the live view.</param>
internal sealed class StatusPage(Func<ClientStatus> status, Func<string, bool, bool> trySwitch, TimeProvider time)
{
    private const int MostReaders = 8, MostBodyBytes = 1024;

    /// <summary>Nothing is loaded from elsewhere, and nothing but these files is run.</summary>
    private const string Policy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

    private static readonly TimeSpan s_every = TimeSpan.FromSeconds(1);

    private static readonly Dictionary<string, (string Type, byte[] Bytes)> s_files = new(StringComparer.Ordinal)
    {
        ["/"] = ("text/html; charset=utf-8", FileOf("status.html")),
        ["/status.css"] = ("text/css; charset=utf-8", FileOf("status.css")),
        ["/status.js"] = ("text/javascript; charset=utf-8", FileOf("status.js")),
        ["/icon.svg"] = ("image/svg+xml", FileOf("icon.svg")),
    };

    private int _readers;

    /// <summary>Answers what stands behind the token.</summary>
    public Task HandleAsync(HttpContext context, string rest)
    {
        if (context.Connection.RemoteIpAddress is not { } from || !IPAddress.IsLoopback(from)) return Front.RefuseAsync(context);
        Protect(context.Response);
        if (HttpMethods.IsPost(context.Request.Method)) return rest == "/sharing" ? SwitchAsync(context) : Front.RefuseAsync(context);
        if (!HttpMethods.IsGet(context.Request.Method)) return Front.RefuseAsync(context);
        if (s_files.TryGetValue(rest, out (string Type, byte[] Bytes) file)) return SendAsync(context, file.Type, file.Bytes);
        return rest switch
        {
            "/status" => SendAsync(context, MediaTypeNames.Application.Json, Now()),
            "/live" => ReadAlongAsync(context),
            _ => Front.RefuseAsync(context),
        };
    }

    private byte[] Now() => JsonSerializer.SerializeToUtf8Bytes(status(), StatusJson.Default.ClientStatus);

    private async Task SwitchAsync(HttpContext context)
    {
        SharingSwitch? wanted = null;
        if (context.Request.ContentLength is > 0 and <= MostBodyBytes && context.Request.HasJsonContentType())
        {
            try
            {
                wanted = await context.Request.ReadFromJsonAsync(StatusJson.Default.SharingSwitch, context.RequestAborted);
            }
            catch (JsonException)
            {
                // Answered below.
            }
        }
        context.Response.StatusCode = wanted is not { World: { } world } ? StatusCodes.Status400BadRequest
            : trySwitch(world, wanted.On) ? StatusCodes.Status204NoContent : StatusCodes.Status409Conflict;
    }

    /// <summary>What has changed is told every second, for as long as somebody looks.</summary>
    private async Task ReadAlongAsync(HttpContext context)
    {
        if (Interlocked.Increment(ref _readers) > MostReaders)
        {
            Interlocked.Decrement(ref _readers);
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            return;
        }
        CancellationToken stopping = context.RequestServices.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping;
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopping);
        try
        {
            context.Response.ContentType = MediaTypeNames.Text.EventStream;
            while (true)
            {
                await context.Response.Body.WriteAsync("data: "u8.ToArray(), ended.Token);
                await context.Response.Body.WriteAsync(Now(), ended.Token);
                await context.Response.Body.WriteAsync("\n\n"u8.ToArray(), ended.Token);
                await context.Response.Body.FlushAsync(ended.Token);
                await Task.Delay(s_every, time, ended.Token);
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody looks any more, or the client ends.
        }
        finally
        {
            Interlocked.Decrement(ref _readers);
        }
    }

    private static Task SendAsync(HttpContext context, string type, byte[] bytes)
    {
        context.Response.ContentType = type;
        context.Response.ContentLength = bytes.Length;
        return context.Response.Body.WriteAsync(bytes, context.RequestAborted).AsTask();
    }

    private static void Protect(HttpResponse response)
    {
        IHeaderDictionary headers = response.Headers;
        headers.ContentSecurityPolicy = Policy;
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers[HeaderNames.XFrameOptions] = "DENY";
    }

    private static byte[] FileOf(string name)
    {
        using Stream file = typeof(StatusPage).Assembly.GetManifestResourceStream(name)!;
        byte[] bytes = new byte[file.Length];
        file.ReadExactly(bytes);
        return bytes;
    }
}
