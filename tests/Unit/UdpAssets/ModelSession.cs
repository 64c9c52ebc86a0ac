using System.Net;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.UdpAssets;
using GlobalCache.TestGrid.Lludp;
using Datagram = GlobalCache.TestGrid.Lludp.Datagram;
using Message = GlobalCache.TestGrid.Lludp.Message;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>What a session is made of; everything else follows from its random numbers.</summary>
internal sealed record ModelSessionOptions
{
    public LinkQuality ViewerLink { get; init; } = LinkQuality.Clean;

    public LinkQuality SimLink { get; init; } = LinkQuality.Clean;

    public uint ViewerFirst { get; init; } = 1;

    public uint SimFirst { get; init; } = 1;

    /// <summary>Between two frames of the viewer, least and most.</summary>
    public (long Least, long Most) Frame { get; init; } = (16 * LludpManner.Millisecond, 50 * LludpManner.Millisecond);

    public byte[]? StandIn { get; init; }

    /// <summary>Packets the sim sends every 10 ms.</summary>
    public int SimPackets { get; init; } = 4;

    public int BufferBytes { get; init; } = FirestormModel.DefaultBuffer;

    public Func<ImageFetch, int, int>? BytesNeeded { get; init; }

    public long CaptureBytes { get; init; } = 16 << 20;

    /// <summary>The circuit's numbers outlive the proxy, which may be killed.</summary>
    public bool Outlives { get; init; }
}

/// <summary>
/// The viewer's model, the sim's model and between them a real circuit, with or without its tap, on one virtual clock of microseconds. What the
/// proxy sends is written down as it leaves, so that a rule broken at the viewer can be told from what the network did.
/// </summary>
internal sealed class ModelSession : IDatagramSink, IRegionDirectory
{
    private static readonly IPEndPoint s_sim = new(IPAddress.Parse("203.0.113.7"), 13005);

    private readonly byte[] _buffer = new byte[16_384];
    private readonly PriorityQueue<Action, (long Time, long Order)> _events = new();
    private readonly ModelLink[] _toProxy;
    private readonly ModelLink[] _fromProxy;
    private readonly Dictionary<uint, (long Time, bool FromSim)> _out = [];
    private readonly Dictionary<Guid, List<(long Time, uint Number, bool FromSim)>> _headers = [];
    private readonly Dictionary<Guid, List<long>> _asked = [];
    private readonly HashSet<Guid> _askedOn = [];
    // What goes on of a datagram the network had copied on its way to the proxy.
    private readonly HashSet<byte[]> _copies = new(ReferenceEqualityComparer.Instance);
    private long _order;
    private bool _frameEnded;
    private int _spins;
    private bool _open;
    private bool _woken;
    private (Direction Direction, Message Kind, byte[] Message, bool Copy)? _passing;
    private readonly CircuitScope _scope;
    private PageMemory? _page;
    private bool _down;

    public ModelSession(Random random, ModelSessionOptions options, bool withTap = true)
    {
        (Random, Options) = (random, options);
        Store = new ModelStore(random, After);
        Memory = new CaptureMemory(options.CaptureBytes);
        Tap = withTap ? new WatchedTap(NewTap()) : null;
        _scope = new CircuitScope(this, new CircuitEvents(_ => { }, _ => { }), LludpManner.Second);
        _page = options.Outlives ? new PageMemory() : null;
        _page?.Page.Reset();
        Circuit = new Circuit(_scope, s_sim, Tap, _page?.Page);

        _toProxy =
        [
            new ModelLink(options.ViewerLink, random, After, (wire, copy) => Receive(Direction.ToSim, wire, copy)),
            new ModelLink(options.SimLink, random, After, (wire, copy) => Receive(Direction.ToViewer, wire, copy)),
        ];
        _fromProxy =
        [
            new ModelLink(options.SimLink, random, After, (wire, copy) => Sim!.Arrive(Now, wire, copy || _copies.Remove(wire))),
            new ModelLink(options.ViewerLink, random, After, (wire, copy) => Viewer!.Arrive(wire, copy || _copies.Remove(wire))),
        ];
        Viewer = new FirestormModel(
            options.ViewerFirst, wire => _toProxy[0].Send(wire), options.BytesNeeded, () => ModelStore.NewId(random), options.BufferBytes);
        Sim = new SimModel(options.SimFirst, wire => _toProxy[1].Send(wire), options.StandIn, options.SimPackets, options.SimFirst == 1);
        // A copy of a request that was split goes on whole: should the first be lost, the sim takes it for a first.
        Sim.MayBeAsked = id => !withTap || Lost > 0 || options.ViewerLink.Copies > 0 || Store.Excluded.Contains(id) || Store.CapturedAssets.Any(c => c.Id == id)
            || !Store.Held.Any(h => h.Key.Id == id && h.Value.Manner == ReadManner.AtOnce);
        Viewer.Images.Excused = Excused;
        Viewer.Transfers.ParkingExcused = fetch => Parts.Any(p => p.Transfer == fetch.Transfer && p.FromSim);
        Store.Truth = id => Sim.Assets.GetValueOrDefault(id) ?? options.StandIn;
        Viewer.Open(0);
        After(200 * LludpManner.Millisecond, Frame);
        After(10 * LludpManner.Millisecond, SimTick);
    }

