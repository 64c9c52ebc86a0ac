using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Node;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Serving;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Node;

/// <summary>A whole node as its clients and its owner see it: over TLS with the grid's own certificate, over the folder store.</summary>
public sealed class NodeAppTests : IAsyncLifetime
{
    private const string Grid = "login.example.org:8002";

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-node-").FullName;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private NodeApp _node = null!;
    private HttpClient _http = null!, _owner = null!;
    private string _client = "", _token = "";

    public ValueTask InitializeAsync() => StartAsync(new NodeOptions());

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_one_client_claims_and_sends_another_gets_sealed_with_the_key_that_opens_it()
    {
        byte[] plain = Convert.FromHexString(
            "01000000" + "03000000" + "0000803F" + "00" + "00000000" + "0000803F" + "01000000" + "9A99993E" + "9A99993E" + "00000000" + "01000000"
            + "6D4865616400" + "03000000" + "01000000" + "0000FF7FFF7FFF7F" + "00000000" + "00000000");
        var key = new AssetKey(Grid, AssetType.Animation, Guid.NewGuid());
        var claims = new ClaimBatch
        {
            Lines = [new ClaimLine { Grid = Grid, Type = "animation", Id = key.Id, Sha256 = Convert.ToHexStringLower(SHA256.HashData(plain)), Length = plain.Length, Origin = "assets.example.org" }],
        };
        ClaimAnswers? answers = await (await SendSignedAsync(HttpMethod.Post, NodeApi.Claims, JsonContent.Create(claims))).Content.ReadFromJsonAsync<ClaimAnswers>(Wire);
        Assert.Equal([ClaimVerdict.Wanted], answers!.Lines);
        Assert.Equal(HttpStatusCode.NotFound, (await GetAsync(key)).StatusCode);
        Assert.Equal(HttpStatusCode.NoContent, (await SendSignedAsync(HttpMethod.Put, NodeApi.PathOf(key), new ByteArrayContent(plain))).StatusCode);

        using HttpResponseMessage answer = await GetAsync(key);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(plain, await OpenAsync(key, answer));
        Assert.Equal("no-store, private", answer.Headers.CacheControl!.ToString());
        byte[] blob = await answer.Content.ReadAsByteArrayAsync();
        Assert.Equal($"\"{Convert.ToHexStringLower(blob.AsSpan(20, 16))}\"", answer.Headers.ETag!.Tag);

        await StopAsync();
        await StartAsync(new NodeOptions());
        Assert.Equal(plain, await OpenAsync(key, await GetAsync(key)));
    }

    [Theory]
    [InlineData("1.1")]
    [InlineData("2.0")]
    public async Task Assets_of_every_size_come_whole_over_both_versions_of_http(string version)
    {
        foreach (int bytes in (int[])[1, 60_000, 65_000, 300_000, 1_500_000])
        {
            byte[] plain = RandomNumberGenerator.GetBytes(bytes);
            AssetKey key = await StoreAsync(Guid.NewGuid(), plain);
            for (int i = 0; i < 2; i++)
            {
                using HttpResponseMessage answer = await GetAsync(key, Version.Parse(version));
                Assert.Equal(Version.Parse(version), answer.Version);
                Assert.Equal(plain, await OpenAsync(key, answer));
            }
        }
    }

