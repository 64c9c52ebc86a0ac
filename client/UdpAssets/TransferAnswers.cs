using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>The transfers one circuit's viewer gets from here, and which comes next (PROTOCOL §6.1).</summary>
internal sealed class TransferAnswers(IUdpAssets assets, Action wake, long ticksPerSecond)
{
    /// <summary>Transfers at a time; for more the sim is asked.</summary>
    public const int Capacity = 256;

    /// <summary>Requests that wait for a read; with <see cref="HeldImageRequests.Capacity"/> no more than <see cref="HeldPackets.Capacity"/>.</summary>
    public const int MaxReading = 32;

    private readonly Dictionary<Guid, TransferAnswer> _answers = [];
    private readonly InFlight<TransferAnswer> _inFlight = new();
    private readonly List<TransferAnswer> _reading = [];
    private readonly List<TransferAnswer> _sending = [];
    private readonly List<TransferAnswer> _failed = [];

    /// <summary>When a read will have taken too long; <see cref="Circuit.Never"/>: none is under way.</summary>
    public long Deadline => _reading.Count == 0 ? Circuit.Never : _reading[0].ReadUntil;

    /// <summary>The transfer a packet is to be sent of next: of the highest priority, first come first served. Null: none.</summary>
    public TransferAnswer? Next
    {
        get
        {
            TransferAnswer? next = null;
            foreach (TransferAnswer answer in _sending)
            {
                next = answer.Ready && (next is null || answer.Request.Priority > next.Request.Priority) ? answer : next;
            }

            return next;
        }
    }

    /// <summary>Those the viewer has to be told that they do not come to an end.</summary>
    public IReadOnlyList<TransferAnswer> Failed => _failed;

    /// <summary>A packet numbered <paramref name="sequence"/> asks for an asset of a type that is cached.</summary>
    public Claim Ask(long now, uint sequence, in TransferRequest request)
    {
        if (_answers.ContainsKey(request.TransferId))
        {
            // Twice under one name: the first is being answered.
            return Claim.Ours;
        }

        if (_answers.Count >= Capacity || _reading.Count >= MaxReading)
        {
            return Claim.Sim;
        }

        AssetRead? read = assets.TryRead((AssetType)request.AssetType, request.Asset, wake);
        if (read is null)
        {
            return Claim.Sim;
        }

        var answer = new TransferAnswer(request, sequence) { Read = read };
        if (!read.Done)
        {
            answer.ReadUntil = now + (long)(AssetTap.ReadLimit.TotalSeconds * ticksPerSecond);
            _reading.Add(answer);
            _answers.Add(request.TransferId, answer);
            return Claim.Reading;
        }

        if (!answer.TryStart())
        {
            read.Dispose();
            return Claim.Sim;
        }

        _answers.Add(request.TransferId, answer);
        _sending.Add(answer);
        return Claim.Ours;
    }

    /// <summary>The viewer breaks it off. False: it is none of ours.</summary>
    public bool TryAbort(long now, Guid transfer, Circuit circuit, IDatagramSink sink)
    {
        if (!_answers.TryGetValue(transfer, out TransferAnswer? answer))
        {
            return false;
        }

        if (_reading.Remove(answer))
        {
            circuit.TryDecide(now, Direction.ToSim, answer.Sequence, Verdict.Swallow, default, sink);
        }

        _inFlight.StopResending(answer, circuit);
        Forget(answer);
        return true;
    }

    /// <summary>The packet <see cref="TransferAnswer.Next"/> has been sent.</summary>
    public void Sent(TransferAnswer answer, long number)
    {
        _inFlight.Add(number, answer, answer.Next);
        answer.Sent();
    }

    /// <summary>False: not of a transfer.</summary>
    public bool TryAcked(long number)
    {
        if (!_inFlight.TryTake(number, out (TransferAnswer Answer, int Packet) sent))
        {
            return false;
        }

        sent.Answer.Acked(sent.Packet);
        if (sent.Answer.Finished)
        {
            Forget(sent.Answer);
        }

        return true;
    }

    /// <summary>False: not of a transfer.</summary>
    public bool TryLost(long number)
    {
        if (!_inFlight.TryTake(number, out (TransferAnswer Answer, int Packet) sent))
        {
            return false;
        }

        if (_sending.Contains(sent.Answer))
        {
            Forget(sent.Answer);
            _failed.Add(sent.Answer);
        }

        return true;
    }

    /// <summary>Takes up what has been read; what cannot be read, or takes too long, goes to the sim.</summary>
    public void FinishReads(long now, Circuit circuit, TransferCaptures captures, IDatagramSink sink)
    {
        for (int i = 0; i < _reading.Count;)
        {
            TransferAnswer answer = _reading[i];
            bool done = answer.Read is { Done: true };
            if (!done && answer.ReadUntil > now)
            {
                i++;
                continue;
            }

            _reading.RemoveAt(i);
            if (done && answer.TryStart())
            {
                _sending.Add(answer);
                circuit.TryDecide(now, Direction.ToSim, answer.Sequence, Verdict.Swallow, default, sink);
                continue;
            }

            Forget(answer);
            captures.Asked(now, answer.Request);
            circuit.TryDecide(now, Direction.ToSim, answer.Sequence, Verdict.Forward, default, sink);
        }
    }

    /// <summary>The viewer has been told that the transfer has failed.</summary>
    public void Told(TransferAnswer answer, Circuit circuit)
    {
        _failed.Remove(answer);
        _inFlight.StopResending(answer, circuit);
    }

    public void End()
    {
        foreach (TransferAnswer answer in _answers.Values)
        {
            answer.Read?.Dispose();
        }

        _answers.Clear();
        _inFlight.Clear();
        _reading.Clear();
        _sending.Clear();
        _failed.Clear();
    }

    private void Forget(TransferAnswer answer)
    {
        // One that was broken off is heard of until its last ack, and another may bear its name by then.
        if (_answers.TryGetValue(answer.Request.TransferId, out TransferAnswer? named) && named == answer)
        {
            _answers.Remove(answer.Request.TransferId);
        }

        _sending.Remove(answer);
        answer.Read?.Dispose();
        answer.Read = null;
    }
}
