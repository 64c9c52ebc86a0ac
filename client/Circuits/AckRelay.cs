using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// Carries acks across a circuit. An ack travelling one way speaks of a packet of the other way, under the number its receiver saw: those
/// for packets of ours end here, the rest get the number their sender knows, and what nobody sent is dropped rather than acked falsely.
/// </summary>
internal sealed class AckRelay(Lane[] lanes, CircuitCounters counters, ICircuitTap? tap)
{
    /// <summary>The appended acks of a packet that goes on.</summary>
    public void TranslateAppended(long now, Direction direction, ref Datagram datagram)
    {
        if (datagram.Header.AckCount > 0)
        {
            Span<uint> ids = stackalloc uint[PendingAcks.Capacity];
            datagram.SetAcks(ids[..Translate(now, direction, datagram, ids)]);
        }
    }

    /// <summary>The appended acks of a packet that goes no further wait for another to carry them.</summary>
    public void Keep(long now, Direction direction, in Datagram datagram)
    {
        Span<uint> ids = stackalloc uint[PendingAcks.Capacity];
        foreach (uint id in ids[..Translate(now, direction, datagram, ids)])
        {
            lanes[(int)direction].Acks.Add(id, now);
        }
    }

    /// <summary>The ids of a PacketAck. False: nothing is left of it.</summary>
    public bool TranslateBody(long now, Direction direction, ref Datagram datagram)
    {
        Span<byte> scratch = datagram.Header.ZeroCoded ? stackalloc byte[ZeroCode.MaxExpanded] : default;
        if (!datagram.TryOpen(scratch, out ReadOnlySpan<byte> body))
        {
            return false;
        }

        Span<uint> ids = stackalloc uint[PendingAcks.Capacity];
        int count = 0;
        bool same = true;
        for (int i = 0; i < Housekeeping.AckCount(body); i++)
        {
            uint id = Housekeeping.AckAt(body, i);
            bool theirs = TryTranslate(now, direction, datagram.Header.Sequence, id, out ids[count]);
            same &= theirs && ids[count] == id;
            count += theirs ? 1 : 0;
        }

        if (!same)
        {
            Span<byte> rewritten = stackalloc byte[1 + (4 * PendingAcks.Capacity)];
            datagram.TryReplaceBody(rewritten[..Housekeeping.WriteAcks(ids[..count], rewritten)]);
        }

        return count > 0;
    }

    /// <summary>Lets acks we owe the receiver ride along, as far as there is room.</summary>
    public static void Append(Lane lane, ref Datagram datagram)
    {
        int held = datagram.Header.AckCount;
        int room = Math.Min(Circuit.PreferredLength - datagram.Length, datagram.Room) - (datagram.Header.HasAcks ? 0 : 1);
        int added = Math.Min(Math.Min(lane.Acks.Count, PendingAcks.Capacity - held), room / 4);
        if (added <= 0)
        {
            return;
        }

        Span<uint> ids = stackalloc uint[PendingAcks.Capacity];
        for (int i = 0; i < held; i++)
        {
            ids[i] = datagram.AckAt(i);
        }

        lane.Acks.Ids[..added].CopyTo(ids[held..]);
        datagram.SetAcks(ids[..(held + added)]);
        lane.Acks.Taken(added);
    }

    private int Translate(long now, Direction direction, in Datagram datagram, Span<uint> ids)
    {
        int count = 0;
        for (int i = 0; i < datagram.Header.AckCount; i++)
        {
            count += TryTranslate(now, direction, datagram.Header.Sequence, datagram.AckAt(i), out ids[count]) ? 1 : 0;
        }

        return count;
    }

    private bool TryTranslate(long now, Direction direction, uint carrier, uint number, out uint sequence)
    {
        Lane acked = lanes[1 - (int)direction];
        long unwrapped = acked.Map.Unwrap(number);
        if (acked.Sent.Acknowledge(unwrapped))
        {
            sequence = 0;
            tap?.Acked(now, (Direction)(1 - (int)direction), unwrapped, carrier);
            return false;
        }

        Origin origin = acked.Map.Invert(number, out sequence);
        counters.UnknownAcks += origin == Origin.Unknown ? 1 : 0;
        return origin == Origin.Sender;
    }
}
