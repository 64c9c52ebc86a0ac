using GlobalCache.Client.Ways;

namespace GlobalCache.Client.Edge;

/// <summary>Answers a request below a token; <paramref name="rest"/> is the path behind it: empty, or beginning with a slash.</summary>
internal delegate Task ServeToken(HttpContext context, string token, string rest);

/// <summary>
/// The URLs there are, and who answers each. What names no open way, no known shape or no right token gets one and the same answer.
/// </summary>
/// <remarks>
/// <c>/s/&lt;token&gt;</c> seeds, <c>/c/&lt;token&gt;</c> capabilities, <c>/a/&lt;install token&gt;</c> asset-only,
/// <c>/p/&lt;page token&gt;/</c> the page for its owner, <c>/&lt;install token&gt;/</c> login, <c>/&lt;install token&gt;/get_grid_info</c>; absolute URLs for the web proxy, foreign names for the CDN host.
/// </remarks>
internal sealed record Front(LoopbackGuard Guard, InstallToken Token)
{
    /// <summary>The page's token, and who answers below it.</summary>
    public (InstallToken Token, Func<HttpContext, string, Task> Serve)? Page { get; init; }

    public ServeToken? Login { get; init; }

    public ServeToken? GridInfo { get; init; }

    public ServeToken? Seed { get; init; }

    public ServeToken? Capability { get; init; }

    public ServeToken? AssetOnly { get; init; }

    public RequestDelegate? WebProxy { get; init; }

    public RequestDelegate? CdnHost { get; init; }

    public Task HandleAsync(HttpContext context) => Guard.Admit(context) switch
    {
        Way.Direct => DirectAsync(context),
        Way.WebProxy when WebProxy is not null => WebProxy(context),
        Way.CdnHost when CdnHost is not null => CdnHost(context),
        _ => RefuseAsync(context),
    };

    private Task DirectAsync(HttpContext context)
    {
        (string first, string rest) = Cut(context.Request.Path.Value ?? "");
        ServeToken? serve = null;
        if (first.Length == 1)
        {
            string kind = first;
            (first, rest) = Cut(rest);
            serve = kind switch
            {
                "s" => Seed,
                "c" => Capability,
                "a" when Token.Matches(first) => AssetOnly,
                "p" when Page is { } page && page.Token.Matches(first) => (context, _, behind) => page.Serve(context, behind),
                _ => null,
            };
        }
        else if (Token.Matches(first))
            serve = rest == "/get_grid_info" ? GridInfo : HttpMethods.IsPost(context.Request.Method) ? Login : null;
        return serve is null ? RefuseAsync(context) : serve(context, first, rest);
    }

    /// <summary>The one answer to everything that is refused.</summary>
    public static Task RefuseAsync(HttpContext context)
    {
        LoopbackGuard.Refuse(context);
        return Task.CompletedTask;
    }

    /// <summary>The first segment of a path, and the rest with its slash.</summary>
    private static (string Segment, string Behind) Cut(string path)
    {
        if (path.Length == 0) return ("", "");
        int end = path.IndexOf('/', 1);
        return end < 0 ? (path[1..], "") : (path[1..end], path[end..]);
    }
}
