using GlobalCache.Policy;

namespace GlobalCache.Client.Assets;

/// <summary>What an assembly calls for when a reader has left it or a fetch has ended.</summary>
internal enum Todo : byte { Nothing, Keep, Complete, Forget }

/// <summary>
/// All assets that are being pieced together, oldest first, within one memory budget and one lifetime (PROTOCOL §3.6). Memory is
/// reserved before a byte is received; when there is none, the oldest that nobody waits for is given up, and failing that the
/// answer is passed on without being kept.
/// </summary>
internal sealed class Assemblies(ClientLimits limits, TimeProvider time)
{
    /// <summary>What an assembly costs beside its bytes, so that their number is bounded too.</summary>
    private const int OverheadBytes = 2048;

    private readonly Lock _gate = new();
    private readonly Dictionary<AssemblyKey, LinkedListNode<Assembly>> _byKey = [];
    private readonly LinkedList<Assembly> _byAge = [];
    private long _reserved;

    /// <summary>Bytes reserved; never above <see cref="ClientLimits.AssemblyBytes"/>.</summary>
    public long ReservedBytes
    {
        get { lock (_gate) return _reserved; }
    }

    public int Count
    {
        get { lock (_gate) return _byKey.Count; }
    }

    /// <summary>The assembly of this key, a new one if need be. Null: no memory, pass the request through.</summary>
    public Assembly? Open(AssemblyKey key, Question question)
    {
        lock (_gate)
        {
            Expire();
            if (_byKey.TryGetValue(key, out LinkedListNode<Assembly>? node)) return node.Value;
            if (!Reserve(OverheadBytes)) return null;
            Assembly assembly = new(key, question, time.GetTimestamp());
            _byKey.Add(key, _byAge.AddLast(assembly));
            return assembly;
        }
    }

    /// <summary>False: the budget is used up by assets viewers are waiting for.</summary>
    public bool TryReserve(long bytes)
    {
        lock (_gate) return Reserve(bytes);
    }

    public void Release(long bytes)
    {
        lock (_gate) _reserved -= bytes;
    }

    /// <summary>Later requests for its key start anew. Idempotent.</summary>
    public void Forget(Assembly assembly)
    {
        lock (_gate)
        {
            if (_byKey.TryGetValue(assembly.Key, out LinkedListNode<Assembly>? node) && node.Value == assembly) Remove(node);
        }
    }

    /// <summary>Gives up what is too old: its pieces are not joined with newer ones.</summary>
    public void Sweep()
    {
        lock (_gate) Expire();
    }

    private void Expire()
    {
        while (_byAge.First is { } oldest && time.GetElapsedTime(oldest.Value.Born) > limits.AssemblyLifetime)
        {
            oldest.Value.Close();
            Remove(oldest);
        }
    }

    private bool Reserve(long bytes)
    {
        for (LinkedListNode<Assembly>? node = _byAge.First; node is not null && _reserved + bytes > limits.AssemblyBytes;)
        {
            LinkedListNode<Assembly>? next = node.Next;
            if (node.Value.TryGiveUp()) Remove(node);
            node = next;
        }
        if (_reserved + bytes > limits.AssemblyBytes) return false;
        _reserved += bytes;
        return true;
    }

    // Lock order: this table, then an assembly; an assembly never calls back.
    private void Remove(LinkedListNode<Assembly> node)
    {
        _byKey.Remove(node.Value.Key);
        _byAge.Remove(node);
        node.Value.Review(out long unused);
        _reserved -= unused + OverheadBytes;
    }
}
