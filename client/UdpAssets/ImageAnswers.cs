using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>What is to be done with a viewer's request.</summary>
internal enum Claim
{
    /// <summary>The sim is asked.</summary>
    Sim,

    /// <summary>It is answered from here.</summary>
    Ours,

    /// <summary>That depends on a read that is under way.</summary>
    Reading,
}

/// <summary>The images one circuit's viewer gets from here: which, how much of each, and which comes next (PROTOCOL §5.4).</summary>
internal sealed class ImageAnswers(IUdpAssets assets, Action wake, long ticksPerSecond)
{
    /// <summary>Images remembered; for more the sim is asked.</summary>
    public const int Capacity = 4096;

    private readonly Dictionary<Guid, ImageAnswer> _answers = [];
    private readonly InFlight<ImageAnswer> _inFlight = new();
    private readonly SendingImages _sending = new();
    private readonly List<ImageAnswer> _reading = [];
    private readonly List<ImageAnswer> _again = [];
    private readonly List<ImageAnswer> _orphans = [];

    /// <summary>When a read will have taken too long; <see cref="Circuit.Never"/>: none is under way.</summary>
    public long Deadline => _reading.Count == 0 ? Circuit.Never : _reading[0].ReadUntil;

    /// <summary>Images of which the sim has to be asked for the rest: <see cref="ImageAnswer.Request"/> says which.</summary>
    public IReadOnlyList<ImageAnswer> Orphans => _orphans;

    /// <summary>The image a packet is to be sent of next. Null: none.</summary>
    public ImageAnswer? Next => _sending.Next;

    /// <summary>Its packets come from here at present, and from nowhere else.</summary>
    public bool IsUnderWay(Guid id) =>
        _answers.TryGetValue(id, out ImageAnswer? answer) && answer.Phase is ImagePhase.Sending or ImagePhase.Reading;

    /// <summary>The sim was asked by us for the rest of it, and will send a header first, which would be the viewer's second.</summary>
    public bool HasHeader(Guid id) =>
        _answers.TryGetValue(id, out ImageAnswer? answer) && answer.Phase == ImagePhase.WithSim && answer.HeaderHeld;

    /// <summary>A packet numbered <paramref name="sequence"/> asks for an image. Reading: <paramref name="answer"/> is what to wait for.</summary>
    public Claim Ask(long now, uint sequence, in ImageRequest request, out ImageAnswer answer)
    {
        if (!_answers.TryGetValue(request.Id, out answer!))
        {
            answer = new ImageAnswer(request.Id);
            if (_answers.Count >= Capacity && !TryMakeRoom())
            {
                return Claim.Sim;
            }
        }

        if (request.Packet == 0 && now < answer.SimHeaderUntil)
        {
            return Claim.Sim;
        }

        answer.Request = request with { Priority = float.IsNaN(request.Priority) ? 0 : request.Priority };
        _sending.Changed();
        switch (answer.Phase)
        {
            case ImagePhase.Reading:
                return answer.Owed ? Claim.Ours : Claim.Reading;
            case ImagePhase.Sending when request.Packet > 0 || answer.Next <= answer.Last:
                answer.Update();
                return Claim.Ours;
            case var _ when request.Packet == 0 && answer.InFlight > 0:
                // Whether it holds the header is known when all that is on its way has been acked.
                answer.Again = sequence;
                return Claim.Ours;
            case var _ when request.Packet == 0 && answer.Crossed(sequence):
                return Claim.Ours;
        }

        return !TryBegin(now, answer) ? Claim.Sim : answer.Phase == ImagePhase.Reading ? Claim.Reading : Claim.Ours;
    }

    /// <summary>A request has gone to the sim because the sim has the image under way already.</summary>
    public void Passed(uint sequence, in ImageRequest request)
    {
        if (request.Packet == 0 && _answers.TryGetValue(request.Id, out ImageAnswer? answer) && !answer.Crossed(sequence))
        {
            answer.ForgetHeader();
        }
    }

    /// <summary>
    /// A header has gone to the viewer from the sim. A request for all of the image that comes soon after may have crossed it, and it would be
    /// the second one if it came from here: what is to be done is the sim's to say, as it was without us.
    /// </summary>
    public void SimSentHeader(long now, Guid id)
    {
        if (!_answers.TryGetValue(id, out ImageAnswer? answer) && (_answers.Count < Capacity || TryMakeRoom()))
        {
            _answers.Add(id, answer = new ImageAnswer(id));
        }

        if (answer is not null)
        {
            // Time for a viewer to read it: a frame or two. Whoever asks again later means it.
            answer.SimHeaderUntil = now + (ticksPerSecond / 10);
        }
    }

    /// <summary>The viewer wants it no more, or not from us. Null: it was not ours.</summary>
    public ImageAnswer? Cancel(Guid id, Circuit circuit)
    {
        if (!_answers.TryGetValue(id, out ImageAnswer? answer))
        {
            return null;
        }

        bool ours = answer.IsOurs || _orphans.Contains(answer);
        (answer.Again, answer.Owed) = (null, false);
        if (answer.InFlight > 0)
        {
            _inFlight.StopResending(answer, circuit);
        }

        _reading.Remove(answer);
        _again.Remove(answer);
        _orphans.Remove(answer);
        Settle(answer, ImagePhase.Settled);
        return ours ? answer : null;
    }

