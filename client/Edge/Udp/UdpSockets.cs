using System.Buffers.Binary;
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

    /// <summary>Bound and, on Windows too, not to be shared with another program. <paramref name="port"/> 0 takes a free one.</summary>
    public static Socket Bind(IPAddress address, int port = 0)
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

            socket.Bind(new IPEndPoint(address, port));
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Closes sockets whose receivers know already that it is over. Closing alone ends a blocked receive on Linux and Windows, not on macOS,
    /// where it would wait for it; so each gets an empty datagram from itself. Should that be lost, the receiver was not blocked.
    /// </summary>
    public static void Close(IReadOnlyCollection<Socket> sockets)
    {
        foreach (Socket socket in sockets)
        {
            try
            {
                socket.SendTo([], SocketFlags.None, new IPEndPoint(IPAddress.Loopback, ((IPEndPoint)socket.LocalEndPoint!).Port));
            }
            catch (SocketException)
            {
                // Closing has to do.
            }
        }

        foreach (Socket socket in sockets)
        {
            socket.Dispose();
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

        return BinaryPrimitives.ReadUInt64BigEndian(address.Buffer.Span) & 0xFFFF_FFFF_FFFF;
    }

    /// <summary>The address a key stands for.</summary>
    public static SocketAddress Address(ulong key)
    {
        Span<byte> quad = stackalloc byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(quad, (uint)key);
        return new IPEndPoint(new IPAddress(quad), (int)(key >> 32)).Serialize();
    }

    /// <summary>Whether a key's address lies in 127.0.0.0/8.</summary>
    public static bool IsLoopback(ulong key) => (byte)(key >> 24) == 127;
}
