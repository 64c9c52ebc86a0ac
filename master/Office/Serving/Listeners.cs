using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace GlobalCache.Office.Serving;

/// <summary>It cannot start as it was told to. The message is one sentence: what is wrong and how to mend it.</summary>
internal sealed class CannotStartException(string message) : Exception(message);

/// <summary>Marks an endpoint that is served on the private listener alone.</summary>
internal sealed class OwnersOnly;

/// <summary>Marks an endpoint that is served on both listeners; who may call it by which is for whoever serves it to judge.</summary>
internal class OnBoth;

/// <summary>Where a node or a master is reached: a port for clients, in TLS with a certificate of the grid's own authority, and one for its owner, in clear and never on the internet.</summary>
internal sealed class Listeners : IDisposable
{
    private static readonly object s_private = new();

    private readonly Socket _public, _private;

    private readonly Socket? _clear;

    private Listeners(Socket clients, Socket owners, Socket? clear) => (_public, _private, _clear) = (clients, owners, clear);

    /// <summary>Where clients connect to.</summary>
    public IPEndPoint Public => (IPEndPoint)_public.LocalEndPoint!;

    /// <summary>Where the operator's tools connect to.</summary>
    public IPEndPoint Private => (IPEndPoint)_private.LocalEndPoint!;

    /// <summary>For benchmarks: without TLS; null: none.</summary>
    public IPEndPoint? Clear => (IPEndPoint?)_clear?.LocalEndPoint;

    /// <summary>Takes both ports.</summary>
    /// <exception cref="CannotStartException">One is busy or may not be used; neither is held then.</exception>
    public static Listeners Bind(IPEndPoint clientsAt, IPEndPoint ownersAt, IPEndPoint? clearAt = null)
    {
        Socket clients = Take(clientsAt, "--listen");
        try
        {
            return new Listeners(clients, Take(ownersAt, "--private"), clearAt is { } clear ? Take(clear, "") : null);
        }
        catch
        {
            clients.Dispose();
            throw;
        }
    }

    /// <summary>Serves on both; from then on they are the server's.</summary>
    public void Use(WebApplicationBuilder builder, Func<DateTimeOffset, X509Certificate2> certificateAt, TimeProvider time)
    {
        (IPEndPoint clients, IPEndPoint owners, IPEndPoint? clear) = (Public, Private, Clear);
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.CreateBoundListenSocket = at => at.Equals(clients) ? _public : at.Equals(owners) ? _private : _clear!);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            Tame(kestrel);
            kestrel.Listen(clients, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = Handshakes(certificateAt, time) });
            });
            if (clear is not null) kestrel.Listen(clear);
            kestrel.Listen(owners, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                MarkPrivate(listen);
            });
        });
    }

    /// <summary>Whatever comes by this one has come by the owner's port.</summary>
    public static void MarkPrivate(ListenOptions listen) => listen.Use(next => connection =>
    {
        connection.Items[s_private] = s_private;
        return next(connection);
    });

    /// <summary>Whether a request came by the owner's port.</summary>
    public static bool IsPrivate(HttpContext context) => context.Features.Get<IConnectionItemsFeature>()?.Items.ContainsKey(s_private) == true;

    /// <summary>What is the owner's is not there on the public listener, and the other way round: no token passes in clear.</summary>
    public static Task SeparateAsync(HttpContext context, RequestDelegate next)
    {
        EndpointMetadataCollection? marks = context.GetEndpoint()?.Metadata;
        if (marks is not null && marks.GetMetadata<OnBoth>() is null && marks.GetMetadata<OwnersOnly>() is not null != IsPrivate(context)) context.SetEndpoint(null);
        return next(context);
    }

    public void Dispose()
    {
        _public.Dispose();
        _private.Dispose();
        _clear?.Dispose();
    }

    private static Func<TlsHandshakeCallbackContext, ValueTask<SslServerAuthenticationOptions>> Handshakes(
        Func<DateTimeOffset, X509Certificate2> certificateAt, TimeProvider time)
    {
        (X509Certificate2 Certificate, SslStreamCertificateContext Context)? ready = null;
        List<SslApplicationProtocol> protocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        return _ =>
        {
            X509Certificate2 certificate = certificateAt(time.GetUtcNow());
            (X509Certificate2 Certificate, SslStreamCertificateContext Context)? now = ready;
            // Made once for a certificate: it holds the session tickets too.
            if (now?.Certificate != certificate) ready = now = (certificate, SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true));
            return new ValueTask<SslServerAuthenticationOptions>(new SslServerAuthenticationOptions
            {
                ServerCertificateContext = now!.Value.Context,
                ApplicationProtocols = protocols,
                EnabledSslProtocols = SslProtocols.Tls12 | SslProtocols.Tls13,
                AllowRenegotiation = false,
            });
        };
    }

    /// <summary>A server on the open internet.</summary>
    private static void Tame(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxConcurrentConnections = 20_000;
        kestrel.Limits.MaxRequestBodySize = 1 << 20;
        kestrel.Limits.MaxRequestHeadersTotalSize = 8 << 10;
        kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
        kestrel.Limits.KeepAliveTimeout = TimeSpan.FromMinutes(2);
    }

    private static Socket Take(IPEndPoint endpoint, string option)
    {
        var socket = new Socket(endpoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            // Elsewhere nobody can listen on a port that is listened on; Windows must be told so.
            if (OperatingSystem.IsWindows()) socket.ExclusiveAddressUse = true;
            socket.Bind(endpoint);
            socket.Listen();
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new CannotStartException(e.SocketErrorCode switch
            {
                SocketError.AddressAlreadyInUse => $"Port {endpoint.Port} is in use: stop the other program, or choose another with {option}.",
                SocketError.AccessDenied => $"Port {endpoint.Port} may not be used by this user: choose one above 1023 with {option}.",
                SocketError.AddressNotAvailable => $"{endpoint.Address} is no address of this machine: choose another with {option}.",
                _ => $"{endpoint} cannot be listened on ({e.SocketErrorCode}): choose another with {option}.",
            });
        }
    }
}
