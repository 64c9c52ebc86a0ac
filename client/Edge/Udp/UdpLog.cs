using System.Net.Sockets;

namespace GlobalCache.Client.Edge;

/// <summary>What the UDP side has to say; never about a single datagram that was merely not wanted.</summary>
internal static partial class UdpLog
{
    [LoggerMessage(1000, LogLevel.Information, "The system grants UDP receive buffers of {Granted} bytes, {Asked} were asked for: bursts may lose datagrams, which are then resent")]
    public static partial void SmallBuffer(ILogger log, int granted, int asked);

    [LoggerMessage(1001, LogLevel.Warning, "No UDP port for another region ({Reason}): the viewer reaches it directly")]
    public static partial void NoSocket(ILogger log, SocketError reason);

    [LoggerMessage(1002, LogLevel.Error, "A datagram could not be handled and was dropped")]
    public static partial void DatagramFailed(ILogger log, Exception error);
}
