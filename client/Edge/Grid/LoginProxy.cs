using GlobalCache.Client.Caps;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using Log = GlobalCache.Client.Caps.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Login: the viewer's request reaches the grid byte for byte, be it password, MFA code or another method; of a successful reply three
/// values are replaced, of one that sends the viewer on the next URL (PROTOCOL §2). Everything else, errors and redirects included, passes.
/// </summary>
/// <param name="loginUri">The grid's login URI.</param>
/// <param name="ownUri">Ours, as the viewer reaches it, with a slash at its end; asked when a URL is made.</param>
/// <param name="grid">The way out.</param>
/// <param name="sessions">Where a login becomes a session.</param>
/// <param name="limits">How much of a reply is read.</param>
/// <param name="log">Never told who logs in, nor any body.</param>
/// <param name="saved">Completes when what has come so far would outlive this process; a login is not answered before.</param>
internal sealed class LoginProxy(
    Uri loginUri, Func<string> ownUri, HttpMessageInvoker grid, SessionTable sessions, ClientLimits limits, ILogger log, Func<Task>? saved = null)
{
    /// <summary>Logins that were sent on and have not come back; the oldest are forgotten.</summary>
    private const int MaxNext = 64;

    private readonly Lock _gate = new();
    private readonly Queue<(string Token, Uri Real)> _next = new();

    public async Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }
        if (!IsLoginBody(context.Request.ContentType))
        {
            // What a web page can post without asking first is none of these types (SECURITY §6).
            context.Response.StatusCode = StatusCodes.Status415UnsupportedMediaType;
            return;
        }
        Uri? target = context.Request.Query.TryGetValue("next", out var next) ? Next(next.ToString()) : loginUri;
        if (target is null)
        {
            context.Response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        if (await GridEdge.AskAsync(context, target, grid, "login", limits, log) is not { } reply) return;
        using (reply)
        {
            (GridReply patched, Session? session) = Patch(reply);
            if (saved is not null && session is not null) await saved();
            await GridEdge.WriteAsync(context, patched);
            // Nobody is there to use it.
            if (session is not null && context.RequestAborted.IsCancellationRequested)
                await sessions.EndAsync(session, "its viewer did not wait for the login");
        }
    }

    private (GridReply Reply, Session? Session) Patch(GridReply reply)
    {
        if (reply.Status != StatusCodes.Status200OK || !GridEdge.MayPatch(reply, "login", limits, log)) return (reply, null);
        LoginReply login = LoginReply.Read(reply.Body);
        switch (login.Outcome)
        {
            case LoginOutcome.Unreadable:
                Log.Unpatched(log, "login");
                return (reply, null);
            case LoginOutcome.Indeterminate:
                return (reply.With(login.PatchNextUrl($"{ownUri()}?next={Remember(new Uri(login.NextUrl))}")), null);
            case LoginOutcome.Success
                when sessions.Begin(login, loginUri) is { } session
                    && session.MapSim(login.Sim) is { } sim && session.MapSeed(login.Seed, login.Sim) is { } seed:
                return (reply.With(login.Patch(sim, seed)), session);
            default:
                return (reply, null);
        }
    }

    private static bool IsLoginBody(string? contentType)
    {
        string type = contentType?.Split(';')[0].Trim() ?? "";
        return type.Equals("text/xml", StringComparison.OrdinalIgnoreCase) || type.StartsWith("application/llsd+", StringComparison.OrdinalIgnoreCase);
    }

    private string Remember(Uri real)
    {
        string token = CapTable.NewToken();
        lock (_gate)
        {
            while (_next.Count >= MaxNext) _next.Dequeue();
            _next.Enqueue((token, real));
        }
        return token;
    }

    private Uri? Next(string token)
    {
        lock (_gate) return _next.FirstOrDefault(n => n.Token == token).Real;
    }
}
