using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Policy;

namespace GlobalCache.Client.Edge;

/// <summary>Opens the connection to a host; the default asks the operating system for its address.</summary>
internal delegate ValueTask<Stream> Dial(string host, int port, CancellationToken ct);

/// <summary>
/// The ways out to the grid: three pools of plain HTTP/1.1 connections that add nothing and follow nothing. What goes out is what
/// the viewer sent. One pool each, so that background work never takes a connection from a viewer's request.
/// </summary>
internal sealed class Upstream : IDisposable
{
    /// <param name="trust">Whose certificates are believed.</param>
    /// <param name="limits">Connections per host.</param>
    /// <param name="dial">Opens connections; null: as the operating system does.</param>
    public Upstream(GridTrust trust, ClientLimits limits, Dial? dial = null)
    {
        // A region's event queue holds a connection for as long as the viewer knows the region: bounded by sessions and regions.
        Grid = Pool(trust, dial, int.MaxValue, idle: TimeSpan.FromSeconds(15));
        Assets = Pool(trust, dial, limits.ConnectionsPerHost, idle: TimeSpan.FromSeconds(60));
        Completion = Pool(trust, dial, limits.CompletionConnections, idle: TimeSpan.FromSeconds(15));
    }

    /// <summary>Login, seeds, event queues and what is only passed on.</summary>
    public HttpMessageInvoker Grid { get; }

    /// <summary>Viewers' own asset requests.</summary>
    public HttpMessageInvoker Assets { get; }

    /// <summary>What completes assets in the background.</summary>
    public HttpMessageInvoker Completion { get; }

    /// <summary>Connects a TCP stream without Nagle's delay.</summary>
    public static async ValueTask<Stream> DialAsync(EndPoint endpoint, CancellationToken ct)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(endpoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose()
    {
        Grid.Dispose();
        Assets.Dispose();
        Completion.Dispose();
    }

    /// <summary>One more pool of the same manners.</summary>
    public static HttpMessageInvoker Pool(GridTrust trust, Dial? dial, int connectionsPerHost, TimeSpan idle)
    {
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            // No trace headers: the grid sees the viewer's request and nothing of ours.
            ActivityHeadersPropagator = null,
            MaxConnectionsPerServer = connectionsPerHost,
            ConnectTimeout = TimeSpan.FromSeconds(15),
            PooledConnectionIdleTimeout = idle,
            // Long enough to be worth it, short enough to follow a grid that moves its name to another address.
            PooledConnectionLifetime = TimeSpan.FromMinutes(10),
            RequestHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            ResponseHeaderEncodingSelector = static (_, _) => Encoding.Latin1,
            SslOptions = new SslClientAuthenticationOptions
            {
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
                RemoteCertificateValidationCallback = trust.Accepts,
            },
        };
        if (dial is not null)
            handler.ConnectCallback = (context, ct) => dial(context.DnsEndPoint.Host, context.DnsEndPoint.Port, ct);
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }
}
