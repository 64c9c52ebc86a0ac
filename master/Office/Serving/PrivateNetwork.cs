using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Office.Serving;

/// <summary>Addresses that nobody on the internet reaches (RFC 1918, RFC 4193, loopback and link-local).</summary>
internal static class PrivateNetwork
{
    public static bool Contains(IPAddress address)
    {
        if (IPAddress.IsLoopback(address)) return true;
        if (address.AddressFamily == AddressFamily.InterNetworkV6) return address.IsIPv6UniqueLocal || address.IsIPv6LinkLocal;
        byte[] bytes = address.GetAddressBytes();
        return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) || (bytes[0] == 192 && bytes[1] == 168);
    }
}
