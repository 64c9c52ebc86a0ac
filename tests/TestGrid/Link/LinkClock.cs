namespace GlobalCache.TestGrid.Link;

/// <summary>
/// Waits to the millisecond. The runtime's own timers follow a tick of 4 ms on many Linux kernels, which would add a tenth
/// to an 80 ms line; one thread with a condition variable does not. Always real time: a line is for measuring.
/// </summary>
internal sealed class LinkClock : IDisposable
{
    private readonly object gate = new();
    private readonly PriorityQueue<TaskCompletionSource, long> sleepers = new();
    private readonly Thread thread;
    private bool stopped;

    public LinkClock()
    {
        thread = new Thread(Run) { IsBackground = true, Name = "link clock", Priority = ThreadPriority.AboveNormal };
        thread.Start();
    }

    /// <summary>Completes at a timestamp of <see cref="TimeProvider.System"/>; at once when it is past or the clock has stopped.</summary>
    public async ValueTask UntilAsync(long at, CancellationToken cancelled)
    {
        if (at <= TimeProvider.System.GetTimestamp()) return;
        var woken = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (gate)
        {
            if (stopped) return;
            bool sooner = !sleepers.TryPeek(out _, out long next) || at < next;
            sleepers.Enqueue(woken, at);
            if (sooner) Monitor.Pulse(gate);
        }

        await woken.Task.WaitAsync(cancelled);
    }

    public void Dispose()
    {
        lock (gate)
        {
            stopped = true;
            Monitor.Pulse(gate);
        }

        thread.Join();
    }

    private void Run()
    {
        lock (gate)
        {
            while (!stopped)
            {
                if (!sleepers.TryPeek(out TaskCompletionSource? first, out long at))
                {
                    Monitor.Wait(gate);
                    continue;
                }

                double left = TimeProvider.System.GetElapsedTime(TimeProvider.System.GetTimestamp(), at).TotalMilliseconds;
                if (left > 0.2)
                {
                    Monitor.Wait(gate, Math.Max(1, (int)left));
                    continue;
                }

                sleepers.Dequeue();
                first.SetResult();
            }

            while (sleepers.TryDequeue(out TaskCompletionSource? sleeper, out _)) sleeper.SetResult();
        }
    }
}
