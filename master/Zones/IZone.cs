using System.Net;

namespace GlobalCache.Master.Zones;

/// <summary>The zone cannot say, or did not take the change as far as is known. The message is a sentence for people; to be repeated in a later pass.</summary>
internal sealed class ZoneTroubleException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>
/// The name that all nodes share: the embedded server's, Route 53's, or a simulated one. It holds whole sets: what is published replaces what was there, so that
/// the late word of a deposed master is healed by the next pass.
/// </summary>
internal interface IZone
{
    /// <summary>The addresses published now, by what the zone's owner says (not by what resolvers remember).</summary>
    /// <exception cref="ZoneTroubleException">Not known.</exception>
    Task<IReadOnlySet<IPAddress>> ReadAsync(CancellationToken ct);

    /// <summary>Puts this set in place of the one that is there, in one change for each of A and AAAA. Empty only when the operator has retired all nodes: the name then has no address.</summary>
    /// <returns>The change's name, for <see cref="IsInSyncAsync"/>.</returns>
    /// <exception cref="ZoneTroubleException">Not known whether it was taken.</exception>
    Task<string> PublishAsync(IReadOnlySet<IPAddress> addresses, TimeSpan ttl, CancellationToken ct);

    /// <summary>Whether all of the zone's servers give the changed answer.</summary>
    /// <exception cref="ZoneTroubleException">Not known.</exception>
    Task<bool> IsInSyncAsync(string change, CancellationToken ct);

    /// <summary>What the zone's servers answer to a query, as a client would ask it; the union when they differ. The last proof before a node goes.</summary>
    /// <exception cref="ZoneTroubleException">One did not answer.</exception>
    Task<IReadOnlySet<IPAddress>> AskAsync(CancellationToken ct);
}
