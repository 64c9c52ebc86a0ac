using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Client.Edge;

/// <summary>Gets one datagram: the first <paramref name="length"/> bytes of a buffer that is the handler's until it returns.</summary>
internal delegate void DatagramHandler(SocketAddress source, byte[] buffer, int length);

/// <summary>
/// Reads one socket until the pump closes: on a thread that blocks in the system call, or (<c>ownThread: false</c>) asynchronously, for the
/// sockets beyond as many threads as a session may have. Idle, neither costs CPU.
/// <para>
/// Why threads: an awaited receive is handed from the poll thread to a pool thread, which has to be woken. Against a bare two-thread forwarder of
/// the same run (tests/Bench, lludp; 1 027 bytes, window 32, on two busy cores), packets/s and CPU a packet: blocking threads 0.9–1.0 and
/// 1.1–1.2; ReceiveFromAsync 0.75 and 2.5; SocketAsyncEventArgs 0.6 and 2.6, and 0.7 and 1.6 with the runtime's inline completions, which is a
/// switch for the whole process. Batches (recvmmsg, sendmmsg) are not worth it: entering the kernel is a few per cent of a packet's cost there,
/// the rest is the kernel's own way through UDP and the waking of whoever receives.
/// </para>
/// </summary>
internal sealed class UdpReceiver
{
    // Viewers read no more than 8 KiB; the rest is room for longer seeds and appended acks.
    private const int MaxDatagram = 8192;
    private const int BufferSize = 2 * MaxDatagram;
    private const int StackBytes = 256 << 10;

    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(20);

    private readonly Socket _socket;
    private readonly DatagramHandler _handler;
    private readonly UdpPump _pump;
    private readonly CancellationToken _closing;
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferSize, pinned: true);
    private readonly SocketAddress _source = UdpSockets.NewAddress();

    /// <summary>Begins at once. <paramref name="closing"/> comes before <see cref="UdpSockets.Close"/>.</summary>
    public UdpReceiver(Socket socket, DatagramHandler handler, UdpPump pump, bool ownThread, CancellationToken closing)
    {
        (_socket, _handler, _pump, _closing) = (socket, handler, pump, closing);
        if (ownThread)
        {
            var ended = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            Ended = ended.Task;
            new Thread(() =>
            {
                Receive();
                ended.SetResult();
            }, StackBytes)
            { IsBackground = true, Name = "LLUDP" }.UnsafeStart();
        }
        else
        {
            Ended = ReceiveAsync();
        }
    }

    /// <summary>Nothing of the socket is in use any more. Never fails.</summary>
    public Task Ended { get; }

    private Memory<byte> Receivable => _buffer.AsMemory(0, MaxDatagram + 1);

    private void Receive()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                Handle(_socket.ReceiveFrom(Receivable.Span, SocketFlags.None, _source));
            }
            catch (Exception e)
            {
                if (IsWorthAPause(e))
                {
                    _closing.WaitHandle.WaitOne(s_pause);
                }
            }
        }
    }

    private async Task ReceiveAsync()
    {
        while (!_closing.IsCancellationRequested)
        {
            try
            {
                Handle(await _socket.ReceiveFromAsync(Receivable, SocketFlags.None, _source, CancellationToken.None));
            }
            catch (Exception e)
            {
                if (IsWorthAPause(e))
                {
                    await Task.Delay(s_pause, _pump.Time, _closing).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
            }
        }
    }

    private void Handle(int length)
    {
        if (length > MaxDatagram)
        {
            _pump.Counters.Oversized();
        }
        else
        {
            _handler(_source, _buffer, length);
        }
    }

    private bool IsWorthAPause(Exception error)
    {
        switch (error)
        {
            case SocketException or ObjectDisposedException when _closing.IsCancellationRequested:
                return false;
            case SocketException { SocketErrorCode: SocketError.MessageSize }:
                _pump.Counters.Oversized();
                return false;
            case SocketException:
                // The network is away; do not spin until it is back.
                _pump.Counters.Failed();
                return true;
            default:
                _pump.Failed(error);
                return false;
        }
    }
}
