using System.Net;
using System.Net.Sockets;
using GlobalCache.Office.Keys;

namespace GlobalCache.Node.Ingest;

/// <summary>
/// Who is who in vouching (SECURITY §4): branch, network and operator become tags that mean something for one asset only. Whoever makes or
/// compares such tags does it here.
/// </summary>
internal static class ClaimTags
{
    public static ulong OfBranch(GridKeys keys, string name, string branch) => keys.TagOf(name, "branch/" + branch);

    public static ulong OfNetwork(GridKeys keys, string name, IPAddress address) => keys.TagOf(name, "net/" + Network(address));

    public static ulong OfOperator(GridKeys keys, string name, string host) => keys.TagOf(name, "operator/" + Operator(host));

    /// <summary>For the ledger: whether a tag of the asset belongs to one of <paramref name="branches"/>, which are asked for at every claim.</summary>
    public static Func<string, Predicate<ulong>> Revoked(GridKeys keys, Func<IReadOnlyCollection<string>> branches) => name =>
    {
        // Reckoned once a claim, and not at all as long as nobody has been revoked.
        HashSet<ulong> tags = [.. branches().Select(b => OfBranch(keys, name, b))];
        return tags.Contains;
    };

    /// <summary>The /24 or /48 an address lies in. Where IPv6 only wraps an IPv4 address, that one counts: a claimant does not choose its network by its way of dialling.</summary>
    public static string Network(IPAddress address)
    {
        if (Within(address) is { } inner) address = inner;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out int length);
        return Convert.ToHexStringLower(length == 4 ? bytes[..3] : bytes[..6]);
    }

    /// <summary>Whether claims from here are counted among those over IPv6.</summary>
    public static bool IsIpv6(IPAddress address) => address.AddressFamily == AddressFamily.InterNetworkV6 && Within(address) is null;

    /// <summary>
    /// Whose host it is, as far as a name tells: its last two labels, or the network of a literal address. Names that share them by chance
    /// (under <c>co.uk</c>) pass for one operator, which only makes agreement harder.
    /// </summary>
    public static string Operator(string host)
    {
        if (IPAddress.TryParse(host, out IPAddress? address)) return Network(address);
        int dot = host.LastIndexOf('.');
        if (dot > 0) dot = host.LastIndexOf('.', dot - 1);
        return host[(dot + 1)..];
    }

    /// <summary>The IPv4 address in a mapped (RFC 4291), 6to4 (RFC 3056) or NAT64 (RFC 6052) one.</summary>
    private static IPAddress? Within(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return null;
        if (address.IsIPv4MappedToIPv6) return address.MapToIPv4();
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        ReadOnlySpan<byte> nat64 = [0, 0x64, 0xFF, 0x9B, 0, 0, 0, 0, 0, 0, 0, 0];
        return bytes is [0x20, 0x02, ..] ? new IPAddress(bytes[2..6]) : bytes.StartsWith(nat64) ? new IPAddress(bytes[12..]) : null;
    }
}
