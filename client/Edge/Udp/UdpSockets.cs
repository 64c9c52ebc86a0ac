using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Client.Edge;

/// <summary>UDP sockets as the pump needs them, and IPv4 addresses as numbers, so that a datagram's source is compared without an allocation.</summary>
internal static class UdpSockets
{
    /// <summary>Asked for on both sides; Linux commonly grants 208 KiB (PROTOCOL §4.4).</summary>
    public const int ReceiveBytes = 4 << 20;

    // Windows: else an ICMP port-unreachable for something we sent ends a later receive with an error.
    private const int SioUdpConnReset = unchecked((int)0x9800000C);

    /// <summary>Bound and, on Windows too, not to be shared with another program.</summary>
    public static Socket Bind(IPAddress address)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            socket.ExclusiveAddressUse = true;
            socket.ReceiveBufferSize = ReceiveBytes;
            if (OperatingSystem.IsWindows())
            {
                socket.IOControl(SioUdpConnReset, [0, 0, 0, 0], null);
            }

            socket.Bind(new IPEndPoint(address, 0));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>An empty address for receives to fill.</summary>
    public static SocketAddress NewAddress() => new(AddressFamily.InterNetwork);

    /// <summary>Address and port as one number, 0 if not IPv4. (sockaddr_in: family 2, port 2 and address 4 in network order.)</summary>
    public static ulong Key(SocketAddress address)
    {
        if (address.Family != AddressFamily.InterNetwork || address.Size < 8)
        {
            return 0;
        }

        ulong key = 0;
        for (int i = 2; i < 8; i++)
        {
            key = (key << 8) | address[i];
        }

        return key;
    }

    /// <summary>Whether a key's address lies in 127.0.0.0/8.</summary>
    public static bool IsLoopback(ulong key) => (byte)(key >> 24) == 127;
}
