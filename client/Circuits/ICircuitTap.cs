using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.Circuits;

/// <summary>Which way a datagram travels.</summary>
internal enum Direction
{
    ToSim,
    ToViewer,
}

/// <summary>Where a circuit's datagrams go. Sends are immediate and take no reference to the bytes.</summary>
internal interface IDatagramSink
{
    void Send(Direction direction, ReadOnlySpan<byte> datagram);
}

/// <summary>What becomes of one packet.</summary>
internal enum Verdict
{
    Forward,

    /// <summary>It goes no further. The circuit acks it to its sender if it is reliable, and delivers the acks it carried.</summary>
    Swallow,

    /// <summary>It waits, at most <see cref="HeldPackets.Limit"/>, for <see cref="Circuit.TryDecide"/>; then it is forwarded as it came.</summary>
    Hold,
}

/// <summary>
/// What acts on a circuit's packets beyond forwarding them: answers requests, injects, captures. Called under the circuit's lock, never
/// twice for one sequence number; an answer that arrives on another thread waits for <see cref="Tick"/>, which the owner of the
/// circuit can bring about at any time.
/// </summary>
internal interface ICircuitTap
{
    /// <summary>When <see cref="Tick"/> is wanted (<see cref="Circuit.Never"/>: not at all); read after every call into the circuit.</summary>
    long Deadline { get; }

    /// <summary>
    /// First copy of a packet other than acks and pings. The tap may inject through <paramref name="circuit"/> and may replace
    /// the body (<see cref="Datagram.TryReplaceBody"/>) of what it lets pass.
    /// </summary>
    Verdict Inspect(long now, Direction direction, ref Datagram datagram, Circuit circuit, IDatagramSink sink);

    /// <summary>
    /// An injected reliable packet has reached its receiver, says the packet numbered <paramref name="carrier"/>: what its sender sent before that
    /// one (<see cref="SequenceMap"/> order) it may have sent without knowing.
    /// </summary>
    void Acked(long now, Direction direction, long number, uint carrier);

    /// <summary>An injected reliable packet, first sent at <paramref name="sent"/>, has been sent once more: it, or its ack, is taken for lost.</summary>
    void Resent(long now, Direction direction, long number, long sent);

    /// <summary>An injected reliable packet has been given up.</summary>
    void Lost(long now, Direction direction, long number);

    /// <summary>The deadline has come, or the owner was asked to wake the circuit. Extra calls are harmless.</summary>
    void Tick(long now, Circuit circuit, IDatagramSink sink);

    /// <summary>The circuit is over: nothing more can be injected, and what is held for it is to be let go. May come twice.</summary>
    void End();
}
