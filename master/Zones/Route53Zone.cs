using System.Net;
using System.Net.Sockets;
using Amazon.Runtime;

namespace GlobalCache.Master.Zones;

/// <summary>
/// The nodes' name in Route 53: one set of A, one of AAAA, each replaced whole. Sets that are not plain (an alias, weights) are somebody else's: they are never changed, and
/// the zone is trouble until they are gone, since clients would be sent where no node is.
/// </summary>
internal sealed class Route53Zone(Route53Settings settings, AWSCredentials credentials, TimeProvider time, Func<double> random) : IZone, IDisposable
{
    private static readonly TimeSpan s_serversFor = TimeSpan.FromHours(1);

    private readonly Route53Client _client = new(settings, credentials, time, random);
    private IReadOnlyList<IPEndPoint> _servers = settings.NameServers;
    private long _serversAt;

    public async Task<IReadOnlySet<IPAddress>> ReadAsync(CancellationToken ct) =>
        (await OursAsync(ct)).SelectMany(s => s.Values).Select(v => IPAddress.TryParse(v, out IPAddress? address) ? address : throw new ZoneTroubleException("The name has an address that is none.")).ToHashSet();

    public async Task<string> PublishAsync(IReadOnlySet<IPAddress> addresses, TimeSpan ttl, CancellationToken ct)
    {
        IReadOnlyList<RecordSet> there = await OursAsync(ct);
        var changes = new List<RecordChange>();
        foreach ((string type, AddressFamily family) in (ReadOnlySpan<(string, AddressFamily)>)[("A", AddressFamily.InterNetwork), ("AAAA", AddressFamily.InterNetworkV6)])
        {
            string[] wanted = [.. addresses.Where(a => a.AddressFamily == family).Select(a => a.ToString()).Order(StringComparer.Ordinal)];
            if (wanted.Length > 0) changes.Add(new RecordChange("UPSERT", new RecordSet(type, (long)Math.Ceiling(ttl.TotalSeconds), wanted)));
            else if (there.FirstOrDefault(s => s.Type == type) is { } old) changes.Add(new RecordChange("DELETE", old));
        }

        // Somebody else has taken away what was to go.
        if (changes.Count == 0) throw new ZoneTroubleException("The name has no address already.");
        return await _client.ChangeAsync(changes, ct);
    }

    public Task<bool> IsInSyncAsync(string change, CancellationToken ct) => _client.IsInSyncAsync(change, ct);

    public async Task<IReadOnlySet<IPAddress>> AskAsync(CancellationToken ct) => await AuthoritativeQuery.AskAsync(settings.Name, await ServersAsync(ct), ct);

    public void Dispose() => _client.Dispose();

    private async Task<IReadOnlyList<RecordSet>> OursAsync(CancellationToken ct)
    {
        IReadOnlyList<RecordSet> all = await _client.ListAsync(ct);
        return all.All(s => s.IsPlain) ? all : throw new ZoneTroubleException($"{settings.Name} has records that are not the master's (an alias, or weights): take them away.");
    }

    private async Task<IReadOnlyList<IPEndPoint>> ServersAsync(CancellationToken ct)
    {
        if (settings.NameServers.Count > 0 || (_servers.Count > 0 && time.GetElapsedTime(_serversAt) < s_serversFor)) return _servers;
        var found = new List<IPEndPoint>();
        foreach (string name in await _client.NameServersAsync(ct))
        {
            try
            {
                // One address of each is enough: all of a server's are the same server.
                found.Add(new IPEndPoint((await Dns.GetHostAddressesAsync(name, AddressFamily.InterNetwork, ct))[0], 53));
            }
            catch (Exception e) when (e is SocketException or IndexOutOfRangeException)
            {
                throw new ZoneTroubleException("The zone's servers cannot be found.", e);
            }
        }

        (_servers, _serversAt) = (found, time.GetTimestamp());
        return found;
    }
}
