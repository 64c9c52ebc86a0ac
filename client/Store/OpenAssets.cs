namespace GlobalCache.Client.Store;

/// <summary>The assets opened last, at most <paramref name="capacity"/>: a busy region's worth, a kilobyte and a file handle each.</summary>
internal sealed class OpenAssets(int capacity) : IDisposable
{
    private const int MostHandles = 2048, UsualHandles = 512;
    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, LinkedListNode<OpenAsset>> _byId = [];
    private readonly LinkedList<OpenAsset> _byUse = new();
    private bool _closed;

    /// <summary>For this process: at most a quarter of the files it may have open; the sockets need theirs.</summary>
    public OpenAssets() : this(CapacityFor("/proc/self/limits"))
    {
    }

    public OpenAsset? Find(ulong id)
    {
        lock (_gate)
        {
            if (!_byId.TryGetValue(id, out LinkedListNode<OpenAsset>? node)) return null;
            if (node != _byUse.First)
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
            }
            return node.Value;
        }
    }

    public void Add(OpenAsset asset)
    {
        OpenAsset? leaving = null;
        lock (_gate)
        {
            if (_closed) leaving = asset;
            else if (_byId.Remove(asset.Id, out LinkedListNode<OpenAsset>? same)) Unlink(same);
            else if (_byId.Count == capacity) Unlink(_byUse.Last!);
            if (!_closed) _byId[asset.Id] = _byUse.AddFirst(asset);
        }
        leaving?.Dispose();

        void Unlink(LinkedListNode<OpenAsset> node)
        {
            leaving = node.Value;
            _byId.Remove(node.Value.Id);
            _byUse.Remove(node);
        }
    }

    /// <summary>Forgets an asset whose file is deleted or replaced.</summary>
    public void Remove(ulong id)
    {
        LinkedListNode<OpenAsset>? node;
        lock (_gate)
        {
            if (!_byId.Remove(id, out node)) return;
            _byUse.Remove(node);
        }
        node.Value.Dispose();
    }

    public void Dispose()
    {
        lock (_gate)
        {
            _closed = true;
            foreach (OpenAsset asset in _byUse) asset.Dispose();
            _byUse.Clear();
            _byId.Clear();
        }
    }

    private static int CapacityFor(string limits)
    {
        const string label = "Max open files";
        if (!File.Exists(limits)) return UsualHandles;
        string? line = File.ReadLines(limits).FirstOrDefault(l => l.StartsWith(label, StringComparison.Ordinal));
        string? soft = line?[label.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, out long files) ? (int)Math.Clamp(files / 4, 16, MostHandles) : UsualHandles;
    }
}
