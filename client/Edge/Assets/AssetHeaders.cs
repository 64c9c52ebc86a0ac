using System.Net;
using System.Net.Http.Headers;
using GlobalCache.Client.Assets;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Edge;

/// <summary>Which headers pass between a viewer and an asset host, and the request made of them.</summary>
internal static class AssetHeaders
{
    // Of one connection (RFC 9110 §7.6.1), or ours to say: who is asked, and that hashes are over raw bytes (PROTOCOL §3.5). A cookie
    // set through us would be sent to every other program on 127.0.0.1.
    private static readonly HashSet<string> Own = new(StringComparer.OrdinalIgnoreCase)
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "TE", "Trailer",
        "Transfer-Encoding", "Upgrade", "Host", "Expect", "Accept-Encoding", "Alt-Svc", "Set-Cookie", "Strict-Transport-Security",
        "Access-Control-Allow-Origin", "Access-Control-Allow-Credentials",
    };

    /// <summary>What is passed on of a viewer's request; not its Range.</summary>
    public static KeyValuePair<string, StringValues>[] OfViewer(HttpRequest request)
    {
        List<KeyValuePair<string, StringValues>> kept = new(request.Headers.Count);
        string connection = request.Headers.Connection.ToString();
        foreach (KeyValuePair<string, StringValues> header in request.Headers)
        {
            if (header.Key[0] == ':' || Own.Contains(header.Key) || header.Key.Equals("Range", StringComparison.OrdinalIgnoreCase)) continue;
            if (connection.Contains(header.Key, StringComparison.OrdinalIgnoreCase)) continue;
            kept.Add(header);
        }
        return [.. kept];
    }

    /// <summary>A request to an asset host in the viewer's words.</summary>
    public static HttpRequestMessage Request(HttpMethod method, Uri cap, Question question, StringValues range, HttpContent? body = null)
    {
        HttpRequestMessage request = new(method, AssetRequest.Upstream(cap, question.Remainder, question.Query))
        {
            Version = HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
            Content = body,
        };
        foreach ((string name, StringValues values) in question.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values)) body?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        request.Headers.TryAddWithoutValidation("Accept-Encoding", "identity");
        if (range.Count > 0) request.Headers.TryAddWithoutValidation("Range", (IEnumerable<string?>)range);
        return request;
    }

    /// <summary>
    /// An answer's status and headers, as they are. But for <c>Content-Encoding: binary/octet-stream</c>, which some asset hosts
    /// send and no viewer needs (PROTOCOL §3.5).
    /// </summary>
    public static void PassOn(HttpResponseMessage answer, HttpResponse response)
    {
        response.StatusCode = (int)answer.StatusCode;
        PassOn(answer.Headers.NonValidated, response.Headers);
        PassOn(answer.Content.Headers.NonValidated, response.Headers);
        if (!IsEncoded(answer)) response.Headers.ContentEncoding = default;
    }

    /// <summary>True when the body is not the asset's raw bytes.</summary>
    public static bool IsEncoded(HttpResponseMessage answer)
    {
        if (!answer.Content.Headers.NonValidated.TryGetValues("Content-Encoding", out HeaderStringValues values)) return false;
        foreach (string value in values)
        {
            ReadOnlySpan<char> coding = value.AsSpan().Trim();
            if (!coding.Equals("binary/octet-stream", StringComparison.OrdinalIgnoreCase)
                && !coding.Equals("identity", StringComparison.OrdinalIgnoreCase) && !coding.IsEmpty) return true;
        }
        return false;
    }

    private static void PassOn(HttpHeadersNonValidated from, IHeaderDictionary to)
    {
        foreach ((string name, HeaderStringValues values) in from)
        {
            if (!Own.Contains(name)) to[name] = values.Count == 1 ? values.ToString() : new StringValues([.. values]);
        }
    }
}
