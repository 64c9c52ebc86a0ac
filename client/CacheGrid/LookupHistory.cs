namespace GlobalCache.Client.CacheGrid;

/// <summary>
/// How lookups for one virtual world have gone, and from that how long it is worth holding the origin back for the cache (DESIGN §4.3): not at all
/// until half of the last ones were hits, then as long as three of four hits take, and no more of it in a minute than a visitor may lose. Thread-safe.
/// </summary>
/// <param name="most">The longest hold.</param>
internal sealed class LookupHistory(TimeSpan most)
{
    /// <summary>Lookups that are looked back on.</summary>
    public const int Remembered = 200;

    /// <summary>With fewer nothing is concluded.</summary>
    public const int AtLeast = 20;

    private const int Timed = 64;

    /// <summary>What waiting in vain may cost within <see cref="Window"/>.</summary>
    public static readonly TimeSpan Budget = TimeSpan.FromSeconds(2);

    /// <summary>The time that budget is for: an arrival and what follows on it.</summary>
    public static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();
    private readonly bool[] _outcomes = new bool[Remembered];
    private readonly TimeSpan[] _times = new TimeSpan[Timed];
    private int _lookups, _hits;
    private long _timed;
    private TimeSpan _quarterSlower, _windowFrom = TimeSpan.MinValue, _lost, _lostUntil = TimeSpan.MinValue;

    /// <summary>A lookup was answered. Those that failed or were given up say nothing of what the grid holds.</summary>
    public void Answered(bool hit, TimeSpan took)
    {
        lock (_gate)
        {
            ref bool oldest = ref _outcomes[_lookups % Remembered];
            if (_lookups >= Remembered && oldest) _hits--;
            oldest = hit;
            _lookups = _lookups + 1 == 2 * Remembered ? Remembered : _lookups + 1;
            if (!hit) return;
            _hits++;
            _times[_timed++ % Timed] = took;
            int count = (int)Math.Min(_timed, Timed);
            Span<TimeSpan> sorted = stackalloc TimeSpan[Timed];
            _times.AsSpan(0, count).CopyTo(sorted);
            sorted[..count].Sort();
            _quarterSlower = sorted[(count * 3 - 1) / 4];
        }
    }

    /// <summary>How long to hold now. Zero: not at all.</summary>
    public TimeSpan Hold(TimeSpan now)
    {
        lock (_gate)
        {
            int known = Math.Min(_lookups, Remembered);
            if (known < AtLeast || _hits * 2 < known) return TimeSpan.Zero;
            if (now - Window < _windowFrom && _lost >= Budget) return TimeSpan.Zero;
            // Timers know whole milliseconds: less would be no hold at all.
            TimeSpan hold = TimeSpan.FromMilliseconds(Math.Ceiling(_quarterSlower.TotalMilliseconds));
            return hold < most ? hold : most;
        }
    }

    /// <summary>A hold brought nothing. Holds at the same time cost their time but once.</summary>
    public void InVain(TimeSpan from, TimeSpan until)
    {
        lock (_gate)
        {
            if (from - Window >= _windowFrom) (_windowFrom, _lost) = (from, TimeSpan.Zero);
            if (from < _lostUntil) from = _lostUntil;
            if (until <= from) return;
            _lost += until - from;
            _lostUntil = until;
        }
    }
}
