using System.Collections.Frozen;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Connections to nodes: a pool for each address, which is connected to as it is, under the name all nodes share and the grid's own authority and no
/// other. HTTP/2, so that an answer that is not wanted any more costs a stream and not a connection.
/// </summary>
/// <param name="file">Names, and the authority that is believed.</param>
/// <param name="reach">Makes the connections to one address; null: over TLS, as above.</param>
internal sealed class NodeConnections(GridFile file, Func<EndPoint, HttpMessageInvoker>? reach = null) : IDisposable
{
    private const int MostDenied = 1024;
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(1);

    private readonly GridFile _file = file;
    private readonly X509Certificate2 _authority = GridFileReader.Authority(file);
    private readonly Lock _gate = new();
    private readonly Dictionary<EndPoint, NodePool> _pools = [];
    private volatile FrozenSet<string> _denied = [];

    /// <summary>The nodes there are connections to, or were a moment ago.</summary>
    public IReadOnlyList<IPEndPoint> Addresses
    {
        get { lock (_gate) return [.. _pools.Keys.OfType<IPEndPoint>()]; }
    }

    /// <summary>Whether enrolments and sessions are served by the nodes themselves (a grid of one's own).</summary>
    public static bool IsMasterAtNodes(GridFile file) => file.Master.IdnHost.Equals(file.Host, StringComparison.OrdinalIgnoreCase);

    /// <summary>The node serves on, but is about to go.</summary>
    public static bool IsDraining(HttpResponseMessage answer) => answer.Headers.TryGetValues(NodeApi.DrainingHeader, out IEnumerable<string>? says) && says.Contains("1");

    /// <summary>
    /// Certificates, by serial number, that are not believed any more: nobody is asked on a connection that was made before. Such as the grid says with each session, so a
    /// shorter list takes back what a longer one said.
    /// </summary>
    public void Deny(IReadOnlyList<string> serials)
    {
        bool isMore = serials.Any(s => !_denied.Contains(s));
        _denied = serials.Take(MostDenied).ToFrozenSet(StringComparer.OrdinalIgnoreCase);
        if (!isMore) return;
        lock (_gate)
        {
            foreach (NodePool pool in _pools.Values) pool.Retire();
            _pools.Clear();
        }
    }

    /// <summary>A request to a node; its URI is the path. Its answer is to be disposed of: it keeps the connections to that node.</summary>
    /// <exception cref="HttpRequestException">No connection, or it broke.</exception>
    public Task<HttpResponseMessage> SendAsync(IPEndPoint node, HttpRequestMessage request, CancellationToken ct)
    {
        request.RequestUri = new Uri(new UriBuilder("https", _file.Host, _file.Port).Uri, request.RequestUri!.OriginalString);
        return SendAsync((EndPoint)node, request, ct);
    }

    /// <summary>A request to the master, by its name, or where that is the nodes' own (a grid of one's own) by a node's address.</summary>
    /// <exception cref="HttpRequestException">No connection, or it broke.</exception>
    public Task<HttpResponseMessage> SendToMasterAsync(IPEndPoint? node, HttpRequestMessage request, CancellationToken ct)
    {
        Uri master = _file.Master;
        request.RequestUri = new Uri(master, request.RequestUri!.OriginalString);
        if (!IsMasterAtNodes(_file))
        {
            // Under a key of its own kind, so that it is never taken for a node's pool.
            DnsEndPoint at = IPEndPoint.TryParse(_file.MasterAddress, out IPEndPoint? known) ? new DnsEndPoint(known.Address.ToString(), known.Port) : new DnsEndPoint(master.IdnHost, master.Port);
            return SendAsync(at, request, ct);
        }
        if (node is null) throw new HttpRequestException("No node can be asked.");
        return SendAsync(new IPEndPoint(node.Address, master.Port == _file.Port ? node.Port : master.Port), request, ct);
    }

    /// <summary>Lets go of the addresses that are no longer named; requests under way end as they would.</summary>
    public void Keep(IReadOnlyCollection<IPEndPoint> named)
    {
        foreach (IPEndPoint gone in Addresses.Where(a => !named.Contains(a))) Retire(gone);
    }

    /// <summary>Lets go of an address that had better not be asked any more; requests under way end as they would. One that is asked again is connected to anew.</summary>
    public void Retire(IPEndPoint address)
    {
        NodePool? pool;
        lock (_gate) _pools.Remove(address, out pool);
        pool?.Retire();
    }

    public void Dispose()
    {
        NodePool[] all;
        lock (_gate)
        {
            all = [.. _pools.Values];
            _pools.Clear();
        }
        foreach (NodePool pool in all) pool.Retire();
        _authority.Dispose();
    }

    private Task<HttpResponseMessage> SendAsync(EndPoint address, HttpRequestMessage request, CancellationToken ct)
    {
        (request.Version, request.VersionPolicy) = (HttpVersion.Version20, HttpVersionPolicy.RequestVersionOrLower);
        NodePool? pool;
        lock (_gate)
        {
            if (!_pools.TryGetValue(address, out pool) || !pool.TryEnter())
            {
                _pools[address] = pool = new NodePool(reach?.Invoke(address) ?? Pool(address));
                pool.TryEnter();
            }
        }
        return pool.SendAsync(request, ct);
    }

    private HttpMessageInvoker Pool(EndPoint address) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        // A viewer that arrives asks for some hundred at once; a server allows about that many streams.
        EnableMultipleHttp2Connections = true,
        MaxConnectionsPerServer = 8,
        ConnectTimeout = s_connect * 3,
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
        // What has died without a word is noticed within seconds.
        KeepAlivePingDelay = TimeSpan.FromSeconds(15),
        KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
        KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
        MaxResponseHeadersLength = 32,
        ConnectCallback = async (_, ct) =>
        {
            using var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
            late.CancelAfter(s_connect);
            return await Upstream.DialAsync(address, late.Token);
        },
        SslOptions = new SslClientAuthenticationOptions
        {
            EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
            // Beside the chain: what is wrong with that stays wrong. Only where one is denied, since .NET then no longer says what was wrong.
            RemoteCertificateValidationCallback = _denied.Count == 0 ? null
                : (_, certificate, _, errors) => errors == SslPolicyErrors.None && certificate is not null && !_denied.Contains(certificate.GetSerialNumberString()),
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
                CustomTrustStore = { _authority },
            },
        },
    }, disposeHandler: true);
}
