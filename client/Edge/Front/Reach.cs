using System.Net;
using System.Net.Sockets;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Where a proxy may be sent: to public addresses, and to the grid's own hosts wherever they are, but never back to itself
/// (SECURITY §6). Decided on the address that is then connected to, so a name that changes its answer gains nothing.
/// </summary>
internal sealed class Reach(GridDomains domains, Func<string, CancellationToken, Task<IPAddress[]>> resolve, IPEndPoint self)
{
    private static readonly IPNetwork[] s_notPublic = Array.ConvertAll(
        (string[])["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "224.0.0.0/3", "::/127", "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "fc00::/7", "fe80::/10", "fec0::/10", "ff00::/8"],
        IPNetwork.Parse);

    /// <summary>How long one address may take to answer.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    /// <summary>Whether an address lies in the open internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        return !s_notPublic.Any(network => network.Contains(address));
    }

    /// <summary>The system's own resolver.</summary>
    public static Task<IPAddress[]> SystemAsync(string host, CancellationToken ct) => Dns.GetHostAddressesAsync(host, ct);

    /// <summary>Connects to the first address that is allowed and answers; null when none of them is allowed.</summary>
    /// <exception cref="SocketException">The name is unknown, or nobody answers.</exception>
    public async Task<Socket?> ConnectAsync(string host, int port, CancellationToken ct)
    {
        host = host.Trim('[', ']');
        IPAddress[] addresses = IPAddress.TryParse(host, out IPAddress? literal) ? [literal] : await resolve(host, ct);
        SocketException? failure = null;
        foreach (IPAddress address in addresses.Where(a => Allows(host, a, port)).Take(4))
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
            patience.CancelAfter(s_patience);
            try
            {
                await socket.ConnectAsync(new IPEndPoint(address, port), patience.Token);
                return socket;
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException)
            {
                socket.Dispose();
                ct.ThrowIfCancellationRequested();
                failure = e as SocketException ?? new SocketException((int)SocketError.TimedOut);
            }
        }
        return failure is null ? null : throw failure;
    }

    private bool Allows(string host, IPAddress address, int port)
    {
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        bool ourselves = port == self.Port
            && (address.Equals(self.Address) || (self.Address.Equals(IPAddress.Any) && !IsPublic(address)) || address.Equals(IPAddress.Any));
        return !ourselves && (IsPublic(address) || domains.Contains(host));
    }
}
