using System.Collections.Concurrent;
using System.Net;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Policy;

namespace GlobalCache.Client.Sessions;

/// <summary>Opens a session's sockets.</summary>
/// <param name="session">Its login says whose circuits these are; as a directory it maps what the circuits meet.</param>
/// <param name="ended">To be called when a circuit sees the session's end, with the reason (PROTOCOL §4.4). Any thread, any number of times.</param>
internal delegate SessionCircuits OpenCircuits(Session session, Action<string> ended);

/// <summary>
/// The viewers logged in through this proxy. A session ends a moment after its circuits have seen it end, or when its viewer has been
/// silent for long (PROTOCOL §4.4).
/// </summary>
internal sealed class SessionTable(CapTable caps, Func<string> origin, OpenCircuits open, ClientLimits limits, TimeProvider time, ILogger log)
    : IAsyncDisposable
{
    private readonly ConcurrentDictionary<Session, Watch> _sessions = new();

    public int Count => _sessions.Count;

    /// <summary>Those that have not logged out: others are here for a moment more.</summary>
    public int Present => _sessions.Values.Count(w => w.Reason is null);

    public IEnumerable<Session> Sessions => _sessions.Keys;

    /// <summary>Begins a session for a successful login. Null when there are too many, or its first region cannot be mapped.</summary>
    public Session? Begin(LoginReply login, Uri loginUri)
    {
        if (_sessions.Count >= limits.MaxSessions)
        {
            Log.TooManySessions(log, _sessions.Count);
            return null;
        }
        var session = new Session(login, loginUri, caps, origin, limits, log);
        Add(session);
        if (session.MapSim(login.Sim) is null)
        {
            _ = EndAsync(session, "no port for its first region");
            return null;
        }
        Log.LoggedIn(log, _sessions.Count);
        return session;
    }

    /// <summary>Goes on with a session of the client before this one. False: it cannot be, and is over.</summary>
    /// <param name="before">What that client left.</param>
    /// <param name="loginUri">The grid it was logged in to.</param>
    /// <param name="keep">Takes what an event queue's viewer may not have.</param>
    public bool TryResume(SessionRecord before, Uri loginUri, Action<Cap, KeptAnswer> keep)
    {
        if (_sessions.Count >= limits.MaxSessions) return false;
        var login = LoginReply.Resumed(before.AgentId, before.SessionId, before.CircuitCode, IPEndPoint.Parse(before.Regions[0].Sim), before.Seed);
        var session = new Session(login, loginUri, caps, origin, limits, log) { Before = before };
        Add(session);
        if (session.TryTakeUp(keep, time))
        {
            Log.Resumed(log, _sessions.Count);
            return true;
        }
        _ = EndAsync(session, "its ports are in use");
        return false;
    }

    /// <summary>What the next client needs to go on.</summary>
    /// <param name="kept">What an event queue's viewer may not have.</param>
    public IReadOnlyList<SessionRecord> Records(Func<Cap, KeptAnswer?> kept) =>
        [.. _sessions.Where(s => s.Value.Reason is null).Select(s => s.Key.Record(kept)).OfType<SessionRecord>().OrderBy(s => s.SessionId)];

    private void Add(Session session)
    {
        var watch = new Watch();
        // The circuits have seen the end: late packets still find their sockets for a while.
        SessionCircuits circuits = open(session, reason => watch.Linger(reason, limits.LogoutLinger));
        session.Attach(circuits);
        long begun = time.GetTimestamp();
        _sessions[session] = watch;
        watch.Arm(time.CreateTimer(_ => OnTimer(session, watch, circuits, begun), null, limits.SessionIdle, Timeout.InfiniteTimeSpan));
    }

    /// <summary>Ends a session now. Idempotent.</summary>
    public async Task EndAsync(Session session, string reason)
    {
        if (!_sessions.TryRemove(session, out Watch? watch)) return;
        watch.Dispose();
        await session.DisposeAsync();
        Log.SessionEnded(log, reason);
    }

    public async ValueTask DisposeAsync() => await Task.WhenAll(_sessions.Keys.Select(s => EndAsync(s, "the proxy stops")));

    private void OnTimer(Session session, Watch watch, SessionCircuits circuits, long begun)
    {
        if (watch.Reason is { } reason)
        {
            _ = EndAsync(session, reason);
            return;
        }
        TimeSpan silent = time.GetElapsedTime(Math.Max(begun, circuits.LastViewerDatagram()));
        if (silent >= limits.SessionIdle) _ = EndAsync(session, "its viewer is silent");
        else watch.Again(limits.SessionIdle - silent);
    }

    /// <summary>One session's timer: first for its silence, then for the time it lingers.</summary>
    private sealed class Watch : IDisposable
    {
        private readonly Lock _gate = new();
        private ITimer? _timer;
        private TimeSpan? _linger;
        private bool _disposed;

        /// <summary>Why the session is ending; null while it lives.</summary>
        public string? Reason { get; private set; }

        public void Arm(ITimer timer)
        {
            lock (_gate)
            {
                _timer = timer;
                if (_disposed) timer.Dispose();
                else if (_linger is { } linger) timer.Change(linger, Timeout.InfiniteTimeSpan);
            }
        }

        /// <summary>The first reason counts.</summary>
        public void Linger(string reason, TimeSpan linger)
        {
            lock (_gate)
            {
                if (Reason is not null || _disposed) return;
                Reason = reason;
                _linger = linger;
                _timer?.Change(linger, Timeout.InfiniteTimeSpan);
            }
        }

        public void Again(TimeSpan due)
        {
            lock (_gate)
            {
                if (!_disposed && Reason is null) _timer?.Change(due, Timeout.InfiniteTimeSpan);
            }
        }

        public void Dispose()
        {
            lock (_gate)
            {
                _disposed = true;
                _timer?.Dispose();
            }
        }
    }
}
