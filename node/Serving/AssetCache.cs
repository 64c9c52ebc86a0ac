using System.Collections.Concurrent;
using GlobalCache.Node.Vouching;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Node.Serving;

/// <summary>A blob in memory.</summary>
internal sealed class CachedBlob(AssetKey key, SealedBlob blob, long checkedAt)
{
    // Counted without a lock: one use too few does no harm.
    private int _uses;
    private long _checkedAt = checkedAt;

    public AssetKey Key => key;

    public SealedBlob Blob => blob;

    /// <summary>When the store was last seen to hold these very bytes.</summary>
    public long CheckedAt
    {
        get => Volatile.Read(ref _checkedAt);
        set => Volatile.Write(ref _checkedAt, value);
    }

    /// <summary>What it takes of the budget: its bytes, what stands beside them, and three tenths for the gaps that the runtime's heap has between arrays that come and go (measured).</summary>
    public int Weight { get; } = blob.Bytes.Length + (int)(blob.Bytes.Length * 0.3) + 1024;

    /// <summary>How sure it is that these are the right bytes, when the store was last asked.</summary>
    public Standing Standing { get; set; }

    internal int Uses => _uses;

    internal bool InMain { get; set; }

    internal bool Gone { get; set; }

    /// <summary>It has been served.</summary>
    public void Use()
    {
        if (_uses < 3) _uses++;
    }

    internal void Settle(int uses) => _uses = uses;
}

/// <summary>
/// Sealed assets in memory: S3-FIFO (Yang et al., SOSP 2023) weighed by bytes, so that what is asked for once does not wash out what is asked for
/// often. New ones wait in a small queue of a tenth of the budget; what is used there more than once moves to the main queue, the rest leaves and is
/// remembered as a ghost. A hit takes no lock: it counts a use, and nothing moves before room is needed. Safe for concurrent use.
/// </summary>
internal sealed class AssetCache(long budgetBytes)
{
    private const int MostGhosts = 131_072;

    private readonly ConcurrentDictionary<AssetKey, CachedBlob> _entries = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<string, CachedBlob> _byName = [];
    private Queue<CachedBlob> _small = new(), _main = new();
    private readonly Queue<(string Name, int Weight)> _ghosts = new();
    private readonly HashSet<string> _remembered = [];
    private long _smallBytes, _mainBytes, _goneBytes, _ghostBytes;

    /// <summary>Assets held.</summary>
    public int Count => _entries.Count;

    /// <summary>What they take of the budget.</summary>
    public long Bytes
    {
        get
        {
            lock (_gate) return _smallBytes + _mainBytes;
        }
    }

    /// <summary>The asset; null: not held. To be served is a use, and told by <see cref="CachedBlob.Use"/>.</summary>
    public CachedBlob? Find(AssetKey key) => _entries.GetValueOrDefault(key);

    /// <summary>Holds an asset in place of what was held of it, if it is not too large for that.</summary>
    public void Add(CachedBlob entry)
    {
        lock (_gate)
        {
            Drop(entry.Blob.Name);
            // A tenth: else one newcomer would sweep the whole queue that it waits in.
            if (entry.Weight > budgetBytes / 10) return;
            while (_smallBytes + _mainBytes + entry.Weight > budgetBytes)
            {
                if (!EvictOne()) break;
            }
            Enter(entry, main: _remembered.Remove(entry.Blob.Name));
            _byName[entry.Blob.Name] = entry;
            _entries[entry.Key] = entry;
        }
    }

    /// <summary>Forgets an asset: another lies in the store now, or none.</summary>
    public void Forget(string name)
    {
        lock (_gate) Drop(name);
    }

    private void Enter(CachedBlob entry, bool main)
    {
        entry.InMain = main;
        (main ? _main : _small).Enqueue(entry);
        (main ? ref _mainBytes : ref _smallBytes) += entry.Weight;
    }

    private void Drop(string name)
    {
        if (_byName.TryGetValue(name, out CachedBlob? entry)) Drop(entry);
    }

    private void Drop(CachedBlob entry)
    {
        entry.Gone = true;
        (entry.InMain ? ref _mainBytes : ref _smallBytes) -= entry.Weight;
        _byName.Remove(entry.Blob.Name);
        _entries.TryRemove(entry.Key, out _);
        // Its place in the queue stays behind, and its bytes with it, until its turn comes or there are many of the kind.
        _goneBytes += entry.Weight;
        if (_goneBytes <= budgetBytes / 16) return;
        _small = new(_small.Where(e => !e.Gone));
        _main = new(_main.Where(e => !e.Gone));
        _goneBytes = 0;
    }

    /// <summary>Goes on in the queues until one has left. False: nothing is held.</summary>
    private bool EvictOne()
    {
        while (_byName.Count > 0)
        {
            bool fromSmall = _smallBytes > 0 && (_smallBytes > budgetBytes / 10 || _mainBytes == 0);
            CachedBlob entry = (fromSmall ? _small : _main).Dequeue();
            if (entry.Gone)
            {
                _goneBytes -= entry.Weight;
                continue;
            }
            if (entry.Uses > (fromSmall ? 1 : 0))
            {
                (fromSmall ? ref _smallBytes : ref _mainBytes) -= entry.Weight;
                entry.Settle(fromSmall ? 0 : entry.Uses - 1);
                Enter(entry, main: true);
                continue;
            }
            Drop(entry);
            // It has left its queue already.
            _goneBytes = Math.Max(0, _goneBytes - entry.Weight);
            if (fromSmall) Remember(entry);
            return true;
        }
        return false;
    }

    private void Remember(CachedBlob entry)
    {
        if (!_remembered.Add(entry.Blob.Name)) return;
        _ghosts.Enqueue((entry.Blob.Name, entry.Weight));
        _ghostBytes += entry.Weight;
        while (_ghosts.Count > MostGhosts || _ghostBytes > budgetBytes)
        {
            (string name, int weight) = _ghosts.Dequeue();
            _ghostBytes -= weight;
            _remembered.Remove(name);
        }
    }
}
