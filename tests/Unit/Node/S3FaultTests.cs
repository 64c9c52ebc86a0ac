using System.Security.Cryptography;
using GlobalCache.Node;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Node;

/// <summary>A real S3 server behind a line that fails: nothing is taken for written that is not, nothing for missing that is there, nothing is asked without end.</summary>
[Collection("load")]
public sealed class S3FaultTests(RadosGateway gateway) : IAsyncLifetime
{
    private static readonly byte[] s_asset = [.. Enumerable.Range(0, 100_000).Select(i => (byte)(i * 7 >> 2))];
    private static readonly AssetKey s_key = new("grid.example.org", AssetType.Texture, new Guid("6c0ca000-0000-4000-8000-000000000001"));

    private readonly GridKeys _keys = new(new Dictionary<uint, byte[]> { [1] = RandomNumberGenerator.GetBytes(32) }, new byte[32], new byte[32], new byte[32]);
    private FaultingS3 _proxy = null!;
    private S3Store _store = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _proxy = await FaultingS3.StartAsync(await gateway.EndpointAsync());
        _store = await gateway.StoreAsync(_proxy.Endpoint, TimeSpan.FromSeconds(4));
    }

    public async ValueTask DisposeAsync()
    {
        if (_proxy is null) return;
        Assert.DoesNotContain(_proxy.Seen, s => s.Unconditional);
        _store.Dispose();
        await _proxy.DisposeAsync();
    }

    [Theory]
    [InlineData(S3Fault.Error)]
    [InlineData(S3Fault.SlowDown)]
    internal async Task What_fails_for_a_moment_is_asked_again(S3Fault fault)
    {
        string name = NewName();
        _proxy.Fail("PUT", fault, times: 2);
        Assert.Equal(PutResult.Written, await _store.PutAsync(name, s_asset, ifMatch: null, Ct));
        _proxy.Fail("GET", fault, times: 2);
        Assert.Equal(s_asset, (await _store.GetAsync(name, Ct))!.Bytes.ToArray());
    }

    [Theory]
    [InlineData(S3Fault.Error)]
    [InlineData(S3Fault.SlowDown)]
    internal async Task What_goes_on_failing_is_trouble_after_a_bounded_number_of_requests(S3Fault fault)
    {
        _proxy.Choose = (_, _) => fault;
        await Assert.ThrowsAsync<StoreTroubleException>(async () => await _store.PutAsync(NewName(), s_asset, ifMatch: null, Ct));
        await Assert.ThrowsAsync<StoreTroubleException>(async () => await _store.GetAsync(NewName(), Ct));
        Assert.InRange(_proxy.Seen.Count, 2, 8);
    }

    [Fact]
    public async Task A_body_that_broke_off_is_fetched_again_and_one_that_always_does_is_no_miss()
    {
        string name = NewName();
        await _store.PutAsync(name, s_asset, ifMatch: null, Ct);
        _proxy.Fail("GET", S3Fault.Cut);
        Assert.Equal(s_asset, (await _store.GetAsync(name, Ct))!.Bytes.ToArray());
        _proxy.Choose = (_, _) => S3Fault.Cut;
        await Assert.ThrowsAsync<StoreTroubleException>(async () => await _store.GetAsync(name, Ct));
    }

    [Fact]
    public async Task A_body_that_stalls_is_trouble_when_patience_ends()
    {
        string name = NewName();
        await _store.PutAsync(name, s_asset, ifMatch: null, Ct);
        using S3Store hasty = await gateway.StoreAsync(_proxy.Endpoint, TimeSpan.FromSeconds(1));
        _proxy.Choose = (_, _) => S3Fault.Stalled;
        await Assert.ThrowsAsync<StoreTroubleException>(async () => await hasty.GetAsync(name, Ct));
    }

    [Fact]
    public async Task A_write_whose_answer_was_lost_has_happened_once_and_is_refused_by_its_own_work()
    {
        string name = NewName();
        _proxy.Fail("PUT", S3Fault.LostAnswer);
        Assert.Equal(PutResult.Refused, await _store.PutAsync(name, s_asset, ifMatch: null, Ct));
        Assert.Equal(s_asset, (await _store.GetAsync(name, Ct))!.Bytes.ToArray());
    }

    [Fact]
    public async Task A_race_that_S3_calls_a_conflict_is_a_refusal()
    {
        _proxy.Fail("PUT", S3Fault.Conflict, times: 10);
        Assert.Equal(PutResult.Refused, await _store.PutAsync(NewName(), s_asset, ifMatch: null, Ct));
    }

    [Fact]
    public async Task Where_all_is_forbidden_everything_seems_missing_and_only_the_canary_tells()
    {
        string name = NewName();
        await _store.PutAsync(name, s_asset, ifMatch: null, Ct);
        var canary = new Canary(_store, _keys, TimeProvider.System, WatchedLog.Unread);
        _proxy.Choose = (_, _) => S3Fault.Forbidden;
        Assert.Null(await _store.GetAsync(name, Ct));
        Assert.False(await canary.CheckAsync(Ct));
    }

    [Fact]
    public async Task A_key_for_encryption_at_rest_is_asked_for_with_every_write()
    {
        using S3Store store = await gateway.StoreAsync(_proxy.Endpoint, change: o => o with { KmsKeyId = "alias/assets" });
        _proxy.Choose = (_, _) => S3Fault.Conflict;
        await store.PutAsync(NewName(), s_asset, ifMatch: null, Ct);
        Assert.Equal(("aws:kms", "alias/assets", "*"), (
            _proxy.LastWrite["x-amz-server-side-encryption"], _proxy.LastWrite["x-amz-server-side-encryption-aws-kms-key-id"], _proxy.LastWrite["If-None-Match"]));
    }

    [Fact]
    public async Task Two_nodes_that_store_the_same_asset_at_once_have_one_object_and_both_say_stored()
    {
        for (int race = 0; race < 4; race++)
        {
            string name = NewName()[2..];
            byte[] hash = SHA256.HashData(s_asset);
            // Every third write of both nodes is done without an answer, every fifth refused for a moment.
            int writes = 0;
            _proxy.Choose = (method, _) => method != "PUT" ? S3Fault.None : (Interlocked.Increment(ref writes) % 15) switch { 3 or 6 or 9 or 12 => S3Fault.LostAnswer, 5 or 10 => S3Fault.SlowDown, _ => S3Fault.None };
            var policy = new VouchingPolicy { ClaimSpacing = TimeSpan.Zero };
            Ledger[] nodes = [.. Enumerable.Range(0, 2).Select(_ => new Ledger(_store, new RecordSeal(_keys), () => policy, _ => _ => false, TimeProvider.System))];
            ClaimAnswer[] answers = await Task.WhenAll(nodes.Select((n, i) => n.ClaimAsync(name, new Claim((ulong)i + 1, (ulong)i + 1, 1, FromRegion: false, hash))));
            Assert.Contains(answers, a => a.Wanted);
            int sealings = 0;
            Upload[] uploads = await Task.WhenAll(nodes.Select(n => n.PutAsync(name, s_asset, epoch =>
            {
                Interlocked.Increment(ref sealings);
                return SealedAsset.Seal(s_key, s_asset, _keys.GridKey(1, s_key.GridId)!, 1, epoch, SealCompression.None);
            }, Ct)));
            Assert.Equal([Upload.Stored, Upload.Stored], uploads);
            StoredObject there = (await _store.GetAsync("a/" + name, Ct))!;
            Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(s_key, there.Bytes.Span, _keys.GridKey(1, s_key.GridId)!, out byte[] plain));
            Assert.Equal(s_asset, plain);
            Assert.InRange(sealings, 1, 2);
        }
    }

    [Fact]
    public async Task No_interleaving_breaks_a_promise_in_a_bucket()
    {
        using S3Store store = await gateway.StoreAsync();
        // Each course has a name space of its own in the bucket.
        LedgerInterleavingTests.Seen seen = LedgerInterleavingTests.Sample(3, () => new BelowPrefix(store, $"{Guid.NewGuid():n}/"));
        Assert.True(seen is { Blobs: > 0 }, seen.ToString());
    }

    private static string NewName() => $"a/{Guid.NewGuid():n}{Guid.NewGuid():n}";

    private sealed class BelowPrefix(IObjectStore store, string prefix) : IObjectStore
    {
        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct) => store.GetAsync(prefix + name, ct);

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => store.PeekAsync(prefix + name, first, ct);

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct) => store.PutAsync(prefix + name, bytes, ifMatch, ct);
    }
}
