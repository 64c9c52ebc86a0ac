using System.Buffers;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>
/// Our own reliable packets in one direction until their acks come: resent as they are, with RESENT set, after max(1 s, 5 × ping);
/// given up after <see cref="MaxSends"/> (the viewer's own request timeout recovers). PROTOCOL §1.7.
/// </summary>
internal sealed class ReliablePackets(long ticksPerSecond)
{
    public const int Capacity = 1024;
    public const int MaxSends = 5;

    private readonly Queue<Entry> _order = new();
    private readonly Dictionary<long, Entry> _unacked = [];
    private readonly Stack<Entry> _spare = new();

    internal sealed class Entry
    {
        public long Number { get; set; }

        public byte[] Buffer { get; set; } = [];

        /// <summary>Without appended acks: a resend carries none.</summary>
        public int Length { get; set; }

        public long Due { get; set; }

        public int Sends { get; set; }

        public bool Done { get; set; }
    }

    public int Count => _unacked.Count;

    /// <summary>Oldest number still unacked.</summary>
    public long? Oldest => _order.TryPeek(out Entry? entry) ? entry.Number : null;

    /// <summary>When the next packet is to be resent; may be too early after an ack, never too late.</summary>
    public long Deadline { get; private set; } = Circuit.Never;

    /// <summary>Null: too many are unacked. The entry's buffer holds <paramref name="capacity"/> bytes; numbers must rise.</summary>
    public Entry? Add(long number, int capacity, long now, long ping)
    {
        if (_unacked.Count == Capacity)
        {
            return null;
        }

        Entry entry = _spare.TryPop(out Entry? spare) ? spare : new Entry();
        entry.Number = number;
        entry.Buffer = ArrayPool<byte>.Shared.Rent(capacity);
        entry.Sends = 1;
        entry.Done = false;
        entry.Due = now + Timeout(ping);
        Deadline = Math.Min(Deadline, entry.Due);
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

        entry.Done = true;
        while (_order.TryPeek(out Entry? oldest) && oldest.Done)
        {
            _order.Dequeue();
            ArrayPool<byte>.Shared.Return(oldest.Buffer);
            oldest.Buffer = [];
            _spare.Push(oldest);
        }

        if (_unacked.Count == 0)
        {
            Deadline = Circuit.Never;
        }

        return true;
    }

    /// <summary>Resends what is due and gives up what has been sent often enough; the numbers given up, oldest first, reach <paramref name="lost"/>.</summary>
    public void Resend(long now, long ping, Direction direction, IDatagramSink sink, List<long> lost)
    {
        if (now < Deadline)
        {
            return;
        }

        Deadline = Circuit.Never;
        foreach (Entry entry in _order)
        {
            if (entry.Done)
            {
                continue;
            }

            if (entry.Due <= now)
            {
                if (entry.Sends == MaxSends)
                {
                    lost.Add(entry.Number);
                    continue;
                }

                entry.Sends++;
                entry.Due = now + Timeout(ping);
                entry.Buffer[0] |= (byte)PacketFlags.Resent;
                sink.Send(direction, entry.Buffer.AsSpan(0, entry.Length));
            }

            Deadline = Math.Min(Deadline, entry.Due);
        }
    }

    private long Timeout(long ping) => Math.Max(ticksPerSecond, 5 * ping);
}
