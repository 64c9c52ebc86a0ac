using System.Runtime.InteropServices;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>What was served, summed.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Tally(long Hits, long Misses, long Bytes)
{
    public static Tally operator -(Tally one, Tally other) => new(one.Hits - other.Hits, one.Misses - other.Misses, one.Bytes - other.Bytes);

    public static Tally operator +(Tally one, Tally other) => new(one.Hits + other.Hits, one.Misses + other.Misses, one.Bytes + other.Bytes);

    public static Tally Of(NodeReport report) => new(report.Hits, report.Misses, report.SentBytes);

    /// <summary>What came since then; a node that says less than before was started anew, and all of it came since.</summary>
    public Tally Since(Tally before) => Hits >= before.Hits && Misses >= before.Misses && Bytes >= before.Bytes ? this - before : this;
}

/// <summary>Nodes come and go and count from their own start: this counts on. Memory: one line for each node there is.</summary>
internal sealed class Ledger
{
    private Dictionary<string, Tally> _nodes = [];

    /// <summary>All that was served.</summary>
    public Tally Total { get; private set; }

    /// <summary>Takes what the nodes last said, by instance; those without a report keep what they said before.</summary>
    /// <param name="said">All instances there are. Others are forgotten.</param>
    public void Take(IEnumerable<(string Instance, NodeReport? Report)> said)
    {
        Dictionary<string, Tally> now = [];
        foreach ((string instance, NodeReport? report) in said)
        {
            Tally before = _nodes.GetValueOrDefault(instance);
            Tally last = report is null ? before : Tally.Of(report);
            Total += last.Since(before);
            now[instance] = last;
        }

        _nodes = now;
    }
}
