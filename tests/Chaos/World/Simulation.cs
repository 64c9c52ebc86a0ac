namespace GlobalCache.Chaos.World;

/// <summary>
/// One clock for everybody, and what is to happen when. Events of one moment happen in the order in which they were planned; each has its full effect before the
/// next begins. Nothing here knows what the events are about.
/// </summary>
internal sealed class Simulation
{
    /// <summary>The wall clock at the start; a Tuesday evening, with a midnight four hours away.</summary>
    public static readonly DateTimeOffset Begin = new(2026, 3, 3, 20, 0, 0, TimeSpan.Zero);

    private readonly PriorityQueue<(Life? Of, Action Act), (long At, long Order)> _events = new();
    private readonly List<Func<bool>> _idle = [];
    private readonly List<Action> _always = [];
    private long _planned;

    /// <param name="seed">Everything that is left to chance follows from it.</param>
    /// <param name="trace">Where what happens is written down.</param>
    /// <param name="log">What everybody logs to.</param>
    public Simulation(long seed, Trace trace, ProductLog log) => (Seed, Trace, Log) = (seed, trace, log);

    public long Seed { get; }

    public Trace Trace { get; }

    public ProductLog Log { get; }

    /// <summary>Since the start.</summary>
    public TimeSpan Now { get; private set; }

    /// <summary>Chance of its own for each use, so that one more draw in one place changes nothing in another.</summary>
    public Random Dice(string use)
    {
        ulong mixed = (ulong)Seed * 0x9E37_79B9_7F4A_7C15;
        foreach (char c in use) mixed = (mixed ^ c) * 1_099_511_628_211;
        return new Random((int)(mixed ^ (mixed >> 32)));
    }

    /// <summary>Something is to happen, whoever is alive then.</summary>
    public void After(TimeSpan wait, Action act) => Plan(null, wait, act);

    /// <summary>Something is to happen to somebody: not at all if that one is gone by then, later if it sleeps.</summary>
    public void After(Life of, TimeSpan wait, Action act) => Plan(of, wait, act);

    /// <summary>Threads of the product's own that have to be waited for: true while one of these has nothing to do.</summary>
    public void WaitFor(Func<bool> idle) => _idle.Add(idle);

    public void WaitNoMore(Func<bool> idle) => _idle.Remove(idle);

    /// <summary>Looked at after every event.</summary>
    public void Always(Action check) => _always.Add(check);

    /// <summary>Tells what has happened.</summary>
    public void Tell(string what) => Trace.Add(Now, what);

    /// <summary>Lets everything happen until then. To be called on the pool.</summary>
    public async Task RunAsync(TimeSpan until)
    {
        await SettleAsync();
        while (_events.TryPeek(out _, out (long At, long Order) due) && due.At <= until.Ticks)
        {
            (Life? of, Action act) = _events.Dequeue();
            Now = TimeSpan.FromTicks(due.At);
            if (of is { IsOver: true }) continue;
            if (of is not null && of.SleepsUntil > Now)
            {
                _events.Enqueue((of, act), (of.SleepsUntil.Ticks, _planned++));
                continue;
            }
            act();
            // In this order: a thread that has just ended its work has handed on what came of it before.
            if (!IsIdle() || Pool.IsBusy) await SettleAsync();
            foreach (Action check in _always) check();
        }
        Now = until;
    }

    /// <summary>Ends when everything that follows from what has happened has happened too.</summary>
    public async ValueTask SettleAsync()
    {
        SpinWait wait = default;
        while (true)
        {
            await Pool.DrainAsync();
            if (IsIdle() && !Pool.IsBusy) return;
            wait.SpinOnce();
        }
    }

    private bool IsIdle()
    {
        foreach (Func<bool> idle in _idle)
        {
            if (!idle()) return false;
        }
        return true;
    }

    private void Plan(Life? of, TimeSpan wait, Action act) =>
        _events.Enqueue((of, act), ((Now + (wait > TimeSpan.Zero ? wait : TimeSpan.Zero)).Ticks, _planned++));
}
