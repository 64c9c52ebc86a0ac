namespace GlobalCache.Client.Ways;

/// <summary>Events of the ways in: 5000 – 5099.</summary>
internal static partial class WaysLog
{
    [LoggerMessage(5000, LogLevel.Warning, "A connection of another user of this machine was closed.")]
    public static partial void ForeignConnection(ILogger log);

    [LoggerMessage(5001, LogLevel.Debug, "Tunnel to port {Port} refused: {Reason}.")]
    public static partial void TunnelRefused(ILogger log, int port, string reason);

    [LoggerMessage(5002, LogLevel.Warning, "The name server answers for the CDN host with an address of this machine or network. Give another with --resolver.")]
    public static partial void CdnHostLeadsBack(ILogger log);
}
