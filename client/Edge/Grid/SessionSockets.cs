using GlobalCache.Client.Circuits;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Sessions;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy;

namespace GlobalCache.Client.Edge;

/// <summary>A session's circuits over real sockets: one <see cref="UdpPump"/> each.</summary>
internal static class SessionSockets
{
    /// <param name="limits">How many regions, how long silences.</param>
    /// <param name="baked">Told which textures a session has seen baked (PROTOCOL §7.4). Any thread; must return at once.</param>
    /// <param name="shelf">Where circuits find assets and leave them. Null: they only forward.</param>
    /// <param name="time">The circuits' clock.</param>
    /// <param name="log">The circuits' log.</param>
    /// <param name="pages">Where circuits outlive the process. Null: nowhere.</param>
    public static OpenCircuits Over(
        ClientLimits limits, Action<Session, Guid> baked, UdpShelf? shelf, TimeProvider time, ILogger log, CircuitPages? pages = null) => (session, ended) =>
    {
        var identity = new CircuitIdentity(session.Login.CircuitCode, session.Login.SessionId, session.Login.AgentId);
        var events = new CircuitEvents(end => ended(end.ToString()), texture => baked(session, texture));
        var pace = new ViewerPace(time.TimestampFrequency);
        var pump = new UdpPump(identity, session, events, limits, time, log, shelf is null ? null : (sim, wake) =>
        {
            var assets = new RegionAssets(shelf, session, () => session.Find(sim), wake);
            return new AssetTap(assets, pace, shelf.Captures, identity, wake, time.TimestampFrequency);
        }, session.Before, pages);
        return new SessionCircuits(pump.Open, () => pump.LastViewerDatagram, () => pump.Scope.Root, pump.DisposeAsync, () => pump.UpstreamPort);
    };
}
