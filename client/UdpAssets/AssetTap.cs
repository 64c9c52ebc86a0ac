using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// Answers one circuit's image and transfer requests from what the client holds, and shows what the sim sends to those who capture it and who
/// look for hints (PROTOCOL §5, §6). Here messages are read and routed, and the next packet is chosen; each part knows its own rules.
/// </summary>
internal sealed class AssetTap : ICircuitTap
{
    /// <summary>How long a request waits for a read: a little less than <see cref="HeldPackets.Limit"/>.</summary>
    public static readonly TimeSpan ReadLimit = TimeSpan.FromMilliseconds(25);

    private readonly IUdpAssets _assets;
    private readonly ViewerPace.Share _pace;
    private readonly CircuitIdentity _identity;
    private readonly long _ticksPerSecond;
    private readonly ImageCaptures _imageCaptures;
    private readonly TransferCaptures _transferCaptures;
    private readonly ImageAnswers _images;
    private readonly HeldImageRequests _held = new();
    private readonly OwnQuestion _question;
    private readonly ImageAnswer?[] _awaited = new ImageAnswer?[byte.MaxValue];
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
        (_assets, _pace, _identity, _ticksPerSecond) = (assets, pace.Join(), identity, ticksPerSecond);
        _imageCaptures = new ImageCaptures(assets, memory, ticksPerSecond);
        _transferCaptures = new TransferCaptures(assets, memory, ticksPerSecond);
        _question = new OwnQuestion(assets, identity, _imageCaptures);
        _images = new ImageAnswers(assets, wake, ticksPerSecond);
    }

    public long Deadline => _ended
        ? Circuit.Never
        : Math.Min(Math.Min(_sendAt, _images.Deadline), Math.Min(_imageCaptures.Deadline, _transferCaptures.Deadline));

    public Verdict Inspect(long now, Direction direction, ref Datagram datagram, Circuit circuit, IDatagramSink sink)
    {
        if (_ended || !Concerns(direction, datagram.Message))
        {
            return Verdict.Forward;
        }

        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        if (!datagram.TryOpen(scratch, out ReadOnlySpan<byte> body))
        {
            return Verdict.Forward;
        }

        if (direction == Direction.ToViewer)
        {
            return FromSim(now, datagram.Message, body);
        }

        // The tick comes when the packet is where the verdict puts it.
        _sendAt = now;
        return FromViewer(now, ref datagram, body, circuit);
    }

    public void Acked(long now, Direction direction, long number, uint carrier)
    {
        if (direction == Direction.ToViewer && _images.TryAcked(number, carrier))
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
        if (direction == Direction.ToViewer && _images.TryLost(number))
        {
            _pace.Settled();
            _sendAt = now;
        }
    }

    public void Tick(long now, Circuit circuit, IDatagramSink sink)
    {
        if (_ended)
        {
            return;
        }

        _images.FinishReads(now, _held, _imageCaptures);
        _held.Decide(now, circuit, sink);
        _images.BeginAgain(now);
        if (_imageCaptures.Deadline <= now)
        {
            _imageCaptures.Tick(now);
        }

        if (_transferCaptures.Deadline <= now)
        {
            _transferCaptures.Tick(now);
        }

        _sendAt = Circuit.Never;
        if (!_question.TrySend(now, circuit, sink))
        {
            _sendAt = now + RetryTicks;
        }

        AskSim(now, circuit, sink);
        Send(now, circuit, sink);
    }

    public void End()
    {
        if (!_ended)
        {
            _ended = true;
            _images.End();
            _held.End();
            _imageCaptures.Close();
            _transferCaptures.Close();
            _pace.Leave();
        }
    }

    private static bool Concerns(Direction direction, Message message) => direction == Direction.ToSim
        ? message is Message.RequestImage or Message.TransferRequest or Message.TransferAbort
        : message is Message.ImageData or Message.ImagePacket or Message.ImageNotInDatabase or Message.TransferInfo or Message.TransferPacket
            or Message.TransferAbort || AssetHints.MayName(message);

    private Verdict FromViewer(long now, ref Datagram datagram, scoped ReadOnlySpan<byte> body, Circuit circuit) => datagram.Message switch
    {
        Message.RequestImage => RequestImage(now, ref datagram, body, circuit),
        _ => Verdict.Forward,
    };

    private Verdict RequestImage(long now, ref Datagram datagram, scoped ReadOnlySpan<byte> body, Circuit circuit)
    {
        Span<bool> keep = stackalloc bool[byte.MaxValue];
        keep = keep[..ImageMessages.RequestCount(body)];
        Span<ImageAnswer?> awaited = _awaited.AsSpan(0, keep.Length);
        awaited.Clear();
        bool waits = false;
        for (int i = 0; i < keep.Length; i++)
        {
            ImageRequest request = ImageMessages.RequestAt(body, i);
            Claim claim = Judge(now, datagram.Header.Sequence, request, circuit, out ImageAnswer? answer);
            keep[i] = claim == Claim.Sim;
            if (claim == Claim.Reading)
            {
                awaited[i] = answer;
                waits = true;
            }
        }

        if (waits)
        {
            _held.Add(datagram.Header.Sequence, body, keep, awaited);
            return Verdict.Hold;
        }

        if (!keep.Contains(false))
        {
            return Verdict.Forward;
        }

        if (!keep.Contains(true))
        {
            return Verdict.Swallow;
        }

        // What is left is shorter than what came.
        Span<byte> rest = stackalloc byte[ZeroCode.MaxExpanded];
        datagram.TryReplaceBody(rest[..ImageMessages.WriteRequestsKept(body, keep, rest)]);
        return Verdict.Forward;
    }

    private Claim Judge(long now, uint sequence, in ImageRequest request, Circuit circuit, out ImageAnswer? answer)
    {
        answer = null;
        _question.AskedByViewer(request.Id);
        bool foreign = request.Type == ImageRequest.Bake || _assets.IsExcluded(request.Id);
        if (request.Cancels || foreign)
        {
            answer = _images.Cancel(request.Id, circuit);
            if (answer is not null)
            {
                _held.Settle(now, answer, toSim: false, _imageCaptures);
            }

            if (!request.Cancels)
            {
                return Claim.Sim;
            }

            _held.Drop(request.Id);
            bool ours = answer is not null && !_imageCaptures.IsUnderWay(request.Id);
            _imageCaptures.Cancelled(now, request.Id);
            return ours ? Claim.Ours : Claim.Sim;
        }

        if (_imageCaptures.IsUnderWay(request.Id))
        {
            _images.Passed(sequence, request);
        }
        else
        {
            Claim claim = _images.Ask(now, sequence, request, out answer);
            if (claim == Claim.Ours || (claim == Claim.Reading && !_held.Full))
            {
                return claim;
            }

            if (claim == Claim.Reading)
            {
                _images.Cancel(request.Id, circuit);
            }
        }

        _imageCaptures.Asked(now, request);
        return Claim.Sim;
    }

    private Verdict FromSim(long now, Message message, ReadOnlySpan<byte> body)
    {
        Guid id;
        switch (message)
        {
            case Message.ImageData when ImageMessages.TryReadHeader(body, out id, out byte codec, out uint size, out ushort packets, out ReadOnlySpan<byte> data):
                _imageCaptures.Header(now, id, codec, size, packets, data);
                return _images.IsOurs(id) || _images.HasHeader(id) || _question.IsAbout(id) ? Verdict.Swallow : Verdict.Forward;
            case Message.ImagePacket when ImageMessages.TryReadPacket(body, out id, out ushort packet, out ReadOnlySpan<byte> data):
                _imageCaptures.Packet(now, id, packet, data);
                return _images.IsOurs(id) || _question.IsAbout(id) ? Verdict.Swallow : Verdict.Forward;
            case Message.ImageNotInDatabase when ImageMessages.TryReadMissing(body, out id):
                _imageCaptures.Missing(now, id);
                return _images.IsOurs(id) || _question.IsAbout(id) ? Verdict.Swallow : Verdict.Forward;
            default:
                if (AssetHints.MayName(message))
                {
                    AssetHints.Find(message, body, _assets);
                }

                return Verdict.Forward;
        }
    }

    /// <summary>What could not be finished from here the sim is asked for, in the viewer's name.</summary>
    private void AskSim(long now, Circuit circuit, IDatagramSink sink)
    {
        Span<byte> body = stackalloc byte[64];
        while (_images.Orphans is [var orphan, ..])
        {
            int length = ImageMessages.WriteRequest(_identity.AgentId, _identity.SessionId, orphan.Request, body);
            if (!circuit.TryInject(now, Direction.ToSim, Message.RequestImage, body[..length], reliable: true, sink, out _))
            {
                _sendAt = now + RetryTicks;
                return;
            }

            _imageCaptures.Asked(now, orphan.Request);
            _images.HandedOver(orphan);
        }
    }

    private void Send(long now, Circuit circuit, IDatagramSink sink)
    {
        Span<byte> body = stackalloc byte[ImageMessages.HeaderOverhead + ImagePackets.Bytes];
        while (_images.Next is { } image)
        {
            long at = _pace.Next(now);
            if (at > now)
            {
                _sendAt = Math.Min(_sendAt, at);
                return;
            }

            int length = ImageMessages.WritePart(image.Id, image.File, image.Next, body);
            Message message = image.Next == 0 ? Message.ImageData : Message.ImagePacket;
            if (!circuit.TryInject(now, Direction.ToViewer, message, body[..length], reliable: true, sink, out long number))
            {
                _sendAt = Math.Min(_sendAt, now + RetryTicks);
                return;
            }

            _images.Sent(image, number);
            _pace.Sent(length);
        }

        _pace.Idle();
    }

    // The sim has not said anything yet, or too much of ours is unacked.
    private long RetryTicks => Math.Max(1, _ticksPerSecond / 50);
}
