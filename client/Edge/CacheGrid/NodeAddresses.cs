using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Where the nodes are (DESIGN §3): the zone's own name servers are asked, then the system's resolver; what neither knows stays as it last was, at
/// first as the grid file says. A file without name servers but with nodes is that of a node alone, for which nobody is asked.
/// </summary>
internal sealed class NodeAddresses : IAsyncDisposable
{
    private static readonly TimeSpan s_shortest = TimeSpan.FromSeconds(5), s_longest = TimeSpan.FromMinutes(5), s_usual = TimeSpan.FromMinutes(1);

    private readonly GridFile _file;
    private readonly GridNodes _nodes;
    private readonly NodeConnections _connections;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _following;

    public NodeAddresses(GridFile file, GridNodes nodes, NodeConnections connections, TimeProvider time, ILogger log)
    {
        (_file, _nodes, _connections, _time, _log) = (file, nodes, connections, time, log);
        List<IPEndPoint> first = [];
        foreach (string node in file.Nodes)
        {
            if (GridFileReader.TryAddress(node, file.Port, out IPEndPoint address)) first.Add(address);
        }
        nodes.Update(first);
        _following = file.NameServers.Count == 0 && first.Count > 0 ? Task.CompletedTask : FollowAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _following;
        _stop.Dispose();
    }

    private async Task FollowAsync()
    {
        try
        {
            while (true)
            {
                (IReadOnlyList<IPAddress> found, TimeSpan good) = await AskAsync();
                if (found.Count > 0)
                {
                    IPEndPoint[] named = [.. found.Select(a => new IPEndPoint(a, _file.Port))];
                    _nodes.Update(named);
                    _connections.Keep(named);
                }
                await Task.Delay(good < s_shortest ? s_shortest : good > s_longest ? s_longest : good, _time, _stop.Token);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }

    private async Task<(IReadOnlyList<IPAddress> Found, TimeSpan Good)> AskAsync()
    {
        try
        {
            if (await ServersAsync() is { Length: > 0 } servers)
            {
                var client = new LookupClient(new LookupClientOptions(servers) { UseCache = false, Timeout = TimeSpan.FromSeconds(2), Retries = 1 });
                IDnsQueryResponse answer = await client.QueryAsync(_file.Host, QueryType.A, cancellationToken: _stop.Token);
                ARecord[] records = [.. answer.Answers.OfType<ARecord>()];
                if (records.Length > 0) return ([.. records.Select(r => r.Address)], TimeSpan.FromSeconds(records.Min(r => r.InitialTimeToLive)));
            }
        }
        catch (Exception e) when (e is DnsResponseException or SocketException)
        {
            Log.LookupFailed(_log, e.Message);
        }
        try
        {
            return (await Dns.GetHostAddressesAsync(_file.Host, _stop.Token), s_usual);
        }
        catch (SocketException e)
        {
            Log.LookupFailed(_log, e.Message);
            return ([], s_shortest * 3);
        }
    }

    private async Task<NameServer[]> ServersAsync()
    {
        List<NameServer> servers = [];
        foreach (string text in _file.NameServers)
        {
            if (!GridFileReader.TryHostAndPort(text, out string host, out int port)) continue;
            IPAddress[] addresses = IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? literal) ? [literal] : await Dns.GetHostAddressesAsync(host, _stop.Token);
            servers.AddRange(addresses.Select(a => new NameServer(a, port)));
        }
        return [.. servers];
    }
}
