namespace GlobalCache.Master.Reconcile;

/// <summary>What was decided or done.</summary>
/// <param name="At">When.</param>
/// <param name="Node">With which node, or <c>the DNS</c>; empty: with the fleet.</param>
/// <param name="What">One word: <c>decide, launch, mark, dns, tell, end, state, alarm, trouble, lease, order</c>.</param>
/// <param name="Reason">A sentence.</param>
internal sealed record HistoryEntry(DateTimeOffset At, string Node, string What, string Reason);

/// <summary>The last decisions and steps, the same for log, dashboard and tests. Safe for any number of readers.</summary>
internal sealed class History(int most = 2000)
{
    private readonly Lock _lock = new();
    private readonly Queue<HistoryEntry> _entries = new();

    /// <summary>How many there ever were.</summary>
    public long Count { get; private set; }

    /// <summary>Adds one; the oldest goes when there are too many.</summary>
    public void Add(HistoryEntry entry)
    {
        lock (_lock)
        {
            if (_entries.Count == most) _entries.Dequeue();
            _entries.Enqueue(entry);
            Count++;
        }
    }

    /// <summary>The newest, oldest first.</summary>
    public IReadOnlyList<HistoryEntry> Newest(int count = int.MaxValue)
    {
        lock (_lock) return [.. _entries.TakeLast(count)];
    }
}
