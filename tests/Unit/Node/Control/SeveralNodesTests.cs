using System.CommandLine;
using System.Net;
using System.Net.Http.Json;
using GlobalCache.Node;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Control;

/// <summary>Two whole nodes over one store, the operator's commands beside them, and a clock that is moved by hand.</summary>
[Collection("load")]
public sealed class SeveralNodesTests : IAsyncLifetime
{
    private const string Grid = "login.example.org:8002", Origin = "assets.example.org";

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-nodes-").FullName;
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly GridClient _ann = new("127.1.0.1"), _bob = new("127.2.0.1");
    private readonly RecordingStore _store;
    private NodeApp _first = null!, _second = null!;

    public SeveralNodesTests() => _store = new RecordingStore(new FolderStore(Path.Combine(_folder, "store"), TimeProvider.System));

    public async ValueTask InitializeAsync() => (_first, _second) = (await StartAsync(2), await StartAsync(2));

    public async ValueTask DisposeAsync()
    {
        _ann.Dispose();
        _bob.Dispose();
        await _first.DisposeAsync();
        await _second.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task T57_a_revoked_key_is_refused_within_thirty_seconds_by_another_node_with_the_issuer_killed_and_its_claims_no_longer_count()
    {
        await _ann.EnrolAsync(_first);
        await _bob.EnrolAsync(_first);
        var key = new AssetKey(Grid, AssetType.Texture, Guid.NewGuid());
        byte[] plain = [1, 2, 3];
        Assert.Equal(ClaimVerdict.Noted, await _ann.ClaimAsync(_second, key, plain, Origin));
        Assert.Equal(HttpStatusCode.NotFound, (await _ann.GetAsync(_second, key)).StatusCode);

        Assert.Equal(0, (await RunAsync("revoke", _ann.Id)).Code);
        await _first.DisposeAsync();
        await WithinAsync(30, async () => (await _ann.GetAsync(_second, key)).StatusCode == HttpStatusCode.Unauthorized);
        Assert.Equal(HttpStatusCode.NotFound, (await _bob.GetAsync(_second, key)).StatusCode);
        Assert.Equal(HttpStatusCode.Forbidden, (await _ann.At(_second).PostAsJsonAsync(EnrolmentApi.Sessions, await _ann.AskAsync(_second))).StatusCode);
        // With ann's word bob's would be the second, and the bytes wanted.
        Assert.Equal(ClaimVerdict.Noted, await _bob.ClaimAsync(_second, key, plain, Origin));

        // It holds over a restart, too.
        await _second.DisposeAsync();
        _second = await StartAsync(2);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_second, key)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await _bob.GetAsync(_second, key)).StatusCode);
    }

    [Fact]
    public async Task Without_a_revocation_the_second_word_does_count()
    {
        await _ann.EnrolAsync(_first);
        await _bob.EnrolAsync(_second);
        var key = new AssetKey(Grid, AssetType.Texture, Guid.NewGuid());
        Assert.Equal(ClaimVerdict.Noted, await _ann.ClaimAsync(_second, key, [1, 2, 3], Origin));
        Assert.Equal(ClaimVerdict.Wanted, await _bob.ClaimAsync(_first, key, [1, 2, 3], Origin));
    }

    [Fact]
    public async Task T56_absent_not_agreed_banned_withheld_withdrawn_and_foreign_assets_cannot_be_told_apart()
    {
        await _ann.EnrolAsync(_first);
        GridKeys keys = _first.Grid.Keys;
        string branch = _first.Desk.Roll.Clients[_ann.Id].Branch;
        double share = _first.Control.Known.Policy.Quotas.Withheld;
        int day = (int)(_time.GetUtcNow().ToUnixTimeSeconds() / 86_400);
        bool IsWithheld(AssetKey k) => keys.Withholds(branch, keys.NameOf(k), day, share);
        // One in a hundred is withheld from her by its name alone: those are not what is meant here.
        AssetKey Shown(string grid) => Enumerable.Range(0, 100_000).Select(_ => New(grid)).First(k => !IsWithheld(k));
        AssetKey banned = await LayAsync(Shown(Grid)), foreign = await LayAsync(Shown("elsewhere.example")), withdrawn = Shown(Grid), unagreed = Shown(Grid), absent = Shown(Grid);
        await _store.PutAsync("a/" + keys.NameOf(withdrawn), GlobalCache.Node.Vouching.Tombstone.Of(1), null, default);
        Assert.Equal(ClaimVerdict.Noted, await _ann.ClaimAsync(_first, unagreed, [1, 2, 3], Origin));
        AssetKey withheld = Enumerable.Range(0, 100_000).Select(_ => New(Grid)).First(IsWithheld);
        await LayAsync(withheld);
        // Served until it is banned, so that it lies in memory.
        Assert.Equal(HttpStatusCode.OK, (await _ann.GetAsync(_first, banned)).StatusCode);
        Assert.Equal(0, (await RunAsync("ban", Grid, "texture", $"{banned.Id}")).Code);
        await WithinAsync(30, async () => (await _ann.GetAsync(_first, banned)).StatusCode == HttpStatusCode.NotFound);

        var seen = new HashSet<string>();
        foreach (AssetKey key in (AssetKey[])[absent, unagreed, banned, withheld, withdrawn, foreign])
        {
            _store.Calls.Clear();
            using HttpResponseMessage answer = await _ann.GetAsync(_first, key);
            answer.Headers.Date = null;
            string name = keys.NameOf(key);
            string calls = string.Join(',', _store.Calls.Where(c => c.EndsWith(name, StringComparison.Ordinal)).Select(c => c.Replace(name, "name", StringComparison.Ordinal)));
            seen.Add($"{answer.StatusCode} {answer.Headers}{answer.Content.Headers}{(await answer.Content.ReadAsByteArrayAsync()).Length} {calls}");
        }
        Assert.Equal("get a/name", Assert.Single(seen).Split(' ', 3)[2][^"get a/name".Length..]);
    }

    [Fact]
    public async Task A_ban_takes_the_asset_out_of_the_store_and_is_refused_like_what_is_not_agreed_until_it_is_lifted()
    {
        await _ann.EnrolAsync(_first);
        await _bob.EnrolAsync(_second);
        var key = new AssetKey(Grid, AssetType.Animation, Guid.NewGuid());
        byte[] plain = Convert.FromHexString(
            "01000000" + "03000000" + "0000803F" + "00" + "00000000" + "0000803F" + "01000000" + "9A99993E" + "9A99993E" + "00000000" + "01000000"
            + "6D4865616400" + "03000000" + "01000000" + "0000FF7FFF7FFF7F" + "00000000" + "00000000");
        await PublishAsync(key, plain);
        string path = "a/" + _first.Grid.Keys.NameOf(key);
        int size = (await _store.GetAsync(path, default))!.Bytes.Length;

        Assert.Equal(0, (await RunAsync("ban", Grid, "animation", $"{key.Id}")).Code);
        Assert.Equal("1", (await RunAsync("bans")).Output.Trim());
        await WithinAsync(30, async () => (await _store.GetAsync(path, default))!.Bytes.Length < size);
        foreach (NodeApp node in (NodeApp[])[_first, _second])
        {
            await WithinAsync(30, async () => (await _ann.GetAsync(node, key)).StatusCode == HttpStatusCode.NotFound);
            Assert.Equal(ClaimVerdict.Noted, await _ann.ClaimAsync(node, key, plain, Origin));
            Assert.Equal(HttpStatusCode.Conflict, (await _ann.SendAsync(node, HttpMethod.Put, NodeApi.PathOf(key), plain)).StatusCode);
        }
        var unknown = new AssetKey(Grid, AssetType.Animation, Guid.NewGuid());
        Assert.Equal(HttpStatusCode.Conflict, (await _ann.SendAsync(_first, HttpMethod.Put, NodeApi.PathOf(unknown), plain)).StatusCode);

        Assert.Equal(0, (await RunAsync("unban", Grid, "animation", $"{key.Id}")).Code);
        await WithinAsync(30, () => Task.FromResult(_first.Control.Known.Bans.Names.Count + _second.Control.Known.Bans.Names.Count == 0));
        await PublishAsync(key, plain);
    }

    [Fact]
    public async Task Sessions_of_any_issuer_are_good_everywhere_at_once_over_restarts_and_rotation()
    {
        await _ann.EnrolAsync(_first);
        AssetKey key = await LayAsync(New(Grid));
        // Another node takes what it has not read of yet: it looks again at once.
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_second, key)).StatusCode);
        string early = _ann.Token;
        await _ann.BeginAsync(_second, nonceFrom: _first);
        string theirs = _ann.Token;
        Assert.NotEqual(KeyIdOf(early), KeyIdOf(theirs));

        await _first.DisposeAsync();
        _first = await StartAsync(2);
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_first, key)).StatusCode);
        await _ann.BeginAsync(_first, nonceFrom: _second);
        Assert.NotEqual(KeyIdOf(early), KeyIdOf(_ann.Token));

        // A day on: another key, and those of processes that are gone are gone.
        for (int minute = 0; minute < 25 * 12; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(5));
            if (minute % 6 == 0) await SettleAsync(() => Fresh(_first) && Fresh(_second));
        }
        await _ann.BeginAsync(_second, nonceFrom: _first);
        Assert.NotEqual(KeyIdOf(theirs), KeyIdOf(_ann.Token));
        Assert.NotEqual(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_first, key)).StatusCode);
        Assert.InRange(_first.Control.Known.Document.SessionKeys.Count(k => k.GoodUntil > _time.GetUtcNow()), 2, 4);

        bool Fresh(NodeApp node) => node.Control.Age < TimeSpan.FromMinutes(5);
    }

    [Fact]
    public async Task Policy_and_throttles_change_in_running_nodes_and_other_options_at_a_start_are_a_new_word()
    {
        await _ann.EnrolAsync(_first);
        string file = Path.Combine(_folder, "policy.json"), branch = _first.Desk.Roll.Clients[_ann.Id].Branch;
        (int code, string shown, _) = await RunAsync("policy", "show");
        Assert.Equal(0, code);
        await File.WriteAllTextAsync(file, shown.Replace("\"lead\": 2", "\"lead\": 3", StringComparison.Ordinal));
        Assert.Equal(0, (await RunAsync("policy", "set", file)).Code);
        Assert.Equal(0, (await RunAsync("throttle", branch, "on")).Code);
        await WithinAsync(30, () => Task.FromResult(_first.Control.Known.Policy.Vouching.Lead == 3 && _second.Control.Known.IsThrottled(branch)));

        await File.WriteAllTextAsync(file, """{"vouching":{"lead":0,"regionHosts":0},"quotas":{"burst":1},"nodes":0}""");
        (code, _, string errors) = await RunAsync("policy", "set", file);
        Assert.Equal((2, 4), (code, errors.TrimEnd().Split('\n').Length));
        await File.WriteAllTextAsync(file, """{"vouchin":{}}""");
        Assert.Equal(2, (await RunAsync("policy", "set", file)).Code);
        Assert.Equal(2, (await RunAsync("throttle", "nobody", "on")).Code);

        // The same options: what was set stays. Others: they hold.
        await _second.DisposeAsync();
        _second = await StartAsync(2);
        Assert.Equal(3, _second.Control.Known.Policy.Vouching.Lead);
        await _second.DisposeAsync();
        _second = await StartAsync(1);
        Assert.Equal(1, _second.Control.Known.Policy.Vouching.Lead);
        await WithinAsync(30, () => Task.FromResult(_first.Control.Known.Policy.Vouching.Lead == 1));
        Assert.True(_first.Control.Known.IsThrottled(branch));
    }

    [Fact]
    public async Task While_the_store_is_away_revocations_hold_and_a_node_that_starts_then_serves_nobody_until_it_is_back()
    {
        await _ann.EnrolAsync(_first);
        await _bob.EnrolAsync(_first);
        AssetKey key = New(Grid);
        Assert.Equal(0, (await RunAsync("revoke", _ann.Id)).Code);
        await WithinAsync(30, async () => (await _ann.GetAsync(_second, key)).StatusCode == HttpStatusCode.Unauthorized);
        _store.Away = true;
        await SettleAsync(() => false, seconds: 20);
        await _first.DisposeAsync();
        _first = await StartAsync(2);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _bob.GetAsync(_first, key)).StatusCode);
        _store.Away = false;
        await WithinAsync(30, async () => (await _bob.GetAsync(_first, key)).StatusCode == HttpStatusCode.NotFound && (await _bob.GetAsync(_second, key)).StatusCode == HttpStatusCode.NotFound);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_first, key)).StatusCode);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_second, key)).StatusCode);
    }

    private static AssetKey New(string grid) => new(grid, AssetType.Texture, Guid.NewGuid());

    private static string KeyIdOf(string token) => System.Text.Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(token.Split('.')[0]));

    private async Task<NodeApp> StartAsync(int lead) => await NodeApp.StartAsync(new NodeOptions
    {
        Data = _folder,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Private = new IPEndPoint(IPAddress.Loopback, 0),
        Grids = [new SharedGrid { Id = Grid, Authorities = [Origin] }],
        Vouching = new VouchingPolicy { Lead = lead, NewBranchAge = TimeSpan.Zero, ClaimSpacing = TimeSpan.Zero },
    }, WatchedLog.Unread, _time, _store);

    private async Task PublishAsync(AssetKey key, byte[] plain)
    {
        ClaimVerdict verdict = await _ann.ClaimAsync(_first, key, plain, Origin);
        if (verdict != ClaimVerdict.Wanted) Assert.Equal(ClaimVerdict.Wanted, await _bob.ClaimAsync(_second, key, plain, Origin));
        Assert.Equal(HttpStatusCode.NoContent, (await _bob.SendAsync(_second, HttpMethod.Put, NodeApi.PathOf(key), plain)).StatusCode);
    }

    private async Task<AssetKey> LayAsync(AssetKey key)
    {
        GridKeys keys = _first.Grid.Keys;
        byte[] blob = SealedAsset.Seal(key, [1, 2, 3], keys.GridKey(keys.Newest, key.GridId)!, keys.Newest, 0, SealCompression.None);
        await _store.PutAsync("a/" + keys.NameOf(key), blob, null, default);
        return key;
    }

    private async Task<(int Code, string Output, string Errors)> RunAsync(params string[] args)
    {
        var data = new Option<string>("--data") { Recursive = true };
        var root = new RootCommand { data };
        foreach (Command command in GridCommands.Of(data, _ => _store, _time, WatchedLog.Unread)) root.Add(command);
        using StringWriter output = new(), errors = new();
        int code = await root.Parse([.. args, "--data", _folder]).InvokeAsync(new InvocationConfiguration { Output = output, Error = errors });
        return (code, output.ToString(), errors.ToString());
    }

    /// <summary>Moves the clock a second at a time until it is so; no later than that many seconds on.</summary>
    private async Task WithinAsync(int seconds, Func<Task<bool>> so)
    {
        for (int second = 0; second <= seconds; second++)
        {
            // What a tick of the clock began reads real files.
            for (int i = 0; i < 3; i++)
            {
                if (await so()) return;
                await Task.Delay(2);
            }
            _time.Advance(TimeSpan.FromSeconds(1));
        }
        Assert.Fail($"It is not so after {seconds} s.");
    }

    private async Task SettleAsync(Func<bool> so, int seconds = 30)
    {
        for (int second = 0; second < seconds && !so(); second++)
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(5);
        }
    }

    /// <summary>Keeps account of every call, and can be away.</summary>
    private sealed class RecordingStore(IObjectStore store) : IObjectStore
    {
        public System.Collections.Concurrent.ConcurrentQueue<string> Calls { get; } = new();

        public bool Away { get; set; }

        public ValueTask<StoredObject?> GetAsync(string name, CancellationToken ct)
        {
            Note("get", name);
            return store.GetAsync(name, ct);
        }

        public ValueTask<StoredObject?> PeekAsync(string name, int first, CancellationToken ct)
        {
            Note("peek", name);
            return store.PeekAsync(name, first, ct);
        }

        public ValueTask<PutResult> PutAsync(string name, ReadOnlyMemory<byte> bytes, string? ifMatch, CancellationToken ct)
        {
            Note("put", name);
            return store.PutAsync(name, bytes, ifMatch, ct);
        }

        private void Note(string call, string name)
        {
            Calls.Enqueue($"{call} {name}");
            if (Away) throw new StoreTroubleException("away");
        }
    }
}