    public Random Random { get; }

    public ModelSessionOptions Options { get; }

    public ModelStore Store { get; }

    public CaptureMemory Memory { get; }

    public WatchedTap? Tap { get; private set; }

    public Circuit Circuit { get; private set; }

    public int Kills { get; private set; }

    public FirestormModel Viewer { get; }

    public SimModel Sim { get; }

    public long Now { get; private set; }

    /// <summary>Injected packets that were given up.</summary>
    public int Lost => Tap?.LostPackets ?? 0;

    /// <summary>Every image message as the proxy sent it to the viewer: when, which, injected or the sim's.</summary>
    public List<(long Time, Message Message, Guid Id, int Packet, bool FromSim, bool Resent, uint Number)> Pictures { get; } = [];

    public List<(long Time, Message Message, Guid Transfer, int Packet, int Status, bool FromSim, bool Resent)> Parts { get; } = [];

    /// <summary>OldestUnacked of every ping the viewer was sent.</summary>
    public List<uint> Pings { get; } = [];

    public int MostUnacked { get; private set; }

    /// <summary>Injected packets on which the viewer cancelled, for a reason that excuses them.</summary>
    public int ExcusedInjections { get; private set; }

    public void After(long delay, Action action) => _events.Enqueue(action, (Now + Math.Max(0, delay), _order++));

    /// <summary>Runs until <paramref name="done"/> holds (looked at after every frame) or the time is over.</summary>
    public bool RunUntil(Func<bool> done, long within)
    {
        long end = Now + within;
        while (Now < end)
        {
            Step();
            if (_frameEnded && done())
            {
                return true;
            }
        }

        return done();
    }

    /// <summary>The proxy is killed; for so long nobody is there, then another goes on with nothing but the page.</summary>
    public void Kill(long down)
    {
        if (_down)
        {
            return;
        }

        Kills++;
        _down = true;
        PageMemory left = _page!.Copy();
        // Not what a killed process does; the models' accounts of memory are to be in order.
        Circuit.End();
        After(down, () =>
        {
            _page = left;
            Tap = new WatchedTap(NewTap());
            Circuit = new Circuit(_scope, s_sim, Tap, _page.Page);
            (_down, _woken) = (false, false);
        });
    }

    /// <summary>From now on this much of what the proxy sends to the viewer is lost.</summary>
    public void LoseToViewer(double share) => _fromProxy[(int)Direction.ToViewer].Quality = Options.ViewerLink with { Loss = share };

    public void Run(long time) => RunUntil(() => false, time);

    /// <summary>What passes, line by line, if somebody listens.</summary>
    public Action<string>? Trace { get; set; }

    /// <summary>Everything is acked, read, captured and answered.</summary>
    public bool IsQuiet => Viewer.End.Unacked == 0 && Sim.End.Unacked == 0 && Viewer.End.Owed == 0 && Sim.Idle
        && Circuit.Unacked(Direction.ToSim) == 0 && Circuit.Unacked(Direction.ToViewer) == 0 && Store.Reserved == 0 && Memory.Used == 0;

    public string State =>
        $"viewer unacked {Viewer.End.Unacked} owed {Viewer.End.Owed}, sim unacked {Sim.End.Unacked} idle {Sim.Idle}, "
        + $"circuit unacked {Circuit.Unacked(Direction.ToSim)} + {Circuit.Unacked(Direction.ToViewer)}, reserved {Store.Reserved}, captures {Memory.Used}, lost {Lost}; "
        + $"at {Now / 1000} ms";

    void IDatagramSink.Send(Direction direction, ReadOnlySpan<byte> datagram)
    {
        Rules.Check(datagram.Length <= 2048, $"a datagram of {datagram.Length} bytes");
        byte[] wire = datagram.ToArray();
        Rules.Check(Datagram.TryRead(wire, out Datagram read), "the proxy sent what cannot be read");
        bool forwarded = _passing is { } passing && passing.Direction == direction && passing.Message.AsSpan().SequenceEqual(MessagePart(wire));
        Trace?.Invoke($"{Now / 1000.0,10:0.000}     out {Text(direction, wire)}{(forwarded ? " forwarded" : "")}");
        if (direction == Direction.ToViewer)
        {
            Note(read, forwarded);
        }

        _fromProxy[(int)direction].Send(datagram, mark: IsCopy(direction, read) ? _copies : null);
    }

