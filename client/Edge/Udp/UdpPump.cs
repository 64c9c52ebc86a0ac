using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Sessions;
using GlobalCache.Policy;

namespace GlobalCache.Client.Edge;

/// <summary>
/// The datagrams of one viewer session: one upstream socket for all its sims, told apart by their addresses as a viewer's own would be, and one
/// loopback port a region (PROTOCOL §4.4). Forwarding allocates nothing; one timer serves the nearest deadline of all circuits, and without
/// deadlines nothing runs. Do not dispose under a lock that <see cref="IRegionDirectory"/> takes: loops may be waiting for it.
/// </summary>
internal sealed class UdpPump : IAsyncDisposable
{
    /// <summary>
    /// So many regions of a session have a thread each; those opened later are read asynchronously. What they lose is small: the many packets come
    /// the other way, by the upstream thread.
    /// </summary>
    internal const int MaxThreads = 32;

    private readonly ClientLimits _limits;
    private readonly ILogger _log;
    private readonly SessionRecord? _before;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly Lock _timerGate = new();
    private readonly ConcurrentDictionary<ulong, UdpRegion> _regions = new();
    private readonly List<UdpReceiver> _receivers = [];
    private readonly CancellationTokenSource _closing = new();
    private volatile UdpRegion[] _opened = [];
    private Socket? _upstream;
    private long _armed = Circuit.Never;
    private long _lastViewerDatagram;
    private bool _disposed;

