using GlobalCache.Node.Stores;

namespace GlobalCache.Tests.Node;

/// <summary>
/// A store in memory of which a test decides when each call happens, whether its answer arrives, and what else happens in between. All
/// code that uses it runs on the test's own thread, so that a seed tells the whole story.
/// </summary>
internal sealed class SteppedStore : SynchronizationContext
{
    private readonly Dictionary<string, (int Version, byte[] Bytes)> _objects = [];
    private readonly List<Call> _calls = [];
    private readonly Queue<Action> _ready = new();
    private int _version;

    private sealed record Call(object Owner, Action Do, Action<Exception?> Answer);

    /// <summary>Told of every write, after it.</summary>
    public Action<string, byte[]> Wrote { get; set; } = (_, _) => { };

    public byte[]? this[string name] => _objects.TryGetValue(name, out var o) ? o.Bytes : null;

    public bool Idle => _calls.Count == 0;

    /// <summary>The store as one process sees it; its calls can be cut off together.</summary>
    public IObjectStore For(object owner) => new Face(this, owner);

    public override void Post(SendOrPostCallback d, object? state) => _ready.Enqueue(() => d(state));

    public override void Send(SendOrPostCallback d, object? state) => d(state);

    /// <summary>Runs everything up to the next store calls.</summary>
    public void Settle()
    {
        while (_ready.TryDequeue(out Action? next)) next();
    }

    /// <summary>Lets one waiting call happen.</summary>
    public void Step(Random random, double lost = 0)
    {
        Call call = _calls[random.Next(_calls.Count)];
        _calls.Remove(call);
        // Lost on the way there, or on the way back.
        bool trouble = random.NextDouble() < lost, done = !trouble || random.Next(2) == 0;
        if (done) call.Do();
        call.Answer(trouble ? new StoreTroubleException("lost") : null);
        Settle();
    }

    /// <summary>The process is gone: one of its calls may still happen, none is answered.</summary>
    public void Kill(object owner, Random random)
    {
        foreach (Call call in _calls.FindAll(c => c.Owner == owner))
        {
            _calls.Remove(call);
            if (random.Next(2) == 0) call.Do();
        }
    }

    private Task<T> Enqueue<T>(object owner, Func<T> act)
    {
        var answer = new TaskCompletionSource<T>();
        T result = default!;
        _calls.Add(new Call(owner, () => result = act(), e =>
        {
            if (e is null) answer.SetResult(result);
            else answer.SetException(e);
        }));
        return answer.Task;
    }

    private sealed class Face(SteppedStore all, object owner) : IObjectStore
    {
        public async ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => await all.Enqueue(owner, () => Get(name, int.MaxValue));

        public async ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => await all.Enqueue(owner, () => Get(name, first));

        public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            byte[] copy = bytes.ToArray();
            return await all.Enqueue(owner, () =>
            {
                if (Get(name, 0)?.ETag != ifMatch) return PutResult.Refused;
                all._objects[name] = (++all._version, copy);
                all.Wrote(name, copy);
                return PutResult.Written;
            });
        }

        private StoredObject? Get(string name, int first) => all._objects.TryGetValue(name, out (int Version, byte[] Bytes) there)
            ? new StoredObject(there.Version.ToString(), there.Bytes.AsMemory(0, Math.Min(first, there.Bytes.Length))) : null;
    }
}
