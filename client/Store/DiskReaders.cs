namespace GlobalCache.Client.Store;

/// <summary>One piece of reading for <see cref="DiskReaders"/>.</summary>
internal abstract class DiskJob
{
    internal enum Stage
    {
        Waiting,
        Running,
        Done,
        GivenUp,
    }

    /// <summary>Guarded by the readers' gate.</summary>
    internal Stage At { get; set; }

    internal TaskCompletionSource<bool> Outcome { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Does the work, on a reader's thread. Must not throw.</summary>
    protected internal abstract bool Run();

    /// <summary>Releases what <see cref="Run"/> acquired: nobody waits for it any more.</summary>
    protected internal abstract void Discard();
}

/// <summary>
/// A few threads of the store's own that may hang on a disk in somebody's stead. Whoever waits for one is let go at the deadline, so
/// neither a sleeping disk nor a dead network mount ever holds up a request or starves the thread pool. Threads start when needed.
/// </summary>
internal sealed class DiskReaders(TimeSpan deadline, TimeProvider time) : IDisposable
{
    private const int MaxThreads = 4, MaxWaiting = 256, StackBytes = 256 << 10;
    private readonly object _gate = new();
    private readonly Queue<DiskJob> _waiting = new();
    private int _threads, _idle, _running, _stuck, _asked;
    private bool _closed;

    /// <summary>Every thread is held by a read that was given up: asking is pointless until one comes back.</summary>
    public bool Hung => Volatile.Read(ref _stuck) >= MaxThreads;

    /// <summary>Nobody waits for a job: whatever has been read has been told.</summary>
    public bool IsIdle => Volatile.Read(ref _asked) == 0;

    /// <summary>Jobs that threads are at, given up or not.</summary>
    public int Running => Volatile.Read(ref _running);

    /// <summary>
    /// Runs the job and tells what it said. False, and the job's results must not be touched any more, when it took longer than the
    /// deadline, was cancelled, or too many wait already.
    /// </summary>
    public async ValueTask<bool> RunAsync(DiskJob job, CancellationToken ct)
    {
        if (!TryEnqueue(job)) return false;
        using ITimer timer = time.CreateTimer(_ => GiveUp(job), null, deadline, Timeout.InfiniteTimeSpan);
        using CancellationTokenRegistration cancelled = ct.UnsafeRegister(_ => GiveUp(job), null);
        return await job.Outcome.Task;
    }

    /// <summary>Lets idle threads end; a hung one ends with its read or with the process.</summary>
    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            Monitor.PulseAll(_gate);
        }
    }

    private bool TryEnqueue(DiskJob job)
    {
        lock (_gate)
        {
            if (_closed || Hung || _waiting.Count >= MaxWaiting) return false;
            _waiting.Enqueue(job);
            Interlocked.Increment(ref _asked);
            if (_idle >= _waiting.Count || _threads == MaxThreads)
            {
                Monitor.Pulse(_gate);
                return true;
            }
            _threads++;
        }
        new Thread(Work, StackBytes) { IsBackground = true, Name = "store reader" }.Start();
        return true;
    }

    private void GiveUp(DiskJob job)
    {
        lock (_gate)
        {
            if (job.At is DiskJob.Stage.Done or DiskJob.Stage.GivenUp) return;
            if (job.At == DiskJob.Stage.Running) _stuck++;
            job.At = DiskJob.Stage.GivenUp;
        }
        job.Outcome.TrySetResult(false);
    }

    private void Work()
    {
        while (true)
        {
            DiskJob job;
            lock (_gate)
            {
                while (_waiting.Count == 0)
                {
                    if (_closed)
                    {
                        _threads--;
                        return;
                    }
                    _idle++;
                    Monitor.Wait(_gate);
                    _idle--;
                }
                job = _waiting.Dequeue();
                if (job.At == DiskJob.Stage.GivenUp)
                {
                    Interlocked.Decrement(ref _asked);
                    continue;       // never ran: nothing to discard
                }
                job.At = DiskJob.Stage.Running;
                _running++;
            }
            bool outcome = job.Run();
            lock (_gate)
            {
                _running--;
                if (job.At == DiskJob.Stage.GivenUp) _stuck--;
                else job.At = DiskJob.Stage.Done;
            }
            if (job.At == DiskJob.Stage.GivenUp) job.Discard();
            else job.Outcome.TrySetResult(outcome);
            Interlocked.Decrement(ref _asked);
        }
    }
}
