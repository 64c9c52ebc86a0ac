using System.Runtime.InteropServices;

namespace GlobalCache.Client.Circuits;

/// <summary>What has been decided about one sequence number; the decision holds for every copy of it.</summary>
internal enum Fate : byte
{
    /// <summary>First copy: to be decided now.</summary>
    Unseen,

    /// <summary>The first copy waits for its decision.</summary>
    Held,
    Forwarded,
    Swallowed,

    /// <summary>Numbered 0 and outside the numbering: each copy stands for itself.</summary>
    Outside,

    /// <summary>Older than the map remembers: no number can be given that is surely its own.</summary>
    Forgotten,
}

/// <summary>Whose packet an acknowledged number was.</summary>
internal enum Origin
{
    Sender,
    Injected,
    Unknown,
}

/// <summary>
/// Renumbers one direction of a circuit so that the receiver sees one gapless-as-sent sequence although packets are added and taken
/// out on the way (PROTOCOL §1.7). Breakpoints (After, Delta) say by how much every number beyond After is shifted:
/// <code>
/// forward s   n = s + delta(s)                      delta(s): of the last breakpoint with After &lt; s, else the base delta
/// inject      n = high + delta + 1                  breakpoint (high, delta + 1), in place of one that lies there
/// swallow s   s is high, no breakpoint lies there   breakpoint (s, delta − 1): the next packet takes the number over
///             else                                  nothing: the receiver sees a hole, as after a loss
/// inverse n   the s with s + delta(s) = n           between two segments lie the injected numbers
/// </code>
/// Inside, numbers are unwrapped to 64 bits relative to the highest seen, so that 24- and 32-bit wrap exist only at the edges.
/// </summary>
internal sealed class SequenceMap
{
    /// <summary>How many numbers back decisions are remembered and breakpoints kept.</summary>
    public const int Window = 4096;

    private const uint Mask24 = 0xFFFFFF;

    // A sender that reports something ancient as unacked keeps breakpoints alive only so far.
    private const int MaxBreakpoints = 2 * Window;

    private readonly Fate[] _fates = new Fate[Window];
    private readonly List<Breakpoint> _breakpoints = [];
    private readonly SequencePage? _page;
    private uint _mask = Mask24;
    private long _narrowUntil = long.MinValue;
    private long _high;
    private long _baseDelta;
    private long _forgotten = long.MinValue;
    private long _oldestUnacked = long.MaxValue;

    [StructLayout(LayoutKind.Auto)]
    private readonly record struct Breakpoint(long After, long Delta);

    /// <param name="page">Where what is decided outlives this process; what another process left there is gone on with. Null: nowhere.</param>
    public SequenceMap(SequencePage? page = null)
    {
        _page = page;
        if (page?.Read(_fates) is { } left)
        {
            (Started, _high, _mask, _narrowUntil, _forgotten, _baseDelta) = (true, left.High, left.Mask, left.NarrowUntil, left.Forgotten, left.BaseDelta);
            _breakpoints.AddRange(left.Breakpoints.Select(b => new Breakpoint(b.After, b.Delta)));
        }
    }

    /// <summary>Nothing may be injected before a direction's first packet.</summary>
    public bool Started { get; private set; }

    public int Breakpoints => _breakpoints.Count;

    private long LastDelta => _breakpoints.Count == 0 ? _baseDelta : _breakpoints[^1].Delta;

    /// <summary>Notes that a packet with this number has come, and tells what has been decided about it.</summary>
    public Fate Observe(uint sequence)
    {
        if (!Started)
        {
            Started = true;
            _mask = sequence > Mask24 ? uint.MaxValue : Mask24;
            _high = sequence;
            _page?.Begin(_high, _mask);
            return Fate.Unseen;
        }

        if (sequence > Mask24 && _mask == Mask24)
        {
            _mask = uint.MaxValue;
            _narrowUntil = _high + LastDelta;
            _page?.Widen(_narrowUntil);
        }

        if (!TryPlace(sequence, out long s))
        {
            return Fate.Outside;
        }

        if (s > _high)
        {
            for (long next = Math.Max(_high + 1, s - Window + 1); next <= s; next++)
            {
                Note(next, Fate.Unseen);
            }

            _high = s;
            _page?.Rise(s);
            Prune();
            return Fate.Unseen;
        }

        if (s > _high - Window)
        {
            return FateOf(s);
        }

        return s > _forgotten ? Fate.Forwarded : Fate.Forgotten;
    }

    /// <summary>The packet waits; what comes meanwhile is numbered as if it went out.</summary>
    public void Hold(uint sequence) => Decide(sequence, Fate.Held, out _);

    /// <summary>The number under which this packet, and every copy of it, goes out.</summary>
    public uint Forward(uint sequence) =>
        Decide(sequence, Fate.Forwarded, out long s) ? Wire(s + Delta(s)) : sequence;

    /// <summary>The packet does not go out. Only the newest gives its number up: later ones have theirs already.</summary>
    public void Swallow(uint sequence)
    {
        if (Decide(sequence, Fate.Swallowed, out long s) && s == _high && (_breakpoints.Count == 0 || _breakpoints[^1].After != s))
        {
            Add(new Breakpoint(s, LastDelta - 1));
        }
    }

