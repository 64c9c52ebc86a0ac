namespace GlobalCache.Node.Ingest;

/// <summary>
/// The memory that uploads under way may take together; who finds none left comes again. An upload is there as plain, compressed and sealed
/// bytes at the most.
/// </summary>
internal sealed class UploadMemory(long maxBytes)
{
    /// <summary>Enough for one of the largest assets, and for a thousand textures.</summary>
    public const long Default = 256L << 20;

    private const int Copies = 3;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _branches = [];
    private long _taken;

    /// <summary>False: not now. True: to be given back by <see cref="Return"/>. One upload alone is always let in; a branch has a quarter at most, so that a slow one stops nobody else.</summary>
    public bool TryTake(string branch, int plainBytes)
    {
        long bytes = (long)plainBytes * Copies;
        lock (_gate)
        {
            long mine = _branches.GetValueOrDefault(branch);
            if ((_taken > 0 && _taken + bytes > maxBytes) || (mine > 0 && mine + bytes > maxBytes / 4)) return false;
            _taken += bytes;
            _branches[branch] = mine + bytes;
            return true;
        }
    }

    public void Return(string branch, int plainBytes)
    {
        long bytes = (long)plainBytes * Copies;
        lock (_gate)
        {
            _taken -= bytes;
            if ((_branches[branch] -= bytes) == 0) _branches.Remove(branch);
        }
    }
}
