using System.Net;
using System.Net.Sockets;
using ARSoft.Tools.Net.Dns;
using GlobalCache.Office.Serving;

namespace GlobalCache.Master.Zones;

/// <summary>The embedded name server's sockets: UDP and TCP on one endpoint, in ARSoft's hands; what is answered is <see cref="ZoneContent"/>'s business.</summary>
internal sealed class EmbeddedDns : IDisposable
{
    /// <summary>Longer answers over UDP are fragmented on the way: DNS flag day 2020.</summary>
    public const ushort LargestDatagram = 1232;

    // From one address over UDP; more is sent to TCP, where nobody can speak in another's name.
    private const int AnswersPerSecond = 500, MostAddresses = 10_000, TcpMilliseconds = 5_000, TcpAliveMilliseconds = 20_000;

    // Under way at once. What is more waits with the system, or is lost as datagrams are.
    private const int MostDatagrams = 64, MostConnections = 256, MostConnectionsOfOne = 16;

    private readonly Func<DnsMessage, bool, DnsMessage> _answer;
    private readonly TimeProvider _time;
    private readonly GuardedTransport[] _transports;
    private readonly DnsServer _server;
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _asked = [];
    private long _second;

    private EmbeddedDns(IPEndPoint at, Func<DnsMessage, bool, DnsMessage> answer, TimeProvider time, params IServerTransport[] transports)
    {
        (Endpoint, _answer, _time) = (at, answer, time);
        _transports = [.. transports.Select(Guarded)];
        _server = new DnsServer([.. _transports]);
        _server.QueryReceived += OnQueryAsync;
    }

    /// <summary>Where it answers.</summary>
    public IPEndPoint Endpoint { get; }

    /// <param name="at">Port 0 takes one that is free for both.</param>
    /// <param name="answer">To a query; true: over UDP to somebody who asks too much, so that the answer must say “ask by TCP” and no more.</param>
    /// <param name="time">Clock.</param>
    /// <exception cref="CannotStartException">The port is busy or may not be used.</exception>
    public static EmbeddedDns Start(IPEndPoint at, Func<DnsMessage, bool, DnsMessage> answer, TimeProvider time)
    {
        for (int i = 0; ; i++)
        {
            IPEndPoint place = at.Port == 0 ? Free(at.Address) : at;
            var dns = new EmbeddedDns(place, answer, time, new UdpServerTransport(place, TcpMilliseconds), new TcpServerTransport(place, TcpMilliseconds, TcpAliveMilliseconds));
            try
            {
                foreach (GuardedTransport transport in dns._transports) transport.Bind();
                dns._server.Start();
                return dns;
            }
            catch (SocketException e)
            {
                dns.Dispose();
                if (at.Port == 0 && i < 10) continue;
                throw new CannotStartException(e.SocketErrorCode switch
                {
                    SocketError.AddressAlreadyInUse => $"Port {place.Port} is in use: stop the other name server, or choose another with --dns.",
                    SocketError.AccessDenied => $"Port {place.Port} may not be used by this user: choose one above 1023 with --dns.",
                    SocketError.AddressNotAvailable => $"{place.Address} is no address of this machine: choose another with --dns.",
                    _ => $"{place} cannot be listened on ({e.SocketErrorCode}): choose another with --dns.",
                });
            }
        }
    }

    /// <summary>The same over another's datagrams or connections: for tests.</summary>
    public static EmbeddedDns Over(IServerTransport transport, Func<DnsMessage, bool, DnsMessage> answer, TimeProvider time)
    {
        var dns = new EmbeddedDns(new IPEndPoint(IPAddress.Loopback, 0), answer, time, transport);
        dns._server.Start();
        return dns;
    }

    public void Dispose()
    {
        try
        {
            _server.Stop();
        }
        catch (AggregateException e) when (e.Flatten().InnerExceptions.All(inner => inner is OperationCanceledException))
        {
            // That is how the library's listeners end when they are stopped while they begin to wait.
        }
        foreach (GuardedTransport transport in _transports) transport.Close();
    }

    private static GuardedTransport Guarded(IServerTransport transport) => transport.TransportProtocol == TransportProtocol.Udp
        ? new(transport, MostDatagrams, MostDatagrams, TimeSpan.FromMilliseconds(TcpMilliseconds))
        : new(transport, MostConnections, MostConnectionsOfOne, TimeSpan.FromMilliseconds(TcpMilliseconds));

    private Task OnQueryAsync(object sender, QueryReceivedEventArgs asked)
    {
        // What is no query gets no answer: two servers could answer each other for ever.
        if (asked.Query is not DnsMessage { IsQuery: true } query) return Task.CompletedTask;
        if (query.EDnsOptions is { } edns && edns.UdpPayloadSize > LargestDatagram) edns.UdpPayloadSize = LargestDatagram;
        bool tooOften = asked.TransportProtocol == TransportProtocol.Udp && AsksTooMuch(asked.RemoteEndpoint.Address);
        asked.Response = _answer(query, tooOften);
        return Task.CompletedTask;
    }

    private bool AsksTooMuch(IPAddress address)
    {
        if (IPAddress.IsLoopback(address)) return false;
        long second = (long)_time.GetElapsedTime(0).TotalSeconds;
        lock (_gate)
        {
            if (second != _second)
            {
                _asked.Clear();
                _second = second;
            }
            if (_asked.Count >= MostAddresses && !_asked.ContainsKey(address)) return true;
            return ++System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_asked, address, out _) > AnswersPerSecond;
        }
    }

    private static IPEndPoint Free(IPAddress address)
    {
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(address, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }
}
