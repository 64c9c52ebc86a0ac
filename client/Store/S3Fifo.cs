using System.Runtime.InteropServices;

namespace GlobalCache.Client.Store;

/// <summary>
/// Which assets to keep: S3-FIFO (Yang et al., SOSP 2023) weighed by bytes. New entries wait in a small queue of a tenth of the budget;
/// what is used there more than once moves to the main queue, the rest leaves and is remembered as a ghost, so that it enters the main
/// queue at once if it comes back. The main queue gives each use another round. Pure memory, not thread-safe.
/// </summary>
/// <remarks>
/// Entries are structs of 32 bytes in pages, linked by slot numbers: half a million assets take 20 MB. Ids are the first eight bytes
/// of an HMAC: uniform already, so they are their own hash.
/// </remarks>
internal sealed class S3Fifo(long budgetBytes, int maxGhosts = S3Fifo.DefaultMaxGhosts)
{
    /// <summary>4 MB of memory at most.</summary>
    public const int DefaultMaxGhosts = 131_072;

    private const int PageSize = 1024, None = -1;
    private const byte MostUses = 3, UsesChanged = 1, Moved = 2;
    private readonly List<Entry[]> _pages = [];
    private readonly List<int> _changed = [];
    private readonly Fifo[] _queues = [new(), new(), new(), new()];
    private int[] _buckets = [.. Enumerable.Repeat(None, 1024)];
    private int _free = None;
    private int _slots;
    private int _told;

    private enum Queue : byte
    {
        Free,
        Small,
        Main,
        Ghost,
    }

    /// <summary>Entries held, ghosts not counted.</summary>
    public int Count => _queues[(int)Queue.Small].Count + _queues[(int)Queue.Main].Count;

    /// <summary>Their bytes.</summary>
    public long Bytes => _queues[(int)Queue.Small].Bytes + _queues[(int)Queue.Main].Bytes;

    public bool Contains(ulong id) => Find(id) is var slot and not None && At(slot).Queue != Queue.Ghost;

    /// <summary>Finds an entry and counts the use.</summary>
    public bool TryUse(ulong id, out int tag)
    {
        tag = 0;
        int slot = Find(id);
        if (slot == None) return false;
        ref Entry entry = ref At(slot);
        if (entry.Queue == Queue.Ghost) return false;
        tag = entry.Tag;
        if (entry.Uses < MostUses)
        {
            entry.Uses++;
            Note(slot, UsesChanged);
        }
        return true;
    }

    /// <summary>
    /// Adds what is not held yet. The caller has made room before (<see cref="TryEvict"/>). <paramref name="tag"/> is the caller's own.
    /// </summary>
    /// <returns>Whether it went to the main queue, because it is remembered.</returns>
    public bool Add(ulong id, int bytes, int tag)
    {
        int slot = Find(id);
        bool known = slot != None;
        if (known) Unlink(slot);
        else slot = Allocate(id);
        Enter(slot, known ? Queue.Main : Queue.Small, bytes, tag, uses: 0);
        return known;
    }

    /// <summary>Puts back an entry from an earlier run, newer than all before it.</summary>
    public void Restore(ulong id, int bytes, int tag, byte uses, bool main) =>
        Enter(Allocate(id), main ? Queue.Main : Queue.Small, bytes, tag, Math.Min(uses, MostUses));

    /// <summary>Forgets an entry without a ghost: it was damaged or unwanted, not unpopular.</summary>
    public bool Remove(ulong id, out int bytes)
    {
        bytes = 0;
        int slot = Find(id);
        if (slot == None || At(slot).Queue == Queue.Ghost) return false;
        bytes = At(slot).Bytes;
        Unlink(slot);
        Release(slot);
        return true;
    }

    /// <summary>Chooses what leaves next, and forgets it. False when nothing is held.</summary>
    public bool TryEvict(out ulong id, out int bytes)
    {
        id = 0;
        bytes = 0;
        Fifo small = _queues[(int)Queue.Small], main = _queues[(int)Queue.Main];
        while (Count > 0)
        {
            bool fromSmall = small.Count > 0 && (small.Bytes > budgetBytes / 10 || main.Count == 0);
            int slot = (fromSmall ? small : main).Oldest;
            ref Entry entry = ref At(slot);
            (id, bytes) = (entry.Id, entry.Bytes);
            Unlink(slot);
            if (fromSmall && entry.Uses <= 1)
            {
                Enter(slot, Queue.Ghost, bytes, 0, 0);
                TrimGhosts();
                return true;
            }
            if (!fromSmall && entry.Uses == 0)
            {
                Release(slot);
                return true;
            }
            Enter(slot, Queue.Main, bytes, entry.Tag, fromSmall ? (byte)0 : (byte)(entry.Uses - 1));
            Note(slot, Moved);
        }
        return false;
    }

