using System.Collections.Concurrent;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// What the circuits of a region ask for, answered from memory: reads end at once, when a test says so, never, or with nothing; all that is
/// captured and hinted is written down. Thread-safe as far as reads go.
/// </summary>
internal sealed class MemoryAssets : IUdpAssets
{
    private readonly List<(Guid Id, AssetRead Read, Action Done)> _waiting = [];
    private int _open;

    public enum Reads
    {
        AtOnce,

        /// <summary>When <see cref="Finish"/> is called.</summary>
        Later,

        /// <summary>Held, says the index, but not to be read.</summary>
        Fail,
    }

    public ConcurrentDictionary<(AssetType Type, Guid Id), byte[]> Held { get; } = new();

    public Reads How { get; set; } = Reads.AtOnce;

    public HashSet<Guid> Excluded { get; } = [];

    public List<(AssetType Type, Guid Id)> Asked { get; } = [];

    public List<(AssetType Type, Guid Id, byte[] Bytes)> Whole { get; } = [];

    public List<(AssetType Type, Guid Id, byte[] Bytes, bool[] Held)> Parts { get; } = [];

    public List<(AssetType Type, Guid Id)> Hints { get; } = [];

    /// <summary>Reads that have not been disposed.</summary>
    public int Open => Volatile.Read(ref _open);

    public AssetRead? TryRead(AssetType type, Guid id, Action done)
    {
        Asked.Add((type, id));
        if (!Held.TryGetValue((type, id), out byte[]? bytes))
        {
            return null;
        }

        Interlocked.Increment(ref _open);
        var read = new AssetRead(1, _ => Interlocked.Decrement(ref _open));
        if (How == Reads.Later)
        {
            _waiting.Add((id, read, done));
            return read;
        }

        read.Complete(How == Reads.Fail ? null : bytes);
        done();
        return read;
    }

    public bool IsExcluded(Guid texture) => Excluded.Contains(texture);

    public void Captured(AssetType type, Guid id, byte[] bytes) => Whole.Add((type, id, bytes));

    public void CapturedPart(AssetType type, Guid id, byte[] bytes, bool[] held) => Parts.Add((type, id, bytes, held));

    public void Hint(AssetType type, Guid id) => Hints.Add((type, id));

    /// <summary>Ends the reads that wait, with their bytes or (<paramref name="fail"/>) without. How many there were.</summary>
    public int Finish(bool fail = false)
    {
        (Guid Id, AssetRead Read, Action Done)[] waiting = [.. _waiting];
        _waiting.Clear();
        foreach ((Guid id, AssetRead read, Action done) in waiting)
        {
            byte[]? bytes = fail ? null : Held.First(h => h.Key.Id == id).Value;
            read.Complete(bytes);
            done();
        }

        return waiting.Length;
    }
}
