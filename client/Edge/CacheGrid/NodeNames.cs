using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>What the name of the nodes leads to: the zone's own name servers know best, since what they say is as old as its TTL and no older; then the system's resolver.</summary>
/// <param name="file">Name, and name servers in the order they are asked in.</param>
/// <param name="system">The system's resolver.</param>
/// <param name="log">Told, in detail only, who did not answer.</param>
internal sealed class NodeNames(GridFile file, Func<string, CancellationToken, Task<IPAddress[]>> system, ILogger log)
{
    /// <summary>A name server that has said nothing for so long is silent.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    /// <summary>Whoever knows no TTL is asked again after this.</summary>
    private static readonly TimeSpan s_usual = TimeSpan.FromMinutes(1);

    /// <summary>At most this many addresses are taken.</summary>
    public const int MostAddresses = 512;

    /// <summary>The addresses and for how long they are good; none: nobody knows.</summary>
    /// <exception cref="OperationCanceledException">With <paramref name="stop"/>.</exception>
    public async Task<(IReadOnlyList<IPAddress> Found, TimeSpan Good)> AskAsync(CancellationToken stop)
    {
        try
        {
            if (await ServersAsync(stop) is { Length: > 0 } servers)
            {
                var client = new LookupClient(new LookupClientOptions(servers) { UseCache = false, Timeout = s_patience, Retries = 0, UseRandomNameServer = false, AutoResolveNameServers = false });
                IDnsQueryResponse answer = await client.QueryAsync(file.Host, QueryType.A, cancellationToken: stop);
                ARecord[] records = [.. answer.Answers.OfType<ARecord>().Take(MostAddresses)];
                // One above 2^31 - 1 comes as less than nothing, and is to be taken as none (RFC 2181 §8).
                if (records.Length > 0) return ([.. records.Select(r => r.Address)], TimeSpan.FromSeconds(Math.Max(0, records.Min(r => r.InitialTimeToLive))));
            }
        }
        catch (Exception e) when (NameServers.IsTheServersFault(e))
        {
            Log.LookupFailed(log, NameServers.Reason(e));
        }
        try
        {
            return ([.. (await system(file.Host, stop)).Take(MostAddresses)], s_usual);
        }
        catch (SocketException e)
        {
            Log.LookupFailed(log, e.Message);
            return ([], TimeSpan.Zero);
        }
    }

    private async Task<NameServer[]> ServersAsync(CancellationToken stop)
    {
        List<NameServer> servers = [];
        foreach (string text in file.NameServers)
        {
            if (!GridFileReader.TryHostAndPort(text, out string host, out int port)) continue;
            if (IPAddress.TryParse(host.Trim('[', ']'), out IPAddress? literal))
            {
                servers.Add(new NameServer(literal, port));
                continue;
            }
            try
            {
                servers.AddRange((await system(host, stop)).Select(a => new NameServer(a, port)));
            }
            catch (SocketException e)
            {
                // One whose own name is not known is no reason not to ask the others.
                Log.LookupFailed(log, e.Message);
            }
        }
        return [.. servers];
    }
}
