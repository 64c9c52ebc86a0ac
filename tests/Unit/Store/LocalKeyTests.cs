using GlobalCache.Client.Store;

namespace GlobalCache.Tests.Store;

public sealed class LocalKeyTests : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("gc-key-").FullName;

    private string KeyFile => Path.Combine(_root, "globalcache", "store.key");

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void A_missing_key_is_created_for_its_owner_alone_and_read_again()
    {
        LocalKey first = LocalKey.Load(KeyFile), second = LocalKey.Load(KeyFile);
        Assert.Equal(first.Fingerprint, second.Fingerprint);
        Assert.Equal(first.GridKey("agni"), second.GridKey("agni"));
        Assert.Equal([KeyFile], Directory.GetFiles(_root, "*", SearchOption.AllDirectories));
        if (OperatingSystem.IsWindows()) return;
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(KeyFile));
    }

    [Fact]
    public void What_a_killed_start_left_behind_does_not_matter()
    {
        Directory.CreateDirectory(Path.GetDirectoryName(KeyFile)!);
        File.WriteAllText(KeyFile + ".new", new string('x', 500));
        byte[] fingerprint = LocalKey.Load(KeyFile).Fingerprint;
        Assert.Equal(fingerprint, LocalKey.Load(KeyFile).Fingerprint);
    }

    [Fact]
    public async Task Clients_that_start_at_once_end_up_with_one_key()
    {
        for (int round = 0; round < 20; round++)
        {
            string path = Path.Combine(_root, $"{round}", "store.key");
            byte[]?[] keys = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
            {
                try
                {
                    return LocalKey.Load(path).Fingerprint;
                }
                catch (StoreUnusableException)
                {
                    return null;                    // told to start again: fine; another key would not be
                }
            })));
            byte[][] loaded = [.. keys.OfType<byte[]>()];
            Assert.NotEmpty(loaded);
            Assert.All(loaded, k => Assert.Equal(LocalKey.Load(path).Fingerprint, k));
        }
    }

    [Theory]
    [InlineData(UnixFileMode.GroupRead)]
    [InlineData(UnixFileMode.GroupWrite)]
    [InlineData(UnixFileMode.OtherRead)]
    [InlineData(UnixFileMode.OtherWrite)]
    public void A_key_that_others_can_read_or_change_is_refused(UnixFileMode mode)
    {
        if (OperatingSystem.IsWindows())
        {
            Assert.Skip("Unix file modes");
            return;
        }
        LocalKey.Load(KeyFile);
        File.SetUnixFileMode(KeyFile, UnixFileMode.UserRead | UnixFileMode.UserWrite | mode);
        StoreUnusableException e = Assert.Throws<StoreUnusableException>(() => LocalKey.Load(KeyFile));
        Assert.Contains($"chmod 600 {KeyFile}", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('\n', e.Message);
    }

    [Fact]
    public void Every_damage_to_the_key_is_noticed()
    {
        LocalKey.Load(KeyFile);
        byte[] good = File.ReadAllBytes(KeyFile);
        void Refused(byte[] bytes)
        {
            File.WriteAllBytes(KeyFile, bytes);
            Assert.Contains("damaged", Assert.Throws<StoreUnusableException>(() => LocalKey.Load(KeyFile)).Message, StringComparison.Ordinal);
        }
        Refused([]);
        Refused(new byte[100_000]);
        Refused(good[..^1]);
        Refused([.. good, (byte)'\n']);
        for (int bit = 0; bit < good.Length * 8; bit++)
        {
            byte[] flipped = [.. good];
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            Refused(flipped);
        }
        File.WriteAllBytes(KeyFile, good);
        LocalKey.Load(KeyFile);
    }

    [Fact]
    public void A_place_that_cannot_be_written_is_one_clear_sentence()
    {
        string file = Path.Combine(_root, "file");
        File.WriteAllText(file, "");
        StoreUnusableException e = Assert.Throws<StoreUnusableException>(() => LocalKey.Load(Path.Combine(file, "store.key")));
        Assert.DoesNotContain('\n', e.Message);
        Assert.Throws<StoreUnusableException>(() => LocalKey.Load(_root));
    }
}
