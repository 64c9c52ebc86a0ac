namespace GlobalCache.Live;

/// <summary>
/// Times, counted in buckets a hundredth apart (the HDR histogram's idea: the relative error is the same everywhere), so that an hour's requests take a few kilobytes. May be added to
/// from several threads.
/// </summary>
internal sealed class Delays
{
    // From 10 µs to more than an hour.
    private const double Least = 1e-5, Step = 1.01;
    private const int Buckets = 2048;

    private readonly long[] _counts = new long[Buckets];
    private long _count, _most;

    public long Count => Volatile.Read(ref _count);

    public TimeSpan Most => TimeSpan.FromTicks(Volatile.Read(ref _most));

    public void Add(TimeSpan took)
    {
        int bucket = took.TotalSeconds <= Least ? 0 : Math.Min(Buckets - 1, (int)Math.Ceiling(Math.Log(took.TotalSeconds / Least) / Math.Log(Step)));
        Interlocked.Increment(ref _counts[bucket]);
        Interlocked.Increment(ref _count);
        for (long most = Volatile.Read(ref _most); took.Ticks > most; most = Volatile.Read(ref _most))
            if (Interlocked.CompareExchange(ref _most, took.Ticks, most) == most) break;
    }

    /// <summary>So many of a hundred took no longer, within 1 %.</summary>
    public TimeSpan Percentile(double percent)
    {
        long wanted = (long)Math.Ceiling(Count * percent / 100), seen = 0;
        for (int i = 0; i < Buckets; i++)
        {
            seen += Volatile.Read(ref _counts[i]);
            if (seen >= wanted && seen > 0) return Min(TimeSpan.FromSeconds(i == 0 ? Least : Least * Math.Pow(Step, i)), Most);
        }
        return Most;
    }

    private static TimeSpan Min(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
