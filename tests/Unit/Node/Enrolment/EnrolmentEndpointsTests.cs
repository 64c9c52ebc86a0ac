using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Sessions;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Node.Enrolment;

/// <summary>Enrolment and sessions over TLS with the grid's own certificate, as a client sees them.</summary>
public sealed class EnrolmentEndpointsTests : IAsyncLifetime
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-enrol-").FullName;
    // TLS looks at the machine's own clock, so that the clock that is ours begins there.
    private readonly FakeTimeProvider _time = new(TimeProvider.System.GetUtcNow());
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly WatchedLog _log = new();
    private GridFolder _grid = null!;
    private readonly ECDsa _signs = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private EnrolmentDesk _desk = null!;
    private SessionTokens _tokens = null!;
    private WebApplication _app = null!;
    private HttpClient _http = null!;

    public async ValueTask InitializeAsync()
    {
        _grid = GridFolder.OpenOrCreate(_folder, new GridFacts { Port = 12443 }, _time.GetUtcNow());
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.AddProvider(_log).SetMinimumLevel(LogLevel.Trace);
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(IPAddress.Loopback, 0,
            l => l.UseHttps(h => h.ServerCertificateSelector = (_, _) => _grid.NodeCertificate(_time.GetUtcNow()))));
        builder.Services.AddRouting();
        _app = builder.Build();
        _desk = new EnrolmentDesk(new FolderStore(Path.Combine(_folder, "store"), TimeProvider.System), _grid.Office, _time, _log);
        _tokens = new SessionTokens(_grid.File.Host, new SessionKey("k1", _signs), [], _time);
        _app.UseRouting();
        _app.MapEnrolment(_desk, _grid.Office, _tokens, GridBody.Of(_grid.File), code => _grid.InviteOf(code).ToString(), () => ["5A01"], _time, _log);
        await _app.StartAsync();
        int port = new Uri(_app.Urls.First()).Port;
        X509Certificate2 authority = X509Certificate2.CreateFromPem(_grid.File.Ca);
        _http = new HttpClient(new SocketsHttpHandler
        {
            ConnectCallback = async (_, ct) =>
            {
                var socket = new System.Net.Sockets.Socket(System.Net.Sockets.SocketType.Stream, System.Net.Sockets.ProtocolType.Tcp);
                await socket.ConnectAsync(IPAddress.Loopback, port, ct);
                return new System.Net.Sockets.NetworkStream(socket, ownsSocket: true);
            },
            SslOptions = new SslClientAuthenticationOptions
            {
                CertificateChainPolicy = new X509ChainPolicy
                {
                    TrustMode = X509ChainTrustMode.CustomRootTrust,
                    CustomTrustStore = { authority },
                    RevocationMode = X509RevocationMode.NoCheck,
                },
            },
        })
        { BaseAddress = _grid.File.Master };
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _app.DisposeAsync();
        _key.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_invite_and_a_key_make_a_client_whose_sessions_nodes_believe()
    {
        string client = await EnrolAsync(_key);
        Session session = await StartAsync(client, _key);
        Assert.Equal(4 * 3600, session.ExpiresIn);
        SessionIdentity identity = (await _tokens.VerifyAsync(session.Token))!;
        Assert.Equal(Pseudonyms.Of(_grid.Office, client, _time.GetUtcNow()), identity.Subject);
        Assert.DoesNotContain(client, System.Text.Encoding.UTF8.GetString(Base64Url.DecodeFromChars(session.Token.Split('.')[1])), StringComparison.Ordinal);
        Assert.Equal(_desk.Roll.Clients[client].Branch, identity.Branch);
        Assert.Equal(Spki(_key), identity.ClientKey);
    }

    [Fact]
    public async Task A_member_invites_into_its_own_branch_five_times_in_seven_days()
    {
        string client = await EnrolAsync(_key);
        async Task<Answer> AskAsync(ECDsa key)
        {
            string nonce = await NonceAsync();
            return await PostAsync(EnrolmentApi.Invites, new SessionRequest { ClientId = client, Nonce = nonce, Proof = Proof(key, nonce, client) });
        }
        using var stranger = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.Equal(HttpStatusCode.Forbidden, (await AskAsync(stranger)).Status);
        string text = (await ReadAsync<NewInvite>(await AskAsync(_key))).Invite;
        Assert.True(InviteText.TryParse(text, out InviteText? invite));
        string friend = (await _desk.EnrolAsync(invite.Code, Spki(stranger), default))!;
        Assert.Equal(_desk.Roll.Clients[client].Branch, _desk.Roll.Clients[friend].Branch);
        for (int i = 1; i < EnrolmentApi.MostOpenInvites; i++) Assert.Equal(HttpStatusCode.OK, (await AskAsync(_key)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await AskAsync(_key)).Status);
        // The operator is not held back by it, and a member no longer than that.
        Assert.NotNull(await _desk.InviteAsync(inviter: null, default));
        _time.Advance(TimeSpan.FromDays(7.1));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(_key)).Status);
        await _desk.RevokeAsync(client, default);
        Assert.Equal(HttpStatusCode.Forbidden, (await AskAsync(_key)).Status);
    }

    [Fact]
    public async Task The_whole_text_of_an_invite_does_as_well_as_its_code()
    {
        string text = _grid.InviteOf((await _desk.InviteAsync(inviter: null, default))!).ToString();
        Assert.True(InviteText.TryParse(text, out InviteText? invite));
        Assert.Equal(InviteText.FingerprintOf(_grid.Authority), invite.Fingerprint);
        Assert.Equal(_grid.File.Master.Authority, invite.Master);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = text, PublicKey = Spki(_key) })).Status);
        for (int cut = 0; cut < text.IndexOf('@', StringComparison.Ordinal) + 2; cut++) Assert.False(InviteText.TryParse(text[..cut], out _));
    }

    [Fact]
    public async Task Every_refusal_looks_the_same()
    {
        string used = (await _desk.InviteAsync(inviter: null, default))!, revoked = (await _desk.InviteAsync(inviter: null, default))!, open = (await _desk.InviteAsync(inviter: null, default))!;
        await _desk.EnrolAsync(used, "another's", default);
        await _desk.RevokeAsync(Roll.InviteId(revoked), default);
        using ECDsa p384 = ECDsa.Create(ECCurve.NamedCurves.nistP384);
        using RSA rsa = RSA.Create(2048);
        using ECDiffieHellman unnamed = ECDiffieHellman.Create(ECCurve.NamedCurves.brainpoolP256r1);
        byte[] offCurve = Convert.FromBase64String(Spki(_key));
        offCurve[^1] ^= 1;
        object?[] wrong =
        [
            new EnrolmentRequest { Invite = used, PublicKey = Spki(_key) },
            new EnrolmentRequest { Invite = revoked, PublicKey = Spki(_key) },
            new EnrolmentRequest { Invite = InviteText.NewCode(), PublicKey = Spki(_key) },
            new EnrolmentRequest { Invite = "", PublicKey = Spki(_key) },
            new EnrolmentRequest { Invite = open, PublicKey = Spki(p384) },
            new EnrolmentRequest { Invite = open, PublicKey = Convert.ToBase64String(rsa.ExportSubjectPublicKeyInfo()) },
            new EnrolmentRequest { Invite = open, PublicKey = Convert.ToBase64String(unnamed.ExportSubjectPublicKeyInfo()) },
            new EnrolmentRequest { Invite = open, PublicKey = Convert.ToBase64String(offCurve) },
            new EnrolmentRequest { Invite = open, PublicKey = "no key" },
            new EnrolmentRequest { Invite = open, PublicKey = new string('A', 10_000) },
            new { invite = open },
            new { invite = 5, publicKey = Spki(_key) },
            "text", null,
        ];
        string[] seen = [.. await Task.WhenAll(wrong.Select(async w => (await PostAsync(EnrolmentApi.Enrolments, w)).Whole))];
        string client = await EnrolAsync(_key), nonce = await NonceAsync();
        string proof = Proof(_key, nonce, client);
        SessionRequest[] wrongSessions =
        [
            new() { ClientId = "c0123456789abcdef", Nonce = nonce, Proof = proof },
            new() { ClientId = client, Nonce = nonce, Proof = "" },
            new() { ClientId = client, Nonce = nonce, Proof = new string('A', 86) },
            new() { ClientId = new string('c', 1000), Nonce = nonce, Proof = proof },
            new() { ClientId = client, Nonce = "", Proof = proof },
        ];
        string[] seenSessions = [.. await Task.WhenAll(wrongSessions.Select(async w => (await PostAsync(EnrolmentApi.Sessions, w)).Whole))];
        Assert.Single(seen.Concat(seenSessions).Distinct());
        Assert.StartsWith("403", seen[0], StringComparison.Ordinal);
        // And none of it has used up what was right.
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = open, PublicKey = Spki(_key) })).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = proof })).Status);
    }

    [Fact]
    public async Task A_nonce_is_good_once_and_for_a_minute()
    {
        string client = await EnrolAsync(_key), nonce = await NonceAsync(), early = await NonceAsync(), late = await NonceAsync();
        SessionRequest request = new() { ClientId = client, Nonce = nonce, Proof = Proof(_key, nonce, client) };
        Answer[] both = await Task.WhenAll(PostAsync(EnrolmentApi.Sessions, request), PostAsync(EnrolmentApi.Sessions, request));
        Assert.Single(both, a => a.Status == HttpStatusCode.OK);
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(EnrolmentApi.Sessions, request)).Status);
        _time.Advance(TimeSpan.FromSeconds(58));
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(EnrolmentApi.Sessions, request with { Nonce = early, Proof = Proof(_key, early, client) })).Status);
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(EnrolmentApi.Sessions, request with { Nonce = late, Proof = Proof(_key, late, client) })).Status);
        // The used one expired, and is still none; neither is one nobody gave out.
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(EnrolmentApi.Sessions, request)).Status);
        string own = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(16));
        Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(EnrolmentApi.Sessions, request with { Nonce = own, Proof = Proof(_key, own, client) })).Status);
    }

    [Fact]
    public async Task Only_the_clients_own_key_signing_as_agreed_proves_it()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string client = await EnrolAsync(_key), stranger = await EnrolAsync(other), nonce = await NonceAsync();
        byte[] text = Encoding.UTF8.GetBytes($"gc/session/1{nonce}{client}");
        string[] wrong =
        [
            Proof(other, nonce, client),
            Proof(_key, nonce, stranger),
            Proof(_key, await NonceAsync(), client),
            Base64Url.EncodeToString(_key.SignData(text, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence)),
            Base64Url.EncodeToString(_key.SignData(text, HashAlgorithmName.SHA384, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)),
            Base64Url.EncodeToString(_key.SignData(Encoding.UTF8.GetBytes(nonce + client), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation)),
        ];
        foreach (string proof in wrong)
            Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = proof })).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = Proof(_key, nonce, client) })).Status);
    }

    [Fact]
    public async Task Revoked_clients_and_branches_get_no_session()
    {
        using ECDsa other = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string ann = await EnrolAsync(_key), bob = await EnrolAsync(other);
        await _desk.RevokeAsync(ann, default);
        await _desk.RevokeAsync(_desk.Roll.Clients[bob].Branch, default);
        foreach ((string client, ECDsa key) in new[] { (ann, _key), (bob, other) })
        {
            string nonce = await NonceAsync();
            Assert.Equal(HttpStatusCode.Forbidden, (await PostAsync(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = Proof(key, nonce, client) })).Status);
        }
    }

    [Fact]
    public async Task Who_knocks_too_often_is_told_to_wait()
    {
        for (int i = 0; i < AddressLimits.Burst; i++) await NonceAsync();
        using HttpResponseMessage response = await _http.GetAsync(EnrolmentApi.Nonce);
        Assert.Equal(HttpStatusCode.TooManyRequests, response.StatusCode);
        Assert.NotNull(response.Headers.RetryAfter);
        _time.Advance(TimeSpan.FromSeconds(1));
        await NonceAsync();

        var limits = new AddressLimits();
        DateTimeOffset now = _time.GetUtcNow();
        IPAddress one = IPAddress.Parse("2001:db8::1"), sameHouse = IPAddress.Parse("2001:db8::2"), next = IPAddress.Parse("2001:db8:0:1::1");
        for (int i = 0; i < AddressLimits.Burst; i++) Assert.True(limits.TryTake(one, now));
        Assert.False(limits.TryTake(sameHouse, now));
        Assert.True(limits.TryTake(next, now));
        Assert.True(limits.TryTake(IPAddress.Parse("192.0.2.1"), now));
        // However many come, they are refused in the end, and none of the others' places is lost.
        int allowed = Enumerable.Range(0, 40_000).Count(i => limits.TryTake(new IPAddress([10, (byte)(i >> 16), (byte)(i >> 8), (byte)i]), now));
        Assert.InRange(allowed, 16_000, 16_384 + AddressLimits.Burst);
        Assert.False(limits.TryTake(one, now));
        Assert.True(limits.TryTake(one, now.AddSeconds(1)));
    }

    [Fact]
    public async Task No_secret_stands_in_a_log()
    {
        string code = (await _desk.InviteAsync(inviter: null, default))!;
        string client = (await ReadAsync<Enrolled>(await PostAsync(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = code, PublicKey = Spki(_key) }))).ClientId;
        Session session = await StartAsync(client, _key);
        Assert.Equal(["5A01"], session.DeniedSerials);
        await PostAsync(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = code, PublicKey = "no key" });
        Assert.Contains(_log.Lines, l => l.Contains($"Client {client} is enrolled", StringComparison.Ordinal));
        foreach (string secret in new[] { code, session.Token, Spki(_key), Convert.ToBase64String(_grid.Keys.Name) })
            Assert.DoesNotContain(_log.Lines, l => l.Contains(secret, StringComparison.Ordinal));
    }

    private sealed record Answer(HttpStatusCode Status, string Whole, string Body);

    private async Task<string> EnrolAsync(ECDsa key)
    {
        string code = (await _desk.InviteAsync(inviter: null, default))!;
        return (await ReadAsync<Enrolled>(await PostAsync(EnrolmentApi.Enrolments, new EnrolmentRequest { Invite = code, PublicKey = Spki(key) }))).ClientId;
    }

    private async Task<Session> StartAsync(string client, ECDsa key)
    {
        string nonce = await NonceAsync();
        return await ReadAsync<Session>(await PostAsync(EnrolmentApi.Sessions, new SessionRequest { ClientId = client, Nonce = nonce, Proof = Proof(key, nonce, client) }));
    }

    private async Task<string> NonceAsync() => (await _http.GetFromJsonAsync<SessionNonce>(EnrolmentApi.Nonce))!.Nonce;

    private async Task<Answer> PostAsync(string path, object? body)
    {
        using HttpResponseMessage response = await _http.PostAsJsonAsync(path, body);
        string text = await response.Content.ReadAsStringAsync();
        string headers = string.Join(',', response.Headers.Concat(response.Content.Headers).Where(h => h.Key != "Date").Select(h => $"{h.Key}={string.Join(';', h.Value)}"));
        return new Answer(response.StatusCode, $"{(int)response.StatusCode} {headers} {text}", text);
    }

    private static Task<T> ReadAsync<T>(Answer answer)
    {
        Assert.Equal(HttpStatusCode.OK, answer.Status);
        return Task.FromResult(System.Text.Json.JsonSerializer.Deserialize<T>(answer.Body, System.Text.Json.JsonSerializerOptions.Web)!);
    }

    private static string Spki(ECDsa key) => Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());

    private static string Proof(ECDsa key, string nonce, string client) => Base64Url.EncodeToString(
        key.SignData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}{client}"), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation));
}