    /// <summary>The packet <see cref="ImageAnswer.Next"/> has been sent.</summary>
    public void Sent(ImageAnswer answer, long number)
    {
        _inFlight.Add(number, answer, answer.Next);
        answer.Sent(number);
        if (!answer.Ready)
        {
            _sending.Changed();
        }
    }

    /// <summary>False: not of an image.</summary>
    public bool TryAcked(long number, uint carrier)
    {
        if (!_inFlight.TryTake(number, out (ImageAnswer Answer, int Packet) sent))
        {
            return false;
        }

        sent.Answer.Acked(number, carrier);
        Landed(sent.Answer);
        return true;
    }

    /// <summary>False: not of an image.</summary>
    public bool TryLost(long number)
    {
        if (!_inFlight.TryTake(number, out (ImageAnswer Answer, int Packet) sent))
        {
            return false;
        }

        ImageAnswer answer = sent.Answer;
        answer.Lost(number);
        if (answer.Phase == ImagePhase.Sending)
        {
            Abandon(answer, (uint)_inFlight.Lowest(answer, sent.Packet));
        }

        Landed(answer);
        return true;
    }

    /// <summary>Takes up what has been read, and gives up what takes too long.</summary>
    public void FinishReads(long now, HeldImageRequests held, ImageCaptures captures)
    {
        for (int i = 0; i < _reading.Count;)
        {
            ImageAnswer answer = _reading[i];
            bool done = answer.Read is { Done: true };
            if (!done && answer.ReadUntil > now)
            {
                i++;
                continue;
            }

            _reading.RemoveAt(i);
            bool owed = answer.Owed, ours = done && TryStart(answer);
            if (!ours && owed)
            {
                Abandon(answer, answer.Request.Packet);
            }
            else if (!ours)
            {
                Settle(answer, ImagePhase.Settled);
            }

            held.Settle(now, answer, toSim: !ours && !owed, captures);
        }
    }

    /// <summary>Answers anew what has been asked for while packets of an earlier answer were on their way.</summary>
    public void BeginAgain(long now)
    {
        foreach (ImageAnswer answer in _again)
        {
            if (answer.Phase != ImagePhase.Settled)
            {
                // Asked for once more since, and begun with that.
                continue;
            }

            answer.Owed = true;
            if (!TryBegin(now, answer))
            {
                Abandon(answer, answer.Request.Packet);
            }
        }

        _again.Clear();
    }

    /// <summary>The sim has been asked for it.</summary>
    public void HandedOver(ImageAnswer answer) => _orphans.Remove(answer);

    public void End()
    {
        foreach (ImageAnswer answer in _answers.Values)
        {
            answer.Release(ImagePhase.Settled);
        }

        _answers.Clear();
        _inFlight.Clear();
        _sending.Clear();
        _reading.Clear();
        _again.Clear();
        _orphans.Clear();
    }

    private bool TryBegin(long now, ImageAnswer answer)
    {
        Settle(answer, ImagePhase.Settled);
        answer.Read = assets.TryRead(AssetType.Texture, answer.Id, wake);
        if (answer.Read is null)
        {
            return false;
        }

        _answers[answer.Id] = answer;
        if (answer.Read.Done)
        {
            if (TryStart(answer))
            {
                return true;
            }

            Settle(answer, ImagePhase.Settled);
            return false;
        }

        (answer.Phase, answer.ReadUntil) = (ImagePhase.Reading, now + (long)(AssetTap.ReadLimit.TotalSeconds * ticksPerSecond));
        _reading.Add(answer);
        return true;
    }

    private bool TryStart(ImageAnswer answer)
    {
        if (!answer.TryStart())
        {
            return false;
        }

        _sending.Add(answer);
        return true;
    }

    private void Landed(ImageAnswer answer)
    {
        _sending.Changed();
        if (answer.InFlight > 0)
        {
            return;
        }

        if (answer.Again is { } sequence && answer.Phase is ImagePhase.Sending or ImagePhase.Settled)
        {
            answer.Again = null;
            if (!answer.Crossed(sequence))
            {
                Settle(answer, ImagePhase.Settled);
                _again.Add(answer);
                return;
            }
        }

        if (answer.Finished)
        {
            Settle(answer, ImagePhase.Settled);
        }
    }

    private void Abandon(ImageAnswer answer, uint lacking)
    {
        answer.Request = answer.Request with { Packet = lacking };
        (answer.Owed, answer.Again) = (false, null);
        Settle(answer, ImagePhase.WithSim);
        _orphans.Add(answer);
    }

    private void Settle(ImageAnswer answer, ImagePhase phase)
    {
        if (answer.Phase == ImagePhase.Sending)
        {
            _sending.Remove(answer);
        }

        answer.Release(phase);
    }

    private bool TryMakeRoom()
    {
        foreach ((Guid id, ImageAnswer answer) in _answers)
        {
            if (answer.Phase == ImagePhase.Settled && answer.InFlight == 0 && !_again.Contains(answer))
            {
                _answers.Remove(id);
            }
        }

        return _answers.Count < Capacity;
    }
}
