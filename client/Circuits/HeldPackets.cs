using System.Buffers;

namespace GlobalCache.Client.Circuits;

/// <summary>Packets that wait for a decision: copies of their datagrams, oldest first, each for at most <see cref="Limit"/>.</summary>
internal sealed class HeldPackets(long ticksPerSecond)
{
    /// <summary>Beyond this many a packet is forwarded at once.</summary>
    public const int Capacity = 64;

    /// <summary>How long an answer may keep a packet waiting (DESIGN §4.3).</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromMilliseconds(30);

    // What a rewritten body may be longer than the original.
    private const int Headroom = 512;

    private readonly List<Held> _held = [];

    internal readonly record struct Held(Direction Direction, uint Sequence, long Deadline, byte[] Buffer, int Length);

    public long Deadline => _held.Count == 0 ? Circuit.Never : _held[0].Deadline;

    /// <summary>False: too many wait already.</summary>
    public bool TryAdd(Direction direction, uint sequence, ReadOnlySpan<byte> datagram, long now)
    {
        if (_held.Count == Capacity)
        {
            return false;
        }

        byte[] buffer = ArrayPool<byte>.Shared.Rent(datagram.Length + Headroom);
        datagram.CopyTo(buffer);
        long deadline = now + (long)(Limit.TotalSeconds * ticksPerSecond);
        _held.Add(new Held(direction, sequence, deadline, buffer, datagram.Length));
        return true;
    }

    /// <summary>The packet, to be given back by <see cref="Return"/>. False: it does not wait, or no longer.</summary>
    public bool TryTake(Direction direction, uint sequence, out Held held)
    {
        for (int i = 0; i < _held.Count; i++)
        {
            held = _held[i];
            if (held.Direction == direction && held.Sequence == sequence)
            {
                _held.RemoveAt(i);
                return true;
            }
        }

        held = default;
        return false;
    }

    /// <summary>The oldest packet if its time is up.</summary>
    public bool TryTakeDue(long now, out Held held)
    {
        held = default;
        return Deadline <= now && TryTake(_held[0].Direction, _held[0].Sequence, out held);
    }

    public static void Return(in Held held) => ArrayPool<byte>.Shared.Return(held.Buffer);
}
