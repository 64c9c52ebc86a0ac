using System.Globalization;
using GlobalCache.Client.Store;

namespace GlobalCache.Bench.Eviction;

/// <summary>What the store's choice of assets to keep is worth: hits by requests and by bytes, beside the least recently used and the first come, all weighed by bytes.</summary>
internal static class EvictionBench
{
    private static readonly double[] s_shares = [0.02, 0.10, 0.30];

    public static void Run(int rounds, TextWriter to)
    {
        to.WriteLine("| requests | store, of all bytes | S3-FIFO | LRU | FIFO | S3-FIFO's bytes | LRU's bytes |");
        to.WriteLine("|---|---|---|---|---|---|---|");
        foreach ((string name, Func<int, IEnumerable<int>> trace) in Traces.All)
        {
            foreach (double share in s_shares)
            {
                (double Hits, double Bytes)[][] all = [.. Enumerable.Range(1, rounds).Select(seed => Round(trace, share, seed))];
                double Median(int policy, Func<(double Hits, double Bytes), double> of) => all.Select(r => of(r[policy])).Order().ElementAt(rounds / 2);
                string[] shown = [.. new[] { Median(0, r => r.Hits), Median(1, r => r.Hits), Median(2, r => r.Hits), Median(0, r => r.Bytes), Median(1, r => r.Bytes) }.Select(v => v.ToString("0.0 %", CultureInfo.InvariantCulture))];
                to.WriteLine($"| {name} | {share.ToString("0 %", CultureInfo.InvariantCulture)} | {string.Join(" | ", shown)} |");
            }
        }
    }

    private static (double Hits, double Bytes)[] Round(Func<int, IEnumerable<int>> trace, double share, int seed)
    {
        int[] sizes = Traces.Sizes(seed);
        long budget = (long)(sizes.Sum(s => (long)s) * share);
        return [Ours(trace(seed), sizes, budget), Listed(trace(seed), sizes, budget, refresh: true), Listed(trace(seed), sizes, budget, refresh: false)];
    }

    private static (double, double) Ours(IEnumerable<int> trace, int[] sizes, long budget)
    {
        var fifo = new S3Fifo(budget);
        return Count(trace, sizes, id =>
        {
            // As the store names them: bits that are their own hash.
            ulong name = (ulong)(id + 1) * 0x9E3779B97F4A7C15;
            if (fifo.TryUse(name, out _)) return true;
            fifo.Add(name, sizes[id], 0);
            while (fifo.Bytes > budget && fifo.TryEvict(out _, out _)) { }
            return false;
        });
    }

    private static (double, double) Listed(IEnumerable<int> trace, int[] sizes, long budget, bool refresh)
    {
        var order = new LinkedList<int>();
        LinkedListNode<int>?[] where = new LinkedListNode<int>?[sizes.Length];
        long bytes = 0;
        return Count(trace, sizes, id =>
        {
            if (where[id] is { } node)
            {
                if (refresh)
                {
                    order.Remove(node);
                    order.AddFirst(node);
                }
                return true;
            }
            where[id] = order.AddFirst(id);
            bytes += sizes[id];
            while (bytes > budget && order.Last is { } last)
            {
                order.RemoveLast();
                where[last.Value] = null;
                bytes -= sizes[last.Value];
            }
            return false;
        });
    }

    /// <summary>The first fifth fills the store and is not counted.</summary>
    private static (double, double) Count(IEnumerable<int> trace, int[] sizes, Func<int, bool> ask)
    {
        long asked = 0, hits = 0, bytes = 0, hitBytes = 0, all = 0;
        foreach (int id in trace)
        {
            bool hit = ask(id);
            if (all++ < Traces.Requests / 5) continue;
            asked++;
            bytes += sizes[id];
            if (!hit) continue;
            hits++;
            hitBytes += sizes[id];
        }
        return ((double)hits / asked, (double)hitBytes / bytes);
    }
}
