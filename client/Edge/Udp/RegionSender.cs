using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Sessions;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Under which name a sim's bytes are claimed (SECURITY §4, origin rule). A region says itself what it is called, so a name of its is believed only where
/// it leads to the sim's own network, which is how operators are told apart; then the same region is one operator over UDP and over HTTP. Else the sim's
/// address is its name. Not thread-safe in that the same question may be asked twice.
/// </summary>
/// <param name="resolve">Name to addresses.</param>
internal sealed class RegionSender(Func<string, CancellationToken, Task<IPAddress[]>> resolve)
{
    private static readonly CapName[] s_assets = [CapName.ViewerAsset, CapName.GetTexture];

    private volatile Known? _known;

    private sealed record Known(string Names, string Sender);

    /// <exception cref="OperationCanceledException">With <paramref name="stop"/>.</exception>
    public async Task<string> OfAsync(Region region, CancellationToken stop)
    {
        string[] names = [.. s_assets.Select(region.Granted).Append(region.Seed).OfType<Uri>().Select(u => u.IdnHost.ToLowerInvariant()).Distinct()];
        string all = string.Join(' ', names);
        if (_known is { } known && known.Names == all)
        {
            return known.Sender;
        }

        string sender = region.Sim.Address.ToString();
        foreach (string name in names)
        {
            if (await LeadsToAsync(name, region.Sim.Address, stop))
            {
                sender = name;
                break;
            }
        }

        _known = new Known(all, sender);
        return sender;
    }

    private async Task<bool> LeadsToAsync(string name, IPAddress sim, CancellationToken stop)
    {
        try
        {
            return (await resolve(name, stop)).Any(a => AreOneNetwork(a, sim));
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>The /24, as nodes tell operators without a name apart; circuits are IPv4.</summary>
    private static bool AreOneNetwork(IPAddress a, IPAddress b)
    {
        (a, b) = (a.IsIPv4MappedToIPv6 ? a.MapToIPv4() : a, b.IsIPv4MappedToIPv6 ? b.MapToIPv4() : b);
        return a.AddressFamily == AddressFamily.InterNetwork && b.AddressFamily == AddressFamily.InterNetwork
            && a.GetAddressBytes().AsSpan(0, 3).SequenceEqual(b.GetAddressBytes().AsSpan(0, 3));
    }
}
