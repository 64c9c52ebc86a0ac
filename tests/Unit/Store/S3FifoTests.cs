using CsCheck;
using GlobalCache.Client.Store;

namespace GlobalCache.Tests.Store;

/// <summary>The eviction policy against the same policy written naively with lists, and the figures it must hold to.</summary>
public sealed class S3FifoTests
{
    private const long Budget = 1000;
    private const int MaxGhosts = 12;

    private static readonly Gen<(Kind Kind, ulong Id, int Bytes)[]> GenOperations = Gen.Select(
        Gen.Frequency((20, Gen.Const(Kind.Get)), (2, Gen.Const(Kind.Remove)), (1, Gen.Const(Kind.Drain))),
        // Skewed: a few ids come again and again. Ids 1024 apart share a bucket.
        Gen.Frequency((3, Gen.ULong[0, 5]), (2, Gen.ULong[0, 40]), (1, Gen.ULong[0, 20].Select(i => i * 1024))),
        Gen.OneOf(Gen.Int[1, 60], Gen.Int[1, 300])).Array[0, 400];

    private enum Kind
    {
        Get,
        Remove,
        Drain,
    }

    [Fact]
    public void It_decides_as_the_naive_lists_do() => GenOperations.Sample(operations =>
    {
        S3Fifo fifo = new(Budget, MaxGhosts);
        Naive naive = new();
        foreach ((Kind kind, ulong id, int bytes) in operations)
        {
            switch (kind)
            {
                case Kind.Get:
                    bool hit = fifo.TryUse(id, out int tag);
                    Assert.Equal(naive.TryUse(id, out int expectedTag), hit);
                    Assert.Equal(expectedTag, tag);
                    if (hit) break;
                    while (fifo.Bytes + bytes > Budget)
                    {
                        Assert.True(fifo.TryEvict(out ulong victim, out int freed));
                        Assert.Equal(naive.Evict(), (victim, freed));
                    }
                    Assert.Equal(naive.Add(id, bytes, bytes * 2), fifo.Add(id, bytes, bytes * 2));
                    break;
                case Kind.Remove:
                    Assert.Equal(naive.Remove(id), fifo.Remove(id, out _));
                    break;
                default:
                    S3Fifo.Change[] changes = new S3Fifo.Change[3];
                    while (fifo.DrainChanges(changes) > 0)
                    {
                    }
                    Assert.Equal(0, fifo.DrainChanges(changes));
                    break;
            }
            Assert.Equal((naive.Held.Count(), naive.Held.Sum(e => (long)e.Bytes)), (fifo.Count, fifo.Bytes));
            Assert.InRange(fifo.Bytes, 0, Budget);
            for (ulong i = 0; i <= 40; i++) Assert.Equal(naive.Held.Any(e => e.Id == i), fifo.Contains(i));
        }
    }, iter: 200);

    [Fact]
    public void Told_changes_restore_the_same_order_and_uses() => GenOperations.Sample(operations =>
    {
        // A store's life: what is told is written down at once; at the end a second instance is built from that alone.
        S3Fifo fifo = new(Budget, MaxGhosts);
        Dictionary<ulong, (int Bytes, byte Uses, bool Main, long Place)> written = [];
        long place = 0;
        foreach ((Kind kind, ulong id, int bytes) in operations)
        {
            if (kind != Kind.Get || fifo.TryUse(id, out _)) continue;
            while (fifo.Bytes + bytes > Budget && fifo.TryEvict(out ulong victim, out _))
            {
                written.Remove(victim);
                Write();
            }
            written[id] = (bytes, 0, fifo.Add(id, bytes, 0), place++);
        }
        Write();
        S3Fifo again = new(Budget, MaxGhosts);
        foreach (var (id, row) in written.OrderBy(r => r.Value.Place)) again.Restore(id, row.Bytes, 0, row.Uses, row.Main);
        Assert.Equal((fifo.Count, fifo.Bytes), (again.Count, again.Bytes));
        while (fifo.TryEvict(out ulong id, out int bytes))
        {
            Assert.True(again.TryEvict(out ulong sameId, out int sameBytes));
            Assert.Equal((id, bytes), (sameId, sameBytes));
        }

        void Write()
        {
            S3Fifo.Change[] changes = new S3Fifo.Change[5];
            for (int count; (count = fifo.DrainChanges(changes)) > 0;)
            {
                foreach (S3Fifo.Change change in changes[..count])
                {
                    var row = written[change.Id];
                    written[change.Id] = (row.Bytes, change.Uses, change.Main, change.Moved ? place++ : row.Place);
                }
            }
        }
    }, iter: 300);

