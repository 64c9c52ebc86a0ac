using System.Net;
using DnsClient;
using DnsClient.Protocol;

namespace GlobalCache.Master.Zones;

/// <summary>
/// Asks a zone's own servers, each of them and nobody else, with no memory between: the last proof that nobody is sent to a node any more. By UDP, and by TCP when
/// the answer is too long.
/// </summary>
internal static class AuthoritativeQuery
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>The union of what they answer.</summary>
    /// <exception cref="ZoneTroubleException">One did not answer, or not on its own authority.</exception>
    public static async Task<IReadOnlySet<IPAddress>> AskAsync(string name, IReadOnlyList<IPEndPoint> servers, CancellationToken ct)
    {
        if (servers.Count == 0) throw new ZoneTroubleException("The zone's servers are not known.");
        IReadOnlySet<IPAddress>[] answers = await Task.WhenAll(servers.Select(s => AskOneAsync(name, s, ct)));
        return answers.SelectMany(a => a).ToHashSet();
    }

    private static async Task<IReadOnlySet<IPAddress>> AskOneAsync(string name, IPEndPoint server, CancellationToken ct)
    {
        var client = new LookupClient(new LookupClientOptions(new NameServer(server.Address, server.Port))
        {
            AutoResolveNameServers = false,
            ContinueOnDnsError = false,
            Recursion = false,
            Retries = 1,
            ThrowDnsErrors = false,
            Timeout = s_patience,
            UseCache = false,
        });
        var found = new HashSet<IPAddress>();
        foreach (QueryType type in (QueryType[])[QueryType.A, QueryType.AAAA])
        {
            try
            {
                IDnsQueryResponse answer = await client.QueryAsync(name, type, cancellationToken: ct);
                if (!answer.Header.HasAuthorityAnswer || answer.Header.ResponseCode is not (DnsHeaderResponseCode.NoError or DnsHeaderResponseCode.NotExistentDomain))
                    throw new ZoneTroubleException($"A server of the zone does not answer for it ({answer.Header.ResponseCode}).");
                found.UnionWith(answer.Answers.OfType<AddressRecord>().Select(a => a.Address));
            }
            catch (DnsResponseException e)
            {
                throw new ZoneTroubleException($"A server of the zone does not answer ({e.Code}).", e);
            }
            catch (Exception e) when (e is not (OperationCanceledException or ZoneTroubleException))
            {
                // On bytes that no name server should send the library throws whatever comes of it.
                throw new ZoneTroubleException("A server of the zone answers what cannot be read.", e);
            }
            catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
            {
                throw new ZoneTroubleException("A server of the zone does not answer in time.", e);
            }
        }

        return found;
    }
}
