using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;
using Microsoft.Net.Http.Headers;

namespace GlobalCache.Client.Edge;

/// <summary>By which way a request came in.</summary>
internal enum Way
{
    /// <summary>By none that is open: answered alike, whatever was asked.</summary>
    None,

    /// <summary>To our own address, where every URL holds a token.</summary>
    Direct,

    /// <summary>An absolute URL, as a proxy gets it.</summary>
    WebProxy,

    /// <summary>Under the asset host's own name.</summary>
    CdnHost,
}

/// <summary>
/// What a web page could make a browser send is refused before anything looks at the path (SECURITY §6): a name that was bound anew
/// to our address shows in Host, a page in Origin, Sec-Fetch-*, Referer or Cookie. No viewer sends these to us.
/// </summary>
internal sealed class LoopbackGuard(bool webProxy, string? cdnHost)
{
    /// <summary>Decides, and puts the headers on the answer that keep pages from reading it.</summary>
    public Way Admit(HttpContext context)
    {
        HttpRequest request = context.Request;
        Way way = WayOf(context);
        if (way == Way.WebProxy) return way;
        Protect(context.Response);
        if (way == Way.Direct && IsOwnersPage(request.Path)) return ComesFromElsewhere(request) ? Way.None : way;
        if (way == Way.None || ComesFromPage(request.Headers)) return Way.None;
        // What a page may post without asking first is a form or plain text; a login is neither.
        if (way == Way.Direct && HttpMethods.IsPost(request.Method) && !IsCapability(request.Path) && !IsLoginBody(request.ContentType)) return Way.None;
        return way;
    }

    /// <summary>Whether a browser says that a page is behind the request.</summary>
    public static bool ComesFromPage(IHeaderDictionary headers)
    {
        if (headers.ContainsKey(HeaderNames.Origin) || headers.ContainsKey(HeaderNames.Referer) || headers.ContainsKey(HeaderNames.Cookie)) return true;
        foreach (KeyValuePair<string, StringValues> header in headers)
            if (header.Key.StartsWith("Sec-Fetch-", StringComparison.OrdinalIgnoreCase)) return true;
        return false;
    }

    /// <summary>
    /// What a browser says of a request to the owner's page: that a person has opened it, or that it is the page itself. Cookies say nothing, for browsers send every
    /// program of this machine the cookies of all others.
    /// </summary>
    private static bool ComesFromElsewhere(HttpRequest request)
    {
        StringValues site = request.Headers["Sec-Fetch-Site"], origin = request.Headers.Origin;
        bool isOwn = (site.Count == 0 || site == "same-origin" || (site == "none" && HttpMethods.IsGet(request.Method)))
            && (origin.Count == 0 || origin == $"http://{request.Host.Value}");
        return !isOwn;
    }

    /// <summary>The one answer to everything that is refused: it tells neither what is there nor why.</summary>
    public static void Refuse(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        context.Response.ContentLength = 0;
    }

    /// <summary>No sniffing, and no page of another origin may embed it.</summary>
    public static void Protect(HttpResponse response)
    {
        response.Headers.XContentTypeOptions = "nosniff";
        response.Headers["Cross-Origin-Resource-Policy"] = "same-origin";
    }

    private Way WayOf(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        HostString host = context.Request.Host;
        if (!target.StartsWith('/')) return webProxy && target.StartsWith("http://", StringComparison.OrdinalIgnoreCase) ? Way.WebProxy : Way.None;
        if (IsOurs(host, context.Connection)) return Way.Direct;
        return cdnHost is not null && host.Host.Equals(cdnHost, StringComparison.OrdinalIgnoreCase) ? Way.CdnHost : Way.None;
    }

    /// <summary>Host names exactly the address and port the connection came in on, spelt as we print them.</summary>
    private static bool IsOurs(HostString host, ConnectionInfo connection)
    {
        if (connection.LocalIpAddress is not { } address) return false;
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        string literal = new IPEndPoint(address, connection.LocalPort).ToString();
        return literal.Equals(host.Value, StringComparison.Ordinal)
            || (connection.LocalPort == 80 && literal.AsSpan(0, literal.Length - 3).SequenceEqual(host.Value));
    }

    private static bool IsOwnersPage(PathString path) => path.StartsWithSegments("/p", StringComparison.Ordinal);

    private static bool IsCapability(PathString path) => path.StartsWithSegments("/s", StringComparison.Ordinal) || path.StartsWithSegments("/c", StringComparison.Ordinal);

    private static bool IsLoginBody(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out MediaTypeHeaderValue? type)
        && (type.MediaType.Equals("text/xml", StringComparison.OrdinalIgnoreCase)
            || type.MediaType.StartsWith("application/llsd+", StringComparison.OrdinalIgnoreCase));
}
