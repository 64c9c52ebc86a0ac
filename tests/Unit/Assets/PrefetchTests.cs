using System.Collections.Concurrent;
using GlobalCache.Client.Assets;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Assets;

/// <summary>Hints become fetches from a cache grid: few, idle, and nothing twice.</summary>
public sealed class PrefetchTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new();
    private readonly ViewerTraffic _traffic;
    private readonly ConcurrentQueue<AssetKey> _asked = new();
    private readonly ConcurrentDictionary<AssetKey, byte[]> _kept = new();
    private readonly HashSet<Guid> _excluded = [];
    private readonly SemaphoreSlim _answers = new(0);
    private Prefetch? _prefetch;

    public PrefetchTests() => _traffic = new ViewerTraffic(TimeSpan.Zero, _time);

    [Fact]
    public async Task What_is_named_is_fetched_once_and_kept()
    {
        Begin();
        _answers.Release(10);
        _prefetch!.Hint(Key(1));
        _prefetch.Hint(Key(1));
        await Eventually.EqualAsync(1, () => _kept.Count);
        _prefetch.Hint(Key(1));
        _prefetch.Hint(Key(2));
        await Eventually.EqualAsync(2, () => _kept.Count);
        Assert.Equal([Key(1), Key(2)], _asked);
    }

    [Fact]
    public async Task What_is_held_excluded_built_in_null_or_asked_for_by_the_viewer_is_not_fetched()
    {
        Begin();
        _answers.Release(10);
        _kept[Key(1)] = [1];
        _excluded.Add(Key(2).Id);
        _prefetch!.Asked(Key(3));
        foreach (AssetKey key in new[]
            {
                Key(1), Key(2), Key(3), Key(0),
                new AssetKey("grid.example", AssetType.Animation, new Guid("2408fe9e-df1d-1d7d-f4ff-1384fa7b350f")),
            })
        {
            _prefetch.Hint(key);
        }

        _prefetch.Hint(Key(4));
        await Eventually.EqualAsync(2, () => _kept.Count);
        Assert.Equal([Key(4)], _asked);
    }

    [Fact]
    public async Task Two_are_fetched_at_a_time()
    {
        Begin();
        for (int i = 1; i <= 5; i++) _prefetch!.Hint(Key(i));
        await Eventually.EqualAsync(2, () => _asked.Count);
        _answers.Release();
        await Eventually.EqualAsync(3, () => _asked.Count);
        _answers.Release(10);
        await Eventually.EqualAsync(5, () => _kept.Count);
    }

    [Fact]
    public async Task Nothing_is_fetched_while_a_viewer_s_request_waits()
    {
        Begin();
        _answers.Release(10);
        _traffic.Enter();
        _prefetch!.Hint(Key(1));
        for (int i = 0; i < 10; i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Yield();
        }

        Assert.Empty(_asked);
        _traffic.Leave();
        await UntilAsync(() => _kept.Count == 1);
    }

    [Fact]
    public async Task So_many_a_minute_and_no_more()
    {
        Begin(perMinute: 3);
        _answers.Release(100);
        for (int i = 1; i <= 10; i++) _prefetch!.Hint(Key(i));
        await Eventually.EqualAsync(3, () => _kept.Count);
        _time.Advance(TimeSpan.FromSeconds(59));
        await Task.Yield();
        Assert.Equal(3, _asked.Count);
        _time.Advance(TimeSpan.FromSeconds(1.1));
        await Eventually.EqualAsync(6, () => _kept.Count);
        Assert.Equal(6, _asked.Count);
    }

    [Fact]
    public async Task A_grid_that_fails_is_asked_for_the_next_one_all_the_same()
    {
        Begin(fails: 1);
        _answers.Release(10);
        _prefetch!.Hint(Key(1));
        _prefetch.Hint(Key(2));
        await Eventually.EqualAsync(1, () => _kept.Count);
        Assert.Equal([Key(2)], _kept.Keys);
    }

    [Theory]
    [InlineData(true, 0)]
    [InlineData(false, 240)]
    public async Task Without_a_cache_grid_or_a_budget_nothing_is_done(bool grid, int perMinute)
    {
        Begin(perMinute, grid: grid);
        _answers.Release(10);
        _prefetch!.Hint(Key(1));
        await Task.Yield();
        Assert.Empty(_asked);
    }

    public async ValueTask DisposeAsync()
    {
        if (_prefetch is not null) await _prefetch.DisposeAsync();
        _answers.Dispose();
    }

    private static AssetKey Key(int id) => new("grid.example", AssetType.Texture, id == 0 ? Guid.Empty : new Guid(id, 0, 0, new byte[8]));

    private void Begin(int perMinute = 240, bool grid = true, int fails = 0)
    {
        AskCacheGrid ask = async (key, stop) =>
        {
            _asked.Enqueue(key);
            await _answers.WaitAsync(stop);
            return key == Key(fails) ? throw new HttpRequestException("gone") : [7];
        };
        var target = new PrefetchTarget(_kept.ContainsKey, (_, id) => _excluded.Contains(id), (key, bytes, _) =>
        {
            _kept[key] = bytes;
            return Task.CompletedTask;
        });
        _prefetch = new Prefetch(grid ? ask : null, target, _traffic, new ClientLimits { PrefetchPerMinute = perMinute }, _time, WatchedLog.Unread);
    }

    private async Task UntilAsync(Func<bool> condition)
    {
        for (int i = 0; i < 500 && !condition(); i++)
        {
            _time.Advance(TimeSpan.FromMilliseconds(1));
            await Task.Delay(10);
        }

        Assert.True(condition());
    }
}
