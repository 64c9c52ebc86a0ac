namespace GlobalCache.Node.Fleet;

/// <summary>How full the node is: the tightest of its processors, its link and its requests in flight (DESIGN §3).</summary>
internal sealed class Gauge(Traffic traffic, FleetOptions options, TimeProvider time)
{
    private readonly Queue<(long At, TimeSpan Used)> _cpu = new([(time.GetTimestamp(), UsedNow())]);

    /// <summary>Share of all processors this process has used over the last ten seconds; to be asked by one caller, every few seconds.</summary>
    public double Cpu()
    {
        long now = time.GetTimestamp();
        TimeSpan used = UsedNow();
        while (_cpu.Count > 1 && time.GetElapsedTime(_cpu.Peek().At, now) > TimeSpan.FromSeconds(Traffic.WindowOf(options.ReportEvery))) _cpu.Dequeue();
        (long at, TimeSpan before) = _cpu.Peek();
        _cpu.Enqueue((now, used));
        TimeSpan passed = time.GetElapsedTime(at, now);
        return passed <= TimeSpan.Zero ? 0 : Math.Clamp((used - before) / passed / Environment.ProcessorCount, 0, 1);
    }

    /// <summary>The tightest of the three.</summary>
    public double Load(double cpu, double bytesPerSecond) =>
        Math.Max(cpu, Math.Max(bytesPerSecond / options.LinkBytesPerSecond, (double)traffic.InFlight / options.FullInFlight));

    private static TimeSpan UsedNow() => Environment.CpuUsage.TotalTime;
}
