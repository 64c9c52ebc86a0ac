using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// Answers one circuit's image and transfer requests from what the client holds, and shows what the sim sends to those who capture it and who
/// look for hints (PROTOCOL §5, §6). Here messages are routed, and what is sent next is chosen: transfers before images, for they are small and
/// their priorities are on another scale.
/// </summary>
internal sealed class AssetTap : ICircuitTap
{
    /// <summary>How long a request waits for a read: a little less than <see cref="HeldPackets.Limit"/>, so that it is decided here.</summary>
    public static readonly TimeSpan ReadLimit = TimeSpan.FromMilliseconds(25);

    private readonly IUdpAssets _assets;
    private readonly ViewerPace.Share _pace;
    private readonly long _retry;
    private readonly ImageTraffic _images;
    private readonly TransferTraffic _transfers;
    private long _sendAt = Circuit.Never;
    private bool _ended;

    /// <param name="assets">What is held.</param>
    /// <param name="pace">The session's.</param>
    /// <param name="memory">All captures'.</param>
    /// <param name="identity">In whose name the sim is asked for what could not be finished from here.</param>
    /// <param name="wake">Has the circuit ticked soon, on another thread: a read has ended.</param>
    /// <param name="ticksPerSecond">Of the timestamps.</param>
    public AssetTap(IUdpAssets assets, ViewerPace pace, CaptureMemory memory, CircuitIdentity identity, Action wake, long ticksPerSecond)
    {
        (_assets, _pace, _retry) = (assets, pace.Join(), Math.Max(1, ticksPerSecond / 50));
        _images = new ImageTraffic(assets, memory, identity, wake, ticksPerSecond);
        _transfers = new TransferTraffic(assets, memory, wake, ticksPerSecond);
    }

    public long Deadline => _ended ? Circuit.Never : Math.Min(_sendAt, Math.Min(_images.Deadline, _transfers.Deadline));

    public Verdict Inspect(long now, Direction direction, ref Datagram datagram, Circuit circuit, IDatagramSink sink)
    {
        if (_ended || !Concerns(direction, datagram.Message, _assets))
        {
            return Verdict.Forward;
        }

        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        if (!datagram.TryOpen(scratch, out ReadOnlySpan<byte> body))
        {
            return Verdict.Forward;
        }

        // What there is to send is sent in the tick that follows, when the packet is where its verdict puts it.
        _sendAt = direction == Direction.ToSim ? now : _sendAt;
        switch (datagram.Message)
        {
            case Message.RequestImage:
                return _images.Request(now, ref datagram, body, circuit);
            case Message.TransferRequest:
                return _transfers.Request(now, datagram.Header.Sequence, body);
            case Message.TransferAbort:
                return _transfers.Abort(now, direction, body, circuit, sink);
            case Message.ImageData or Message.ImagePacket or Message.ImageNotInDatabase:
                return _images.FromSim(now, datagram.Message, body);
            case Message.TransferInfo or Message.TransferPacket:
                _transfers.FromSim(now, datagram.Message, body);
                return Verdict.Forward;
            default:
                AssetHints.Find(datagram.Message, body, _assets);
                return Verdict.Forward;
        }
    }

    public void Acked(long now, Direction direction, long number, uint carrier)
    {
        if (direction == Direction.ToViewer && (_images.Answers.TryAcked(number, carrier) || _transfers.Answers.TryAcked(number)))
        {
            _pace.Settled();
            _sendAt = now;
        }
    }

    public void Resent(long now, Direction direction, long number, long sent)
    {
        if (direction == Direction.ToViewer)
        {
            _pace.Resent(now, sent);
        }
    }

    public void Lost(long now, Direction direction, long number)
    {
        if (direction == Direction.ToViewer && (_images.Answers.TryLost(number) || _transfers.Answers.TryLost(number)))
        {
            _pace.Settled();
            _sendAt = now;
        }
    }

    public void Tick(long now, Circuit circuit, IDatagramSink sink)
    {
        if (!_ended)
        {
            bool told = _images.Tick(now, circuit, sink) & _transfers.Tick(now, circuit, sink);
            _sendAt = Math.Min(told ? Circuit.Never : now + _retry, Send(now, circuit, sink));
        }
    }

    public void End()
    {
        if (!_ended)
        {
            _ended = true;
            _images.End();
            _transfers.End();
            _pace.Leave();
        }
    }

    private static bool Concerns(Direction direction, Message message, IUdpAssets assets) => direction == Direction.ToSim
        ? message is Message.RequestImage or Message.TransferRequest or Message.TransferAbort
        : message is Message.ImageData or Message.ImagePacket or Message.ImageNotInDatabase or Message.TransferInfo or Message.TransferPacket
            or Message.TransferAbort || (assets.WantsHints && AssetHints.MayName(message));

    /// <summary>Sends what may be sent now. When more may be.</summary>
    private long Send(long now, Circuit circuit, IDatagramSink sink)
    {
        while (true)
        {
            TransferAnswer? transfer = _transfers.Answers.Next;
            ImageAnswer? image = transfer is null ? _images.Answers.Next : null;
            if (transfer is null && image is null)
            {
                _pace.Idle();
                return Circuit.Never;
            }

            long at = _pace.Next(now);
            if (at > now)
            {
                return at;
            }

            int length = transfer is not null ? _transfers.Send(now, transfer, circuit, sink) : _images.Send(now, image!, circuit, sink);
            if (length == 0)
            {
                // The sim has not said anything yet, or too much of ours is unacked.
                return now + _retry;
            }

            _pace.Sent(length);
        }
    }
}
