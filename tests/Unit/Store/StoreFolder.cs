using GlobalCache.Client.Store;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Store;

/// <summary>A temporary folder with a store in it, and assets whose bytes anybody can recompute from their number.</summary>
internal sealed class StoreFolder : IDisposable
{
    public const long Budget = 16 << 20;

    private static readonly AssetType[] s_types = [AssetType.Texture, AssetType.Sound, AssetType.Animation, AssetType.Mesh];
    private readonly bool _owned;

    public StoreFolder()
    {
        Root = Directory.CreateTempSubdirectory("gc-store-").FullName;
        _owned = true;
    }

    /// <summary>Somebody else's.</summary>
    public StoreFolder(string root) => Root = root;

    public string Root { get; }

    public string Store => Path.Combine(Root, "store");

    public LocalKey Key { get; } = new(new byte[32]);

    public static AssetKey KeyOf(int number) =>
        new("agni", s_types[number & 3], Guid.Parse($"6c0ca000-0000-4000-8000-{number:x12}"));

    /// <summary>Lengths from 1 byte to 60 KB, bytes that differ everywhere.</summary>
    public static byte[] BytesOf(int number)
    {
        uint state = (uint)number * 2654435761 + 1;
        byte[] bytes = new byte[1 + state % 60_000];
        for (int i = 0; i < bytes.Length; i++)
        {
            state = state * 1664525 + 1013904223;
            bytes[i] = (byte)(state >> 24);
        }
        return bytes;
    }

    public AssetStore Open(long budget = Budget, TimeProvider? time = null, TimeSpan? deadline = null) => AssetStore.Open(
        new StoreOptions(Store, budget) { ReadDeadline = deadline ?? TimeSpan.FromSeconds(5) }, Key, time ?? TimeProvider.System, WatchedLog.Unread);

    public string FileOf(int number)
    {
        byte[] name = new byte[32];
        Key.NameOf(KeyOf(number).Encode(), name);
        string hex = Convert.ToHexStringLower(name);
        return Path.Combine(Store, "a", hex[..2], hex);
    }

    public string[] Files() =>
        Directory.Exists(Path.Combine(Store, "a")) ? Directory.GetFiles(Path.Combine(Store, "a"), "*", SearchOption.AllDirectories) : [];

    public static async Task<byte[]?> ReadAsync(AssetStore store, int number)
    {
        using StoredAsset? asset = store.TryOpen(KeyOf(number));
        if (asset is null) return null;
        byte[] bytes = new byte[asset.Length];
        return await asset.ReadAsync(0, bytes, CancellationToken.None) ? bytes : null;
    }

    public static async Task<bool> PutAsync(AssetStore store, int number) =>
        await store.PutAsync(KeyOf(number), BytesOf(number), CancellationToken.None);

    /// <summary>Waits until what is asked for has happened: work on the store's own threads has no task to await.</summary>
    public static async Task Until(Func<bool> condition)
    {
        for (int i = 0; i < 3000 && !condition(); i++) await Task.Delay(10);
        Assert.True(condition());
    }

    public void Dispose()
    {
        if (_owned) Directory.Delete(Root, recursive: true);
    }
}
