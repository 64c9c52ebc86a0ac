using System.Net;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// One viewer's circuit with one sim, both directions, without sockets or clock (PROTOCOL §1.7): the owner hands in datagrams
/// and the time, the circuit says what to send and when it wants to be called next. One lock or loop owns it. Forwarded traffic
/// stays reliable end to end: nothing is ever acked on the far end's behalf but what was swallowed.
/// </summary>
internal sealed class Circuit
{
    /// <summary>A deadline that does not come.</summary>
    public const long Never = long.MaxValue;

    /// <summary>Acks are appended only up to this length: the viewers' own limit (PROTOCOL §1.6).</summary>
    public const int PreferredLength = 1200;

    private readonly CircuitScope _scope;
    private readonly IPEndPoint _sim;
    private readonly ICircuitTap? _tap;
    private readonly Lane[] _lanes;
    private readonly AckRelay _acks;
    private readonly HeldPackets _held;
    private readonly List<long> _lost = [];

    /// <param name="scope">The session's.</param>
    /// <param name="sim">The sim's own address.</param>
    /// <param name="tap">What acts on the packets; null: they are forwarded.</param>
    /// <param name="page">
    /// Where the numbering outlives this process, and how it was left there. Acks owed, packets held and packets of our own that were not acked yet are
    /// not taken over: the first two make their senders send again, and the last are as lost on the way as datagrams may be.
    /// </param>
    public Circuit(CircuitScope scope, IPEndPoint sim, ICircuitTap? tap = null, CircuitPage? page = null)
    {
        (_scope, _sim, _tap) = (scope, sim, tap);
        _lanes = [new Lane(scope.TicksPerSecond, page?.Lane(Direction.ToSim)), new Lane(scope.TicksPerSecond, page?.Lane(Direction.ToViewer))];
        _acks = new AckRelay(_lanes, Counters, tap);
        _held = new HeldPackets(scope.TicksPerSecond);
    }

    public CircuitCounters Counters { get; } = new();

    /// <summary>Either end has said that it is over; should the viewer come back, both number anew and this circuit is to be replaced.</summary>
    public bool Closed { get; private set; }

    /// <summary>When <see cref="Tick"/> is wanted next, or <see cref="Never"/>.</summary>
    public long NextDeadline => Math.Min(Math.Min(_lanes[0].Deadline, _lanes[1].Deadline), Math.Min(_held.Deadline, _tap?.Deadline ?? Never));

    /// <summary>Packets of our own that the receiver has not acked yet.</summary>
    public int Unacked(Direction direction) => _lanes[(int)direction].Sent.Count;

    /// <summary>
    /// One datagram has come, on its way in <paramref name="direction"/>. It is edited in place: the buffer should have some room behind
    /// <paramref name="length"/> for appended acks and longer seeds; without room they stay out. Everything it brings about has been sent on return.
    /// </summary>
    public void Receive(long now, Direction direction, Span<byte> buffer, int length, IDatagramSink sink)
    {
        int left = Admit(now, direction, buffer, length, sink);
        if (left > 0)
        {
            sink.Send(direction, buffer[..left]);
        }

        TickTap(now, sink);
    }

    /// <summary>
    /// As <see cref="Receive"/>, but the datagram itself is left to the caller to send on: as many bytes of the buffer as this returns, after what
    /// has gone to the sink; 0: it goes no further. <see cref="Tick"/> is then his to call if <see cref="NextDeadline"/> has come. For an owner
    /// who would not hold his lock while he sends.
    /// </summary>
    public int Admit(long now, Direction direction, Span<byte> buffer, int length, IDatagramSink sink)
    {
        if (!Datagram.TryRead(buffer, length, out Datagram datagram))
        {
            Counters.Malformed++;
            return 0;
        }

        Fate fate = _lanes[(int)direction].Map.Observe(datagram.Header.Sequence);
        switch (fate)
        {
            case Fate.Forgotten:
                Counters.Forgotten++;
                return 0;
            case Fate.Held:
                _acks.Keep(now, direction, datagram);
                return 0;
            case Fate.Swallowed:
                Swallow(now, direction, datagram);
                return 0;
        }

        CircuitWatch.See(direction, datagram, _sim, _scope);
        if (datagram.Message is Message.CloseCircuit or Message.DisableSimulator)
        {
            End();
        }

        switch (fate == Fate.Unseen ? Judge(now, direction, ref datagram, sink) : Verdict.Forward)
        {
            case Verdict.Swallow:
                Swallow(now, direction, datagram);
                return 0;
            case Verdict.Hold when _held.TryAdd(direction, datagram.Header.Sequence, datagram.Bytes, now):
                _lanes[(int)direction].Map.Hold(datagram.Header.Sequence);
                Counters.Held++;
                return 0;
            default:
                return TryForward(now, direction, ref datagram, firstCopy: fate == Fate.Unseen) ? datagram.Length : 0;
        }
    }