    IPEndPoint? IRegionDirectory.MapSim(IPEndPoint sim) => null;

    string? IRegionDirectory.MapSeed(string realSeed, IPEndPoint sim) => null;

    /// <summary>What goes on is the network's second copy: acks and pings are rewritten on their way, so only the kind of message is looked at.</summary>
    private bool IsCopy(Direction direction, in Datagram sent) =>
        _passing is { Copy: true } passing && passing.Direction == direction && passing.Kind == sent.Message;

    private void Step()
    {
        _frameEnded = false;
        long next = _events.TryPeek(out _, out (long Time, long Order) first) ? first.Time : long.MaxValue;
        if (_open && !_down && (_woken || Circuit.NextDeadline <= next))
        {
            Now = _woken ? Now : Math.Max(Now, Circuit.NextDeadline);
            _woken = false;
            Circuit.Tick(Now, this);
            // A deadline that stays in the past would spin for ever.
            Rules.Check(Circuit.NextDeadline > Now || ++_spins < 1000, "a deadline that does not go away");
            _spins = Circuit.NextDeadline > Now ? 0 : _spins;
        }
        else
        {
            Action action = _events.Dequeue();
            Now = Math.Max(Now, next);
            action();
        }

        MostUnacked = Math.Max(MostUnacked, Circuit.Unacked(Direction.ToViewer));
    }

    private void Frame()
    {
        Viewer.Frame(Now);
        _frameEnded = true;
        After(Random.NextInt64(Options.Frame.Least, Options.Frame.Most + 1), Frame);
    }

    private void SimTick()
    {
        Sim.Tick(Now);
        After(10 * LludpManner.Millisecond, SimTick);
    }

    private void Receive(Direction direction, byte[] wire, bool copy)
    {
        Rules.Check(Datagram.TryRead(wire, out Datagram datagram), "a model sent what cannot be read");
        _open |= datagram.Message == Message.UseCircuitCode;
        if (!_open || _down)
        {
            return;
        }

        if (datagram.Message == Message.RequestImage)
        {
            var body = new BodyReader(datagram.Body);
            body.Skip(32);
            for (int n = body.U8(); n > 0; n--)
            {
                Guid id = body.Id();
                bool cancel = body.S8() == -1 & body.F32() == 0;
                bool on = body.U32() > 0;
                body.U8();
                if (!cancel)
                {
                    _ = on && _askedOn.Add(id);
                    ListOf(_asked, id).Add(Now);
                }
            }
        }

        Trace?.Invoke($"{Now / 1000.0,10:0.000} in      {Text(direction, wire)}{(copy ? " copy" : "")}");
        _passing = (direction, datagram.Message, MessagePart(wire), copy);
        wire.CopyTo(_buffer, 0);
        Circuit.Receive(Now, direction, _buffer, wire.Length, this);
        _passing = null;
    }

    private void Note(in Datagram datagram, bool fromSim)
    {
        var body = new BodyReader(datagram.Body);
        switch (datagram.Message)
        {
            case Message.ImageData or Message.ImagePacket or Message.ImageNotInDatabase:
                Guid id = body.Id();
                int packet = datagram.Message == Message.ImagePacket ? body.U16() : 0;
                if (_out.TryAdd(datagram.Sequence, (Now, fromSim)) && datagram.Message == Message.ImageData)
                {
                    ListOf(_headers, id).Add((Now, datagram.Sequence, fromSim));
                }

                Pictures.Add((Now, datagram.Message, id, packet, _out[datagram.Sequence].FromSim, datagram.IsResent, datagram.Sequence));
                break;
            case Message.StartPingCheck:
                body.U8();
                Pings.Add(body.U32());
                break;
            case Message.TransferInfo or Message.TransferPacket or Message.TransferAbort:
                Guid transfer = body.Id();
                body.S32();
                int part = body.S32(), status = body.S32();
                _out.TryAdd(datagram.Sequence, (Now, fromSim));
                Parts.Add((Now, datagram.Message, transfer, part, status, _out[datagram.Sequence].FromSim, datagram.IsResent));
                break;
        }
    }

