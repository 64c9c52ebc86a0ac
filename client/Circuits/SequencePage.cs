using System.Runtime.InteropServices;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// One direction's numbers (<see cref="SequenceMap"/>), written into memory that outlives the process. A number is noted before it is used, and in an
/// order in which a process may end after any of the writes: then at worst a number stays unused, which its receiver takes for a loss.
/// <code>
/// 0 begun   8 highest   16 breakpoints so far   24 mask   32 narrow until   64 fates   then the last breakpoints, round about
/// </code>
/// Once the memory is disposed of nothing is written any more.
/// </summary>
internal sealed class SequencePage(SafeBuffer memory, ulong start)
{
    /// <summary>Breakpoints that are remembered: as many as a window can have. The oldest may be about to be overwritten, and is not read.</summary>
    private const int Ring = SequenceMap.Window + 1;

    private const ulong Begun = 0, Highest = 8, Count = 16, Mask = 24, NarrowUntil = 32, Fates = 64, Points = Fates + SequenceMap.Window;

    public const ulong Size = Points + (16 * (Ring + 3));

    private long _count;

    /// <summary>What a map was when its process ended.</summary>
    internal readonly record struct State(long High, uint Mask, long NarrowUntil, long Forgotten, long BaseDelta, (long After, long Delta)[] Breakpoints);

    /// <summary>A direction begins anew.</summary>
    public void Reset()
    {
        Write(Begun, 0);
        Write(Count, _count = 0);
        if (!memory.IsClosed)
        {
            memory.WriteSpan<byte>(start + Fates, new byte[SequenceMap.Window]);
        }
    }

    public void Begin(long high, uint mask)
    {
        Write(Highest, high);
        Write(Mask, mask);
        Write(NarrowUntil, long.MinValue);
        Write(Begun, 1);
    }

    public void Widen(long narrowUntil)
    {
        Write(NarrowUntil, narrowUntil);
        Write(Mask, uint.MaxValue);
    }

    public void Rise(long high) => Write(Highest, high);

    public void Decide(long s, Fate fate)
    {
        if (!memory.IsClosed)
        {
            memory.Write(start + Fates + (ulong)(s & (SequenceMap.Window - 1)), (byte)fate);
        }
    }

    public void Add(long after, long delta)
    {
        ulong at = Points + (16 * (ulong)(_count % Ring));
        Write(at, after);
        Write(at + 8, delta);
        Write(Count, ++_count);
    }

    /// <summary>The last breakpoint now shifts by another delta.</summary>
    public void Change(long delta) => Write(Points + (16 * (ulong)((_count - 1) % Ring)) + 8, delta);

    /// <summary>Null: the direction had not begun. What was held is lost with the process that held it: <paramref name="fates"/> has it as unseen.</summary>
    public State? Read(Span<Fate> fates)
    {
        _count = memory.Read<long>(start + Count);
        if (memory.Read<long>(start + Begun) != 1 || _count < 0)
        {
            return null;
        }

        memory.ReadSpan(start + Fates, MemoryMarshal.Cast<Fate, byte>(fates));
        fates.Replace(Fate.Held, Fate.Unseen);
        int kept = (int)Math.Min(_count, Ring - 1);
        var points = new (long After, long Delta)[kept];
        for (int i = 0; i < kept; i++)
        {
            ulong at = start + Points + (16 * (ulong)((_count - kept + i) % Ring));
            points[i] = (memory.Read<long>(at), memory.Read<long>(at + 8));
        }

        bool whole = _count < Ring;
        return new State(
            memory.Read<long>(start + Highest), (uint)memory.Read<long>(start + Mask), memory.Read<long>(start + NarrowUntil),
            whole ? long.MinValue : points[0].After, whole ? 0 : points[0].Delta, whole ? points : points[1..]);
    }

    private void Write(ulong at, long value)
    {
        if (!memory.IsClosed)
        {
            memory.Write(start + at, value);
        }
    }
}