    /// <summary>
    /// Decides a held packet, <paramref name="body"/> (if not empty) in place of its own. False: it is not waiting; it has been forwarded
    /// because its time was up, or never had to wait.
    /// </summary>
    public bool TryDecide(long now, Direction direction, uint sequence, Verdict verdict, ReadOnlySpan<byte> body, IDatagramSink sink)
    {
        if (!_held.TryTake(direction, sequence, out HeldPackets.Held held))
        {
            return false;
        }

        Release(now, held, verdict, body, sink);
        return true;
    }

    /// <summary>An injected packet is not to be sent again: it is still told as acked or, once its time is up, as lost.</summary>
    public void StopResending(Direction direction, long number) => _lanes[(int)direction].Sent.StopResending(number);

    /// <summary>
    /// Sends a packet of our own: <paramref name="body"/> behind the message's number, uncoded. A reliable one is resent until it is acked or
    /// given up; the tap hears which. False: the direction has not begun or is over, too many are unacked, or the body is too long for one datagram.
    /// </summary>
    public bool TryInject(long now, Direction direction, Message message, ReadOnlySpan<byte> body, bool reliable, IDatagramSink sink, out long number)
    {
        const int MaxLength = 2 * PreferredLength;
        number = 0;
        Lane lane = _lanes[(int)direction];
        int length = PacketHeader.Size + MessageId.SizeOf(message) + body.Length;
        if (!lane.Map.Started || length > MaxLength || (reliable && (Closed || lane.Sent.Count == ReliablePackets.Capacity)))
        {
            return false;
        }

        number = lane.Map.Inject();
        int room = length + 1 + (4 * PendingAcks.Capacity);
        ReliablePackets.Entry? entry = reliable ? lane.Sent.Add(number, room, now, lane.Ping) : null;
        Span<byte> buffer = entry is null ? stackalloc byte[MaxLength + 1 + (4 * PendingAcks.Capacity)] : entry.Buffer;
        var header = new PacketHeader(reliable ? PacketFlags.Reliable : PacketFlags.None, lane.Map.Wire(number), 0, length, 0);
        header.TryWrite(buffer);
        body.CopyTo(buffer[(PacketHeader.Size + MessageId.Write(message, buffer[PacketHeader.Size..]))..]);
        Datagram.TryRead(buffer, length, out Datagram datagram);
        AckRelay.Append(lane, ref datagram);
        sink.Send(direction, datagram.Bytes);
        if (entry is not null)
        {
            entry.Length = length;
            entry.Buffer[0] &= (byte)~PacketFlags.Acks;
        }

        Counters.Injected++;
        return true;
    }

    /// <summary>Does what is due: the tap, held packets, resends, acks owed. Extra calls are harmless.</summary>
    public void Tick(long now, IDatagramSink sink)
    {
        // First: a tap that is called late decides all the same before its time is up.
        _tap?.Tick(now, this, sink);
        while (_held.TryTakeDue(now, out HeldPackets.Held held))
        {
            Release(now, held, Verdict.Forward, default, sink);
        }

        for (Direction direction = Direction.ToSim; direction <= Direction.ToViewer; direction++)
        {
            Lane lane = _lanes[(int)direction];
            lane.Sent.Resend(now, lane.Ping, direction, sink, _tap, _lost);
            foreach (long number in _lost)
            {
                lane.Sent.Forget(number);
                _tap?.Lost(now, direction, number);
            }

            _lost.Clear();
            if (lane.Map.Started && lane.Acks.Deadline <= now)
            {
                SendAcks(now, direction, lane.Acks, sink);
            }
        }

        TickTap(now, sink);
    }

