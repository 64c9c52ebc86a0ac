using CsCheck;
using GlobalCache.Node.Serving;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.Node;

public sealed class AssetCacheTests
{
    private const int Beside = 1024;

    [Fact]
    public void Whatever_is_added_used_and_forgotten_the_budget_holds_and_what_is_found_is_the_last_that_was_added() =>
        Gen.Select(Gen.Int[0, 40], Gen.Int[1, 9000], Gen.Int[0, 9]).Array[1, 400].Sample(steps =>
        {
            var cache = new AssetCache(100_000);
            var last = new Dictionary<int, CachedBlob>();
            foreach ((int id, int bytes, int act) in steps)
            {
                if (act < 5)
                {
                    cache.Add(last[id] = Blob(id, bytes));
                }
                else if (act < 9)
                {
                    cache.Find(Key(id))?.Use();
                }
                else
                {
                    cache.Forget(Name(id));
                    last.Remove(id);
                }
                Assert.InRange(cache.Bytes, 0, 100_000);
                foreach (int known in Enumerable.Range(0, 41))
                {
                    if (cache.Find(Key(known)) is { } found) Assert.Same(last.GetValueOrDefault(known), found);
                }
                Assert.Equal(cache.Bytes, Enumerable.Range(0, 41).Sum(i => (long)(cache.Find(Key(i))?.Weight ?? 0)));
            }
        });

    [Fact]
    public void What_is_asked_for_often_outlives_a_flood_of_what_is_asked_for_once()
    {
        var cache = new AssetCache(1_000_000);
        for (int round = 0; round < 4; round++)
        {
            for (int id = 0; id < 40; id++)
            {
                if (cache.Find(Key(id)) is { } held) held.Use();
                else cache.Add(Blob(id, 10_000));
            }
        }
        for (int id = 1000; id < 3000; id++)
        {
            cache.Add(Blob(id, 10_000));
            cache.Find(Key(id % 40))?.Use();
        }
        Assert.Equal(40, Enumerable.Range(0, 40).Count(id => cache.Find(Key(id)) is not null));
    }

    [Fact]
    public void What_comes_back_soon_after_it_left_is_kept_at_once()
    {
        var cache = new AssetCache(100_000);
        cache.Add(Blob(0, 5000));
        for (int id = 1; id < 25; id++) cache.Add(Blob(id, 5000));
        Assert.Null(cache.Find(Key(0)));
        cache.Add(Blob(0, 5000));
        for (int id = 25; id < 40; id++) cache.Add(Blob(id, 5000));
        Assert.NotNull(cache.Find(Key(0)));
    }

    [Fact]
    public void What_was_forgotten_again_and_again_is_not_held_in_secret()
    {
        var cache = new AssetCache(1_000_000);
        var weak = new List<WeakReference>();
        for (int i = 0; i < 200; i++) AddAndForget(cache, weak);
        GC.Collect();
        Assert.InRange(weak.Count(w => w.IsAlive), 0, 8);
    }

    [Fact]
    public void What_would_sweep_all_others_away_is_not_taken_in()
    {
        var cache = new AssetCache(100_000);
        cache.Add(Blob(1, 1000));
        cache.Add(Blob(2, 50_000));
        Assert.Null(cache.Find(Key(2)));
        Assert.NotNull(cache.Find(Key(1)));
    }

    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void AddAndForget(AssetCache cache, List<WeakReference> weak)
    {
        CachedBlob blob = Blob(7, 20_000);
        weak.Add(new WeakReference(blob));
        cache.Add(blob);
        cache.Forget(Name(7));
    }

    private static CachedBlob Blob(int id, int bytes) => new(Key(id), new SealedBlob(Name(id), new byte[bytes - Math.Min(Beside, bytes - 1)], "", "", ""), 0);

    private static AssetKey Key(int id) => new("grid", AssetType.Texture, new Guid(id, 0, 0, new byte[8]));

    private static string Name(int id) => id.ToString("x64", System.Globalization.CultureInfo.InvariantCulture);
}
