using CsCheck;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Store;

public sealed class AssetStoreTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task What_was_put_is_read_back_also_after_a_restart()
    {
        await using (AssetStore store = _folder.Open())
        {
            Assert.Null(store.TryOpen(StoreFolder.KeyOf(0)));
            for (int n = 0; n < 40; n++) Assert.True(await StoreFolder.PutAsync(store, n));
            for (int n = 0; n < 40; n++) Assert.Equal(StoreFolder.BytesOf(n), await StoreFolder.ReadAsync(store, n));
            Assert.Null(store.TryOpen(StoreFolder.KeyOf(40)));
            Assert.Null(store.TryOpen(StoreFolder.KeyOf(0) with { GridId = "other" }));
            Assert.Null(store.TryOpen(StoreFolder.KeyOf(0) with { GridId = new string('x', 300) }));
        }
        await using (AssetStore store = _folder.Open())
        {
            Assert.Equal(40, store.Count);
            for (int n = 0; n < 40; n++) Assert.Equal(StoreFolder.BytesOf(n), await StoreFolder.ReadAsync(store, n));
        }
    }

    [Fact]
    public async Task Any_ranges_in_any_order_equal_the_slices()
    {
        AssetKey key = new("agni", AssetType.Mesh, Guid.Empty);
        byte[] plain = new byte[700_000];
        for (int i = 0; i < plain.Length; i++) plain[i] = (byte)(i * 31 + (i >> 7));
        await using AssetStore store = _folder.Open();
        Assert.True(await store.PutAsync(key, plain, Ct));
        // One reader for all, so that what it keeps between calls is met in every order.
        using StoredAsset asset = store.TryOpen(key)!;
        Assert.Equal(plain.Length, asset.Length);
        await Gen.Select(Gen.Double.Unit, Gen.OneOf(Gen.Int[0, 100], Gen.Int[16_000, 17_000], Gen.Int[0, 700_000])).SampleAsync(async (a, b) =>
        {
            int offset = (int)(a * plain.Length), length = Math.Min(b, plain.Length - offset);
            byte[] range = new byte[length];
            Assert.True(await asset.ReadAsync(offset, range, Ct));
            Assert.True(plain.AsSpan(offset, length).SequenceEqual(range));
        }, iter: 300, threads: 1);
        int at = 0;
        for (byte[] piece = new byte[10_007]; at < plain.Length;)
        {
            int length = Math.Min(piece.Length, plain.Length - at);
            Assert.True(await asset.ReadAsync(at, piece.AsMemory(0, length), Ct));
            Assert.True(plain.AsSpan(at, length).SequenceEqual(piece.AsSpan(0, length)));
            at += length;
        }
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await asset.ReadAsync(-1, new byte[1], Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await asset.ReadAsync(plain.Length, new byte[1], Ct));
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(async () => await asset.ReadAsync(1, new byte[plain.Length], Ct));
        Assert.True(await asset.ReadAsync(plain.Length, Memory<byte>.Empty, Ct));
    }

    [Fact]
    public async Task Many_readers_and_writers_at_once_get_the_right_bytes()
    {
        await using AssetStore store = _folder.Open();
        await Parallel.ForEachAsync(Enumerable.Range(0, 400), Ct, async (i, _) =>
        {
            int n = i % 50;
            if (await StoreFolder.ReadAsync(store, n) is { } bytes) Assert.Equal(StoreFolder.BytesOf(n), bytes);
            Assert.True(await StoreFolder.PutAsync(store, n));
            if (i % 7 == 0) store.Drop(StoreFolder.KeyOf(n));
        });
    }

    [Fact]
    public async Task Nothing_on_disk_shows_bytes_or_names()
    {
        AssetKey key = StoreFolder.KeyOf(1);
        byte[] plain = [.. Enumerable.Repeat("a text nobody may read "u8.ToArray(), 100).SelectMany(b => b)], uuid = new byte[16];
        key.Id.TryWriteBytes(uuid, bigEndian: true, out _);
        await using (AssetStore store = _folder.Open()) Assert.True(await store.PutAsync(key, plain, Ct));
        foreach (string file in Directory.GetFiles(_folder.Root, "*", SearchOption.AllDirectories))
        {
            byte[] bytes = await File.ReadAllBytesAsync(file, Ct);
            Assert.True(bytes.AsSpan().IndexOf("nobody may read"u8) < 0);
            Assert.True(bytes.AsSpan().IndexOf("6c0ca000"u8) < 0);
            Assert.True(bytes.AsSpan().IndexOf(uuid) < 0);
            Assert.DoesNotContain("6c0ca000", file, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_put_is_idempotent_and_a_drop_forgets()
    {
        await using AssetStore store = _folder.Open();
        Assert.True(await StoreFolder.PutAsync(store, 1));
        string file = Assert.Single(_folder.Files());
        Assert.Equal(_folder.FileOf(1), file);
        byte[] written = await File.ReadAllBytesAsync(file, Ct);
        Assert.True(await StoreFolder.PutAsync(store, 1));
        Assert.Equal(written, await File.ReadAllBytesAsync(file, Ct));
        store.Drop(StoreFolder.KeyOf(1));
        Assert.Null(store.TryOpen(StoreFolder.KeyOf(1)));
        store.Drop(StoreFolder.KeyOf(1));
        await StoreFolder.Until(() => !File.Exists(file));
        Assert.True(await StoreFolder.PutAsync(store, 1));
        Assert.NotEqual(written, await File.ReadAllBytesAsync(file, Ct));        // a fresh salt
        Assert.Equal(StoreFolder.BytesOf(1), await StoreFolder.ReadAsync(store, 1));
        // Dropped while its put waits: it must not be held afterwards.
        ValueTask<bool> late = store.PutAsync(StoreFolder.KeyOf(2), StoreFolder.BytesOf(2), Ct);
        store.Drop(StoreFolder.KeyOf(2));
        await late;
        await StoreFolder.Until(() => !File.Exists(_folder.FileOf(2)) && store.TryOpen(StoreFolder.KeyOf(2)) is null);
    }

    [Fact]
    public async Task What_no_store_may_hold_is_refused()
    {
        AssetStore store = _folder.Open(budget: StoreOptions.SmallestBudgetBytes);
        AssetKey key = new("agni", AssetType.Mesh, Guid.Empty);
        Assert.False(await store.PutAsync(key, Memory<byte>.Empty, Ct));
        Assert.False(await store.PutAsync(key with { Type = AssetType.Animation }, new byte[(1 << 20) + 1], Ct));
        Assert.False(await store.PutAsync(key, new byte[5 << 20], Ct));          // above this budget
        Assert.False(await store.PutAsync(key, new byte[1], new CancellationToken(canceled: true)));
        Assert.Equal(0, store.Count);
        Assert.Empty(_folder.Files());
        await store.DisposeAsync();
        Assert.False(await store.PutAsync(key, new byte[1], Ct));
        Assert.Null(store.TryOpen(key));
        store.Drop(key);
        await store.DisposeAsync();
    }

    [Fact]
    public async Task The_folder_never_exceeds_the_budget_and_what_is_used_stays()
    {
        const long budget = StoreOptions.SmallestBudgetBytes;
        await using (AssetStore store = _folder.Open(budget))
        {
            for (int n = 0; n < 400; n++)
            {
                Assert.True(await StoreFolder.PutAsync(store, n));
                for (int used = 0; used < Math.Min(n, 20); used++) store.TryOpen(StoreFolder.KeyOf(used))?.Dispose();
                Assert.InRange(store.BytesOnDisk, 0, budget);
                if (n % 40 == 0) Assert.InRange(OnDisk(), 0, budget);
            }
            Assert.InRange(store.Count, 20, 399);
            Assert.Equal(store.Count, _folder.Files().Length);
            for (int used = 0; used < 20; used++) Assert.Equal(StoreFolder.BytesOf(used), await StoreFolder.ReadAsync(store, used));
        }
        Assert.InRange(OnDisk(), 0, budget);

        // Files in whole blocks, as the file system gives them; the index and its log too.
        long OnDisk() => Directory.GetFiles(_folder.Store, "*", SearchOption.AllDirectories).Sum(f => (new FileInfo(f).Length + 4095) / 4096 * 4096);
    }

    [Fact]
    public async Task A_smaller_budget_at_the_next_start_is_kept_to_and_uses_are_remembered()
    {
        await using (AssetStore store = _folder.Open(budget: 32 << 20))
        {
            for (int n = 0; n < 300; n++) Assert.True(await StoreFolder.PutAsync(store, n));
            for (int used = 0; used < 10; used++)
                for (int i = 0; i < 3; i++) store.TryOpen(StoreFolder.KeyOf(used * 3))!.Dispose();
        }
        await using (AssetStore store = _folder.Open(StoreOptions.SmallestBudgetBytes))
        {
            Assert.InRange(store.BytesOnDisk, 1, StoreOptions.SmallestBudgetBytes);
            Assert.InRange(store.Count, 10, 299);
            Assert.Equal(store.Count, _folder.Files().Length);
            for (int used = 0; used < 10; used++) Assert.NotNull(store.TryOpen(StoreFolder.KeyOf(used * 3)));
        }
    }

    [Fact]
    public async Task A_hit_that_the_kernel_has_in_memory_never_leaves_its_thread_and_allocates_next_to_nothing()
    {
        const int assets = 60;
        await using AssetStore store = _folder.Open();
        byte[] plain = new byte[5000], read = new byte[5000];
        static AssetKey Key(int n) => new("agni", AssetType.Texture, new Guid(n, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1));
        for (int n = 0; n < assets; n++) Assert.True(await store.PutAsync(Key(n), plain, Ct));
        using (StoredAsset first = store.TryOpen(Key(0))!)
        {
            ValueTask<bool> hit = first.ReadAsync(0, read, Ct);
            bool warm = hit.IsCompleted;
            Assert.True(await hit);
            Assert.SkipUnless(warm, "no RWF_NOWAIT or RESOLVE_CACHED on this system or file system");
        }
        for (int round = 0; round < 2; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int n = 0; n < assets; n++)
            {
                using StoredAsset asset = store.TryOpen(Key(n))!;
                ValueTask<bool> hit = asset.ReadAsync(0, read, Ct);
                Assert.True(hit.IsCompletedSuccessfully);
                Assert.True(await hit);
            }
            long allocated = GC.GetAllocatedBytesForCurrentThread() - before;
            // First opened, its keys derived; then the reader alone.
            Assert.InRange(allocated / assets, 0, round == 0 ? 4000 : 250);
        }
    }

    [Fact]
    public async Task A_file_that_is_closed_under_its_reader_is_opened_again()
    {
        await using AssetStore store = _folder.Open();
        AssetKey key = new("agni", AssetType.Mesh, Guid.Empty);
        byte[] plain = new byte[500_000], read = new byte[100_000], name = new byte[32];
        plain.AsSpan(250_000).Fill(7);
        Assert.True(await store.PutAsync(key, plain, Ct));
        _folder.Key.NameOf(key.Encode(), name);
        using StoredAsset asset = store.TryOpen(key)!;
        for (int at = 0; at < plain.Length; at += read.Length)
        {
            Assert.True(await asset.ReadAsync(at, read, Ct));
            Assert.True(plain.AsSpan(at, read.Length).SequenceEqual(read));
            store.Opened(ContentFolder.IdOf(name))!.Dispose();
        }
        Assert.Equal(1, store.Count);
    }

    [Fact]
    public async Task A_cancelled_read_drops_nothing()
    {
        await using AssetStore store = _folder.Open();
        Assert.True(await StoreFolder.PutAsync(store, 1));
        using StoredAsset asset = store.TryOpen(StoreFolder.KeyOf(1))!;
        await asset.ReadAsync(0, new byte[1], new CancellationToken(canceled: true));
        Assert.Equal(StoreFolder.BytesOf(1), await StoreFolder.ReadAsync(store, 1));
    }

    [Fact]
    public async Task Disk_errors_refuse_a_put_and_leave_nothing_half_done()
    {
        await using AssetStore store = _folder.Open();
        Assert.True(await StoreFolder.PutAsync(store, 1));
        long before = store.BytesOnDisk;
        string temporary = Path.Combine(_folder.Store, "tmp");
        Directory.Delete(temporary);
        await File.WriteAllTextAsync(temporary, "not a folder", Ct);
        for (int n = 2; n < 5; n++) Assert.False(await StoreFolder.PutAsync(store, n));
        Assert.Equal((1, before), (store.Count, store.BytesOnDisk));
        Assert.Single(_folder.Files());
        File.Delete(temporary);
        Directory.CreateDirectory(temporary);
        Assert.True(await StoreFolder.PutAsync(store, 2));
        // The rename fails: a folder stands in the file's place.
        Directory.CreateDirectory(_folder.FileOf(3));
        Assert.False(await StoreFolder.PutAsync(store, 3));
        Assert.Empty(Directory.GetFiles(temporary));
        Assert.Equal(2, store.Count);
        Assert.Equal(StoreFolder.BytesOf(1), await StoreFolder.ReadAsync(store, 1));
    }
}
