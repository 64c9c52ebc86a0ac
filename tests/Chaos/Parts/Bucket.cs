using System.Globalization;
using GlobalCache.Chaos.World;
using GlobalCache.Office.Stores;

namespace GlobalCache.Chaos.Parts;

/// <summary>The object store.</summary>
internal sealed class Bucket(Simulation world)
{
    private readonly Dictionary<string, StoredObject> _objects = new(StringComparer.Ordinal);
    private long _written;

    /// <summary>The ways there and back.</summary>
    public FarCalls Calls { get; } = new(world, "bucket", why => new StoreTroubleException(why));

    public int Count => _objects.Count;

    /// <summary>Told of every write.</summary>
    public Action<string, ReadOnlyMemory<byte>> Wrote { get; set; } = (_, _) => { };

    public ReadOnlyMemory<byte>? this[string name] => _objects.TryGetValue(name, out StoredObject? there) ? there.Bytes : null;

    /// <summary>As one program sees it.</summary>
    public IObjectStore For(Life life) => new Face(this, life);

    /// <summary>Written by nobody's call, such as before the world begins.</summary>
    public void Set(string name, byte[] bytes) => _objects[name] = new StoredObject(NewTag(), bytes);

    private string NewTag() => (++_written).ToString(CultureInfo.InvariantCulture);

    private StoredObject? Get(string name) => _objects.GetValueOrDefault(name);

    private PutResult Put(string name, byte[] bytes, string? ifMatch)
    {
        if (Get(name)?.ETag != ifMatch) return PutResult.Refused;
        _objects[name] = new StoredObject(NewTag(), bytes);
        world.Tell($"written {name}");
        Wrote(name, bytes);
        return PutResult.Written;
    }

    private sealed class Face(Bucket bucket, Life life) : IObjectStore
    {
        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => new(bucket.Calls.CallAsync(life, () => bucket.Get(name), ct));

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) =>
            new(bucket.Calls.CallAsync(life, () => bucket.Get(name) is { } there ? there with { Bytes = there.Bytes[..Math.Min(first, there.Bytes.Length)] } : null, ct));

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            byte[] copy = bytes.ToArray();
            return new(bucket.Calls.CallAsync(life, () => bucket.Put(name, copy, ifMatch), ct));
        }
    }
}
