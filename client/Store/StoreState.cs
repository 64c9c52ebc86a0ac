using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.Data.Sqlite;

namespace GlobalCache.Client.Store;

/// <summary>
/// What a store consists of: folder, index, the list of what is held, the count of bytes on disk. The list and the open files are for
/// every thread (the list under <see cref="Gate"/>); all else belongs to the writer's thread once the store is open.
/// </summary>
internal sealed class StoreState : IDisposable
{
    /// <summary>What a file takes beside its bytes: its row and its folder entry, about 100 bytes each at half a million.</summary>
    private const int EntryBytes = 320;

    /// <summary>Folders, write-ahead log, lock.</summary>
    private const long FixedBytes = 4 << 20;

    private const int BlockBytes = 4096;
    private const int ManyRows = 50_000;
    private readonly long _budget;
    private long _onDisk;
    private long _nextPlace;

    private StoreState(StoreOptions options, LocalKey key, ContentFolder folder, StoreIndex index)
    {
        _budget = options.BudgetBytes - FixedBytes;
        (Key, Folder, Index) = (key, folder, index);
        Held = new S3Fifo(_budget);
    }

    public Lock Gate { get; } = new();

    public S3Fifo Held { get; }

    public OpenAssets Opened { get; } = new();

    public LocalKey Key { get; }

    public ContentFolder Folder { get; }

    public StoreIndex Index { get; }

    /// <summary>Bytes on disk, as <see cref="Charge"/> counts them. Never above the budget.</summary>
    public long OnDisk => Interlocked.Read(ref _onDisk) + FixedBytes;

    /// <summary>What one asset costs: its sealed file in whole blocks, as the file system gives them, its row and its folder entry.</summary>
    public static int Charge(int plainLength)
    {
        int file = SealedLayout.ForCoded(plainLength).SealedLength;
        return (file + BlockBytes - 1) / BlockBytes * BlockBytes + EntryBytes;
    }

    /// <summary>
    /// Opens folder and index, brings both into agreement (files without a row are deleted, rows without a file dropped) and shrinks
    /// to the budget.
    /// </summary>
    /// <exception cref="StoreUnusableException">With one clear sentence; nothing is left behind that was not there.</exception>
    public static StoreState Open(StoreOptions options, LocalKey key, ILogger log)
    {
        if (options.BudgetBytes < StoreOptions.SmallestBudgetBytes)
            throw new StoreUnusableException($"A store of {options.BudgetBytes} bytes is too small: give at least {StoreOptions.SmallestBudgetBytes} with --store-size.");
        ContentFolder folder = ContentFolder.Open(options.Folder);
        try
        {
            try
            {
                return Load(options, key, folder, log);
            }
            catch (SqliteException e) when (e.SqliteErrorCode is 11 or 26)          // SQLITE_CORRUPT, SQLITE_NOTADB
            {
                StoreLog.IndexRebuilt(log, e);
                foreach (string suffix in (string[])["", "-wal", "-shm"]) File.Delete(folder.IndexPath + suffix);
                return Load(options, key, folder, log);
            }
        }
        catch (Exception e)
        {
            folder.Abandon();
            if (e is IOException or UnauthorizedAccessException or SqliteException)
                throw new StoreUnusableException($"The store folder {options.Folder} cannot be used: {e.Message}", e);
            throw;
        }
    }

    /// <summary>Counts bytes that are about to be written, or (negative) that are gone.</summary>
    public void Count(int charge) => Interlocked.Add(ref _onDisk, charge);

    /// <summary>Evicts until that much fits. False when it never will.</summary>
    /// <exception cref="IOException">A file cannot be deleted; its bytes stay counted.</exception>
    public bool TryMakeRoom(int charge)
    {
        if (charge > _budget) return false;
        while (_onDisk + charge > _budget)
        {
            ulong id;
            int bytes;
            lock (Gate)
            {
                if (!Held.TryEvict(out id, out bytes)) return false;
            }
            Delete(id, bytes);
        }
        return true;
    }

    /// <summary>Adds a finished file: its row, then to the list.</summary>
    public void Add(ulong id, byte[] name, int charge, int plainLength, byte[] digest)
    {
        Index.Insert(id, name, plainLength, digest, _nextPlace++, main: false);
        Opened.Remove(id);
        lock (Gate) Held.Add(id, charge, plainLength);
    }

    /// <summary>Deletes file and row of what is on the list no more.</summary>
    public void Delete(ulong id, int charge)
    {
        Opened.Remove(id);
        if (Index.NameOf(id) is { } name) ContentFolder.Delete(Folder.PathOf(name));
        Count(-charge);
        Index.Delete(id);
    }

    /// <summary>Writes down uses and places that changed, a few hundred at a time.</summary>
    public void WriteUses()
    {
        S3Fifo.Change[] changes = new S3Fifo.Change[256];
        while (true)
        {
            int count;
            lock (Gate) count = Held.DrainChanges(changes);
            if (count == 0) return;
            InTransaction(() => Index.Update(changes.AsSpan(0, count), ref _nextPlace));
        }
    }

    public void Dispose()
    {
        Opened.Dispose();
        Index.Dispose();
        Folder.Dispose();
    }

    private static StoreState Load(StoreOptions options, LocalKey key, ContentFolder folder, ILogger log)
    {
        StoreState state = new(options, key, folder, StoreIndex.Open(folder.IndexPath, key.Fingerprint));
        try
        {
            folder.Prepare();
            state.Sweep(log);
            state.TryMakeRoom(0);
            StoreLog.StoreOpened(log, options.Folder, state.Held.Count, state.OnDisk, options.BudgetBytes);
            return state;
        }
        catch
        {
            state.Index.Dispose();
            throw;
        }
    }

    private void Sweep(ILogger log)
    {
        List<StoreIndex.Row> found = [];
        Dictionary<ulong, StoreIndex.Row> rows = [];
        int deletedFiles = 0, droppedRows = 0;
        for (int shard = 0; shard < 256; shard++)
        {
            rows.Clear();
            foreach (StoreIndex.Row row in Index.Rows((byte)shard)) rows.Add(row.Id, row);
            foreach ((ulong id, string path) in Folder.Files((byte)shard))
            {
                if (rows.Remove(id, out StoreIndex.Row row) && row.PlainLength > 0 && row.PlainLength <= AssetType.Mesh.MaxBytes())
                {
                    found.Add(row);
                    continue;
                }
                if (row.Id == id) rows[id] = row;               // nonsense in the row: both go
                File.Delete(path);
                deletedFiles++;
            }
            if (rows.Count == 0) continue;
            droppedRows += rows.Count;
            InTransaction(() =>
            {
                foreach (ulong id in rows.Keys) Index.Delete(id);
            });
        }
        found.Sort((a, b) => a.Place.CompareTo(b.Place));
        foreach (StoreIndex.Row row in found)
        {
            int charge = Charge(row.PlainLength);
            Held.Restore(row.Id, charge, row.PlainLength, row.Uses, row.Main);
            Count(charge);
            _nextPlace = row.Place + 1;
        }
        if (deletedFiles + droppedRows > 0) StoreLog.Swept(log, deletedFiles, droppedRows);
        // The lists of a large sweep would stay in the heap of a program that allocates next to nothing afterwards: 20 MB of 90.
        if (found.Count > ManyRows) Forget(ref found);
    }

    private static void Forget(ref List<StoreIndex.Row> found)
    {
        found = [];
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive);
    }

    private void InTransaction(Action change)
    {
        Index.Begin();
        try
        {
            change();
            Index.Commit();
        }
        catch
        {
            Index.Rollback();
            throw;
        }
    }
}
