using GlobalCache.Client.Store;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Store;

/// <summary>Folders a store cannot use: one clear sentence, nothing left behind.</summary>
public sealed class StoreFolderTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_folder_in_use_is_refused_until_it_is_given_free()
    {
        await using (_folder.Open())
            Assert.Contains("in use by another client", Refused(_folder.Store, _folder.Key).Message, StringComparison.Ordinal);
        await using AssetStore store = _folder.Open();
    }

    [Fact]
    public void A_folder_below_a_file_is_refused()
    {
        string file = Path.Combine(_folder.Root, "file");
        File.WriteAllText(file, "");
        Assert.Contains("cannot be written", Refused(Path.Combine(file, "store"), _folder.Key).Message, StringComparison.Ordinal);
        Assert.Contains("cannot be written", Refused(file, _folder.Key).Message, StringComparison.Ordinal);
        Assert.Equal([file], Directory.GetFileSystemEntries(_folder.Root));
    }

    [Fact]
    public void A_folder_without_permission_is_refused_and_left_as_it_was()
    {
        if (OperatingSystem.IsWindows() || Environment.IsPrivilegedProcess)
        {
            Assert.Skip("needs Unix permissions and a user they hold for");
            return;
        }
        Directory.CreateDirectory(_folder.Store, UnixFileMode.UserRead | UnixFileMode.UserExecute);
        Assert.Contains("cannot be written", Refused(_folder.Store, _folder.Key).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Store));
    }

    [Fact]
    public async Task A_store_sealed_under_another_key_is_refused_and_stays_whole()
    {
        await using (AssetStore store = _folder.Open()) Assert.True(await StoreFolder.PutAsync(store, 1));
        byte[] other = new byte[32];
        other[0] = 1;
        Assert.Contains("another store key", Refused(_folder.Store, new LocalKey(other)).Message, StringComparison.Ordinal);
        await using (AssetStore store = _folder.Open())
            Assert.Equal(StoreFolder.BytesOf(1), await StoreFolder.ReadAsync(store, 1));
    }

    [Fact]
    public void A_failed_start_leaves_no_folder_behind()
    {
        Assert.Contains("too small", Refused(_folder.Store, _folder.Key, budget: 1000).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.Store));
    }

    [Fact]
    public async Task Leftovers_are_swept_at_the_start_and_nothing_else()
    {
        await using (AssetStore store = _folder.Open())
            for (int n = 0; n < 5; n++) Assert.True(await StoreFolder.PutAsync(store, n));
        string orphan = Path.Combine(_folder.Store, "a", "00", new string('0', 64)), temporary = Path.Combine(_folder.Store, "tmp", "half");
        string foreign = Path.Combine(_folder.Store, "a", "00", "notes.txt");
        Directory.CreateDirectory(Path.Combine(_folder.Store, "a", "00"));
        foreach (string path in (string[])[orphan, temporary, foreign]) await File.WriteAllTextAsync(path, "x", TestContext.Current.CancellationToken);
        File.Delete(_folder.FileOf(2));
        await using (AssetStore store = _folder.Open())
        {
            Assert.Equal(4, store.Count);
            Assert.False(File.Exists(orphan));
            Assert.False(File.Exists(temporary));
            Assert.True(File.Exists(foreign));
            Assert.Null(store.TryOpen(StoreFolder.KeyOf(2)));
            Assert.True(await StoreFolder.PutAsync(store, 2));
            for (int n = 0; n < 5; n++) Assert.Equal(StoreFolder.BytesOf(n), await StoreFolder.ReadAsync(store, n));
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20_000)]
    public async Task A_damaged_index_costs_the_assets_and_nothing_else(int bytes)
    {
        await using (AssetStore store = _folder.Open())
            for (int n = 0; n < 5; n++) Assert.True(await StoreFolder.PutAsync(store, n));
        byte[] noise = new byte[bytes];
        Array.Fill(noise, (byte)0xA5);
        await File.WriteAllBytesAsync(Path.Combine(_folder.Store, "index.db"), noise, TestContext.Current.CancellationToken);
        await using (AssetStore store = _folder.Open())
        {
            Assert.Equal(0, store.Count);
            Assert.Empty(_folder.Files());
            Assert.True(await StoreFolder.PutAsync(store, 1));
            Assert.Equal(StoreFolder.BytesOf(1), await StoreFolder.ReadAsync(store, 1));
        }
    }

    private static StoreUnusableException Refused(string folder, LocalKey key, long budget = StoreFolder.Budget)
    {
        StoreUnusableException e = Assert.Throws<StoreUnusableException>(
            () => AssetStore.Open(new StoreOptions(folder, budget), key, TimeProvider.System, WatchedLog.Unread));
        Assert.DoesNotContain('\n', e.Message);
        return e;
    }
}
