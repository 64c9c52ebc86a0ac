using System.Net;
using System.Net.Sockets;
using DnsClient;
using DnsClient.Protocol;
using GlobalCache.Client.Ways;
using Microsoft.AspNetCore.Http.Features;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Plain HTTP under the asset host's own name, for a machine whose hosts file points that name here (PROTOCOL §2.5). Where the host
/// really is, name servers are asked, never the hosts file, which would lead back here.
/// </summary>
internal sealed class CdnHost(string host, WebProxy proxy, HttpMessageInvoker web)
{
    private readonly Uri _origin = new($"http://{host}/");

    /// <summary>A request whose Host is this one.</summary>
    public Task HandleAsync(HttpContext context)
    {
        string target = context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
        var uri = new Uri(_origin.GetLeftPart(UriPartial.Authority) + target, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
        return proxy.HandleAsync(context, uri, web);
    }
}

/// <summary>Asks name servers for a host's addresses, remembering each answer for as long as it says.</summary>
internal sealed class NameServers(IPEndPoint? server, ILogger log)
{
    private readonly LookupClient _client = new(server is null ? new LookupClientOptions() : new LookupClientOptions(server));

    /// <summary>No answer, one that says no, or one that cannot be read: on bytes that no name server should send the library throws whatever comes of it.</summary>
    public static bool IsTheServersFault(Exception e) => e is not OperationCanceledException;

    /// <summary>The same in a few words, for a log: the library quotes what it cannot read.</summary>
    public static string Reason(Exception e) => e switch
    {
        DnsResponseException refused => refused.DnsError,
        SocketException unreached => unreached.Message,
        _ => "an answer that cannot be read",
    };

    /// <summary>The addresses in the open internet that <paramref name="host"/> has; none when the name servers know only the hosts file too.</summary>
    /// <exception cref="SocketException">No name server answers, or none knows the name.</exception>
    public async Task<IPAddress[]> ResolveAsync(string host, CancellationToken ct)
    {
        IPAddress[] found;
        try
        {
            IDnsQueryResponse answer = await _client.QueryAsync(host, QueryType.A, cancellationToken: ct);
            found = [.. answer.Answers.OfType<ARecord>().Select(a => a.Address)];
        }
        catch (Exception e) when (IsTheServersFault(e))
        {
            throw new SocketException((int)SocketError.TryAgain);
        }
        if (found.Length == 0) throw new SocketException((int)SocketError.HostNotFound);
        if (!found.Any(Reach.IsPublic)) WaysLog.CdnHostLeadsBack(log);
        return found;
    }
}
