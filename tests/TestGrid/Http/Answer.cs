using System.Text;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http.Features;

namespace GlobalCache.TestGrid.Http;

/// <summary>Answers with OpenSimulator's header names, reason phrases and connection habits, as recorded.</summary>
internal static class Answer
{
    private static readonly object RequestsKey = new();

    public static Task TextAsync(HttpContext http, string contentType, string text, int status = 200) =>
        BytesAsync(http, status, contentType, Encoding.UTF8.GetBytes(text));

    /// <summary>Errors come without a body and end the connection.</summary>
    public static Task ErrorAsync(HttpContext http, int status, string contentType = "text/html") => BytesAsync(http, status, contentType, ReadOnlyMemory<byte>.Empty);

    public static async Task BytesAsync(HttpContext http, int status, string contentType, ReadOnlyMemory<byte> body)
    {
        Head(http, status, contentType, body.Length);
        if (!HttpMethods.IsHead(http.Request.Method)) await http.Response.Body.WriteAsync(body);
    }

    /// <summary>Status line and headers; the body is the caller's.</summary>
    public static void Head(HttpContext http, int status, string contentType, long length)
    {
        HttpResponse response = http.Response;
        response.StatusCode = status;
        http.Features.Get<IHttpResponseFeature>()!.ReasonPhrase = Reason(status);
        response.Headers["Server"] = "OSWebServer";
        response.Headers.ContentType = contentType;
        response.ContentLength = length;
        int left = RequestsLeft(http);
        if (status >= 400 || left == 0)
        {
            response.Headers.Connection = "close";
        }
        else
        {
            response.Headers.KeepAlive = $"timeout=60, max={left}";
            response.Headers.Connection = "Keep-Alive";
        }
    }

    private static int RequestsLeft(HttpContext http)
    {
        int allowed = http.RequestServices.GetRequiredService<StandInGrid>().Options.RequestsPerConnection;
        IDictionary<object, object?> items = http.Features.GetRequiredFeature<IConnectionItemsFeature>().Items;
        int used = items.TryGetValue(RequestsKey, out object? before) ? (int)before! : 0;
        items[RequestsKey] = used + 1;
        return Math.Max(0, allowed - used - 1);
    }

    private static string Reason(int status) => status switch
    {
        200 => "OK",
        206 => "PartialContent",
        304 => "NotModified",
        400 => "BadRequest",
        403 => "Forbidden",
        404 => "NotFound",
        405 => "MethodNotAllowed",
        502 => "BadGateway",
        503 => "ServiceUnavailable",
        _ => "Error",
    };
}
