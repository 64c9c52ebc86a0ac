namespace GlobalCache.Client.CacheGrid;

/// <summary>
/// Leaves a cache grid that is in trouble alone as a whole: after failures in a row for a while, then one request tells whether it has come back. A
/// quota that is used up is a pause of its own and no failure (SECURITY §5). Thread-safe.
/// </summary>
internal sealed class GridBreaker
{
    /// <summary>Failures in a row that open it.</summary>
    public const int Failures = 5;

    /// <summary>The first pause; each further one is twice as long.</summary>
    public static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);

    /// <summary>The longest pause.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private TimeSpan _until = TimeSpan.MinValue;
    private int _failures, _opened;
    private bool _probing;

    /// <summary>Whether nothing is asked now, or only whether it has come back: nobody waits for such a grid.</summary>
    public bool IsOpen(TimeSpan now)
    {
        lock (_gate) return now < _until || _opened > 0;
    }

    /// <summary>May one more be asked? Whoever is told so says how it ended, once.</summary>
    public bool TryEnter(TimeSpan now)
    {
        lock (_gate)
        {
            if (now < _until) return false;
            if (_opened == 0) return true;
            return !_probing && (_probing = true);
        }
    }

    /// <summary>An answer, whichever.</summary>
    public void Good()
    {
        lock (_gate) (_failures, _opened, _probing) = (0, 0, false);
    }

    /// <summary>Neither: it was not wanted any more before it was known.</summary>
    public void Left()
    {
        lock (_gate) _probing = false;
    }

    /// <summary>No answer, or a wrong one.</summary>
    public void Bad(TimeSpan now)
    {
        lock (_gate)
        {
            // Many that were asked at once fail together: that is one pause.
            if (now < _until || (!_probing && ++_failures < Failures)) return;
            TimeSpan pause = FirstPause * (1 << Math.Min(_opened++, 5));
            _until = now + (pause > LongestPause ? LongestPause : pause);
            (_failures, _probing) = (0, false);
        }
    }

    /// <summary>The grid has asked for it: nothing for so long, and then as before.</summary>
    public void Pause(TimeSpan now, TimeSpan length)
    {
        lock (_gate)
        {
            if (now + length > _until) _until = now + length;
            (_failures, _opened, _probing) = (0, 0, false);
        }
    }
}
