using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>RequestImages that wait for reads. Each goes on when all its images are decided, with only those that are the sim's to answer.</summary>
internal sealed class HeldImageRequests
{
    /// <summary>Packets that wait; with <see cref="TransferAnswers.MaxReading"/> no more than <see cref="HeldPackets.Capacity"/>.</summary>
    public const int Capacity = 32;

    private readonly List<Held> _held = [];
    private readonly Stack<Held> _spare = new();

    private sealed class Held
    {
        public uint Sequence;
        public int Length;
        public int Count;
        public int Pending;
        public readonly byte[] Body = new byte[ZeroCode.MaxExpanded];
        public readonly bool[] Keep = new bool[byte.MaxValue];
        public readonly ImageAnswer?[] Awaited = new ImageAnswer?[byte.MaxValue];
    }

    public bool Full => _held.Count == Capacity;

    /// <summary>A packet with these blocks waits: of each it is known whether to keep it, or which answer decides.</summary>
    public void Add(uint sequence, ReadOnlySpan<byte> body, ReadOnlySpan<bool> keep, ReadOnlySpan<ImageAnswer?> awaited)
    {
        Held held = _spare.TryPop(out Held? spare) ? spare : new Held();
        (held.Sequence, held.Length, held.Count, held.Pending) = (sequence, body.Length, keep.Length, 0);
        body.CopyTo(held.Body);
        keep.CopyTo(held.Keep);
        awaited.CopyTo(held.Awaited);
        foreach (ImageAnswer? answer in awaited)
        {
            held.Pending += answer is null ? 0 : 1;
        }

        _held.Add(held);
    }

    /// <summary>An answer is decided; what the sim is now to be asked, <paramref name="captures"/> are told.</summary>
    public void Settle(long now, ImageAnswer answer, bool toSim, ImageCaptures captures)
    {
        foreach (Held held in _held)
        {
            for (int i = 0; held.Pending > 0 && i < held.Count; i++)
            {
                if (held.Awaited[i] != answer)
                {
                    continue;
                }

                (held.Awaited[i], held.Keep[i]) = (null, toSim);
                held.Pending--;
                if (toSim)
                {
                    captures.Asked(now, ImageMessages.RequestAt(held.Body, i));
                }
            }
        }
    }

    /// <summary>An image has been cancelled: the sim need not hear of it from a packet that still waits.</summary>
    public void Drop(Guid id)
    {
        foreach (Held held in _held)
        {
            for (int i = 0; i < held.Count; i++)
            {
                if (held.Keep[i])
                {
                    ImageRequest request = ImageMessages.RequestAt(held.Body, i);
                    held.Keep[i] = request.Id != id || request.Cancels;
                }
            }
        }
    }

    /// <summary>Lets go what is decided.</summary>
    public void Decide(long now, Circuit circuit, IDatagramSink sink)
    {
        if (_held.Count == 0)
        {
            return;
        }

        Span<byte> rest = stackalloc byte[ZeroCode.MaxExpanded];
        for (int i = 0; i < _held.Count;)
        {
            Held held = _held[i];
            if (held.Pending > 0)
            {
                i++;
                continue;
            }

            _held.RemoveAt(i);
            ReadOnlySpan<bool> keep = held.Keep.AsSpan(0, held.Count);
            if (!keep.Contains(true))
            {
                circuit.TryDecide(now, Direction.ToSim, held.Sequence, Verdict.Swallow, default, sink);
            }
            else
            {
                scoped ReadOnlySpan<byte> body = default;
                if (keep.Contains(false))
                {
                    body = rest[..ImageMessages.WriteRequestsKept(held.Body.AsSpan(0, held.Length), keep, rest)];
                }

                circuit.TryDecide(now, Direction.ToSim, held.Sequence, Verdict.Forward, body, sink);
            }

            held.Awaited.AsSpan().Clear();
            _spare.Push(held);
        }
    }

    public void End() => _held.Clear();
}
