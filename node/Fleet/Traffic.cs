namespace GlobalCache.Node.Fleet;

/// <summary>
/// What goes through the node: counted at every request without a lock, and read with every report as rates over the last ten seconds. A ring of seconds; a second is
/// cleared by whoever comes first in it.
/// </summary>
internal sealed class Traffic(TimeProvider time, int window = Traffic.Usual)
{
    /// <summary>Rates are over so many whole seconds.</summary>
    public const int Usual = 10;

    private const int Ring = 16, Classes = 40;

    private readonly Second[] _ring = [.. Enumerable.Range(0, Ring).Select(_ => new Second())];
    private readonly long _start = time.GetTimestamp();
    private long _lastRequest = -1;
    private int _inFlight;

    private sealed class Second
    {
        public long Number = -1, Requests, Bytes;
        public readonly long[] Slower = new long[Classes];
    }

    /// <summary>The window for reports that come so often: five of them, whole seconds, 1 – 10.</summary>
    public static int WindowOf(TimeSpan reportEvery) => Math.Clamp((int)(5 * reportEvery.TotalSeconds), 1, Usual);

    /// <summary>Requests being answered now.</summary>
    public int InFlight => Volatile.Read(ref _inFlight);

    /// <summary>Since a client's last request came; since the start where none has.</summary>
    public TimeSpan Quiet => InFlight > 0 ? TimeSpan.Zero : time.GetElapsedTime(Volatile.Read(ref _lastRequest) is var at and >= 0 ? at : _start);

    /// <summary>A request has come; what it returns is for <see cref="Ended"/>.</summary>
    public long Begun()
    {
        Interlocked.Increment(ref _inFlight);
        long now = time.GetTimestamp();
        Volatile.Write(ref _lastRequest, now);
        return now;
    }

    /// <summary>It has been answered with so many bytes.</summary>
    public void Ended(long begun, long bytes)
    {
        Interlocked.Decrement(ref _inFlight);
        long now = time.GetTimestamp();
        Volatile.Write(ref _lastRequest, now);
        Second second = At((long)time.GetElapsedTime(_start, now).TotalSeconds);
        Interlocked.Increment(ref second.Requests);
        Interlocked.Add(ref second.Bytes, bytes);
        Interlocked.Increment(ref second.Slower[ClassOf(time.GetElapsedTime(begun, now))]);
    }

    /// <summary>Requests and bytes a second over the last whole seconds, and what the slowest hundredth took longer than, in milliseconds.</summary>
    public (double Requests, double Bytes, double Slowest) Rates()
    {
        long now = (long)time.GetElapsedTime(_start).TotalSeconds, whole = Math.Min(window, now);
        if (whole == 0) return default;
        double requests = 0, bytes = 0;
        Span<long> slower = stackalloc long[Classes];
        slower.Clear();
        for (long s = now - whole; s < now; s++)
        {
            Second second = _ring[s % Ring];
            if (Volatile.Read(ref second.Number) != s) continue;
            requests += Volatile.Read(ref second.Requests);
            bytes += Volatile.Read(ref second.Bytes);
            for (int i = 0; i < Classes; i++) slower[i] += Volatile.Read(ref second.Slower[i]);
        }
        return (requests / whole, bytes / whole, SlowestOf(slower, requests));
    }

    private static double SlowestOf(ReadOnlySpan<long> slower, double requests)
    {
        double left = requests / 100;
        for (int i = Classes - 1; i >= 0 && requests > 0; i--)
        {
            if ((left -= slower[i]) < 0) return Math.Pow(2, i / 2.0) / 16;
        }
        return 0;
    }

    // Two classes to every doubling, from a sixteenth of a millisecond on.
    private static int ClassOf(TimeSpan took) => Math.Clamp((int)(2 * Math.Log2(Math.Max(took.TotalMilliseconds, 1.0 / 16) * 16)), 0, Classes - 1);

    private Second At(long number)
    {
        Second second = _ring[number % Ring];
        if (Volatile.Read(ref second.Number) == number) return second;
        lock (second)
        {
            if (second.Number == number) return second;
            (second.Requests, second.Bytes) = (0, 0);
            Array.Clear(second.Slower);
            Volatile.Write(ref second.Number, number);
        }
        return second;
    }
}
