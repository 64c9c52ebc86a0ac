using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Edge;

/// <summary>
/// One sim's loopback port, and the circuit behind it. The viewer's source port is learned from a UseCircuitCode that carries the login's
/// code, session and agent, and pinned for the circuit (LibreMetaverse uses one a sim); whatever else comes to the port is ignored.
/// The port stays when the circuit ends: regions come back, with both ends numbering anew.
/// </summary>
internal sealed class UdpRegion : IDatagramSink, IThreadPoolWorkItem
{
    private readonly UdpPump _pump;
    private readonly IPEndPoint _sim;
    private readonly Socket _socket;
    private readonly SocketAddress _simAddress;
    private readonly Lock _gate = new();
    private SocketAddress _viewer = UdpSockets.NewAddress();
    private Circuit _circuit;
    private CircuitPage? _page;
    private ulong _viewerKey;
    private uint _opened;
    private long _due = Circuit.Never;

    /// <param name="pump">The session's.</param>
    /// <param name="sim">The sim's own address.</param>
    /// <param name="port">The loopback port the viewer knows it by; 0: none yet.</param>
    public UdpRegion(UdpPump pump, IPEndPoint sim, int port)
    {
        (_pump, _sim) = (pump, sim);
        _simAddress = sim.Serialize();
        Key = UdpSockets.Key(_simAddress);
        _socket = UdpSockets.Bind(IPAddress.Loopback, port);
        Local = (IPEndPoint)_socket.LocalEndPoint!;
        _page = port == 0 ? null : pump.Pages?.Find(port);
        if (_page is { Viewer: not 0 } left)
        {
            (_viewerKey, _opened) = (left.Viewer, left.Opened);
            _viewer = UdpSockets.Address(_viewerKey);
        }
        else
        {
            DropPage();
        }

        _circuit = NewCircuit();
    }

    /// <summary>The sim's address as <see cref="UdpSockets.Key"/> sees it.</summary>
    public ulong Key { get; }

    public IPEndPoint Local { get; }

    public Socket Socket => _socket;

    /// <summary>The present circuit; to be read only.</summary>
    public Circuit Circuit => _circuit;

    /// <summary>When the circuit wants its tick; to be read at any time.</summary>
    public long Due => Volatile.Read(ref _due);

    /// <summary>A datagram came to the loopback port.</summary>
    public void FromViewer(SocketAddress source, byte[] buffer, int length)
    {
        ulong key = UdpSockets.Key(source);
        long now;
        int left;
        bool due;
        lock (_gate)
        {
            if (!Admits(key, source, buffer, length))
            {
                _pump.Counters.Foreign();
                return;
            }

            now = _pump.Now;
            _pump.SeenViewer(now);
            left = Admit(now, Direction.ToSim, buffer, length, out due);
        }

        PassOn(now, _pump.Upstream, buffer.AsSpan(0, left), _simAddress, due);
    }

    /// <summary>A datagram came from the sim's address.</summary>
    public void FromSim(byte[] buffer, int length)
    {
        long now;
        int left;
        bool due;
        SocketAddress viewer;
        lock (_gate)
        {
            if (_viewerKey == 0)
            {
                _pump.Counters.Foreign();
                return;
            }

            (now, viewer) = (_pump.Now, _viewer);
            left = Admit(now, Direction.ToViewer, buffer, length, out due);
        }

        PassOn(now, _socket, buffer.AsSpan(0, left), viewer, due);
    }

    /// <summary>Does what is due, or (<paramref name="woken"/>) what the tap has to do.</summary>
    public void Tick(long now, bool woken = false)
    {
        lock (_gate)
        {
            try
            {
                if (woken || _circuit.NextDeadline <= now)
                {
                    _circuit.Tick(now, this);
                }
            }
            catch (Exception e)
            {
                _pump.Failed(e);
            }

            Publish();
        }
    }

    /// <summary>An answer for the tap has come: tick soon, on another thread and outside the caller's locks.</summary>
    public void Wake() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    /// <summary>Lets go what the circuit holds. After the receivers, never under the pump's lock: a circuit's own lock is taken, under which ports are opened.</summary>
    public void End()
    {
        lock (_gate)
        {
            _circuit.End();
            DropPage();
        }
    }

