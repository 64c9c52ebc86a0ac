using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Net;

namespace GlobalCache.Infra;

/// <summary>
/// How the network is cut up. The nodes' subnets are sized together as the hard cap: permissions cannot limit how many machines run, but a subnet without a free address
/// starts no more of them. AWS keeps five addresses of each subnet, and none is smaller than a /28.
/// </summary>
/// <param name="Nodes">One a zone, for nodes alone.</param>
/// <param name="Master">For the master, and for the machines that build images.</param>
/// <param name="MostNodes">No more machines fit into the nodes' subnets, whoever asks for them.</param>
internal sealed record NetworkPlan(ImmutableArray<string> Nodes, string Master, int MostNodes)
{
    private const int Kept = 5, Smallest = 28;

    /// <summary>Cuts a network up.</summary>
    /// <param name="network">Its addresses, as CIDR.</param>
    /// <param name="nodes">That the policy lets serve. A quarter more, and two, may be on their way out or be replaced.</param>
    /// <param name="zones">One subnet in each.</param>
    /// <returns>Null: it is no network, or too small.</returns>
    public static NetworkPlan? Of(string network, int nodes, int zones)
    {
        if (!IsPrivate(network) || zones < 1 || nodes < 1) return null;
        IPNetwork whole = IPNetwork.Parse(network);
        int prefix = PrefixFor(nodes, zones);
        if (whole.PrefixLength > Least(nodes, zones)) return null;
        uint first = BinaryPrimitives.ReadUInt32BigEndian(whole.BaseAddress.GetAddressBytes());
        uint size = 1u << (32 - prefix);
        return new NetworkPlan(
            [.. Enumerable.Range(0, zones).Select(z => Cidr(first + ((uint)z * size), prefix))], Cidr(first + ((uint)zones * size), Smallest), zones * ((int)size - Kept));
    }

    /// <summary>Prefix length of the smallest network that would do.</summary>
    public static int Least(int nodes, int zones)
    {
        long wanted = (zones * (1L << (32 - PrefixFor(nodes, zones)))) + (1 << (32 - Smallest));
        int least = 32;
        while (1L << (32 - least) < wanted) least--;
        return least;
    }

    /// <summary>Whether it is a network of private addresses (RFC 1918) as AWS takes them, written from its first address.</summary>
    public static bool IsPrivate(string network)
    {
        if (!IPNetwork.TryParse(network, out IPNetwork whole) || whole.BaseAddress.GetAddressBytes() is not { Length: 4 } bytes || whole.PrefixLength is < 16 or > 27 || whole.ToString() != network) return false;
        return bytes[0] == 10 || (bytes[0] == 172 && (bytes[1] & 0xf0) == 16) || (bytes[0] == 192 && bytes[1] == 168);
    }

    private static int PrefixFor(int nodes, int zones)
    {
        int room = nodes + ((nodes + 3) / 4) + 2;
        int each = (room + zones - 1) / zones;
        int prefix = Smallest;
        while ((1 << (32 - prefix)) - Kept < each) prefix--;
        return prefix;
    }

    private static string Cidr(uint address, int prefix)
    {
        byte[] bytes = new byte[4];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, address);
        return $"{new IPAddress(bytes)}/{prefix}";
    }
}
