using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;

namespace GlobalCache.Live.Load;

/// <summary>Connections as a client's <c>NodeConnections</c> makes them, but each client's from an address of its own: a master lets one address knock once a second.</summary>
internal static class OwnAddress
{
    public static IPAddress Of(int client) => new([127, 80, (byte)(client / 200), (byte)(2 + (client % 200))]);

    public static HttpMessageInvoker From(IPAddress source, EndPoint to, X509Certificate2 authority) => new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        EnableMultipleHttp2Connections = true,
        MaxConnectionsPerServer = 8,
        ConnectTimeout = TimeSpan.FromSeconds(3),
        PooledConnectionIdleTimeout = TimeSpan.FromMinutes(2),
        ConnectCallback = async (_, ct) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                socket.Bind(new IPEndPoint(source, 0));
                await socket.ConnectAsync(to is DnsEndPoint named ? new IPEndPoint(IPAddress.Parse(named.Host), named.Port) : to, ct);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        },
        SslOptions = new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck, DisableCertificateDownloads = true, CustomTrustStore = { authority } },
        },
    }, disposeHandler: true);
}
