using System.Buffers;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using System.Threading.Channels;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;

namespace GlobalCache.Node.Serving;

/// <summary>
/// Sealed assets on the node's own disk, behind memory and before the store: noise under names that are noise, as in the store, so that a lost disk tells nothing.
/// Taken in is what the store had to be asked for a second time; when room is needed, the oldest that nobody asked for since leaves. Survives restarts.
/// It says only what lay in the store once: whoever reads asks the store for the tag of what lies there now. A disk that is full, slow or broken is as if it
/// were not there. Safe for concurrent use.
/// </summary>
internal sealed class DiskCache : IAsyncDisposable
{
    /// <summary>A disk that needs longer is of no use.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(100);

    private const int MostGhosts = 65_536, MostWaiting = 64, MostWaitingBytes = 32 << 20, ReadsAtOnce = 16, MostTagBytes = 256, FileOverhead = 4096, NameChars = 64;
    private static readonly SearchValues<char> s_nameChars = SearchValues.Create("0123456789abcdef");
    private const string Unfinished = ".new";
    private static readonly TimeSpan s_pause = TimeSpan.FromMinutes(1);

    private readonly string _folder;
    private readonly long _budget;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly Channel<(string Name, StoredObject There)> _work = Channel.CreateBounded<(string, StoredObject)>(new BoundedChannelOptions(MostWaiting) { SingleReader = true, FullMode = BoundedChannelFullMode.Wait });
    private readonly ConcurrentDictionary<string, Entry> _entries = new();
    private readonly SemaphoreSlim _turns = new(ReadsAtOnce);
    private readonly Lock _gate = new();
    private readonly Queue<ulong> _ghosts = new();
    private readonly HashSet<ulong> _asked = [];
    private readonly ConcurrentQueue<Entry> _gone = new();
    private readonly Task _working;

    // The worker's alone.
    private Queue<Entry> _order = new();
    private long _pausedSince = -1;

    private long _bytes, _waiting, _hits;
    private volatile bool _ends;

    private sealed class Entry(string name, long weight)
    {
        public string Name => name;

        public long Weight => weight;

        public volatile bool Used;
    }

    /// <param name="folder">Nobody else's; created if missing.</param>
    /// <param name="budget">Bytes on disk.</param>
    /// <param name="time">For pauses.</param>
    /// <param name="log">Told once when the disk cannot be written.</param>
    public DiskCache(string folder, long budget, TimeProvider time, ILogger log)
    {
        (_folder, _budget, _time, _log) = (folder, budget, time, log);
        _working = Task.Run(WorkAsync);
    }

    /// <summary>Bytes taken.</summary>
    public long Bytes => Volatile.Read(ref _bytes);

    /// <summary>Reads it could answer.</summary>
    public long Hits => Volatile.Read(ref _hits);

    /// <summary>Adds its figures to the node's.</summary>
    public void Show(NodeMetrics metrics)
    {
        metrics.Show("gc_node_disk_hits", "Assets read from the node's own disk since the start.", () => Hits);
        metrics.Show("gc_node_disk_bytes", "What they take there.", () => Bytes);
    }

    /// <summary>The object as it lay in the store once; null: not held, damaged, or not to be had in time.</summary>
    public async Task<StoredObject?> FindAsync(string name)
    {
        if (!_entries.TryGetValue(name, out Entry? entry) || !_turns.Wait(0)) return null;
        // Opening a file can wait for the disk as well as reading it can.
        Task<StoredObject?> reading = Task.Run(() => Read(name));
        _ = reading.ContinueWith(_ => _turns.Release(), TaskScheduler.Default);
        try
        {
            if (await reading.WaitAsync(Patience, _time) is not { } there)
            {
                Forget(name);
                return null;
            }
            entry.Used = true;
            Interlocked.Increment(ref _hits);
            return there;
        }
        catch (TimeoutException)
        {
            return null;
        }
    }

    /// <summary>The store had to be read. What it had to be read for before is written to disk, later and beside.</summary>
    public void Offer(string name, StoredObject there)
    {
        ulong id = Convert.ToUInt64(name[..16], 16);
        lock (_gate)
        {
            if (_asked.Add(id))
            {
                _ghosts.Enqueue(id);
                if (_ghosts.Count > MostGhosts) _asked.Remove(_ghosts.Dequeue());
                return;
            }
        }
        // Many at once are more than a disk can take: those that find no place come again.
        if (there.Bytes.Length > _budget / 10 || _entries.ContainsKey(name) || Volatile.Read(ref _waiting) > MostWaitingBytes) return;
        if (_work.Writer.TryWrite((name, there))) Interlocked.Add(ref _waiting, there.Bytes.Length);
    }

    /// <summary>Another object lies in the store now, or none, or what lies here is damaged.</summary>
    public void Forget(string name)
    {
        // Out of the table it cannot be found; the file goes when room is needed, or is found at the next start and has its tag compared as ever.
        if (_entries.TryRemove(name, out Entry? entry)) _gone.Enqueue(entry);
    }

    public async ValueTask DisposeAsync()
    {
        _ends = true;
        _work.Writer.TryComplete();
        await _working;
    }

    private async Task WorkAsync()
    {
        Guarded(Scan);
        await foreach ((string name, StoredObject there) in _work.Reader.ReadAllAsync())
        {
            if (_ends) return;
            Interlocked.Add(ref _waiting, -there.Bytes.Length);
            if (_pausedSince < 0 || _time.GetElapsedTime(_pausedSince) >= s_pause) Guarded(() => Write(name, there));
        }
    }

    private void Guarded(Action act)
    {
        try
        {
            act();
            _pausedSince = -1;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Pause();
        }
    }

