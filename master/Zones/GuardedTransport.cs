using System.Net;
using ARSoft.Tools.Net.Dns;

namespace GlobalCache.Master.Zones;

/// <summary>
/// Stands between the network and the library's name server: what is no query is dropped unread (<see cref="DnsQueryShape"/>), so much is under way at a time and no more, and of a connection only one
/// query. The library alone takes whatever comes, keeps answers that nobody fetches, and leaves connections that have ended to the garbage collector.
/// </summary>
/// <param name="inner">The library's.</param>
/// <param name="most">Datagrams or connections under way; more wait in the system's queue.</param>
/// <param name="mostOfOne">Connections of one address; more are closed.</param>
/// <param name="patience">For an answer to be made and taken.</param>
internal sealed class GuardedTransport(IServerTransport inner, int most, int mostOfOne, TimeSpan patience) : IServerTransport
{
    private readonly TimeSpan _patience = patience;
    private readonly SemaphoreSlim _free = new(most);
    private readonly Lock _gate = new();
    private readonly Dictionary<IPAddress, int> _of = [];
    private bool _isBound;

    public ushort DefaultAllowedResponseSize => inner.DefaultAllowedResponseSize;

    public bool SupportsMultipleResponses => inner.SupportsMultipleResponses;

    public bool AllowTruncatedResponses => inner.AllowTruncatedResponses;

    public TransportProtocol TransportProtocol => inner.TransportProtocol;

    /// <summary>The first call counts: whoever starts the server binds, and is told what is wrong; the library would do it later, somewhere else, and keep it to itself.</summary>
    public void Bind()
    {
        if (_isBound) return;
        inner.Bind();
        _isBound = true;
    }

    public void Close() => inner.Close();

    public void Dispose() => inner.Dispose();

    public async Task<IServerConnection?> AcceptConnectionAsync(CancellationToken token = default)
    {
        try
        {
            await _free.WaitAsync(token);
        }
        catch (OperationCanceledException)
        {
            // Thrown here it would end the process: nobody waits for the library's loop.
            return null;
        }
        IServerConnection? accepted = await inner.AcceptConnectionAsync(token);
        if (accepted is null)
        {
            _free.Release();
            return null;
        }
        var guarded = new Connection(this, accepted);
        if (guarded.IsOneOfTooMany)
        {
            guarded.Dispose();
            return null;
        }
        return guarded;
    }

    private bool Enters(IPAddress address)
    {
        lock (_gate) return ++System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_of, address, out _) <= mostOfOne;
    }

    private void Leaves(IPAddress address)
    {
        lock (_gate)
        {
            if (_of.TryGetValue(address, out int open) && open > 1) _of[address] = open - 1;
            else _of.Remove(address);
        }

        _free.Release();
    }

    private sealed class Connection : IServerConnection
    {
        private readonly GuardedTransport _transport;
        private readonly IServerConnection _inner;
        private readonly SemaphoreSlim _answered = new(1);
        private int _gone;

        public Connection(GuardedTransport transport, IServerConnection inner)
        {
            (_transport, _inner) = (transport, inner);
            RemoteEndPoint = Place(() => inner.RemoteEndPoint);
            LocalEndPoint = Place(() => inner.LocalEndPoint);
            IsOneOfTooMany = !transport.Enters(RemoteEndPoint.Address);
        }

        public bool IsOneOfTooMany { get; }

        public IServerTransport Transport => _transport;

        public IPEndPoint RemoteEndPoint { get; }

        public IPEndPoint LocalEndPoint { get; }

        public bool CanRead => _gone == 0 && _inner.CanRead;

        public async Task<bool> InitializeAsync(CancellationToken token = default) => await _inner.InitializeAsync(token) || Ended();

        public async Task<DnsReceivedRawPackage?> ReceiveAsync(CancellationToken token = default)
        {
            // Not the next before this one is answered: whoever asks and never listens is not waited for.
            DnsReceivedRawPackage? package = await _answered.WaitAsync(_transport._patience, token) ? await _inner.ReceiveAsync(token) : null;
            if (package is not null && DnsQueryShape.Fits(Message(package))) return package;
            Ended();
            return null;
        }

        public async Task<bool> SendAsync(DnsRawPackage package, CancellationToken token = default)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(token);
            limit.CancelAfter(_transport._patience);
            if (!await _inner.SendAsync(package, limit.Token)) return Ended();
            _answered.Release();
            return true;
        }

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _gone, 1) != 0) return;
            _inner.Dispose();
            _transport.Leaves(RemoteEndPoint.Address);
        }

        // By UDP the buffer is longer than what came; by TCP the length is not set.
        private ReadOnlySpan<byte> Message(DnsReceivedRawPackage package)
        {
            ReadOnlySpan<byte> buffer = package.ToArraySegment(false);
            return _transport.TransportProtocol == TransportProtocol.Udp ? buffer[..package.Length] : buffer;
        }

        private bool Ended()
        {
            Dispose();
            return false;
        }

        // Of a connection that was given up before it was taken nothing can be told.
        private static IPEndPoint Place(Func<IPEndPoint?> ask)
        {
            try
            {
                return ask() ?? new IPEndPoint(IPAddress.None, 0);
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException or ObjectDisposedException)
            {
                return new IPEndPoint(IPAddress.None, 0);
            }
        }
    }
}