    public UdpPump(CircuitIdentity identity, IRegionDirectory directory, CircuitEvents events, ClientLimits limits, TimeProvider time, ILogger log,
        Func<IPEndPoint, Action, ICircuitTap?>? taps = null, SessionRecord? before = null,
        CircuitPages? pages = null)
    {
        (Identity, _limits, Time, _log, Taps, _before, Pages) = (identity, limits, time, log, taps, before, pages);
        Scope = new CircuitScope(directory, events, time.TimestampFrequency) { Root = before?.Root is { } root ? IPEndPoint.Parse(root) : null };
        _lastViewerDatagram = time.GetTimestamp();
        _timer = time.CreateTimer(static pump => ((UdpPump)pump!).OnTimer(), this, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>When the viewer last sent anything it may send; at first, when the session began. A TimeProvider timestamp.</summary>
    public long LastViewerDatagram => Volatile.Read(ref _lastViewerDatagram);

    public UdpCounters Counters { get; } = new();

    /// <summary>The regions opened so far, for the status page.</summary>
    public IReadOnlyList<UdpRegion> Regions => _opened;

    internal CircuitIdentity Identity { get; }

    internal CircuitScope Scope { get; }

    /// <summary>Makes a circuit's tap from the sim's address and an action that wakes the circuit from any thread.</summary>
    internal Func<IPEndPoint, Action, ICircuitTap?>? Taps { get; }

    /// <summary>Where circuits outlive the process; null: nowhere.</summary>
    internal CircuitPages? Pages { get; }

    internal TimeProvider Time { get; }

    internal long Now => Time.GetTimestamp();

    /// <summary>Bound before the first region exists.</summary>
    internal Socket Upstream => _upstream!;

    /// <summary>The port sims know the viewer by; 0 before the first region.</summary>
    public int UpstreamPort { get; private set; }

    /// <summary>
    /// The loopback endpoint that stands for this sim, bound and receiving; the same for the same sim until disposal. Null: the session has its
    /// most regions, the address is not one that UDP can be sent to, or the system grants no socket. Thread-safe.
    /// </summary>
    public IPEndPoint? Open(IPEndPoint sim)
    {
        if (sim.AddressFamily == AddressFamily.InterNetworkV6 && sim.Address.IsIPv4MappedToIPv6)
        {
            sim = new IPEndPoint(sim.Address.MapToIPv4(), sim.Port);
        }

        if (sim.AddressFamily != AddressFamily.InterNetwork || sim.Port == 0)
        {
            return null;
        }

        ulong key = UdpSockets.Key(sim.Serialize());
        if (_regions.TryGetValue(key, out UdpRegion? region))
        {
            return region.Local;
        }

        lock (_gate)
        {
            if (_regions.TryGetValue(key, out region))
            {
                return region.Local;
            }

            if (_disposed || _regions.Count >= _limits.MaxRegionsPerSession)
            {
                return null;
            }

            try
            {
                region = Begin(sim);
            }
            catch (SocketException e)
            {
                UdpLog.NoSocket(_log, e.SocketErrorCode);
                return null;
            }

            return region.Local;
        }
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
        }

        // From here on nothing opens. Not under the lock: a receiver may be waiting for it, or for a lock whose holder waits for it.
        await _closing.CancelAsync();
        UdpSockets.Close([.. _opened.Select(r => r.Socket), .. _upstream is null ? [] : new[] { _upstream }]);
        await _timer.DisposeAsync();
        await Task.WhenAll(_receivers.Select(r => r.Ended));
        foreach (UdpRegion region in _opened)
        {
            region.End();
        }

        _closing.Dispose();
    }

    internal void SeenViewer(long now) => Volatile.Write(ref _lastViewerDatagram, now);

    /// <summary>Sees to it that the circuits due by then are ticked no later than this.</summary>
    internal void Arm(long deadline)
    {
        if (deadline >= Volatile.Read(ref _armed))
        {
            return;
        }

        lock (_timerGate)
        {
            if (deadline < _armed)
            {
                _armed = deadline;

                // Timers cut to whole milliseconds: rounded up, they do not fire early and again until the moment has come.
                double due = Math.Ceiling(Time.GetElapsedTime(Now, deadline).TotalMilliseconds);
                _timer.Change(TimeSpan.FromMilliseconds(Math.Max(0, due)), Timeout.InfiniteTimeSpan);
            }
        }
    }

    /// <summary>A bug of ours costs one datagram, not the circuit.</summary>
    internal void Failed(Exception error)
    {
        Counters.Failed();
        UdpLog.DatagramFailed(_log, error);
    }

    private UdpRegion Begin(IPEndPoint sim)
    {
        if (_upstream is null)
        {
            _upstream = UdpSockets.Bind(IPAddress.Any, _before?.UpstreamPort ?? 0);
            UpstreamPort = ((IPEndPoint)_upstream.LocalEndPoint!).Port;
            if (_upstream.ReceiveBufferSize < UdpSockets.ReceiveBytes)
            {
                UdpLog.SmallBuffer(_log, _upstream.ReceiveBufferSize, UdpSockets.ReceiveBytes);
            }

            Receive(_upstream, FromUpstream, ownThread: true);
        }

        var region = new UdpRegion(this, sim, _before?.PortOf(sim) ?? 0);
        _regions[region.Key] = region;
        _opened = [.. _opened, region];
        Receive(region.Socket, region.FromViewer, ownThread: _opened.Length <= MaxThreads);
        return region;
    }

    private void Receive(Socket socket, DatagramHandler handler, bool ownThread) =>
        _receivers.Add(new UdpReceiver(socket, handler, this, ownThread, _closing.Token));

    private void FromUpstream(SocketAddress source, byte[] buffer, int length)
    {
        if (_regions.TryGetValue(UdpSockets.Key(source), out UdpRegion? sim))
        {
            sim.FromSim(buffer, length);
        }
        else
        {
            Counters.Foreign();
        }
    }

    private void OnTimer()
    {
        lock (_timerGate)
        {
            _armed = Circuit.Never;
        }

        // A region that has published an earlier deadline since then arms anew by itself; one that did before is read below.
        Interlocked.MemoryBarrier();
        long now = Now, next = Circuit.Never;
        foreach (UdpRegion region in _opened)
        {
            if (region.Due <= now)
            {
                region.Tick(now);
            }

            next = Math.Min(next, region.Due);
        }

        Arm(next);
    }
}

/// <summary>Datagrams of one session that were not forwarded, by reason.</summary>
internal sealed class UdpCounters
{
    private long _foreign, _oversized, _unsent, _failed;

    /// <summary>From a source that is not the circuit's viewer or not a known sim, or for a circuit no viewer has opened.</summary>
    public long Ignored => Volatile.Read(ref _foreign);

    public long TooLong => Volatile.Read(ref _oversized);

    public long NotSent => Volatile.Read(ref _unsent);

    public long Errors => Volatile.Read(ref _failed);

    public void Foreign() => Interlocked.Increment(ref _foreign);

    public void Oversized() => Interlocked.Increment(ref _oversized);

    public void Unsent() => Interlocked.Increment(ref _unsent);

    public void Failed() => Interlocked.Increment(ref _failed);
}
