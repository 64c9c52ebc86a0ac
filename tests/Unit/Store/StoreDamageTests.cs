using CsCheck;
using GlobalCache.Client.Store;
using GlobalCache.Policy.Sealing;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Store;

/// <summary>Whatever is wrong on the disk, no wrong byte is served: the entry is dropped and the asset is a miss.</summary>
public sealed class StoreDamageTests : IDisposable
{
    private readonly StoreFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_flipped_bit_anywhere_in_a_file_is_a_miss_and_the_asset_is_dropped()
    {
        const int number = 3;
        byte[] plain = StoreFolder.BytesOf(number);
        await using AssetStore store = _folder.Open();
        Assert.True(await StoreFolder.PutAsync(store, number));
        string file = _folder.FileOf(number);
        int length = (int)new FileInfo(file).Length, flips = 0;
        for (int at = 0; at < length; at += at < 120 ? 7 : 1499, flips++)
        {
            // Every other time it was read before, and is open.
            if (flips % 2 == 0) Assert.Equal(plain, await StoreFolder.ReadAsync(store, number));
            byte[] bytes = await File.ReadAllBytesAsync(file, Ct);
            bytes[at] ^= 0x20;
            await File.WriteAllBytesAsync(file, bytes, Ct);
            byte[]? read = await StoreFolder.ReadAsync(store, number);
            if (read is not null)
            {
                // The header of an open asset is in memory already: the right bytes are served until it is opened anew.
                Assert.InRange(at, 0, SealedHeader.Length - 1);
                Assert.Equal(plain, read);
                store.Drop(StoreFolder.KeyOf(number));
            }
            Assert.Null(store.TryOpen(StoreFolder.KeyOf(number)));
            await StoreFolder.Until(() => !File.Exists(file));
            Assert.True(await StoreFolder.PutAsync(store, number));
        }
        Assert.True(flips > 20);
    }

    [Theory]
    [InlineData("gone")]
    [InlineData("empty")]
    [InlineData("shorter")]
    [InlineData("longer")]
    [InlineData("another's")]
    public async Task A_file_that_is_not_what_was_written_is_a_miss(string how)
    {
        await using AssetStore store = _folder.Open();
        Assert.True(await StoreFolder.PutAsync(store, 1));
        Assert.True(await StoreFolder.PutAsync(store, 2));
        string file = _folder.FileOf(1);
        byte[] bytes = await File.ReadAllBytesAsync(file, Ct);
        if (how == "gone") File.Delete(file);
        else await File.WriteAllBytesAsync(file, how switch
        {
            "empty" => [],
            "shorter" => bytes[..^1],
            "longer" => [.. bytes, 0],
            _ => await File.ReadAllBytesAsync(_folder.FileOf(2), Ct),
        }, Ct);
        Assert.Null(await StoreFolder.ReadAsync(store, 1));
        Assert.Null(store.TryOpen(StoreFolder.KeyOf(1)));
        Assert.True(await StoreFolder.PutAsync(store, 1));
        Assert.Equal(StoreFolder.BytesOf(1), await StoreFolder.ReadAsync(store, 1));
        Assert.Equal(StoreFolder.BytesOf(2), await StoreFolder.ReadAsync(store, 2));
    }

    [Fact]
    public async Task No_flipped_bit_in_the_index_makes_a_wrong_byte_be_served()
    {
        await using (AssetStore store = _folder.Open())
            for (int n = 0; n < 8; n++) Assert.True(await StoreFolder.PutAsync(store, n));
        string index = Path.Combine(_folder.Store, "index.db");
        byte[] good = await File.ReadAllBytesAsync(index, Ct);
        Dictionary<string, byte[]> files = _folder.Files().ToDictionary(f => f, File.ReadAllBytes);
        int held = 0;
        await Gen.Int[0, good.Length * 8 - 1].SampleAsync(async bit =>
        {
            byte[] flipped = [.. good];
            flipped[bit / 8] ^= (byte)(1 << bit % 8);
            await File.WriteAllBytesAsync(index, flipped, CancellationToken.None);
            foreach (var (path, bytes) in files) await File.WriteAllBytesAsync(path, bytes, CancellationToken.None);
            try
            {
                await using AssetStore store = _folder.Open();
                for (int n = 0; n < 8; n++)
                {
                    if (await StoreFolder.ReadAsync(store, n) is not { } bytes) continue;
                    Assert.Equal(StoreFolder.BytesOf(n), bytes);
                    held++;
                }
            }
            catch (StoreUnusableException)
            {
                // "another key", "another version": said, not served.
            }
        }, iter: 60, threads: 1);
        Assert.True(held > 100);            // most bits lie in nobody's way
    }

    [Fact]
    public async Task The_scrub_finds_what_nobody_reads()
    {
        FakeTimeProvider time = new();
        await using AssetStore store = _folder.Open(time: time);
        for (int n = 0; n < 10; n++) Assert.True(await StoreFolder.PutAsync(store, n));
        byte[] bytes = await File.ReadAllBytesAsync(_folder.FileOf(7), Ct);
        bytes[^3] ^= 1;
        await File.WriteAllBytesAsync(_folder.FileOf(7), bytes, Ct);
        File.Delete(_folder.FileOf(8));
        for (int i = 0; i < 500 && store.Count > 8; i++)
        {
            time.Advance(TimeSpan.FromSeconds(5));
            await Task.Delay(5, Ct);
        }
        Assert.Equal(8, store.Count);
        Assert.Null(store.TryOpen(StoreFolder.KeyOf(7)));
        Assert.Null(store.TryOpen(StoreFolder.KeyOf(8)));
        await StoreFolder.Until(() => !File.Exists(_folder.FileOf(7)));
        for (int n = 0; n < 7; n++) Assert.Equal(StoreFolder.BytesOf(n), await StoreFolder.ReadAsync(store, n));
    }
}
