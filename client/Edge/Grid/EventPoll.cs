using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Policy;
using Microsoft.Extensions.Primitives;

namespace GlobalCache.Client.Edge;

/// <summary>
/// One region's event queue between viewer and grid (PROTOCOL §4.1). At most one poll is open upstream. It outlives a viewer that drops,
/// and what it brings is kept for the viewer's repeat, because sims do not send lost events again. "No events" is held back until a viewer
/// takes it for that, and the grid is asked again meanwhile.
/// <code>
/// grid answers                          viewer waits                        viewer has dropped
/// 200                                   gets it; kept for a repeat          kept for its repeat
/// 5xx, 499 ("no events")                asked again; gets it from 10 s on   nothing: its repeat asks anew
/// nothing, breaks off, takes 90 s       asked again; gets 502 from 25 s on  nothing: its repeat asks anew
/// 404, 410                              gets it; what is kept is dropped    what is kept is dropped
/// all else                              gets it                             nothing
/// </code>
/// </summary>
/// <param name="patch">Makes a 200 fit for the viewer, and tells its number; null when it is not to be kept for a repeat.</param>
/// <param name="gone">Told when the grid says that the queue is no more.</param>
/// <param name="track">Told of every poll that is open upstream.</param>
/// <param name="limits">The waits.</param>
/// <param name="time">Measures them.</param>
/// <param name="ended">The session's end.</param>
internal sealed class EventPoll(Func<GridReply, (GridReply Reply, long? Id)> patch, Action gone, Action<Task> track, ClientLimits limits,
    TimeProvider time, CancellationToken ended)
{
    /// <summary>Answers above this are not kept; real ones have a few KB.</summary>
    private const int MaxKeptBytes = 1 << 18;

    private readonly Lock _gate = new();
    private Exchange? _current;
    private (string Ack, GridReply Reply)? _kept;

    /// <summary>The answer the viewer may not have, for the client that comes after this one.</summary>
    public KeptAnswer? Kept
    {
        get
        {
            lock (_gate) return _kept is var (ack, reply) ? new KeptAnswer(ack, [.. reply.Headers.Select(h => (string[])[h.Key, .. h.Value.OfType<string>()])], reply.Body.ToArray()) : null;
        }
    }

    /// <summary>Takes over what the client before this one kept.</summary>
    public void Keep(KeptAnswer kept)
    {
        var headers = kept.Headers.Select(h => KeyValuePair.Create(h[0], new StringValues(h[1..]))).ToList();
        lock (_gate) _kept = (kept.Ack, new GridReply(StatusCodes.Status200OK, headers, kept.Body));
    }

    /// <summary>
    /// Answers one poll of the viewer; <paramref name="send"/> asks the grid with the viewer's own body. Throws only when
    /// <paramref name="viewer"/> is cancelled.
    /// </summary>
    public async Task<GridReply> AnswerAsync(EventQueueRequest request, Func<CancellationToken, Task<GridReply>> send, CancellationToken viewer)
    {
        Exchange exchange;
        lock (_gate)
        {
            if (_kept is { } kept && kept.Ack == request.Ack && !request.Done) return kept.Reply;
            _kept = null;
            if (_current is null || _current.Request != request) _current = Begin(request, send, _current);
            exchange = _current;
            exchange.Waiting++;
            exchange.Arrived = time.GetTimestamp();
        }
        try
        {
            return await exchange.Answer.WaitAsync(viewer);
        }
        finally
        {
            lock (_gate)
            {
                if (--exchange.Waiting == 0 && viewer.IsCancellationRequested && exchange.Answer.IsCompletedSuccessfully)
                    exchange.Answer.Result.Dispose();
            }
        }
    }

    /// <summary>A new question upstream; the one before, which the viewer has gone on without, is taken back first.</summary>
    private Exchange Begin(EventQueueRequest request, Func<CancellationToken, Task<GridReply>> send, Exchange? before)
    {
        Task idle = before?.Answer ?? Task.CompletedTask;
        if (before is not null) _ = before.Stop.CancelAsync();
        var exchange = new Exchange(request, CancellationTokenSource.CreateLinkedTokenSource(ended));
        exchange.Answer = Task.Run(() => RunAsync(exchange, send, idle));
        track(exchange.Answer);
        return exchange;
    }

    private async Task<GridReply> RunAsync(Exchange exchange, Func<CancellationToken, Task<GridReply>> send, Task before)
    {
        CancellationToken stop = exchange.Stop.Token;
        try
        {
            await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (true)
            {
                GridReply? reply = await AskAsync(send, stop);
                if (reply is not null && !MeansNoEvents(reply.Status)) return Deliver(exchange, reply);
                TimeSpan hold = reply is null ? limits.EventQueueUnreachableHold : limits.EventQueueErrorHold;
                if (!MustWait(exchange, hold, out TimeSpan left)) return reply ?? GridReply.Own(StatusCodes.Status502BadGateway);
                await Task.Delay(left < limits.EventQueueRetry ? left : limits.EventQueueRetry, time, stop);
                if (!MustWait(exchange, hold, out _)) return reply ?? GridReply.Own(StatusCodes.Status502BadGateway);
            }
        }
        catch (OperationCanceledException)
        {
            // The queue is no more; or the viewer has gone on, and nobody listens here.
            return GridReply.Own(ended.IsCancellationRequested ? StatusCodes.Status404NotFound : StatusCodes.Status502BadGateway);
        }
        finally
        {
            lock (_gate)
            {
                if (_current == exchange) _current = null;
            }
            exchange.Stop.Dispose();
        }
    }

    /// <summary>Null when the grid could not be reached, broke off, took too long, or sent an error without end.</summary>
    private async Task<GridReply?> AskAsync(Func<CancellationToken, Task<GridReply>> send, CancellationToken stop)
    {
        using var late = new CancellationTokenSource(limits.EventQueuePollTimeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            GridReply reply = await send(either.Token);
            if (reply.IsWhole || !MeansNoEvents(reply.Status)) return reply;
            reply.Dispose();
            return null;
        }
        catch (Exception e) when (e is HttpRequestException or IOException || e is OperationCanceledException && !stop.IsCancellationRequested)
        {
            return null;
        }
    }

    private GridReply Deliver(Exchange exchange, GridReply reply)
    {
        exchange.Stop.Token.ThrowIfCancellationRequested();
        long? id = null;
        if (reply.Status == StatusCodes.Status200OK) (reply, id) = patch(reply);
        bool isGone = reply.Status is StatusCodes.Status404NotFound or StatusCodes.Status410Gone;
        if (isGone) gone();
        lock (_gate)
        {
            // A reply that would be asked for under its own number again would be repeated for ever.
            bool keep = id is { } number && !exchange.Request.Acknowledges(number) && !exchange.Request.Done
                && reply.IsWhole && reply.Body.Length <= MaxKeptBytes;
            if (_current == exchange) _kept = keep ? (exchange.Request.Ack, reply) : null;
            if (exchange.Waiting == 0) reply.Dispose();
        }
        return reply;
    }

    /// <summary>
    /// Whether a viewer waits that must not hear of trouble yet. If not, the exchange is closed to further viewers in the same instant:
    /// one that comes now begins its own.
    /// </summary>
    private bool MustWait(Exchange exchange, TimeSpan hold, out TimeSpan left)
    {
        lock (_gate)
        {
            left = hold - time.GetElapsedTime(exchange.Arrived);
            if (left > TimeSpan.Zero && exchange.Waiting > 0 && !exchange.Request.Done) return true;
            if (_current == exchange) _current = null;
            return false;
        }
    }

    /// <summary>What the viewer takes for "no events", provided that it does not come too soon.</summary>
    private static bool MeansNoEvents(int status) => status is 499 or (>= 500 and <= 599);

    /// <summary>One open question upstream, with the viewer requests that wait for its answer.</summary>
    private sealed class Exchange(EventQueueRequest request, CancellationTokenSource stop)
    {
        public EventQueueRequest Request { get; } = request;

        public CancellationTokenSource Stop { get; } = stop;

        public Task<GridReply> Answer { get; set; } = null!;

        /// <summary>Viewer requests that wait, and when the last of them came.</summary>
        public int Waiting { get; set; }

        /// <inheritdoc cref="Waiting"/>
        public long Arrived { get; set; }
    }
}