    [Fact]
    public async Task Without_a_session_there_is_nothing_and_a_client_that_is_shut_out_has_none()
    {
        AssetKey key = await StoreAsync(Guid.NewGuid(), [1, 2, 3]);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(key)).StatusCode);
        foreach (string? token in (string?[])[null, "", "x", _token[..^4] + "AAAA"])
        {
            using var ask = new HttpRequestMessage(HttpMethod.Get, NodeApi.PathOf(key));
            if (token is not null) ask.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
            Assert.Equal(HttpStatusCode.Unauthorized, (await _http.SendAsync(ask)).StatusCode);
        }
        await _node.Desks.Revocations.RevokeAsync(_client, default);
        Assert.Equal(HttpStatusCode.Unauthorized, (await GetAsync(key)).StatusCode);
        Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync(NodeApi.Health)).StatusCode);
    }

    [Fact]
    public async Task Every_404_is_the_same_404()
    {
        AssetKey foreign = new("elsewhere.example", AssetType.Texture, Guid.NewGuid());
        await StoreAsync(foreign, [1, 2, 3]);
        AssetKey buried = new(Grid, AssetType.Texture, Guid.NewGuid());
        await _node.Store.PutAsync("a/" + _node.Grid.Keys.NameOf(buried), GlobalCache.Node.Vouching.Tombstone.Of(1), null, default);
        var seen = new HashSet<string>();
        foreach (AssetKey key in (AssetKey[])[foreign, buried, new(Grid, AssetType.Texture, Guid.NewGuid())])
        {
            using HttpResponseMessage answer = await GetAsync(key);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
            answer.Headers.Date = null;
            seen.Add($"{answer.Headers}{answer.Content.Headers}{await answer.Content.ReadAsStringAsync()}");
        }
        Assert.Single(seen);
        using var head = new HttpRequestMessage(HttpMethod.Head, NodeApi.PathOf(foreign)) { Headers = { Authorization = new("Bearer", _token) } };
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await _http.SendAsync(head)).StatusCode);
    }

    [Fact]
    public async Task Beyond_the_quota_it_is_429_with_the_time_to_come_again_but_not_for_what_one_has_had()
    {
        await StopAsync();
        await StartAsync(new NodeOptions { Quotas = new QuotaPolicy { Burst = 100, PerHour = 100 } });
        var keys = new List<AssetKey>();
        for (int i = 0; i < 101; i++) keys.Add(await StoreAsync(Guid.NewGuid(), [1, 2, 3]));
        for (int i = 0; i < 100; i++) Assert.Equal(HttpStatusCode.OK, (await GetAsync(keys[i])).StatusCode);
        using HttpResponseMessage refused = await GetAsync(keys[100]);
        Assert.Equal(HttpStatusCode.TooManyRequests, refused.StatusCode);
        Assert.InRange(refused.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 36);
        Assert.Equal(HttpStatusCode.OK, (await GetAsync(keys[0])).StatusCode);
    }

    [Fact]
    public async Task The_owner_sees_the_nodes_state_on_the_private_listener_and_nobody_elsewhere()
    {
        AssetKey key = await StoreAsync(Guid.NewGuid(), [1, 2, 3]);
        await GetAsync(key);
        await GetAsync(key);
        Assert.Equal("ready\n", await _owner.GetStringAsync("/readyz"));
        Assert.Contains("\"memoryHits\":1,\"storeHits\":1", await _owner.GetStringAsync("/status"));
        string metrics = await _owner.GetStringAsync("/metrics");
        Assert.Contains("gc_node_memory_hits_total 1\n", metrics);
        Assert.DoesNotContain(key.Id.ToString(), metrics);
        string description = await _owner.GetStringAsync("/openapi/v1.json");
        foreach (string path in (string[])[NodeApi.Asset, NodeApi.Claims, NodeApi.Disputes, EnrolmentApi.Sessions, "/status"]) Assert.Contains($"\"{path}\"", description);

        foreach (string path in (string[])["/readyz", "/status", "/metrics", "/openapi/v1.json"])
            Assert.Equal(HttpStatusCode.NotFound, (await _http.GetAsync(path)).StatusCode);
        using var clear = new HttpRequestMessage(HttpMethod.Get, NodeApi.PathOf(key)) { Headers = { Authorization = new("Bearer", _token) } };
        Assert.Equal(HttpStatusCode.NotFound, (await _owner.SendAsync(clear)).StatusCode);
    }

    [Fact]
    public async Task A_draining_node_serves_on_and_says_so()
    {
        AssetKey key = await StoreAsync(Guid.NewGuid(), [1, 2, 3]);
        Assert.False((await GetAsync(key)).Headers.Contains(NodeApi.DrainingHeader));
        _node.Drain();
        using HttpResponseMessage answer = await GetAsync(key);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        Assert.Equal(["1"], answer.Headers.GetValues(NodeApi.DrainingHeader));
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _owner.GetAsync("/readyz")).StatusCode);
    }

    [Fact]
    public async Task Over_another_grids_store_the_node_lives_but_is_not_ready()
    {
        await StopAsync();
        byte[] canary = await File.ReadAllBytesAsync(Path.Combine(_folder, "store", "v", "few", "canary"));
        canary[0] ^= 1;
        await File.WriteAllBytesAsync(Path.Combine(_folder, "store", "v", "few", "canary"), canary);
        await StartAsync(new NodeOptions(), enrol: false);
        Assert.Equal(HttpStatusCode.OK, (await _http.GetAsync(NodeApi.Health)).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _owner.GetAsync("/readyz")).StatusCode);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await _http.GetAsync(NodeApi.PathOf(new(Grid, AssetType.Sound, Guid.NewGuid())))).StatusCode);
    }

    [Fact]
    public async Task A_busy_port_is_told_in_one_sentence()
    {
        var e = await Assert.ThrowsAsync<CannotStartException>(() => NodeApp.StartAsync(Options(new NodeOptions()) with { Listen = _node.Endpoint }, WatchedLog.Unread));
        Assert.Contains($"Port {_node.Endpoint.Port} is in use", e.Message);
    }

    private static readonly System.Text.Json.JsonSerializerOptions Wire = new(System.Text.Json.JsonSerializerDefaults.Web)
    {
        Converters = { new System.Text.Json.Serialization.JsonStringEnumConverter() },
    };

    private NodeOptions Options(NodeOptions options) => options with
    {
        Data = _folder,
        Listen = new IPEndPoint(IPAddress.Loopback, 0),
        Private = new IPEndPoint(IPAddress.Loopback, 0),
        Grids = [new SharedGrid { Id = Grid, Authorities = ["assets.example.org"] }],
    };

    [Fact]
    public async Task Whatever_it_writes_is_its_owners_alone_in_a_folder_that_others_can_enter_too()
    {
        if (OperatingSystem.IsWindows()) return;
        const UnixFileMode own = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        string data = Directory.CreateDirectory(Path.Combine(_folder, "open"), own | UnixFileMode.OtherRead | UnixFileMode.OtherExecute).FullName;
        await using NodeApp node = await NodeApp.StartAsync(Options(new NodeOptions()) with { Data = data, DiskCache = Path.Combine(data, "cache") }, WatchedLog.Unread);
        await Eventually.EqualAsync(true, () => Directory.Exists(Path.Combine(data, "cache")));
        string[] written = [.. Directory.EnumerateFileSystemEntries(data)];
        Assert.Superset(new HashSet<string?> { "grid.keys", "grid.json", "store" }, written.Select(Path.GetFileName).ToHashSet());
        foreach (string path in written) Assert.True((File.GetUnixFileMode(path) & ~own) == UnixFileMode.None, path);
    }

    private async ValueTask StartAsync(NodeOptions options, bool enrol = true)
    {
        _node = await NodeApp.StartAsync(Options(options), WatchedLog.Unread);
        _owner = new HttpClient { BaseAddress = new Uri($"http://{_node.Private}") };
        IPEndPoint at = _node.Endpoint;
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
                await socket.ConnectAsync(at, ct);
                return new NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { X509Certificate2.CreateFromPem(_node.Grid.File.Ca) },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        })
        { BaseAddress = _node.Grid.File.Master };
        if (!enrol) return;
        string publicKey = Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo());
        string invite = (await _node.Desk.InviteAsync(inviter: null, default))!;
        _client = (await PostAsync<Enrolled>(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = invite, PublicKey = publicKey })).ClientId;
        string nonce = (await _http.GetFromJsonAsync<SessionNonce>(EnrolmentApi.Nonce))!.Nonce;
        byte[] proof = _key.SignData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{_client}"), HashAlgorithmName.SHA256);
        _token = (await PostAsync<Session>(EnrolmentApi.Sessions, new SessionRequest { ClientId = _client, Nonce = nonce, Proof = Base64Url.EncodeToString(proof) })).Token;
    }

    private async ValueTask StopAsync()
    {
        _http.Dispose();
        _owner.Dispose();
        await _node.DisposeAsync();
    }

    private async Task<T> PostAsync<T>(string path, object body)
    {
        using HttpResponseMessage answer = await _http.PostAsJsonAsync(path, body);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<T>())!;
    }

    private async Task<HttpResponseMessage> SendSignedAsync(HttpMethod method, string path, HttpContent content)
    {
        byte[] body = await content.ReadAsByteArrayAsync();
        using var ask = new HttpRequestMessage(method, path) { Content = content, Headers = { Authorization = new("Bearer", _token) } };
        ask.Content.Headers.ContentLength = body.Length;
        ask.Headers.Add(NodeApi.SignatureHeader, Base64Url.EncodeToString(_key.SignData(RequestSignature.Of(method.Method, path, body), HashAlgorithmName.SHA256)));
        return await _http.SendAsync(ask);
    }

    private Task<HttpResponseMessage> GetAsync(AssetKey key, Version? version = null)
    {
        var ask = new HttpRequestMessage(HttpMethod.Get, NodeApi.PathOf(key))
        {
            Version = version ?? HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Headers = { Authorization = new AuthenticationHeaderValue("Bearer", _token) },
        };
        return _http.SendAsync(ask);
    }

    private static async Task<byte[]> OpenAsync(AssetKey key, HttpResponseMessage answer)
    {
        byte[] contentKey = Base64Url.DecodeFromChars(answer.Headers.GetValues(NodeApi.AssetKeyHeader).Single());
        Assert.Equal(SealFault.None, SealedAsset.Open(key, await answer.Content.ReadAsByteArrayAsync(), contentKey, out byte[] plain));
        return plain;
    }

    private async Task<AssetKey> StoreAsync(Guid id, byte[] plain)
    {
        AssetKey key = new(Grid, AssetType.Texture, id);
        await StoreAsync(key, plain);
        return key;
    }

    private async Task StoreAsync(AssetKey key, byte[] plain)
    {
        GridKeys keys = _node.Grid.Keys;
        byte[] blob = SealedAsset.Seal(key, plain, keys.GridKey(keys.Newest, key.GridId)!, keys.Newest, 0, SealCompression.None);
        await _node.Store.PutAsync("a/" + keys.NameOf(key), blob, null, default);
    }
}
