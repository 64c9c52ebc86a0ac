using GlobalCache.Office.Stores;

namespace GlobalCache.Tests.Node;

/// <summary>
/// A store of which a test decides when each call happens, whether its answer arrives, and what else happens in between. All
/// code that uses it runs on the test's own thread, so that a seed tells the whole story.
/// </summary>
/// <param name="inner">Where objects really lie; they are read and written while nothing else happens.</param>
internal sealed class SteppedStore(IObjectStore inner) : SynchronizationContext
{
    private readonly List<Call> _calls = [];
    private readonly Queue<Action> _ready = new();

    private IObjectStore Inner => inner;

    private sealed record Call(object Owner, Action Do, Action<Exception?> Answer);

    /// <summary>Told of every write, after it.</summary>
    public Action<string, byte[]> Wrote { get; set; } = (_, _) => { };

    /// <summary>Calls that have happened.</summary>
    public int Calls { get; private set; }

    public byte[]? this[string name] => Now(() => inner.GetAsync(name, default))?.Bytes.ToArray();

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

    /// <summary>Lets one waiting call happen, and says whose it was.</summary>
    public object Step(Random random, double lost = 0)
    {
        Call call = _calls[random.Next(_calls.Count)];
        _calls.Remove(call);
        // Lost on the way there, or on the way back.
        bool trouble = random.NextDouble() < lost, done = !trouble || random.Next(2) == 0;
        if (done) Do(call);
        call.Answer(trouble ? new StoreTroubleException("lost") : null);
        Settle();
        return call.Owner;
    }

    /// <summary>The process is gone: one of its calls may still happen, none is answered.</summary>
    public void Kill(object owner, Random random)
    {
        foreach (Call call in _calls.FindAll(c => c.Owner == owner))
        {
            _calls.Remove(call);
            if (random.Next(2) == 0) Do(call);
        }
    }

    private void Do(Call call)
    {
        Calls++;
        call.Do();
    }

    // Away from this context: what the real store awaits is not the test's to order.
    private static T Now<T>(Func<ValueTask<T>> act)
    {
        SynchronizationContext? ours = Current;
        SetSynchronizationContext(null);
        try
        {
            return act().AsTask().GetAwaiter().GetResult();
        }
        finally
        {
            SetSynchronizationContext(ours);
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
        public async ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) =>
            await all.Enqueue(owner, () => Now(() => all.Inner.GetAsync(name, default)));

        public async ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) =>
            await all.Enqueue(owner, () => Now(() => all.Inner.PeekAsync(name, first, default)));

        public async ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            byte[] copy = bytes.ToArray();
            return await all.Enqueue(owner, () =>
            {
                PutResult result = Now(() => all.Inner.PutAsync(name, copy, ifMatch, default));
                if (result == PutResult.Written) all.Wrote(name, copy);
                return result;
            });
        }
    }
}