    void IThreadPoolWorkItem.Execute() => Tick(_pump.Now, woken: true);

    void IDatagramSink.Send(Direction direction, ReadOnlySpan<byte> datagram)
    {
        if (direction == Direction.ToSim)
        {
            Send(_pump.Upstream, datagram, _simAddress);
        }
        else
        {
            Send(_socket, datagram, _viewer);
        }
    }

    /// <summary>How much remains to be passed on, and whether a tick is due after that.</summary>
    private int Admit(long now, Direction direction, byte[] buffer, int length, out bool due)
    {
        int left = _circuit.Admit(now, direction, buffer, length, this);
        if (_circuit.Closed)
        {
            DropPage();
        }

        due = _circuit.NextDeadline <= now;
        if (!due)
        {
            Publish();
        }

        return left;
    }

    /// <summary>
    /// Not under the lock: a send takes ten times as long as all the rest, and whoever waited for the lock meanwhile would have to be woken.
    /// (A packet of ours may so overtake one that is passed on; to its receiver they came in another order, as they may on any line.)
    /// </summary>
    private void PassOn(long now, Socket socket, ReadOnlySpan<byte> datagram, SocketAddress to, bool due)
    {
        if (!datagram.IsEmpty)
        {
            Send(socket, datagram, to);
        }

        if (due)
        {
            Tick(now);
        }
    }

    private void Send(Socket socket, ReadOnlySpan<byte> datagram, SocketAddress to)
    {
        try
        {
            socket.SendTo(datagram, SocketFlags.None, to);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Lost, as any datagram may be: the ends' own reliability makes up for it.
            _pump.Counters.Unsent();
        }
    }

    private void Publish()
    {
        long due = _circuit.NextDeadline;
        if (due != _due)
        {
            // Seen by the timer before it is asked whether it comes soon enough, or it might overlook this region and be thought armed.
            Interlocked.Exchange(ref _due, due);
            _pump.Arm(due);
        }
    }

    private bool Admits(ulong key, SocketAddress source, byte[] buffer, int length)
    {
        if (!Datagram.TryRead(buffer, length, out Datagram datagram) || datagram.Message != Message.UseCircuitCode)
        {
            return key == _viewerKey && key != 0;
        }

        if (!UdpSockets.IsLoopback(key) || !Matches(datagram))
        {
            return false;
        }

        // Opened anew: from another port, after a close, or with the first number once more and not as a resend. A UseCircuitCode that
        // goes on numbering (a teleport into a neighbour already seen) belongs to the circuit there is.
        uint sequence = datagram.Header.Sequence;
        bool anew = key != _viewerKey || _circuit.Closed || (sequence == _opened && !datagram.Header.Resent);
        if (anew)
        {
            _page ??= _pump.Pages?.Create(Local.Port);
            _page?.Reset();
            if (_viewerKey != 0 || _page is not null)
            {
                _circuit.End();
                _circuit = NewCircuit();
            }

            // Another object: the old one may be in use by a send.
            _viewer = UdpSockets.NewAddress();
            source.Buffer[..source.Size].CopyTo(_viewer.Buffer);
            _viewer.Size = source.Size;
            (_viewerKey, _opened) = (key, sequence);
            _page?.Open(key, sequence);
        }

        return true;
    }

    private bool Matches(in Datagram datagram)
    {
        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        return datagram.TryOpen(scratch, out ReadOnlySpan<byte> body)
            && Housekeeping.TryReadUseCircuitCode(body, out uint code, out Guid session, out Guid agent)
            && _pump.Identity == new CircuitIdentity(code, session, agent);
    }

    /// <summary>Nothing of the circuit is to be resumed.</summary>
    private void DropPage()
    {
        if (_page is not null)
        {
            _page.Dispose();
            _page = null;
            _pump.Pages!.Remove(Local.Port);
        }
    }

    private Circuit NewCircuit() => new(_pump.Scope, _sim, _pump.Taps?.Invoke(_sim, Wake), _page);
}
