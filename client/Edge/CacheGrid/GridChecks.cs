using System.Security.Cryptography;
using System.Threading.Channels;
using GlobalCache.Client.Assets;
using GlobalCache.Client.Store;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using Log = GlobalCache.Client.CacheGrid.Log;

namespace GlobalCache.Client.Edge;

/// <summary>
/// Compares what the cache grid gave with what the virtual world gives: for nothing where both came, and for one of a hundred by fetching it once more,
/// while no viewer waits. What is the same is claimed, for it is this client's own reception now; what differs is disputed, and the world's bytes take
/// its place in the store. Assets fetched ahead are not fetched a second time: their world is to see nothing of them unless a viewer asks.
/// </summary>
internal sealed class GridChecks : IAsyncDisposable
{
    /// <summary>Checks that may wait; more are not made.</summary>
    private const int Waiting = 64;

    /// <summary>Assets from the cache grid whose hashes are remembered, for so long.</summary>
    private const int Remembered = 4096;
    private static readonly TimeSpan s_remembered = TimeSpan.FromMinutes(10);

    private readonly GridClaims _claims;
    private readonly GridDisputes _disputes;
    private readonly GridLookups _lookups;
    private readonly AssetStore _store;
    private readonly ClientLimits _limits;
    private readonly ILogger _log;
    private readonly Random _random;
    private readonly Recent<AssetKey, byte[]> _served;
    private readonly Channel<Check> _queue = Channel.CreateBounded<Check>(Waiting);
    private readonly CancellationTokenSource _stop = new();
    private Task _working = Task.CompletedTask;

    private sealed record Check(AssetKey Key, AssetSource Source, byte[] Given);

    public GridChecks(GridClaims claims, GridDisputes disputes, GridLookups lookups, AssetStore store, ClientLimits limits, TimeProvider time, ILogger log, Random? random = null)
    {
        (_claims, _disputes, _lookups, _store, _limits, _log, _random) = (claims, disputes, lookups, store, limits, log, random ?? Random.Shared);
        _served = new Recent<AssetKey, byte[]>(Remembered, s_remembered, time);
    }

    /// <summary>Begins to work.</summary>
    public void Start(AssetRelay relay) => _working = Task.Run(() => WorkAsync(relay));

    /// <summary>Whether anything of this virtual world is told to the cache grid.</summary>
    public bool Shares(string gridId) => _lookups.Shares(gridId);

    /// <summary>A viewer gets these bytes from the cache grid. Returns at once.</summary>
    /// <param name="key">The asset.</param>
    /// <param name="whole">Its bytes.</param>
    /// <param name="source">Where its world can be asked over HTTP; null: nowhere.</param>
    public void Served(AssetKey key, ReadOnlySpan<byte> whole, AssetSource? source)
    {
        byte[] hash = SHA256.HashData(whole);
        _served.Set(key, hash);
        int most = key.Type == AssetType.Mesh ? _limits.CompleteMeshUpToBytes : _limits.CompleteTextureUpToBytes;
        if (source is not null && whole.Length <= most && _random.NextDouble() < _limits.SpotCheckShare) _queue.Writer.TryWrite(new Check(key, source, hash));
    }

    /// <summary>These bytes from the cache grid are not what the world has begun to send; nobody has got them, and the world's are judged when they are whole.</summary>
    public void Contradicted(AssetKey key, ReadOnlySpan<byte> whole)
    {
        _lookups.Distrust(key);
        _served.Set(key, SHA256.HashData(whole));
    }

    /// <summary>These bytes came whole from <paramref name="sender"/>, and are in the store now unless others were.</summary>
    public async Task ReceivedAsync(AssetKey key, byte[] plain, string sender)
    {
        if (!_served.TryGet(key, out byte[] hash) || SHA256.HashData(plain).AsSpan().SequenceEqual(hash))
        {
            _claims.Received(key, plain, sender);
            return;
        }
        Log.Disputed(_log);
        _lookups.Distrust(key);
        _store.Drop(key);
        await _store.PutAsync(key, plain, CancellationToken.None);
        if (_claims.LineOf(key, plain, sender) is { } line) _disputes.Add(line);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _working;
        _stop.Dispose();
    }

    private async Task WorkAsync(AssetRelay relay)
    {
        try
        {
            await foreach ((AssetKey key, AssetSource source, byte[] given) in _queue.Reader.ReadAllAsync(_stop.Token))
            {
                await relay.Traffic.QuietAsync(_stop.Token);
                if (relay.Intake.IsExcluded(key.Type, key.Id)) continue;
                ClientMetrics.SpotChecks.Add(1);
                Fetched fetched = await relay.FetchAsync(source, key.Type, key.Id, _stop.Token);
                // What the world does not give now proves nothing, nor does a picture that stands in for it.
                if (fetched.Bytes is not { } plain || !await relay.Intake.KeepAsync(key.GridId, key.Type, key.Id, plain, _stop.Token)) continue;
                _served.Set(key, given);
                await ReceivedAsync(key, plain, fetched.Sender);
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The client is being closed.
        }
        catch (Exception e)
        {
            Log.BackgroundFailed(_log, e);
        }
    }
}
