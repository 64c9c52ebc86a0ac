using System.Diagnostics;
using System.Security.Cryptography;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Tests.Node.Ingest;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node;

public sealed class DiskCacheTests : IAsyncDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-disk-").FullName;
    private readonly GridKeys _keys = BlobSourceTests.NodeKeys();
    private readonly FakeTimeProvider _time = new();
    private readonly CountingStore _store = new();
    private readonly List<DiskCache> _disks = [];

    [Fact]
    public async Task What_the_store_was_asked_for_twice_comes_from_disk_then_and_after_a_restart_and_the_store_is_only_looked_at()
    {
        AssetKey key = await PutAsync(1);
        DiskCache disk = Open();
        await ReadAsync(disk, key);
        AssetKey other = await PutAsync(2);
        for (int i = 0; i < 2; i++) await ReadAsync(disk, other);
        // One after the other: had the first been wanted, it would lie there too.
        await Eventually.EqualAsync(true, () => disk.Bytes > 0);
        Assert.False(File.Exists(FileOf(key)));
        await ReadAsync(disk, key);
        await Eventually.EqualAsync(true, () => File.Exists(FileOf(key)));
        await Eventually.EqualAsync(true, () => disk.Bytes > 80_000);
        int gets = _store.Gets;
        SealedBlob fromDisk = (await ReadAsync(disk, key))!;
        Assert.Equal((gets, 1), (_store.Gets, disk.Hits));
        Assert.Equal((await _store.GetAsync("a/" + fromDisk.Name, default))!.Bytes.ToArray(), fromDisk.Bytes.ToArray());

        await disk.DisposeAsync();
        DiskCache later = Open();
        await Eventually.EqualAsync(true, () => later.Bytes > 0);
        gets = _store.Gets;
        Assert.NotNull(await ReadAsync(later, key));
        Assert.Equal(gets, _store.Gets);
    }

    [Fact]
    public async Task What_another_node_has_withdrawn_or_replaced_is_not_served_from_disk()
    {
        AssetKey key = await PutAsync(1);
        DiskCache disk = await HoldingAsync(key);
        string name = "a/" + _keys.NameOf(key), tag = (await _store.GetAsync(name, default))!.ETag;
        await _store.PutAsync(name, Tombstone.Of(1), tag, default);
        Assert.Null(await ReadAsync(disk, key));
        Assert.Null(await disk.FindAsync(_keys.NameOf(key)));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(0)]
    [InlineData(8)]
    [InlineData(40)]
    [InlineData(300)]
    public async Task What_is_damaged_or_cut_short_on_disk_is_dropped_and_read_from_the_store(int at)
    {
        AssetKey key = await PutAsync(1);
        DiskCache disk = await HoldingAsync(key);
        string file = Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Single();
        byte[] bytes = await File.ReadAllBytesAsync(file);
        if (at < 0) bytes = bytes[..^1];
        else bytes[at] ^= 1;
        await File.WriteAllBytesAsync(file, bytes);
        int gets = _store.Gets;
        Assert.NotNull(await ReadAsync(disk, key));
        Assert.Equal((gets + 1, 0), (_store.Gets, disk.Hits));
    }

    [Fact]
    public async Task The_budget_holds_what_is_used_stays_longer_and_files_of_others_are_left_alone()
    {
        string foreign = Path.Combine(_folder, "letter.txt"), alike = Path.Combine(_folder, new string('a', 64));
        await File.WriteAllTextAsync(foreign, "dear");
        await File.WriteAllTextAsync(alike, "dear");
        DiskCache disk = Open(budget: 500_000);
        AssetKey[] keys = [.. await Task.WhenAll(Enumerable.Range(0, 30).Select(PutAsync))];
        foreach (AssetKey key in keys)
        {
            await ReadAsync(disk, key);
            await ReadAsync(disk, key);
            await Eventually.EqualAsync(true, () => File.Exists(FileOf(key)));
            await ReadAsync(disk, keys[0]);
            Assert.InRange(disk.Bytes, 1, 500_000);
        }
        Assert.True(File.Exists(FileOf(keys[0])));
        Assert.False(File.Exists(FileOf(keys[1])));
        Assert.InRange(Directory.GetFiles(_folder, "*", SearchOption.AllDirectories).Sum(f => new FileInfo(f).Length), 1, 500_000);
        Assert.True(File.Exists(foreign) && File.Exists(alike));
    }

    [Fact]
    public async Task A_disk_that_cannot_be_written_is_told_once_and_is_as_if_it_were_not_there()
    {
        string blocked = Path.Combine(_folder, "blocked");
        await File.WriteAllTextAsync(blocked, "a file, not a folder");
        var log = new WatchedLog();
        DiskCache disk = Open(blocked, log: log);
        await Eventually.EqualAsync(true, () => log.Lines.Count == 1);
        AssetKey key = await PutAsync(1);
        for (int i = 0; i < 3; i++) Assert.NotNull(await ReadAsync(disk, key));
        Assert.Equal((1, 0), (log.Lines.Count, disk.Bytes));

        File.Delete(blocked);
        _time.Advance(TimeSpan.FromMinutes(1));
        await ReadAsync(disk, key);
        await Eventually.EqualAsync(true, () => disk.Bytes > 0);
    }

    [Fact]
    public async Task A_disk_that_hangs_is_waited_for_a_moment_only()
    {
        AssetKey key = await PutAsync(1);
        DiskCache disk = await HoldingAsync(key);
        File.Delete(FileOf(key));
        // Whoever opens a pipe waits for who is to write into it.
        using (Process made = Process.Start("mkfifo", [FileOf(key)])) await made.WaitForExitAsync(TestContext.Current.CancellationToken);
        Task<StoredObject?> asked = disk.FindAsync(_keys.NameOf(key));
        Assert.False(asked.IsCompleted);
        _time.Advance(DiskCache.Patience);
        Assert.Null(await asked);
        await using FileStream released = new(FileOf(key), FileMode.Open, FileAccess.Write);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (DiskCache disk in _disks) await disk.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string FileOf(AssetKey key) => Path.Combine(_folder, _keys.NameOf(key)[..2], _keys.NameOf(key));

    private DiskCache Open(string? folder = null, long budget = 10_000_000, ILogger? log = null)
    {
        var disk = new DiskCache(folder ?? _folder, budget, _time, log ?? WatchedLog.Unread);
        _disks.Add(disk);
        return disk;
    }

    private async Task<DiskCache> HoldingAsync(AssetKey key)
    {
        DiskCache disk = Open();
        await ReadAsync(disk, key);
        await ReadAsync(disk, key);
        await Eventually.EqualAsync(true, () => disk.Bytes > 0);
        return disk;
    }

    private async Task<AssetKey> PutAsync(int number)
    {
        var key = new AssetKey("grid", AssetType.Sound, new Guid(number, 0, 0, new byte[8]));
        byte[] blob = SealedAsset.Seal(key, RandomNumberGenerator.GetBytes(40_000), _keys.GridKey(1, key.GridId)!, 1, 0, SealCompression.None);
        await _store.PutAsync("a/" + _keys.NameOf(key), blob, null, default);
        return key;
    }

    /// <summary>As a node would that has just forgotten everything in memory.</summary>
    private async Task<SealedBlob?> ReadAsync(DiskCache disk, AssetKey key)
    {
        using var blobs = new BlobSource(_store, _keys, new AssetCache(1_000_000), _time, disk: disk);
        return (await blobs.ReadAsync(key, _keys.NameOf(key)))?.Blob;
    }

    private sealed class CountingStore : IObjectStore
    {
        private readonly MemoryStore _inner = new();

        public int Gets { get; private set; }

        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
        {
            Gets++;
            return _inner.GetAsync(name, ct);
        }

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => _inner.PeekAsync(name, first, ct);

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct) => _inner.PutAsync(name, bytes, ifMatch, ct);
    }
}
