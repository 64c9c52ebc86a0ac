using GlobalCache.Client.Caps;
using GlobalCache.Policy;
using Log = GlobalCache.Client.Caps.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// <c>get_grid_info</c>: the grid's own document with our login in it. Conditional requests go to the grid, and its 304 comes back
/// (PROTOCOL §2.6).
/// </summary>
/// <param name="loginUri">The grid's login URI, beside which its document lies.</param>
/// <param name="ownUri">Ours, as the viewer reaches it.</param>
/// <param name="grid">The way out.</param>
/// <param name="limits">How much of a reply is read.</param>
/// <param name="log">Warnings.</param>
internal sealed class GridInfoProxy(Uri loginUri, Func<string> ownUri, HttpMessageInvoker grid, ClientLimits limits, ILogger log)
{
    private readonly Uri _target = new(loginUri, "get_grid_info");

    public async Task HandleAsync(HttpContext context)
    {
        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            context.Response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }
        if (await GridEdge.AskAsync(context, _target, grid, "get_grid_info", limits, log) is not { } reply) return;
        using (reply) await GridEdge.WriteAsync(context, Patch(reply));
    }

    private GridReply Patch(GridReply reply)
    {
        if (reply.Status != StatusCodes.Status200OK || reply.Body.IsEmpty || !GridEdge.MayPatch(reply, "get_grid_info", limits, log)) return reply;
        if (GridInfo.Patch(reply.Body.Span, ownUri()) is { } patched) return reply.With(patched);
        Log.Unpatched(log, "get_grid_info");
        return reply;
    }
}
