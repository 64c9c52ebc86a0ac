using System.Security.Cryptography;
using GlobalCache.Node;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node;

/// <summary>Why an asset is refused cannot be told from outside, nor from what the store is asked.</summary>
public sealed class NodeRefusalTests : IDisposable
{
    private readonly GridKeys _keys = BlobSourceTests.NodeKeys();
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 3, 1, 12, 0, 0, TimeSpan.Zero));
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly CountingStore _store = new();
    private readonly HashSet<string> _banned = [];
    private readonly BlobSource _blobs;
    private readonly QuotaPolicy _policy = new() { ChecksBeforeFlag = 5 };
    private readonly BranchAccounts _accounts;
    private readonly AssetEndpoint _endpoint;
    private readonly string _token;
    private double _share;

    public NodeRefusalTests()
    {
        var tokens = new SessionTokens("grid.example", new SessionKey("k", _key), [], _time);
        _token = tokens.Issue(new SessionIdentity("c", "b", _time.GetUtcNow(), "k"))!.Token;
        _blobs = new BlobSource(_store, _keys, new AssetCache(10_000_000), _time, () => true);
        _accounts = new BranchAccounts(_store, _keys, () => _policy, () => 1, _ => false, _time);
        _endpoint = new AssetEndpoint(
            new SessionGate(tokens, _ => false), _keys, _blobs, _accounts, new ServingRules(g => g == "shared", _banned.Contains, (_, _) => _share), new NodeMetrics(), _time);
    }

    [Fact]
    public async Task Absent_banned_withheld_and_foreign_assets_ask_the_store_the_same_also_when_they_lie_in_memory()
    {
        Guid absent = Guid.NewGuid(), banned = Store("shared"), foreign = Store("elsewhere"), withheld = Store("shared");
        Assert.Equal(200, await GetAsync("shared", banned));
        Assert.Equal(200, await GetAsync("shared", withheld));
        _banned.Add(Name("shared", banned));
        Assert.Equal((404, 2), await CountedAsync("shared", absent));
        Assert.Equal((404, 2), await CountedAsync("shared", banned));
        Assert.Equal((404, 2), await CountedAsync("elsewhere", foreign));
        _share = 1;
        Assert.Equal((404, 2), await CountedAsync("shared", withheld));
        Assert.Equal((404, 2), await CountedAsync("shared", absent));
        _share = 0;
        Assert.Equal((200, 0), await CountedAsync("shared", withheld));
    }

    [Fact]
    public async Task Only_what_would_have_been_served_is_a_check_and_a_matching_claim_answers_it()
    {
        _share = 1;
        Guid[] there = [.. Enumerable.Range(0, 10).Select(_ => Store("shared"))];
        foreach (Guid id in there[..5]) await GetAsync("shared", id);
        for (int i = 0; i < 50; i++) await GetAsync("shared", Guid.NewGuid());
        foreach (Guid id in there[..3]) _accounts.Claimed("b", BranchAccounts.IdOf(Name("shared", id)), matches: true, withheld: true);
        await LaterAsync();
        Assert.Equal((1, 0), _accounts.Sum());
        foreach (Guid id in there[5..]) await GetAsync("shared", id);
        await LaterAsync();
        await LaterAsync();
        Assert.Equal((1, 1), _accounts.Sum());
    }

    [Fact]
    public void The_less_sure_an_asset_is_the_oftener_it_is_withheld_and_never_where_one_word_decides()
    {
        var quotas = new QuotaPolicy();
        Assert.All(Enum.GetValues<Standing>(), s => Assert.Equal(0, ServingRules.WithheldOf(new VouchingPolicy { Lead = 1 }, quotas, s, 1000)));
        var two = new VouchingPolicy { Lead = 2 };
        Assert.Equal((0.01, 0.10, 0.25), (ServingRules.WithheldOf(two, quotas, Standing.Settled, 1000), ServingRules.WithheldOf(two, quotas, Standing.Fresh, 1000), ServingRules.WithheldOf(two, quotas, Standing.Contested, 1000)));
        Assert.Equal(0.01, ServingRules.WithheldOf(two, quotas, Standing.Contested, 3 << 20));
    }

    public void Dispose()
    {
        _blobs.Dispose();
        _key.Dispose();
    }

    /// <summary>An hour on, and everything booked.</summary>
    private async Task LaterAsync()
    {
        await _accounts.TidyAsync(all: true);
        _time.Advance(BranchAccount.CheckPatience + TimeSpan.FromMinutes(1));
        await _accounts.TidyAsync(all: true);
    }

    private async Task<(int Status, int Calls)> CountedAsync(string grid, Guid id)
    {
        int before = _store.Gets;
        int status = await GetAsync(grid, id);
        return (status, _store.Gets - before);
    }

    private async Task<int> GetAsync(string grid, Guid id)
    {
        var context = new DefaultHttpContext();
        context.Request.Headers.Authorization = "Bearer " + _token;
        (context.Request.RouteValues["grid"], context.Request.RouteValues["type"], context.Request.RouteValues["id"]) = (grid, "texture", id.ToString());
        context.Response.Body = new MemoryStream();
        await _endpoint.HandleAsync(context);
        return context.Response.StatusCode;
    }

    private string Name(string grid, Guid id) => _keys.NameOf(new AssetKey(grid, AssetType.Texture, id));

    private Guid Store(string grid)
    {
        var key = new AssetKey(grid, AssetType.Texture, Guid.NewGuid());
        _store.Objects["a/" + _keys.NameOf(key)] = SealedAsset.Seal(key, [1, 2, 3], _keys.GridKey(1, grid)!, 1, 0, SealCompression.None);
        return key.Id;
    }

    private sealed class CountingStore : IObjectStore
    {
        public Dictionary<string, byte[]> Objects { get; } = [];

        public int Gets { get; private set; }

        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
        {
            // Accounts are booked in the background, whatever was asked.
            if (!name.StartsWith("q/", StringComparison.Ordinal)) Gets++;
            return new(Objects.TryGetValue(name, out byte[]? bytes) ? new StoredObject("1", bytes) : null);
        }

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct) => throw new NotSupportedException();

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            Assert.StartsWith("q/", name, StringComparison.Ordinal);
            Objects[name] = bytes.ToArray();
            return new(PutResult.Written);
        }
    }
}