    private void Pause()
    {
        if (_pausedSince < 0) _log.DiskUnusable();
        _pausedSince = _time.GetTimestamp();
    }

    /// <summary>What an earlier run left, the oldest first. What is not ours is left alone, in a folder that was named by mistake too.</summary>
    private void Scan()
    {
        PrivateFile.CreateFolder(_folder);
        foreach (FileInfo file in new DirectoryInfo(_folder).EnumerateFiles("*", SearchOption.AllDirectories).OrderBy(f => f.LastWriteTimeUtc))
        {
            if (_ends) return;
            ReadOnlySpan<char> name = Path.GetFileNameWithoutExtension(file.Name.AsSpan());
            if (name.Length != NameChars || name.ContainsAnyExcept(s_nameChars) || file.Directory!.Name != name[..2].ToString()) continue;
            if (file.Extension == Unfinished) file.Delete();
            else if (file.Extension.Length == 0) Enter(file.Name, file.Length);
        }
        MakeRoom(0);
    }

    private void Enter(string name, long bytes)
    {
        var entry = new Entry(name, bytes + FileOverhead);
        if (!_entries.TryAdd(name, entry)) return;
        _order.Enqueue(entry);
        Volatile.Write(ref _bytes, _bytes + entry.Weight);
        // What was forgotten keeps its place in line until there are many of the kind.
        if (_order.Count > (2 * _entries.Count) + 1000) _order = new(_order.Where(e => _entries.TryGetValue(e.Name, out Entry? there) && there == e));
    }

    private void Write(string name, StoredObject there)
    {
        if (_entries.ContainsKey(name) || Encoding.UTF8.GetByteCount(there.ETag) > MostTagBytes) return;
        MakeRoom(there.Bytes.Length + FileOverhead);
        string path = PathOf(name), temporary = path + Unfinished;
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        try
        {
            using (FileStream file = new(temporary, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0))
            {
                file.Write(DiskFile.Head(there));
                file.Write(there.Bytes.Span);
            }
#pragma warning disable RS0030 // Nobody else writes here, and what lay there before is gone from the table.
            File.Move(temporary, path, overwrite: true);
#pragma warning restore RS0030
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Half a file would go on filling a full disk.
            if (File.Exists(temporary)) File.Delete(temporary);
            throw;
        }
        Enter(name, there.Bytes.Length);
    }

    private void MakeRoom(long bytes)
    {
        while (_gone.TryDequeue(out Entry? gone)) Remove(gone);
        while (_bytes + bytes > _budget && _order.TryDequeue(out Entry? entry))
        {
            if (entry.Used && _entries.ContainsKey(entry.Name))
            {
                entry.Used = false;
                _order.Enqueue(entry);
                continue;
            }
            // Else it was forgotten already, and its file with it.
            if (_entries.TryRemove(new KeyValuePair<string, Entry>(entry.Name, entry))) Remove(entry);
        }
    }

    private void Remove(Entry entry)
    {
        Volatile.Write(ref _bytes, _bytes - entry.Weight);
        if (!_entries.ContainsKey(entry.Name) && File.Exists(PathOf(entry.Name))) File.Delete(PathOf(entry.Name));
    }

    private StoredObject? Read(string name)
    {
        try
        {
            return DiskFile.Read(File.ReadAllBytes(PathOf(name)));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private string PathOf(string name) => Path.Combine(_folder, name[..2], name);
}

/// <summary>
/// A file of the disk cache: <c>GCN1</c>, length of the store's tag u16 little-endian, the tag, SHA-256 over tag and object, the object. Nothing is
/// opened on the way out, so the hash alone tells that a disk gives back what it was given.
/// </summary>
internal static class DiskFile
{
    private const int Fixed = 6;

    private static ReadOnlySpan<byte> Magic => "GCN1"u8;

    /// <summary>What stands before the object's bytes.</summary>
    public static byte[] Head(StoredObject there)
    {
        byte[] tag = Encoding.UTF8.GetBytes(there.ETag);
        byte[] head = new byte[Fixed + tag.Length + SHA256.HashSizeInBytes];
        Magic.CopyTo(head);
        BinaryPrimitives.WriteUInt16LittleEndian(head.AsSpan(Magic.Length), (ushort)tag.Length);
        tag.CopyTo(head, Fixed);
        Hash(tag, there.Bytes.Span, head.AsSpan(Fixed + tag.Length));
        return head;
    }

    /// <summary>Null: damaged or cut short.</summary>
    public static StoredObject? Read(ReadOnlyMemory<byte> file)
    {
        ReadOnlySpan<byte> all = file.Span;
        if (all.Length < Fixed || !all.StartsWith(Magic)) return null;
        int tag = BinaryPrimitives.ReadUInt16LittleEndian(all[Magic.Length..]), body = Fixed + tag + SHA256.HashSizeInBytes;
        if (all.Length < body) return null;
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        Hash(all.Slice(Fixed, tag), all[body..], hash);
        return hash.SequenceEqual(all.Slice(Fixed + tag, SHA256.HashSizeInBytes)) ? new StoredObject(Encoding.UTF8.GetString(all.Slice(Fixed, tag)), file[body..]) : null;
    }

    private static void Hash(ReadOnlySpan<byte> tag, ReadOnlySpan<byte> bytes, Span<byte> hash)
    {
        using var both = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        both.AppendData(tag);
        both.AppendData(bytes);
        both.GetHashAndReset(hash);
    }
}

/// <summary>The disk cache's events, 6045 – 6049.</summary>
internal static partial class DiskLog
{
    [LoggerMessage(6045, LogLevel.Warning, "The disk cache's folder cannot be used; assets come from memory and the store until it can. Tried again every minute.")]
    public static partial void DiskUnusable(this ILogger log);
}
