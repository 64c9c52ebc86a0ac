namespace GlobalCache.Client.Assets;

/// <summary>Remembers things for a while: at most so many, the oldest forgotten first, none for longer than its time. Thread-safe.</summary>
internal sealed class Recent<TKey, TValue>(int capacity, TimeSpan lifetime, TimeProvider time) where TKey : notnull
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, (TValue Value, long Since)> _entries = [];
    private readonly Queue<(TKey Key, long Since)> _byAge = [];

    public int Count
    {
        get { lock (_gate) return _entries.Count; }
    }

    /// <summary>Remembers, or replaces and begins anew.</summary>
    public void Set(TKey key, TValue value)
    {
        if (lifetime == TimeSpan.Zero) return;
        lock (_gate)
        {
            long now = time.GetTimestamp();
            _entries[key] = (value, now);
            _byAge.Enqueue((key, now));
            while (_byAge.TryPeek(out (TKey Key, long Since) oldest) && (_byAge.Count > capacity || Expired(oldest.Since)))
            {
                _byAge.Dequeue();
                // An entry set again since is the business of its later place in the queue.
                if (_entries.TryGetValue(oldest.Key, out var entry) && entry.Since == oldest.Since) _entries.Remove(oldest.Key);
            }
        }
    }

    public bool TryGet(TKey key, out TValue value)
    {
        lock (_gate)
        {
            bool known = _entries.TryGetValue(key, out (TValue Value, long Since) entry) && !Expired(entry.Since);
            value = entry.Value;
            return known;
        }
    }

    private bool Expired(long since) => lifetime != Timeout.InfiniteTimeSpan && time.GetElapsedTime(since) > lifetime;
}
