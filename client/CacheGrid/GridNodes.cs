using System.Net;

namespace GlobalCache.Client.CacheGrid;

/// <summary>
/// Which node to ask. One is kept to, so that its connection stays warm; it is left when it fails, drains or is no longer named, and each new list
/// of addresses with a new one in it is a new choice, so that a node that was added gets its share. Thread-safe.
/// </summary>
/// <param name="random">Chooses; nodes are alike.</param>
internal sealed class GridNodes(Random random)
{
    /// <summary>A node that failed once is left alone for this long, then for twice as long each time, until it answers.</summary>
    public static readonly TimeSpan FirstSkip = TimeSpan.FromSeconds(2);

    /// <summary>The longest it is left alone.</summary>
    public static readonly TimeSpan LongestSkip = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly Dictionary<IPEndPoint, Node> _nodes = [];
    private IPEndPoint? _kept;

    private sealed class Node
    {
        public int Failures;
        public TimeSpan SkipUntil = TimeSpan.MinValue;
        public bool Draining;
    }

    /// <summary>The addresses that are named now.</summary>
    public IReadOnlyList<IPEndPoint> Addresses
    {
        get { lock (_gate) return [.. _nodes.Keys]; }
    }

    /// <summary>A new list. What is known of those that stay named is kept, but for their draining: who is still named may serve again.</summary>
    public void Update(IEnumerable<IPEndPoint> addresses)
    {
        lock (_gate)
        {
            HashSet<IPEndPoint> named = [.. addresses];
            foreach (IPEndPoint gone in _nodes.Keys.Where(a => !named.Contains(a)).ToArray()) _nodes.Remove(gone);
            bool more = false;
            foreach (IPEndPoint address in named)
            {
                if (_nodes.TryAdd(address, new Node())) more = true;
                else _nodes[address].Draining = false;
            }
            if (more || (_kept is not null && !named.Contains(_kept))) _kept = null;
        }
    }

    /// <summary>The node to ask; null when there is none, or all have failed a moment ago.</summary>
    public IPEndPoint? Choose(TimeSpan now)
    {
        lock (_gate)
        {
            if (_kept is not null && Serves(_nodes[_kept], now) && !_nodes[_kept].Draining) return _kept;
            IPEndPoint[] serving = [.. _nodes.Where(n => Serves(n.Value, now)).Select(n => n.Key)];
            // One that is about to go still serves: better than none.
            IPEndPoint[] staying = [.. serving.Where(a => !_nodes[a].Draining)];
            IPEndPoint[] from = staying.Length > 0 ? staying : serving;
            return _kept = from.Length == 0 ? null : from[random.Next(from.Length)];
        }
    }

    /// <summary>It has answered, whatever it said. True: it is about to go, and others are not: its connections are of no more use.</summary>
    public bool Answered(IPEndPoint address, bool draining)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(address, out Node? node)) return false;
            (node.Failures, node.Draining) = (0, draining);
            return draining && _nodes.Values.Any(n => !n.Draining);
        }
    }

    /// <summary>No connection, no answer in time, a wrong one, or one that says it cannot serve.</summary>
    /// <param name="address">The node.</param>
    /// <param name="now">Time on any monotonic clock.</param>
    /// <param name="atLeast">Where it told for how long, or has to be left alone for longer.</param>
    public void Failed(IPEndPoint address, TimeSpan now, TimeSpan atLeast = default)
    {
        lock (_gate)
        {
            if (!_nodes.TryGetValue(address, out Node? node)) return;
            TimeSpan skip = FirstSkip * (1 << Math.Min(node.Failures++, 6));
            if (skip > LongestSkip) skip = LongestSkip;
            node.SkipUntil = now + (atLeast > skip ? atLeast : skip);
        }
    }

    private static bool Serves(Node node, TimeSpan now) => now >= node.SkipUntil;
}
