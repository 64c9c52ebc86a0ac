using System.Collections.Concurrent;
using System.Security.Cryptography;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node;

public sealed class BlobSourceTests : IDisposable
{
    private static readonly AssetKey s_key = new("grid", AssetType.Sound, Guid.Parse("5748decc-f629-461c-9a36-a35a221fe21f"));

    private readonly GridKeys _keys = NodeKeys();
    private readonly FakeTimeProvider _time = new();
    private readonly MemoryStore _memory = new();
    private readonly WatchedStore _store;
    private readonly BlobSource _blobs;
    private readonly string _name;

    public BlobSourceTests()
    {
        _store = new WatchedStore(_memory);
        _blobs = new BlobSource(_store, _keys, new AssetCache(1_000_000), _time);
        _store.Changed = _blobs.Forget;
        _name = _keys.NameOf(s_key);
    }

    [Fact]
    public async Task Many_that_ask_at_once_wait_for_one_read_and_later_ones_for_none()
    {
        await _store.PutAsync("a/" + _name, Sealed(0), null, default);
        _memory.Hold = new TaskCompletionSource();
        Task<CachedBlob?>[] all = [.. Enumerable.Range(0, 50).Select(_ => _blobs.ReadAsync(s_key, _name))];
        _memory.Hold.SetResult();
        CachedBlob?[] blobs = await Task.WhenAll(all);

        Assert.All(blobs, b => Assert.Same(blobs[0], b));
        Assert.Equal(["get a"], _memory.Calls);
        byte[] key = System.Buffers.Text.Base64Url.DecodeFromChars(blobs[0]!.Blob.Key);
        Assert.Equal(SealFault.None, SealedAsset.Open(s_key, blobs[0]!.Blob.Bytes.Span, key, out byte[] plain));
        Assert.Equal("some sound"u8, plain);
        Assert.Same(blobs[0]!.Blob, _blobs.Serve(_blobs.Find(s_key)!));
        Assert.Single(_memory.Calls);
    }

    [Fact]
    public async Task Absence_tombstones_and_damage_are_nothing_and_are_not_remembered()
    {
        Assert.Null(await _blobs.ReadAsync(s_key, _name));
        _memory.Objects["a/" + _name] = ("1", Tombstone.Of(1));
        Assert.Null(await _blobs.ReadAsync(s_key, _name));
        byte[] good = Sealed(0);
        foreach (int at in (int[])[0, 5, 8, 12, 16, 21, 53])
        {
            byte[] bad = [.. good];
            bad[at] ^= 1;
            _memory.Objects["a/" + _name] = ("2", bad);
            // The epoch is bound to the segments, which nobody opens here.
            if (at != 12) Assert.Null(await _blobs.ReadAsync(s_key, _name));
        }
        _memory.Objects["a/" + _name] = ("3", good[..^1]);
        Assert.Null(await _blobs.ReadAsync(s_key, _name));
        Assert.Null(_blobs.Find(s_key));
        _memory.Objects["a/" + _name] = ("4", good);
        Assert.NotNull(await _blobs.ReadAsync(s_key, _name));
    }

    [Fact]
    public async Task What_this_node_withdraws_is_gone_at_once_even_from_reads_under_way()
    {
        await _store.PutAsync("a/" + _name, Sealed(0), null, default);
        _memory.Hold = new TaskCompletionSource();
        Task<CachedBlob?> early = _blobs.ReadAsync(s_key, _name);
        await _memory.Asked.Task;
        await _store.PutAsync("a/" + _name, Tombstone.Of(1), "1", default);
        TaskCompletionSource hold = _memory.Hold;
        _memory.Hold = null;
        Assert.Null(await _blobs.ReadAsync(s_key, _name));
        hold.SetResult();
        await early;
        Assert.Null(_blobs.Find(s_key));
    }

    [Fact]
    public async Task What_another_node_withdraws_is_gone_within_a_minute_and_what_stands_is_only_looked_at()
    {
        await _store.PutAsync("a/" + _name, Sealed(0), null, default);
        await _blobs.ReadAsync(s_key, _name);
        _time.Advance(BlobSource.Stale);
        Assert.Null(_blobs.Serve(_blobs.Find(s_key)!));
        CachedBlob? again = await _blobs.ReadAsync(s_key, _name);
        Assert.Same(again!.Blob, _blobs.Serve(_blobs.Find(s_key)!));
        Assert.Equal(["get a", "peek a"], _memory.Calls);

        _memory.Objects["a/" + _name] = ("tomb", Tombstone.Of(1));
        _time.Advance(BlobSource.Fresh);
        Assert.NotNull(_blobs.Serve(_blobs.Find(s_key)!));
        await _blobs.ReadAsync(s_key, _name);
        Assert.Null(_blobs.Find(s_key));
    }

    [Fact]
    public async Task A_store_in_trouble_is_told_and_asked_again()
    {
        await _store.PutAsync("a/" + _name, Sealed(0), null, default);
        _memory.Trouble = true;
        await Assert.ThrowsAsync<StoreTroubleException>(() => _blobs.ReadAsync(s_key, _name));
        _memory.Trouble = false;
        Assert.NotNull(await _blobs.ReadAsync(s_key, _name));
    }

    public void Dispose() => _blobs.Dispose();

    internal static GridKeys NodeKeys() => new(
        new Dictionary<uint, byte[]> { [1] = RandomNumberGenerator.GetBytes(32) }, RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32), RandomNumberGenerator.GetBytes(32));

    private byte[] Sealed(uint epoch) => SealedAsset.Seal(s_key, "some sound"u8, _keys.GridKey(1, s_key.GridId)!, 1, epoch, SealCompression.None);

    private sealed class MemoryStore : IObjectStore
    {
        public ConcurrentDictionary<string, (string Tag, byte[] Bytes)> Objects { get; } = new();

        public ConcurrentQueue<string> Calls { get; } = new();

        public TaskCompletionSource? Hold { get; set; }

        public TaskCompletionSource Asked { get; } = new();

        public bool Trouble { get; set; }

        public async ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
        {
            Calls.Enqueue("get " + name[..1]);
            StoredObject? there = Read(name);
            Asked.TrySetResult();
            if (Hold is { } hold) await hold.Task;
            return there;
        }

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct)
        {
            Calls.Enqueue("peek " + name[..1]);
            return new(Read(name) is { } there ? there with { Bytes = there.Bytes[..Math.Min(first, there.Bytes.Length)] } : null);
        }

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            Objects[name] = ((ifMatch?.Length ?? 0) + 1 + "", bytes.ToArray());
            return new(PutResult.Written);
        }

        private StoredObject? Read(string name) => Trouble ? throw new StoreTroubleException("down")
            : Objects.TryGetValue(name, out (string Tag, byte[] Bytes) there) ? new StoredObject(there.Tag, there.Bytes) : null;
    }
}
