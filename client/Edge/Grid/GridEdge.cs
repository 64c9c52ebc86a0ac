using System.Globalization;
using GlobalCache.Policy;
using Microsoft.AspNetCore.Connections;
using Log = GlobalCache.Client.Caps.Log;

namespace GlobalCache.Client.Edge;

/// <summary>What the edges that patch replies have in common: one question to the grid, and what becomes of it when that fails.</summary>
internal static class GridEdge
{
    /// <summary>Passes the viewer's request on and reads the answer; null when the viewer has been answered already, or is gone.</summary>
    public static async Task<GridReply?> AskAsync(HttpContext context, Uri target, HttpMessageInvoker grid, string what, ClientLimits limits,
        ILogger log)
    {
        try
        {
            if (await GridCall.ReadAsync(context, target) is not { } call)
            {
                context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
                return null;
            }
            return await call.SendAsync(grid, limits.MaxPatchedBodyBytes, context.RequestAborted);
        }
        catch (Exception e) when (IsViewerGone(e, context))
        {
            return null;
        }
        catch (BadHttpRequestException e)
        {
            context.Response.StatusCode = e.StatusCode;
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException)
        {
            Log.Unreachable(log, what, e is HttpRequestException http ? http.HttpRequestError.ToString() : e.GetType().Name);
            // Our own trouble must look like something to try again (PROTOCOL §0.4).
            context.Response.StatusCode = StatusCodes.Status503ServiceUnavailable;
            context.Response.Headers.RetryAfter = 5.ToString(CultureInfo.InvariantCulture);
            return null;
        }
    }

    /// <summary>Whether the reply's bytes are the document itself and small enough to have been read; says why not.</summary>
    public static bool MayPatch(GridReply reply, string what, ClientLimits limits, ILogger log)
    {
        if (!reply.IsWhole) Log.TooLarge(log, what, limits.MaxPatchedBodyBytes);
        else if (reply.IsEncoded) Log.Unpatched(log, what);
        return reply.IsWhole && !reply.IsEncoded;
    }

    /// <summary>Answers the viewer; one that has left is no error.</summary>
    public static async Task WriteAsync(HttpContext context, GridReply reply)
    {
        try
        {
            if (!await reply.TryWriteAsync(context)) context.Response.StatusCode = StatusCodes.Status502BadGateway;
        }
        catch (Exception e) when (IsViewerGone(e, context))
        {
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            // The grid broke off in a body too large to hold: so does ours, for there is no other way to say it.
            context.Abort();
        }
    }

    public static bool IsViewerGone(Exception e, HttpContext context) =>
        e is ConnectionResetException || e is OperationCanceledException or IOException && context.RequestAborted.IsCancellationRequested;
}