    /// <summary>
    /// Tells what changed since the last call, as far as <paramref name="changes"/> has room. An entry that moved may be told more than
    /// once: applied in order, the last one is where it stands. Call until it returns 0.
    /// </summary>
    public int DrainChanges(Span<Change> changes)
    {
        int written = 0;
        while (_told < _changed.Count && written < changes.Length)
        {
            ref Entry entry = ref At(_changed[_told++]);
            // Otherwise it left meanwhile.
            if (entry.Changes != 0 && (entry.Queue is Queue.Small or Queue.Main))
                changes[written++] = new Change(entry.Id, entry.Uses, entry.Queue == Queue.Main, (entry.Changes & Moved) != 0);
            entry.Changes &= unchecked((byte)~UsesChanged);
        }
        if (_told < _changed.Count) return written;
        foreach (int slot in _changed) At(slot).Changes = 0;
        _changed.Clear();
        _told = 0;
        return written;
    }

    private void TrimGhosts()
    {
        Fifo ghosts = _queues[(int)Queue.Ghost];
        while (ghosts.Count > maxGhosts || ghosts.Bytes > budgetBytes - budgetBytes / 10)
        {
            int slot = ghosts.Oldest;
            Unlink(slot);
            Release(slot);
        }
    }

    private void Note(int slot, byte change)
    {
        ref Entry entry = ref At(slot);
        if (change == Moved || (entry.Changes & change) == 0) _changed.Add(slot);
        entry.Changes |= change;
    }

    private void Enter(int slot, Queue queue, int bytes, int tag, byte uses)
    {
        ref Entry entry = ref At(slot);
        Fifo fifo = _queues[(int)queue];
        (entry.Queue, entry.Bytes, entry.Tag, entry.Uses) = (queue, bytes, tag, uses);
        (entry.Older, entry.Newer) = (fifo.Newest, None);
        if (fifo.Newest != None) At(fifo.Newest).Newer = slot;
        else fifo.Oldest = slot;
        fifo.Newest = slot;
        fifo.Count++;
        fifo.Bytes += bytes;
    }

    private void Unlink(int slot)
    {
        ref Entry entry = ref At(slot);
        Fifo fifo = _queues[(int)entry.Queue];
        if (entry.Newer != None) At(entry.Newer).Older = entry.Older;
        else fifo.Newest = entry.Older;
        if (entry.Older != None) At(entry.Older).Newer = entry.Newer;
        else fifo.Oldest = entry.Newer;
        fifo.Count--;
        fifo.Bytes -= entry.Bytes;
    }

    private ref Entry At(int slot) => ref _pages[slot / PageSize][slot % PageSize];

    private ref int Bucket(ulong id) => ref _buckets[(int)(id & (uint)(_buckets.Length - 1))];

    private int Find(ulong id)
    {
        int slot = Bucket(id);
        while (slot != None && At(slot).Id != id) slot = At(slot).Chain;
        return slot;
    }

    private int Allocate(ulong id)
    {
        int slot = _free;
        if (slot != None)
        {
            _free = At(slot).Chain;
        }
        else
        {
            slot = _slots++;
            if (slot / PageSize == _pages.Count) _pages.Add(new Entry[PageSize]);
            if (_slots > _buckets.Length) Grow();
        }
        ref Entry entry = ref At(slot);
        entry = new Entry { Id = id, Chain = Bucket(id) };
        Bucket(id) = slot;
        return slot;
    }

    private void Release(int slot)
    {
        ref Entry entry = ref At(slot);
        ref int link = ref Bucket(entry.Id);
        while (link != slot) link = ref At(link).Chain;
        link = entry.Chain;
        entry = new Entry { Chain = _free };
        _free = slot;
    }

    private void Grow()
    {
        _buckets = new int[_buckets.Length * 2];
        _buckets.AsSpan().Fill(None);
        for (int slot = 0; slot < _slots - 1; slot++)
        {
            ref Entry entry = ref At(slot);
            if (entry.Queue == Queue.Free) continue;
            entry.Chain = Bucket(entry.Id);
            Bucket(entry.Id) = slot;
        }
    }

    /// <summary>What a later run must know to go on: see <see cref="Restore"/>.</summary>
    [StructLayout(LayoutKind.Auto)]
    public readonly record struct Change(ulong Id, byte Uses, bool Main, bool Moved);

    [StructLayout(LayoutKind.Sequential)]
    private struct Entry
    {
        public ulong Id;
        public int Bytes, Tag, Newer, Older, Chain;
        public byte Uses, Changes;
        public Queue Queue;
    }

    private sealed class Fifo
    {
        public int Newest = None, Oldest = None, Count;
        public long Bytes;
    }
}
