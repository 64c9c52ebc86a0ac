using System.Net;
using System.Security.Cryptography.X509Certificates;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Live.Load;

/// <summary>
/// The part of a client that has to do with the cache grid, as <c>CacheGridLink</c> puts it together: its own key, enrolment, session, connections, name lookups, breaker, quota and claims. What
/// it has received lies in a store that all clients of this process share, for its size; which of it is its own is remembered by number.
/// </summary>
internal sealed class LoadClient : IAsyncDisposable
{
    /// <summary>So much of what it saw last is on its own disk.</summary>
    private const int Kept = 300;

    private readonly X509Certificate2 _authority;
    private readonly NodeConnections _connections;
    private readonly NodeAddresses _addresses;
    private readonly GridSession _session;
    private readonly GridClaims _claims;
    private readonly GridIdentity _identity;
    private readonly AssetStore _store;
    private readonly GridLookups _lookups;
    private readonly Queue<int> _order = new();
    private readonly HashSet<int> _own = [];

    public LoadClient(IPAddress address, string folder, GridFile file, string world, AssetStore store, LocalKey key, TimeProvider time, ILogger log)
    {
        _store = store;
        var limits = new ClientLimits();
        var shared = new SharedWorlds([world]);
        _identity = GridIdentity.Load(folder, file.Host);
        _authority = GridFileReader.Authority(file);
        _connections = new NodeConnections(file, to => OwnAddress.From(address, to, _authority));
        var nodes = new GridNodes(new Random());
        var troubles = new GridTroubles(time, log);
        _addresses = new NodeAddresses(file, nodes, _connections, new NodeNames(file, Reach.SystemAsync, log), NodeAddresses.LastFileOf(folder, file.Host), time, log);
        _session = new GridSession(_identity, nodes, _connections, time, troubles);
        var requests = new SignedRequests(nodes, _connections, _session, time);
        _lookups = new GridLookups(nodes, _connections, _session, shared, limits, time, troubles);
        _claims = new GridClaims(new ClaimSpool(Path.Combine(folder, "grid.spool"), key.Derive("spool"), log), store, requests, shared, TimeSpan.FromSeconds(file.ClaimWithinSeconds), time, log);
        _claims.Start(new ViewerTraffic(TimeSpan.Zero, time), (_, _) => false);
    }

    /// <summary>It may be asked.</summary>
    public bool Ready => _lookups.Ready;

    public int ClaimsWaiting => _claims.Waiting;

    public async Task EnrolAsync(string invite, CancellationToken ct)
    {
        await _session.EnrolAsync(invite, ct);
        _session.Start();
    }

    /// <summary>Whether it has to ask anybody for this; false: it lies on its own disk.</summary>
    public bool Sees(int number)
    {
        lock (_order)
        {
            if (!_own.Add(number)) return false;
            _order.Enqueue(number);
            if (_order.Count > Kept) _own.Remove(_order.Dequeue());
            return true;
        }
    }

    /// <summary>The bytes, if a node has them.</summary>
    public Task<byte[]?> AskAsync(AssetKey key, CancellationToken ct) => _lookups.AskAsync(key, ct);

    /// <summary>The virtual world itself has sent this.</summary>
    public async Task ReceivedAsync(AssetKey key, byte[] bytes, string host, CancellationToken ct)
    {
        if (!_store.Holds(key)) await _store.PutAsync(key, bytes, ct);
        _claims.Received(key, bytes, host);
    }

    public async ValueTask DisposeAsync()
    {
        await _claims.DisposeAsync();
        await _session.DisposeAsync();
        await _addresses.DisposeAsync();
        _connections.Dispose();
        _identity.Dispose();
        _authority.Dispose();
    }
}
