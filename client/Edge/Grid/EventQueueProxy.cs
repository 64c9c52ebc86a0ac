using System.Runtime.CompilerServices;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;
using Log = GlobalCache.Client.Caps.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// A region's event queue: every poll is answered by its <see cref="EventPoll"/>, so that whatever happens upstream the viewer sees a whole
/// HTTP answer, and not too soon (PROTOCOL §4.1). Addresses in events are replaced by ours.
/// </summary>
/// <param name="grid">The way out.</param>
/// <param name="limits">The waits.</param>
/// <param name="time">Measures them.</param>
/// <param name="log">Never told what an event says.</param>
/// <param name="saved">Completes when what has come so far would outlive this process; events are not given out before.</param>
internal sealed class EventQueueProxy(HttpMessageInvoker grid, ClientLimits limits, TimeProvider time, ILogger log, Func<Task>? saved = null)
{
    private readonly ConditionalWeakTable<Cap, EventPoll> _polls = [];

    /// <param name="context">The viewer's request.</param>
    /// <param name="queue">A capability named <see cref="CapName.EventQueueGet"/>.</param>
    public async Task HandleAsync(HttpContext context, Cap queue)
    {
        try
        {
            if (await GridCall.ReadAsync(context, queue.Real) is not { } call)
            {
                context.Response.StatusCode = StatusCodes.Status413PayloadTooLarge;
                return;
            }
            EventPoll poll = _polls.GetValue(queue, Open);
            GridReply reply = await poll.AnswerAsync(EventQueueRequest.Read(call.Body),
                stop => SendAsync(call, stop), context.RequestAborted);
            if (saved is not null && reply.Status == StatusCodes.Status200OK) await saved();
            await GridEdge.WriteAsync(context, reply);
        }
        catch (Exception e) when (GridEdge.IsViewerGone(e, context))
        {
            // Its answer waits for the repeat.
        }
        catch (BadHttpRequestException e)
        {
            context.Response.StatusCode = e.StatusCode;
        }
    }

    /// <summary>The answer this queue's viewer may not have.</summary>
    public KeptAnswer? Kept(Cap queue) => _polls.TryGetValue(queue, out EventPoll? poll) ? poll.Kept : null;

    /// <summary>Takes over what the client before this one kept.</summary>
    public void Keep(Cap queue, KeptAnswer kept) => _polls.GetValue(queue, Open).Keep(kept);

    private async Task<GridReply> SendAsync(GridCall call, CancellationToken stop)
    {
        try
        {
            return await call.SendAsync(grid, limits.MaxPatchedBodyBytes, stop);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            Log.EventQueue(log, e.GetType().Name);
            throw;
        }
    }

    private EventPoll Open(Cap queue) => new(
        reply => Patch(reply, queue), () => queue.Region.IsGone = true, queue.Session.Track, limits, time, queue.Session.Ended);

    private (GridReply, long?) Patch(GridReply reply, Cap queue)
    {
        if (!GridEdge.MayPatch(reply, "an event queue", limits, log)) return (reply, null);
        if (EventQueueReply.Patch(reply.Body, queue.Session) is not { } patched)
        {
            Log.Unpatched(log, "an event queue");
            return (reply, null);
        }
        if (patched.Unmapped > 0) Log.Unmapped(log, patched.Unmapped);
        return (reply.With(patched.Body), patched.Id);
    }
}