    /// <summary>The circuit is over, by either end's word or because another takes its place. What still comes is forwarded; nothing is sent by ourselves but acks.</summary>
    public void End()
    {
        Closed = true;
        foreach (Lane lane in _lanes)
        {
            lane.Sent.Clear();
        }

        _tap?.End();
    }

    // What has been acked or lost may leave the tap something to do at once.
    private void TickTap(long now, IDatagramSink sink)
    {
        if (_tap is not null && _tap.Deadline <= now)
        {
            _tap.Tick(now, this, sink);
        }
    }

    private Verdict Judge(long now, Direction direction, ref Datagram datagram, IDatagramSink sink) => datagram.Message switch
    {
        // Bears an address and is never seen on viewer circuits (messages.tsv).
        Message.OpenCircuit => Verdict.Swallow,
        Message.PacketAck or Message.StartPingCheck or Message.CompletePingCheck => Verdict.Forward,
        _ => _tap?.Inspect(now, direction, ref datagram, this, sink) ?? Verdict.Forward,
    };

    private void Release(long now, in HeldPackets.Held held, Verdict verdict, ReadOnlySpan<byte> body, IDatagramSink sink)
    {
        if (Datagram.TryRead(held.Buffer, held.Length, out Datagram datagram))
        {
            if (verdict == Verdict.Swallow)
            {
                Swallow(now, held.Direction, datagram);
            }
            else
            {
                if (!body.IsEmpty)
                {
                    datagram.TryReplaceBody(body);
                }

                if (TryForward(now, held.Direction, ref datagram, firstCopy: true))
                {
                    sink.Send(held.Direction, datagram.Bytes);
                }
            }
        }

        HeldPackets.Return(held);
    }

    /// <summary>Makes the datagram what its receiver is to see. False: nothing is left to send.</summary>
    private bool TryForward(long now, Direction direction, ref Datagram datagram, bool firstCopy)
    {
        Lane lane = _lanes[(int)direction];
        switch (datagram.Message)
        {
            case Message.PacketAck when !_acks.TranslateBody(now, direction, ref datagram) && (firstCopy || !datagram.Header.Reliable):
                Swallow(now, direction, datagram);
                return false;
            case Message.StartPingCheck or Message.CompletePingCheck:
                PingRelay.Pass(now, lane, Opposite(direction), ref datagram);
                break;
            case Message.EnableSimulator or Message.TeleportFinish or Message.CrossedRegion when direction == Direction.ToViewer:
                MapAddress(ref datagram);
                break;
        }

        // Before the number changes: acks are told by the one their carrier came with.
        _acks.TranslateAppended(now, direction, ref datagram);
        datagram.SetSequence(lane.Map.Forward(datagram.Header.Sequence));
        if (datagram.Message != Message.PacketAck && !datagram.Header.Resent)
        {
            AckRelay.Append(lane, ref datagram);
        }

        Counters.Forwarded++;
        return true;
    }

    private void Swallow(long now, Direction direction, in Datagram datagram)
    {
        _lanes[(int)direction].Map.Swallow(datagram.Header.Sequence);
        if (datagram.Header.Reliable)
        {
            Opposite(direction).Acks.Add(datagram.Header.Sequence, now);
        }

        _acks.Keep(now, direction, datagram);
        Counters.Swallowed++;
    }

    private void MapAddress(ref Datagram datagram)
    {
        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        if (datagram.TryOpen(scratch, out ReadOnlySpan<byte> body)
            && AddressMessages.TryRead(datagram.Message, body, out IPEndPoint? named, out string seed)
            && _scope.Directory.MapSim(named!) is { } local)
        {
            string? proxied = seed.Length == 0 ? null : _scope.Directory.MapSeed(seed, named!);
            datagram.TryReplaceBody(AddressMessages.Rewrite(datagram.Message, body, local, proxied));
        }
    }

    private void SendAcks(long now, Direction direction, PendingAcks acks, IDatagramSink sink)
    {
        Span<byte> body = stackalloc byte[1 + (4 * PendingAcks.Capacity)];
        int length = Housekeeping.WriteAcks(acks.Ids, body);
        acks.Taken(acks.Count);
        TryInject(now, direction, Message.PacketAck, body[..length], reliable: false, sink, out _);
    }

    private Lane Opposite(Direction direction) => _lanes[1 - (int)direction];
}
