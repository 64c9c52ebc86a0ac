namespace GlobalCache.Chaos.World;

/// <summary>
/// One start of one program, up to its end. What it has planned dies with it: no timer of it fires, no answer reaches it, nothing of it is undone. While it sleeps
/// (SIGSTOP, a laptop's lid) all of that waits.
/// </summary>
internal sealed class Life
{
    private readonly List<Action> _atEnd = [];

    /// <param name="world">Where it lives.</param>
    /// <param name="name">In the trace.</param>
    /// <param name="address">Where from others see it come.</param>
    public Life(Simulation world, string name, string address)
    {
        (World, Name, Address) = (world, name, address);
        Clock = new LifeClock(this);
    }

    public Simulation World { get; }

    public string Name { get; }

    public string Address { get; }

    public LifeClock Clock { get; }

    public bool IsOver { get; private set; }

    public TimeSpan SleepsUntil { get; private set; } = TimeSpan.MinValue;

    public bool Sleeps => SleepsUntil > World.Now;

    /// <summary>It sleeps for so long.</summary>
    public void Sleep(TimeSpan length) => SleepsUntil = World.Now + length;

    /// <summary>It ends at once, as by kill −9.</summary>
    public void End()
    {
        if (IsOver) return;
        IsOver = true;
        foreach (Action act in _atEnd.ToArray()) act();
        _atEnd.Clear();
    }

    /// <summary>Told when it ends.</summary>
    public void AtEnd(Action act) => _atEnd.Add(act);

    public void NoMore(Action act) => _atEnd.Remove(act);
}

/// <summary>The clocks of one program: a steady one that is the world's, and a wall clock that may be wrong.</summary>
internal sealed class LifeClock(Life life) : TimeProvider
{
    /// <summary>How much the wall clock is ahead.</summary>
    public TimeSpan Wrong { get; set; }

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override TimeZoneInfo LocalTimeZone => TimeZoneInfo.Utc;

    public override long GetTimestamp() => life.World.Now.Ticks;

    public override DateTimeOffset GetUtcNow() => Simulation.Begin + life.World.Now + Wrong;

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new Alarm(life, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private sealed class Alarm(Life life, TimerCallback callback, object? state) : ITimer
    {
        private long _set;
        private bool _disposed;

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            if (_disposed) return false;
            long set = ++_set;
            if (dueTime != Timeout.InfiniteTimeSpan) life.World.After(life, dueTime, () => Ring(set, period));
            return true;
        }

        public void Dispose() => (_disposed, _set) = (true, _set + 1);

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }

        private void Ring(long set, TimeSpan period)
        {
            if (set != _set) return;
            if (period > TimeSpan.Zero) life.World.After(life, period, () => Ring(set, period));
            callback(state);
        }
    }
}
