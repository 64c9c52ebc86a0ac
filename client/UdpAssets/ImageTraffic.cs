using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// One circuit's image messages (PROTOCOL §5): what of a request is answered from here, what the sim is to see of it, and what the viewer may see
/// of the sim's answers. Never both for one image: what the sim was asked stays its own until <see cref="ImageCaptures.IsUnderWay"/> says otherwise.
/// </summary>
internal sealed class ImageTraffic
{
    private readonly IUdpAssets _assets;
    private readonly CircuitIdentity _identity;
    private readonly ImageCaptures _captures;
    private readonly OwnQuestion _question;
    private readonly HeldImageRequests _held = new();
    private readonly ImageAnswer?[] _awaited = new ImageAnswer?[byte.MaxValue];

    public ImageTraffic(IUdpAssets assets, CaptureMemory memory, CircuitIdentity identity, Action wake, long ticksPerSecond)
    {
        (_assets, _identity) = (assets, identity);
        _captures = new ImageCaptures(assets, memory, ticksPerSecond);
        _question = new OwnQuestion(assets, identity, _captures);
        Answers = new ImageAnswers(assets, wake, ticksPerSecond);
    }

    public ImageAnswers Answers { get; }

    public long Deadline => Math.Min(_captures.Deadline, Answers.Deadline);

    /// <summary>A RequestImage: it goes on with the images that are the sim's, not at all, or waits.</summary>
    public Verdict Request(long now, ref Datagram datagram, scoped ReadOnlySpan<byte> body, Circuit circuit)
    {
        Span<bool> keep = stackalloc bool[byte.MaxValue];
        keep = keep[..ImageMessages.RequestCount(body)];
        Span<ImageAnswer?> awaited = _awaited.AsSpan(0, keep.Length);
        awaited.Clear();
        bool waits = false;
        for (int i = 0; i < keep.Length; i++)
        {
            Claim claim = Judge(now, datagram.Header.Sequence, ImageMessages.RequestAt(body, i), circuit, out ImageAnswer? answer);
            keep[i] = claim == Claim.Sim;
            awaited[i] = claim == Claim.Reading ? answer : null;
            waits |= claim == Claim.Reading;
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

        Span<byte> rest = stackalloc byte[ZeroCode.MaxExpanded];
        datagram.TryReplaceBody(rest[..ImageMessages.WriteRequestsKept(body, keep, rest)]);
        return Verdict.Forward;
    }

    public Verdict FromSim(long now, Message message, ReadOnlySpan<byte> body)
    {
        Guid id;
        switch (message)
        {
            case Message.ImageData when ImageMessages.TryReadHeader(body, out id, out byte codec, out uint size, out ushort packets, out ReadOnlySpan<byte> data):
                bool hidden = Answers.HasHeader(id) || IsHidden(id);
                _captures.Header(now, id, codec, size, packets, data);
                if (hidden)
                {
                    return Verdict.Swallow;
                }

                Answers.SimSentHeader(now, id);
                return Verdict.Forward;
            case Message.ImagePacket when ImageMessages.TryReadPacket(body, out id, out ushort packet, out ReadOnlySpan<byte> data):
                _captures.Packet(now, id, packet, data);
                return IsHidden(id) ? Verdict.Swallow : Verdict.Forward;
            case Message.ImageNotInDatabase when ImageMessages.TryReadMissing(body, out id):
                _captures.Missing(now, id);
                return IsHidden(id) ? Verdict.Swallow : Verdict.Forward;
            default:
                return Verdict.Forward;
        }
    }

    /// <summary>
    /// Decides what waited for a read, and asks the sim in the viewer's name for what could not be finished from here or is wanted here. False: that
    /// could not be sent yet.
    /// </summary>
    public bool Tick(long now, Circuit circuit, IDatagramSink sink)
    {
        Answers.FinishReads(now, _held, _captures);
        _held.Decide(now, circuit, sink);
        Answers.BeginAgain(now);
        _captures.Tick(now);
        Span<byte> body = stackalloc byte[64];
        while (Answers.Orphans is [var orphan, ..])
        {
            int length = ImageMessages.WriteRequest(_identity.AgentId, _identity.SessionId, orphan.Request, body);
            if (!circuit.TryInject(now, Direction.ToSim, Message.RequestImage, body[..length], reliable: true, sink, out _))
            {
                return false;
            }

            _captures.Asked(now, orphan.Request);
            Answers.HandedOver(orphan);
        }

        return _question.TrySend(now, circuit, sink);
    }

    /// <summary>Sends the next packet of this image; its length, 0 if the circuit takes none.</summary>
    public int Send(long now, ImageAnswer answer, Circuit circuit, IDatagramSink sink)
    {
        Span<byte> body = stackalloc byte[ImageMessages.HeaderOverhead + ImagePackets.Bytes];
        int length = ImageMessages.WritePart(answer.Id, answer.File, answer.Next, body);
        Message message = answer.Next == 0 ? Message.ImageData : Message.ImagePacket;
        if (!circuit.TryInject(now, Direction.ToViewer, message, body[..length], reliable: true, sink, out long number))
        {
            return 0;
        }

        Answers.Sent(answer, number);
        return length;
    }

    public void End()
    {
        Answers.End();
        _held.End();
        _captures.Close();
    }

    /// <summary>What the sim sends of it is not the viewer's: that gets it from here, or has not asked.</summary>
    private bool IsHidden(Guid id) => Answers.IsUnderWay(id) || _question.IsAbout(id);

    private Claim Judge(long now, uint sequence, in ImageRequest request, Circuit circuit, out ImageAnswer? answer)
    {
        answer = null;
        _question.AskedByViewer(request.Id);
        if (request.Cancels)
        {
            return Cancel(now, request.Id, circuit);
        }

        if (request.Type == ImageRequest.Bake || _assets.IsExcluded(request.Id))
        {
            Leave(now, request.Id, toSim: false, circuit);
            return Claim.Sim;
        }

        if (_captures.IsUnderWay(request.Id))
        {
            Answers.Passed(sequence, request);
        }
        else
        {
            Claim claim = Answers.Ask(now, sequence, request, out answer);
            if (claim == Claim.Ours || (claim == Claim.Reading && !_held.Full))
            {
                return claim;
            }

            if (claim == Claim.Reading)
            {
                Leave(now, request.Id, toSim: true, circuit);
            }
        }

        _captures.Asked(now, request);
        return Claim.Sim;
    }

    private Claim Cancel(long now, Guid id, Circuit circuit)
    {
        bool ours = Leave(now, id, toSim: false, circuit), sims = _captures.IsUnderWay(id);
        _held.Drop(id);
        _captures.Cancelled(now, id);
        return ours && !sims ? Claim.Ours : Claim.Sim;
    }

    /// <summary>Nothing more of it is sent from here. False: nothing was.</summary>
    private bool Leave(long now, Guid id, bool toSim, Circuit circuit)
    {
        ImageAnswer? answer = Answers.Cancel(id, circuit);
        if (answer is not null)
        {
            _held.Settle(now, answer, toSim, _captures);
        }

        return answer is not null;
    }
}
