using System.Collections.Concurrent;
using GlobalCache.Office.Stores;

namespace GlobalCache.Tests.Node.Ingest;

/// <summary>A store in memory that keeps the contract, and can be told to be in trouble.</summary>
internal sealed class MemoryStore : IObjectStore
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, StoredObject> _objects = [];
    private int _version;

    public bool Trouble { get; set; }

    /// <summary>Whether others get a turn at every call.</summary>
    public bool Yields { get; init; } = true;

    /// <summary>Names that were asked for or written.</summary>
    public ConcurrentBag<string> Touched { get; } = [];

    public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => PeekAsync(name, int.MaxValue, ct);

    public async ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct)
    {
        await EnterAsync(name);
        lock (_gate) return _objects.TryGetValue(name, out StoredObject? there) ? there with { Bytes = there.Bytes[..Math.Min(first, there.Bytes.Length)] } : null;
    }

    public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
    {
        await EnterAsync(name);
        lock (_gate)
        {
            if (_objects.GetValueOrDefault(name)?.ETag != ifMatch) return PutResult.Refused;
            _objects[name] = new StoredObject($"{++_version}", bytes.ToArray());
            return PutResult.Written;
        }
    }

    private async ValueTask EnterAsync(string name)
    {
        Touched.Add(name);
        if (Yields) await Task.Yield();
        if (Trouble) throw new StoreTroubleException("told to be");
    }
}
