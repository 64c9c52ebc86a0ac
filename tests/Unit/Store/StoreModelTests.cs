using CsCheck;
using GlobalCache.Client.Store;

namespace GlobalCache.Tests.Store;

/// <summary>The store against the naive store: a dictionary.</summary>
public sealed class StoreModelTests
{
    private const int Numbers = 12;

    private static readonly Gen<(Kind Kind, int Number, double A, double B)[]> GenOperations = Gen.Select(
        Gen.Frequency((8, Gen.Const(Kind.Put)), (12, Gen.Const(Kind.Read)), (3, Gen.Const(Kind.Drop)), (2, Gen.Const(Kind.Damage)), (1, Gen.Const(Kind.Restart))),
        Gen.Int[0, Numbers - 1], Gen.Double.Unit, Gen.Double.Unit).Array[1, 60];

    private enum Kind
    {
        Put,
        Read,
        Drop,
        Damage,
        Restart,
    }

    [Fact]
    public async Task Whatever_happens_it_holds_what_a_dictionary_would_hold() => await GenOperations.SampleAsync(async operations =>
    {
        using StoreFolder folder = new();
        AssetStore store = folder.Open();
        Dictionary<int, byte[]> model = [];
        HashSet<int> damaged = [];
        foreach ((Kind kind, int number, double a, double b) in operations)
        {
            switch (kind)
            {
                case Kind.Put:
                    // Put over a damaged one is no news to the store: it does not look before somebody reads.
                    Assert.True(await StoreFolder.PutAsync(store, number));
                    model[number] = StoreFolder.BytesOf(number);
                    break;
                case Kind.Drop:
                    store.Drop(StoreFolder.KeyOf(number));
                    model.Remove(number);
                    damaged.Remove(number);
                    break;
                case Kind.Damage when model.ContainsKey(number) && damaged.Add(number):
                    byte[] file = await File.ReadAllBytesAsync(folder.FileOf(number));
                    file[^1] ^= 1;              // the last tag
                    await File.WriteAllBytesAsync(folder.FileOf(number), file);
                    break;
                case Kind.Restart:
                    await store.DisposeAsync();
                    Assert.Equal(model.Count, folder.Files().Length);
                    store = folder.Open();
                    break;
                case Kind.Read:
                    using (StoredAsset? asset = store.TryOpen(StoreFolder.KeyOf(number)))
                    {
                        Assert.Equal(model.TryGetValue(number, out byte[]? expected), asset is not null);
                        if (asset is null) break;
                        Assert.Equal(expected!.Length, asset.Length);
                        // To the end, so that a damaged last segment is met.
                        int offset = damaged.Contains(number) ? (int)(a * expected.Length) : (int)(a * b * expected.Length);
                        byte[] read = new byte[expected.Length - offset];
                        bool good = await asset.ReadAsync(offset, read, CancellationToken.None);
                        Assert.Equal(!damaged.Contains(number), good);
                        if (good) Assert.Equal(expected[offset..], read);
                        if (damaged.Remove(number)) model.Remove(number);
                    }
                    break;
                default:
                    break;
            }
            Assert.Equal(model.Count, store.Count);
        }
        await store.DisposeAsync();
    }, iter: 25, threads: 1);
}
