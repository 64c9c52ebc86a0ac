using System.Buffers.Text;
using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GlobalCache.Node.Ingest;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using static GlobalCache.Tests.Node.Ingest.IngestRig;

namespace GlobalCache.Tests.Node.Ingest;

/// <summary>Claims, uploads and disputes as they come over HTTP.</summary>
public sealed class IngestEndpointTests : IAsyncLifetime
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private readonly MemoryStore _store = new();
    private readonly IngestRig _rig;
    private readonly ECDsa _key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
    private readonly HttpClient _http = new();
    private readonly UploadMemory _memory = new(300 << 20);
    private WebApplication? _app;

    public IngestEndpointTests() => _rig = new IngestRig(store: _store) { Policy = new VouchingPolicy { Lead = 1, DisputesPerDay = 2 } };

    public async ValueTask InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        _app = builder.Build();
        string clientKey = Convert.ToBase64String(_key.ExportSubjectPublicKeyInfo());
        _app.MapIngest(new IngestParts(Keys, _rig.Ledger, _rig.Accounts, _rig.Rules, context => new ValueTask<Caller?>(
            context.Request.Headers.Authorization is ["Bearer good"] ? _rig.Stranger(1) with { ClientKey = clientKey } : null), _memory, _rig.Time));
        await _app.StartAsync();
        _http.BaseAddress = new Uri(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "good");
    }

    public async ValueTask DisposeAsync()
    {
        await _app!.DisposeAsync();
        _http.Dispose();
        _key.Dispose();
        _rig.Dispose();
    }

    [Fact]
    public async Task Claimed_wanted_sent_and_sent_again()
    {
        (HttpStatusCode status, string text) = await SendAsync(HttpMethod.Post, NodeApi.Claims, Batch(Line(1, Good(1))));
        Assert.Equal((HttpStatusCode.OK, """{"lines":["wanted"],"againAfterSeconds":60}"""), (status, text));
        for (int i = 0; i < 2; i++) Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Good(1))).Status);
        Assert.Equal(Good(1), await _rig.ServedAsync(1));
        (_, text) = await SendAsync(HttpMethod.Post, NodeApi.Claims, Batch(Line(1, Good(1))));
        Assert.Equal("""{"lines":["noted"],"againAfterSeconds":60}""", text);
    }

    [Fact]
    public async Task Bytes_that_are_not_agreed_on_or_no_asset_are_refused()
    {
        await SendAsync(HttpMethod.Post, NodeApi.Claims, Batch(Line(1, Good(1))));
        Assert.Equal((HttpStatusCode.Conflict, "Not what is agreed on."), await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Bad(1)));
        Assert.Equal((HttpStatusCode.UnprocessableEntity, "An empty body is no asset."), await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), []));
        (HttpStatusCode status, string text) = await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Good(1)[..^40]);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, status);
        Assert.StartsWith("Not a valid texture: ", text, StringComparison.Ordinal);
        Assert.Null(await _rig.ServedAsync(1));
    }

    [Fact]
    public async Task The_largest_mesh_is_read_and_one_byte_more_is_not()
    {
        var key = new AssetKey(Grid, AssetType.Mesh, Id(1));
        Assert.Equal(HttpStatusCode.UnprocessableEntity, (await SendAsync(HttpMethod.Put, NodeApi.PathOf(key), new byte[AssetType.Mesh.MaxBytes()])).Status);
        using var request = new HttpRequestMessage(HttpMethod.Put, NodeApi.PathOf(key)) { Content = new ByteArrayContent(new byte[AssetType.Mesh.MaxBytes() + 1]) };
        request.Headers.ExpectContinue = true;
        using HttpResponseMessage answer = await _http.SendAsync(request);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, answer.StatusCode);
        // All of it has been given back.
        Assert.True(_memory.TryTake("another", 99 << 20));
    }

    [Fact]
    public async Task Without_session_or_signature_nothing_happens()
    {
        byte[] batch = Batch(Line(1, Good(1)));
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Post, NodeApi.Claims, batch, signature: null)).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Post, NodeApi.Claims, batch, Sign("POST", NodeApi.Disputes, batch))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Post, NodeApi.Claims, [.. batch, (byte)' '], Sign("POST", NodeApi.Claims, batch))).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Good(1), new string('A', 86))).Status);
        _http.DefaultRequestHeaders.Authorization = null;
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(HttpMethod.Post, NodeApi.Claims, batch)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(HttpMethod.Post, NodeApi.Disputes, batch)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Good(1))).Status);
        Assert.Empty(_store.Touched);
    }

    [Fact]
    public async Task Bad_input_is_answered_by_one_sentence()
    {
        ClaimLine line = Line(1, Good(1));
        (string Body, string Sentence)[] cases =
        [
            ("", "The body is a batch of claims in JSON."),
            ("[1]", "The body is a batch of claims in JSON."),
            ("""{"lines":null}""", "The body is a batch of claims in JSON."),
            ("""{"lines":[null]}""", "The body is a batch of claims in JSON."),
            (Text(line with { Type = "notecard" }), "The type is texture, sound, animation or mesh."),
            (Text(line with { Length = (16 << 20) + 1 }), "The length is 1 up to the type's cap."),
            (Text(line with { Origin = "https://a/" }), "The origin is a host in lower case, without a port."),
            (Text([.. Enumerable.Repeat(line, 257)]), "A batch holds at most 256 claims."),
        ];
        foreach ((string body, string sentence) in cases)
            Assert.Equal((HttpStatusCode.BadRequest, sentence), await SendAsync(HttpMethod.Post, NodeApi.Claims, Encoding.UTF8.GetBytes(body)));
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(HttpMethod.Post, NodeApi.Claims, Batch(line with { Sha256 = "00" }))).Status);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await SendAsync(HttpMethod.Post, NodeApi.Claims, new byte[300_000])).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await SendAsync(HttpMethod.Put, $"/v1/assets/{Grid}/texture/6c0ca000", Good(1))).Status);
        Assert.Empty(_store.Touched);
    }

    [Fact]
    public async Task A_store_in_trouble_is_503_for_bytes_and_again_for_claims()
    {
        await SendAsync(HttpMethod.Post, NodeApi.Claims, Batch(Line(1, Good(1))));
        _store.Trouble = true;
        Assert.Equal("""{"lines":["again"],"againAfterSeconds":60}""", (await SendAsync(HttpMethod.Post, NodeApi.Claims, Batch(Line(1, Good(1))))).Text);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Good(1))).Status);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await SendAsync(HttpMethod.Post, NodeApi.Disputes, Batch(Line(1, Bad(1))))).Status);
        _store.Trouble = false;
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(HttpMethod.Put, NodeApi.PathOf(Key(1)), Good(1))).Status);
    }

    [Fact]
    public async Task Disputes_are_taken_until_the_days_are_spent()
    {
        await _rig.PublishAsync(4);
        // One that is repeated counts once.
        for (int i = 0; i < 3; i++) Assert.Equal(HttpStatusCode.Accepted, (await SendAsync(HttpMethod.Post, NodeApi.Disputes, Batch(Line(0, Bad(0))))).Status);
        Assert.Equal(HttpStatusCode.Accepted, (await SendAsync(HttpMethod.Post, NodeApi.Disputes, Batch(Line(1, Bad(1))))).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await SendAsync(HttpMethod.Post, NodeApi.Disputes, Batch(Line(2, Bad(2)), Line(3, Bad(3))))).Status);
        _rig.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(HttpStatusCode.Accepted, (await SendAsync(HttpMethod.Post, NodeApi.Disputes, Batch(Line(2, Bad(2))))).Status);
    }

    [Fact]
    public void Uploads_share_the_memory_and_a_branch_has_a_quarter()
    {
        var memory = new UploadMemory(1200);
        Assert.True(memory.TryTake("a", 100));
        Assert.False(memory.TryTake("a", 1));
        Assert.True(memory.TryTake("b", 100));
        Assert.True(memory.TryTake("c", 200));
        Assert.False(memory.TryTake("d", 1));
        memory.Return("a", 100);
        Assert.True(memory.TryTake("a", 100));
        // The largest one is let in when it is alone.
        Assert.True(new UploadMemory(1200).TryTake("a", 64 << 20));
    }

    private static string Text(params ClaimLine[] lines) => Encoding.UTF8.GetString(Batch(lines));

    private static byte[] Batch(params ClaimLine[] lines) => JsonSerializer.SerializeToUtf8Bytes(new ClaimBatch { Lines = lines }, s_json);

    private string Sign(string method, string path, byte[] body) => Base64Url.EncodeToString(_key.SignData(RequestSignature.Of(method, path, body), HashAlgorithmName.SHA256));

    private Task<(HttpStatusCode Status, string Text)> SendAsync(HttpMethod method, string path, byte[] body) => SendAsync(method, path, body, Sign(method.Method, path, body));

    private async Task<(HttpStatusCode Status, string Text)> SendAsync(HttpMethod method, string path, byte[] body, string? signature)
    {
        using var request = new HttpRequestMessage(method, path) { Content = new ByteArrayContent(body) };
        if (signature is not null) request.Headers.Add(NodeApi.SignatureHeader, signature);
        using HttpResponseMessage answer = await _http.SendAsync(request);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync());
    }
}
