using System.Buffers;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// Our own reliable packets in one direction until their acks come: resent as they are, with RESENT set, after max(1 s, 5 × ping), and the first
/// time as soon as acks of later ones show them lost; given up after <see cref="MaxSends"/> (the viewer's own request timeout recovers). PROTOCOL §1.7.
/// </summary>
internal sealed class ReliablePackets(long ticksPerSecond)
{
    public const int Capacity = 1024;
    public const int MaxSends = 5;

    /// <summary>
    /// A packet is lost if one sent this many later has been acked, and <see cref="Overdue"/> has passed: viewers collect acks for up to 0.1 s and
    /// tell the newest first where they append them (PROTOCOL §1.5, §1.6).
    /// </summary>
    public const int Overtaken = 32;

    // What is lost together is lost because a buffer was full: it is not sent again all at once.
    private const int MaxBurst = 16;

    private readonly Queue<Entry> _order = new();
    private readonly Dictionary<long, Entry> _unacked = [];
    private readonly Stack<Entry> _spare = new();
    private long _ordinal;
    private long _newestAcked;
    private long _suspect;
    private long _suspectDue = Circuit.Never;

    internal sealed class Entry
    {
        public long Number { get; set; }

        /// <summary>How many were sent before it: numbers have gaps, for what is forwarded between.</summary>
        public long Ordinal { get; set; }

        public byte[] Buffer { get; set; } = [];

        /// <summary>Without appended acks: a resend carries none.</summary>
        public int Length { get; set; }

        public long Sent { get; set; }

        public long Due { get; set; }

        public int Sends { get; set; }

        public bool Done { get; set; }
    }

    public int Count => _unacked.Count;

    /// <summary>Oldest number still unacked.</summary>
    public long? Oldest => _order.TryPeek(out Entry? entry) ? entry.Number : null;

    /// <summary>When the next packet is to be resent; may be too early after an ack, never too late.</summary>
    public long Deadline { get; private set; } = Circuit.Never;

    private long Overdue => ticksPerSecond * 3 / 20;

    /// <summary>Null: too many are unacked. The entry's buffer holds <paramref name="capacity"/> bytes; numbers must rise.</summary>
    public Entry? Add(long number, int capacity, long now, long ping)
    {
        if (_unacked.Count == Capacity)
        {
            return null;
        }

        Entry entry = _spare.TryPop(out Entry? spare) ? spare : new Entry();
        entry.Number = number;
        entry.Ordinal = ++_ordinal;
        entry.Buffer = ArrayPool<byte>.Shared.Rent(capacity);
        entry.Sends = 1;
        entry.Done = false;
        entry.Sent = now;
        entry.Due = now + Timeout(ping);
        Deadline = Math.Min(Deadline, entry.Due);
        if (_suspectDue == Circuit.Never)
        {
            (_suspect, _suspectDue) = (entry.Ordinal, now + Overdue);
        }

        _order.Enqueue(entry);
        _unacked.Add(number, entry);
        return entry;
    }

    /// <summary>False: not one of ours that waits.</summary>
    public bool Acknowledge(long number)
    {
        if (_unacked.Count == 0 || !_unacked.Remove(number, out Entry? entry))
        {
            return false;
        }

        _newestAcked = Math.Max(_newestAcked, entry.Ordinal);
        if (_newestAcked - _suspect >= Overtaken)
        {
            Deadline = Math.Min(Deadline, _suspectDue);
        }

        Finish(entry);
        return true;
    }

    /// <summary>It has been given up.</summary>
    public void Forget(long number)
    {
        if (_unacked.Remove(number, out Entry? entry))
        {
            Finish(entry);
        }
    }

    /// <summary>It waits for its ack until it would have been resent, and is then lost.</summary>
    public void StopResending(long number)
    {
        if (_unacked.TryGetValue(number, out Entry? entry))
        {
            entry.Sends = MaxSends;
        }
    }

    /// <summary>Resends what is due and gives up what has been sent often enough; the numbers given up, oldest first, reach <paramref name="lost"/>.</summary>
    public void Resend(long now, long ping, Direction direction, IDatagramSink sink, ICircuitTap? tap, List<long> lost)
    {
        if (now < Deadline)
        {
            return;
        }

        Deadline = Circuit.Never;
        _suspectDue = Circuit.Never;
        int burst = 0;
        foreach (Entry entry in _order)
        {
            if (entry.Done)
            {
                continue;
            }

            bool overtaken = entry.Sends == 1 && _newestAcked - entry.Ordinal >= Overtaken;
            long due = overtaken ? Math.Min(entry.Due, entry.Sent + Overdue) : entry.Due;
            if (due <= now && entry.Sends >= MaxSends)
            {
                lost.Add(entry.Number);
                continue;
            }

            if (due <= now && burst == MaxBurst)
            {
                due = now + Math.Max(1, ticksPerSecond / 100);
            }
            else if (due <= now)
            {
                burst++;
                entry.Sends++;
                due = entry.Due = now + Timeout(ping);
                entry.Buffer[0] |= (byte)PacketFlags.Resent;
                sink.Send(direction, entry.Buffer.AsSpan(0, entry.Length));
                tap?.Resent(now, direction, entry.Number, entry.Sent);
            }
            else if (entry.Sends == 1 && _suspectDue == Circuit.Never)
            {
                (_suspect, _suspectDue) = (entry.Ordinal, entry.Sent + Overdue);
            }

            Deadline = Math.Min(Deadline, due);
        }
    }

    /// <summary>Forgets all of them.</summary>
    public void Clear()
    {
        _unacked.Clear();
        while (_order.TryDequeue(out Entry? entry))
        {
            Recycle(entry);
        }

        Deadline = Circuit.Never;
    }

    private void Finish(Entry finished)
    {
        finished.Done = true;
        while (_order.TryPeek(out Entry? oldest) && oldest.Done)
        {
            Recycle(_order.Dequeue());
        }

        if (_unacked.Count == 0)
        {
            Deadline = Circuit.Never;
        }
    }

    private void Recycle(Entry entry)
    {
        ArrayPool<byte>.Shared.Return(entry.Buffer);
        entry.Buffer = [];
        _spare.Push(entry);
    }

    private long Timeout(long ping) => Math.Max(ticksPerSecond, 5 * ping);
}
