using System.Net;
using GlobalCache.Client.Sessions;

namespace GlobalCache.Client.Circuits;

/// <summary>Why a session is over (PROTOCOL §4.4).</summary>
internal enum SessionEnd
{
    LogoutRequest,
    LogoutReply,
    KickUser,

    /// <summary>The circuit of the region the agent stands in was closed.</summary>
    CloseCircuit,
}

/// <summary>
/// What circuits tell their session. Both are called from receive loops and under the circuit's lock: return at once, do not wait.
/// <see cref="Ended"/> may come several times (resends, request then reply); <see cref="BakedTexture"/> for every sighting (PROTOCOL §7.4).
/// </summary>
internal sealed record CircuitEvents(Action<SessionEnd> Ended, Action<Guid> BakedTexture);

/// <summary>Who the viewer is, from the login reply: a UseCircuitCode must carry all three.</summary>
internal sealed record CircuitIdentity(uint CircuitCode, Guid SessionId, Guid AgentId)
{
    public override string ToString() => nameof(CircuitIdentity);
}

/// <summary>What the circuits of one session share.</summary>
internal sealed class CircuitScope(IRegionDirectory directory, CircuitEvents events, long ticksPerSecond)
{
    private volatile IPEndPoint? _root;

    public IRegionDirectory Directory { get; } = directory;

    public CircuitEvents Events { get; } = events;

    /// <summary>Frequency of the timestamps circuits are called with.</summary>
    public long TicksPerSecond { get; } = ticksPerSecond;

    /// <summary>The region the agent stands in: the one it last completed a movement into; before that, the first it opened.</summary>
    public IPEndPoint? Root
    {
        get => _root;
        set => _root = value;
    }
}