    [Fact]
    public void A_scan_does_not_push_out_what_is_in_use()
    {
        S3Fifo fifo = new(10_000);
        for (ulong id = 0; id < 50; id++) fifo.Add(id, 100, 0);
        for (ulong scanned = 1000; scanned < 6000; scanned++)
        {
            for (ulong id = 0; scanned % 20 == 0 && id < 50; id++) fifo.TryUse(id, out _);
            while (fifo.Bytes + 100 > 10_000) fifo.TryEvict(out _, out _);
            fifo.Add(scanned, 100, 0);
        }
        Assert.Equal(50, Enumerable.Range(0, 50).Count(id => fifo.Contains((ulong)id)));
    }

    [Fact]
    public void Half_a_million_entries_take_about_20_MB_and_the_churn_of_as_many_only_their_ghosts()
    {
        const long budget = 500_000L * 20_000;
        S3Fifo fifo = new(budget);
        static ulong Id(int i) => (ulong)i * 0x9E3779B97F4A7C15;
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 500_000; i++) fifo.Add(Id(i), 20_000, 0);
        long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.InRange(allocated, 0, 22_000_000);           // smaller hash tables that were thrown away included
        int evicted = 0;
        before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 500_000; i < 1_000_000; i++)
        {
            while (fifo.Bytes + 20_000 > budget && fifo.TryEvict(out _, out _)) evicted++;
            fifo.Add(Id(i), 20_000, 0);
        }
        allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.Equal(500_000, evicted);
        Assert.InRange(allocated, 0, 10_000_000);           // 131 072 ghosts and the table they make grow
    }

    /// <summary>The paper's algorithm on lists; the first element is the oldest.</summary>
    private sealed class Naive
    {
        private readonly List<Entry> _small = [], _main = [], _ghosts = [];

        public IEnumerable<Entry> Held => _small.Concat(_main);

        public bool TryUse(ulong id, out int tag)
        {
            Entry? entry = Held.SingleOrDefault(e => e.Id == id);
            tag = entry?.Tag ?? 0;
            if (entry is not null) entry.Uses = Math.Min(3, entry.Uses + 1);
            return entry is not null;
        }

        public bool Add(ulong id, int bytes, int tag)
        {
            bool known = _ghosts.RemoveAll(g => g.Id == id) > 0;
            (known ? _main : _small).Add(new Entry(id, bytes, tag));
            return known;
        }

        public bool Remove(ulong id) => _small.RemoveAll(e => e.Id == id) + _main.RemoveAll(e => e.Id == id) > 0;

        public (ulong Id, int Bytes) Evict()
        {
            while (true)
            {
                bool fromSmall = _small.Count > 0 && (_small.Sum(e => e.Bytes) > Budget / 10 || _main.Count == 0);
                List<Entry> queue = fromSmall ? _small : _main;
                Entry entry = queue[0];
                queue.RemoveAt(0);
                if (fromSmall && entry.Uses <= 1)
                {
                    _ghosts.Add(entry);
                    while (_ghosts.Count > MaxGhosts || _ghosts.Sum(g => g.Bytes) > Budget * 9 / 10) _ghosts.RemoveAt(0);
                    return (entry.Id, entry.Bytes);
                }
                if (!fromSmall && entry.Uses == 0) return (entry.Id, entry.Bytes);
                entry.Uses = fromSmall ? 0 : entry.Uses - 1;
                _main.Add(entry);
            }
        }

        public sealed class Entry(ulong id, int bytes, int tag)
        {
            public ulong Id => id;

            public int Bytes => bytes;

            public int Tag => tag;

            public int Uses { get; set; }
        }
    }
}