    /// <summary>The next number for a packet of our own, unwrapped: <see cref="Wire"/> gives what stands in the header.</summary>
    public long Inject()
    {
        var breakpoint = new Breakpoint(_high, LastDelta + 1);
        if (_breakpoints.Count > 0 && _breakpoints[^1].After == _high)
        {
            _breakpoints[^1] = breakpoint;
            _page?.Change(breakpoint.Delta);
        }
        else
        {
            Add(breakpoint);
        }

        return _high + breakpoint.Delta;
    }

    /// <summary>Header form of an unwrapped number; what went out with 24 bits before the direction showed 32 keeps them.</summary>
    public uint Wire(long number) => (uint)number & (number <= _narrowUntil ? Mask24 : _mask);

    /// <summary>Unwrapped form of a number the receiver has seen.</summary>
    public long Unwrap(uint number)
    {
        long near = _high + LastDelta, unwrapped = Unwrap(number, near, _mask);
        if (_narrowUntil > near - Window && unwrapped < near - Window)
        {
            long narrow = Unwrap(number, near, Mask24);
            return narrow <= _narrowUntil ? narrow : unwrapped;
        }

        return unwrapped;
    }

    /// <summary>Whose packet the receiver acknowledges, and under which number its sender knows it.</summary>
    public Origin Invert(uint number, out uint sequence)
    {
        sequence = number;
        Origin origin = Started ? Invert(Unwrap(number), out sequence) : Origin.Unknown;
        if (origin != Origin.Unknown || number != 0 || !Started)
        {
            return origin;
        }

        sequence = 0;
        return Origin.Sender;
    }

    /// <summary>
    /// Translates a StartPingCheck's OldestUnacked; 0 (“nothing outstanding”) stays 0. Too high a value would make the receiver forget
    /// numbers it may see again, so an unacked packet of ours lowers it.
    /// </summary>
    public uint ForwardOldestUnacked(uint sequence, long? oldestInjected)
    {
        if (sequence == 0)
        {
            _oldestUnacked = long.MaxValue;
            return 0;
        }

        long s = Unwrap(sequence, _high, _mask);
        _oldestUnacked = s;
        return Wire(Math.Min(s + Delta(s), oldestInjected ?? long.MaxValue));
    }

    private Origin Invert(long number, out uint sequence)
    {
        int segment = SegmentBefore(number, inverse: true);
        long s = number - (segment < 0 ? _baseDelta : _breakpoints[segment].Delta);
        sequence = (uint)s & _mask;
        if (segment + 1 < _breakpoints.Count && s > _breakpoints[segment + 1].After)
        {
            return Origin.Injected;
        }

        if (s > _high || s <= _forgotten)
        {
            return Origin.Unknown;
        }

        // A swallowed packet's number was on the wire only if one of ours took it over.
        return s > _high - Window && FateOf(s) == Fate.Swallowed ? Origin.Injected : Origin.Sender;
    }

    private ref Fate FateOf(long s) => ref _fates[s & (Window - 1)];

    private bool Decide(uint sequence, Fate fate, out long s)
    {
        if (!TryPlace(sequence, out s))
        {
            return false;
        }

        if (s > _high - Window && s <= _high)
        {
            Note(s, fate);
        }

        return true;
    }

    private void Note(long s, Fate fate)
    {
        FateOf(s) = fate;
        _page?.Decide(s, fate);
    }

    private void Add(Breakpoint breakpoint)
    {
        _breakpoints.Add(breakpoint);
        _page?.Add(breakpoint.After, breakpoint.Delta);
    }

    /// <summary>
    /// False for a 0 that is not the wrap. A direction's first packet numbered 0 (node-metaverse) comes out the same either way;
    /// later ones are OpenSim's acks of UseCircuitCode and LibreMetaverse's CloseCircuit, which repeat the number.
    /// </summary>
    private bool TryPlace(uint sequence, out long s)
    {
        s = Unwrap(sequence, _high, _mask);
        return sequence != 0 || (s != 0 && _mask == Mask24 && Math.Abs(s - _high) < Window);
    }

    private static long Unwrap(uint number, long near, uint mask)
    {
        uint distance = (number - (uint)near) & mask;
        return distance > mask / 2 ? near + distance - mask - 1 : near + distance;
    }

    private long Delta(long s)
    {
        if (_breakpoints.Count == 0 || s > _breakpoints[^1].After)
        {
            return LastDelta;
        }

        int segment = SegmentBefore(s, inverse: false);
        return segment < 0 ? _baseDelta : _breakpoints[segment].Delta;
    }

    /// <summary>The last breakpoint below this number, of the sender's or (inverse) the receiver's; both rise along the list.</summary>
    private int SegmentBefore(long number, bool inverse)
    {
        int low = 0;
        for (int end = _breakpoints.Count; low < end;)
        {
            int middle = (low + end) / 2;
            if (_breakpoints[middle].After + (inverse ? _breakpoints[middle].Delta : 0) < number)
            {
                low = middle + 1;
            }
            else
            {
                end = middle;
            }
        }

        return low - 1;
    }

    private void Prune()
    {
        // In one sweep now and then: the list moves its tail each time.
        if (_breakpoints.Count < 64 || _breakpoints[_breakpoints.Count / 2].After > _high - Window)
        {
            return;
        }

        long keep = Math.Min(_high - Window, _oldestUnacked);
        int folded = 0;
        while (folded < _breakpoints.Count && (_breakpoints[folded].After < keep || _breakpoints.Count - folded > MaxBreakpoints))
        {
            folded++;
        }

        if (folded > 0)
        {
            (_forgotten, _baseDelta) = _breakpoints[folded - 1];
            _breakpoints.RemoveRange(0, folded);
        }
    }
}
