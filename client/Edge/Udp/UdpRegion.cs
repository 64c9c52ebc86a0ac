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
internal sealed class UdpRegion : IDatagramSink, IThreadPoolWorkItem, IDisposable
{
    private readonly UdpPump _pump;
    private readonly IPEndPoint _sim;
    private readonly Socket _socket;
    private readonly SocketAddress _simAddress;
    private readonly SocketAddress _viewer = UdpSockets.NewAddress();
    private readonly Lock _gate = new();
    private Circuit _circuit;
    private ulong _viewerKey;
    private uint _opened;

    public UdpRegion(UdpPump pump, IPEndPoint sim)
    {
        (_pump, _sim) = (pump, sim);
        _simAddress = sim.Serialize();
        Key = UdpSockets.Key(_simAddress);
        _socket = UdpSockets.Bind(IPAddress.Loopback);
        Local = (IPEndPoint)_socket.LocalEndPoint!;
        _circuit = NewCircuit();
    }

    /// <summary>The sim's address as <see cref="UdpSockets.Key"/> sees it.</summary>
    public ulong Key { get; }

    public IPEndPoint Local { get; }

    public Socket Socket => _socket;

    /// <summary>The present circuit; to be read only.</summary>
    public Circuit Circuit => _circuit;

    /// <summary>A datagram came to the loopback port.</summary>
    public void FromViewer(SocketAddress source, byte[] buffer, int length)
    {
        ulong key = UdpSockets.Key(source);
        lock (_gate)
        {
            if (!Admits(key, source, buffer, length))
            {
                _pump.Counters.Foreign();
                return;
            }

            long now = _pump.Now;
            _pump.SeenViewer(now);
            Receive(now, Direction.ToSim, buffer, length);
        }
    }

    /// <summary>A datagram came from the sim's address.</summary>
    public void FromSim(byte[] buffer, int length)
    {
        lock (_gate)
        {
            if (_viewerKey == 0)
            {
                _pump.Counters.Foreign();
                return;
            }

            Receive(_pump.Now, Direction.ToViewer, buffer, length);
        }
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

            _pump.Arm(_circuit.NextDeadline);
        }
    }

    /// <summary>An answer for the tap has come: tick soon, on another thread and outside the caller's locks.</summary>
    public void Wake() => ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);

    public void Dispose() => _socket.Dispose();

    void IThreadPoolWorkItem.Execute() => Tick(_pump.Now, woken: true);

    void IDatagramSink.Send(Direction direction, ReadOnlySpan<byte> datagram)
    {
        try
        {
            if (direction == Direction.ToSim)
            {
                _pump.Upstream.SendTo(datagram, SocketFlags.None, _simAddress);
            }
            else
            {
                _socket.SendTo(datagram, SocketFlags.None, _viewer);
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // Lost, as any datagram may be: the ends' own reliability makes up for it.
            _pump.Counters.Unsent();
        }
    }

    private void Receive(long now, Direction direction, byte[] buffer, int length)
    {
        _circuit.Receive(now, direction, buffer, length, this);
        _pump.Arm(_circuit.NextDeadline);
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
            if (_viewerKey != 0)
            {
                _circuit = NewCircuit();
            }

            source.Buffer[..source.Size].CopyTo(_viewer.Buffer);
            _viewer.Size = source.Size;
            (_viewerKey, _opened) = (key, sequence);
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

    private Circuit NewCircuit() => new(_pump.Scope, _sim, _pump.Taps?.Invoke(_sim, Wake));
}
