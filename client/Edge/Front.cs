using GlobalCache.Client.Ways;

namespace GlobalCache.Client.Edge;

/// <summary>Answers a request below a token; <paramref name="rest"/> is the path behind it: empty, or beginning with a slash.</summary>
internal delegate Task ServeToken(HttpContext context, string token, string rest);

/// <summary>
/// The URLs there are, and who answers each. What names no open way, no known shape or no right token gets one and the same answer.
/// </summary>
/// <remarks>
/// <c>/s/&lt;token&gt;</c> seeds, <c>/c/&lt;token&gt;</c> capabilities, <c>/a/&lt;install token&gt;</c> asset-only,
/// <c>/&lt;install token&gt;/</c> login, <c>/&lt;install token&gt;/get_grid_info</c>; absolute URLs for the web proxy, foreign names for the CDN host.
/// </remarks>
internal sealed class Front(LoopbackGuard guard, InstallToken token)
{
    public ServeToken? Login { get; init; }

    public ServeToken? GridInfo { get; init; }

    public ServeToken? Seed { get; init; }

    public ServeToken? Capability { get; init; }

    public ServeToken? AssetOnly { get; init; }

    public RequestDelegate? WebProxy { get; init; }

    public RequestDelegate? CdnHost { get; init; }

    public Task HandleAsync(HttpContext context)
    {
        Task? served = guard.Admit(context) switch
        {
            Way.Direct => Direct(context),
            Way.WebProxy => WebProxy?.Invoke(context),
            Way.CdnHost => CdnHost?.Invoke(context),
            _ => null,
        };
        if (served is not null) return served;
        LoopbackGuard.Refuse(context);
        return Task.CompletedTask;
    }

    private Task? Direct(HttpContext context)
    {
        string path = context.Request.Path.Value ?? "";
        (string first, string rest) = Cut(path);
        if (first.Length == 1)
        {
            (string named, rest) = Cut(rest);
            return first[0] switch
            {
                's' => Seed?.Invoke(context, named, rest),
                'c' => Capability?.Invoke(context, named, rest),
                'a' when token.Matches(named) => AssetOnly?.Invoke(context, named, rest),
                _ => null,
            };
        }
        if (!token.Matches(first)) return null;
        if (rest == "/get_grid_info") return GridInfo?.Invoke(context, first, rest);
        return HttpMethods.IsPost(context.Request.Method) ? Login?.Invoke(context, first, rest) : null;
    }

    /// <summary>The first segment of a path, and the rest with its slash.</summary>
    private static (string Segment, string Behind) Cut(string path)
    {
        if (path.Length == 0) return ("", "");
        int end = path.IndexOf('/', 1);
        return end < 0 ? (path[1..], "") : (path[1..end], path[end..]);
    }
}