    /// <summary>
    /// The proxy keeps the order in what it sends; the rest is excused: what the network lost, copied or mixed up, what was under way when the viewer
    /// began anew, and a sim that begins with the header whatever it was asked for.
    /// </summary>
    private bool Excused(ImageBreach breach, ImageFetch fetch, uint number)
    {
        (long sent, bool fromSim) = _out[number];
        ExcusedInjections += fromSim ? 0 : 1;
        long asked = ListOf(_asked, fetch.Id).Where(t => t >= fetch.Begun).DefaultIfEmpty(long.MaxValue).Min();
        bool stale = fetch.Again && sent < asked;
        if (breach == ImageBreach.PacketBeforeHeader)
        {
            return fromSim || stale || fetch.Again || ListOf(_headers, fetch.Id).Any(h => h.Time <= sent);
        }

        if (fetch.HeaderNumber is not { } held)
        {
            // From disk: it asked for packets beyond the header.
            return fromSim || stale;
        }

        // A sim asked for later packets begins with the header all the same.
        bool heldStale = (fetch.Again && _out[held].Time < asked) || (fromSim && _askedOn.Contains(fetch.Id)) || (fromSim && Options.ViewerLink.Copies > 0);
        return held == number || stale || heldStale || (fromSim && (_out[held].FromSim || Lost > 0))
            // Captured while the viewer still lacked it: answered from here, and the sim sends again.
            || (_out[held].FromSim != fromSim && Store.CapturedAssets.Any(c => c.Id == fetch.Id));
    }

    private AssetTap NewTap() => new(
        Store, new ViewerPace(LludpManner.Second), Memory, new CircuitIdentity(FirestormModel.Code, FirestormModel.Session, FirestormModel.Agent),
        () => _woken = true, LludpManner.Second);

    private static string Text(Direction direction, byte[] wire)
    {
        Rules.Check(Datagram.TryRead(wire, out Datagram datagram), "unreadable");
        var body = new BodyReader(datagram.Body);
        string fields = "";
        switch (datagram.Message)
        {
            case Message.RequestImage:
                body.Skip(32);
                for (int n = body.U8(); n > 0; n--)
                {
                    fields += $" {body.Id().ToString()[..4]} discard {body.S8()} priority {body.F32()} packet {body.U32()} type {body.U8()};";
                }

                break;
            case Message.ImageData or Message.ImageNotInDatabase:
                fields = $" {body.Id().ToString()[..4]}";
                break;
            case Message.ImagePacket:
                fields = $" {body.Id().ToString()[..4]} {body.U16()}";
                break;
            case Message.TransferRequest or Message.TransferInfo or Message.TransferPacket or Message.TransferAbort:
                fields = $" {body.Id().ToString()[..4]} {body.S32()} {body.S32()} {body.S32()}";
                break;
            case Message.PacketAck:
                for (int n = body.U8(); n > 0; n--)
                {
                    fields += $" {body.U32()}";
                }

                break;
        }

        return $"{direction,-8} {datagram.Sequence} {datagram.FlagLetters} {datagram.Message}{fields}{(datagram.Acks.Length > 0 ? " acks " + string.Join(' ', datagram.Acks) : "")}";
    }

    private static byte[] MessagePart(byte[] wire)
    {
        int end = (wire[0] & Datagram.Appended) != 0 ? wire.Length - 1 - (4 * wire[^1]) : wire.Length;
        return wire[6..end];
    }

    private static List<T> ListOf<T>(Dictionary<Guid, List<T>> lists, Guid id) => lists.TryGetValue(id, out List<T>? list) ? list : lists[id] = [];
}

/// <summary>The product's tap, with what the circuit tells it counted.</summary>
internal sealed class WatchedTap(ICircuitTap tap) : ICircuitTap
{
    public int LostPackets { get; private set; }

    public int AckedPackets { get; private set; }

    public int ResentPackets { get; private set; }

    public long Deadline => tap.Deadline;

    public Verdict Inspect(long now, Direction direction, ref Client.Lludp.Datagram datagram, Circuit circuit, IDatagramSink sink) =>
        tap.Inspect(now, direction, ref datagram, circuit, sink);

    public void Acked(long now, Direction direction, long number, uint carrier)
    {
        AckedPackets++;
        tap.Acked(now, direction, number, carrier);
    }

    public void Lost(long now, Direction direction, long number)
    {
        LostPackets++;
        tap.Lost(now, direction, number);
    }

    public void Resent(long now, Direction direction, long number, long sent)
    {
        ResentPackets++;
        tap.Resent(now, direction, number, sent);
    }

    public void End() => tap.End();

    public void Tick(long now, Circuit circuit, IDatagramSink sink) => tap.Tick(now, circuit, sink);
}
