using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Edge;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>
/// A node and its master on loopback, which say what the wire's contracts say: sealed assets with their keys, enrolment, sessions, claims and uploads whose
/// signatures are checked; and something else where a test wants it.
/// </summary>
internal sealed class TestNode : IAsyncDisposable
{
    public const string Host = "nodes.test.internal", World = "grid.example.org", OtherWorld = "other.example.org", Invite = "AAAAAAAAAAAAAAAAAAAAAA";

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) } };

    private readonly TestAuthority _authority;
    private readonly WebApplication _app;
    private readonly byte[] _gridKey = RandomNumberGenerator.GetBytes(32);
    private readonly ConcurrentDictionary<string, byte[]> _assets = new();
    private readonly ConcurrentDictionary<string, string> _clients;

    private TestNode(WebApplication app, TestAuthority authority, ConcurrentDictionary<string, string> clients) => (_app, _authority, _clients) = (app, authority, clients);

    public IPAddress Address { get; private init; } = IPAddress.Loopback;

    /// <summary>Says so in every answer.</summary>
    public bool Draining { get; set; }

    /// <summary>What it says is left of the quota; null: nothing.</summary>
    public string? QuotaLeft { get; set; }

    /// <summary>What it gives as grid file; null: its own.</summary>
    public Func<GridFile>? Describes { get; set; }

    /// <summary>An invite to it.</summary>
    public InviteText InviteText => new(Invite, InviteText.FingerprintOf(_authority.Root), $"{Address}:{Port}");

    public int Port { get; private set; }

    /// <summary>Requests for assets, by path.</summary>
    public ConcurrentQueue<string> Asked { get; } = new();

    public ConcurrentQueue<ClaimLine> Claimed { get; } = new();

    public ConcurrentDictionary<string, byte[]> Uploaded { get; } = new();

    public ConcurrentQueue<ClaimLine> Disputed { get; } = new();

    /// <summary>What is said to a dispute: 202, or 429 with a Retry-After of a minute.</summary>
    public int DisputeStatus { get; set; } = 202;

    public int DisputesRefused { get; private set; }

    public int Sessions { get; private set; }

    public int Enrolments { get; private set; }

    /// <summary>What is said to a claim.</summary>
    public Func<ClaimLine, ClaimVerdict> Verdict { get; set; } = _ => ClaimVerdict.Noted;

    /// <summary>Answers for an asset itself and says true, or leaves it to the ordinary answer.</summary>
    public Func<HttpContext, Task<bool>>? Otherwise { get; set; }

    /// <summary>Changes what is about to be sent: the sealed bytes and the key.</summary>
    public Func<AssetKey, byte[], byte[], (byte[] Sealed, byte[] Key)>? Change { get; set; }

    /// <param name="named">The name its certificate bears.</param>
    /// <param name="expired">Its certificate's time is over.</param>
    /// <param name="other">Its certificate is another authority's than the grid file's.</param>
    /// <param name="address">Where it listens.</param>
    /// <param name="beside">Another node of the same grid, whose port it takes.</param>
    public static async Task<TestNode> StartAsync(string named = Host, bool expired = false, bool other = false, IPAddress? address = null, TestNode? beside = null)
    {
        address ??= IPAddress.Loopback;
        TestAuthority authority = beside?._authority ?? new TestAuthority("cache grid");
        using TestAuthority stranger = new("cache grid");
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(k => k.Listen(address, beside?.Port ?? 0, l => l.UseHttps((other ? stranger : authority).Issue(named, expired: expired))));
        TestNode node = new(builder.Build(), authority, beside?._clients ?? new()) { Address = address };
        node._app.Run(node.AnswerAsync);
        await node._app.StartAsync();
        node.Port = new Uri(node._app.Urls.Single()).Port;
        return node;
    }

    public GridFile File(params string[] nodes) => new()
    {
        Name = "Test",
        Host = Host,
        Port = Port,
        Nodes = nodes.Length > 0 ? nodes : [$"{Address}:{Port}"],
        Ca = _authority.Root.ExportCertificatePem(),
        ControlKey = "AAAA",
        Master = new Uri($"https://{Host}:{Port}/"),
        Grids = [new SharedGrid { Id = World }, new SharedGrid { Id = OtherWorld }],
    };

    public void Add(AssetType type, Guid id, byte[] plain, string world = World) => _assets[NodeApi.PathOf(new AssetKey(world, type, id))] = plain;

    public (byte[] Sealed, byte[] Key) Seal(AssetKey key, byte[] plain)
    {
        byte[] blob = SealedAsset.Seal(key, plain, _gridKey, 1, 0, SealCompression.None), contentKey = new byte[32];
        Assert.Equal(SealFault.None, SealedHeader.Read(blob, out SealedHeader header));
        SealKeys.DeriveContentKey(_gridKey, header.Salt, key.Encode(), contentKey);
        return (blob, contentKey);
    }

    public async ValueTask DisposeAsync()
    {
        using CancellationTokenSource now = new(TimeSpan.FromMilliseconds(100));
        await _app.StopAsync(now.Token);
        await _app.DisposeAsync();
        _authority.Dispose();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        string path = context.Request.Path.Value!, method = context.Request.Method;
        using var memory = new MemoryStream();
        await context.Request.Body.CopyToAsync(memory);
        byte[] body = memory.ToArray();
        if (Draining) context.Response.Headers[NodeApi.DrainingHeader] = "1";
        if (path == EnrolmentApi.GridFile) await context.Response.WriteAsJsonAsync(Describes?.Invoke() ?? File(), s_json);
        else if (path == EnrolmentApi.Enrolments)
        {
            EnrolmentRequest asked = JsonSerializer.Deserialize<EnrolmentRequest>(body, s_json)!;
            if (asked.Invite != Invite || Enrolments++ > 0) context.Response.StatusCode = 403;
            else
            {
                _clients["c1"] = asked.PublicKey;
                await context.Response.WriteAsJsonAsync(new Enrolled { ClientId = "c1" }, s_json);
            }
        }
        else if (path == EnrolmentApi.Nonce) await context.Response.WriteAsJsonAsync(new SessionNonce { Nonce = "abc" }, s_json);
        else if (path == EnrolmentApi.Sessions)
        {
            SessionRequest asked = JsonSerializer.Deserialize<SessionRequest>(body, s_json)!;
            if (!Signed(asked.Proof, Encoding.UTF8.GetBytes($"gc/session/1abc{asked.ClientId}"))) context.Response.StatusCode = 403;
            else await context.Response.WriteAsJsonAsync(new Session { Token = $"token-{++Sessions}", ExpiresIn = 14_400 }, s_json);
        }
        else if (!context.Request.Headers.Authorization.ToString().StartsWith("Bearer token-", StringComparison.Ordinal)) context.Response.StatusCode = 401;
        else if (method == "GET") await GiveAsync(context, path);
        else if (!Signed(context.Request.Headers[NodeApi.SignatureHeader].ToString(), RequestSignature.Of(method, path, body))) context.Response.StatusCode = 401;
        else if (method == "PUT")
        {
            Uploaded[path] = body;
            context.Response.StatusCode = 204;
        }
        else if (path == NodeApi.Disputes)
        {
            if ((context.Response.StatusCode = DisputeStatus) != 202)
            {
                context.Response.Headers.RetryAfter = "60";
                DisputesRefused++;
            }
            else foreach (ClaimLine line in JsonSerializer.Deserialize<ClaimBatch>(body, s_json)!.Lines) Disputed.Enqueue(line);
        }
        else
        {
            ClaimBatch batch = JsonSerializer.Deserialize<ClaimBatch>(body, s_json)!;
            foreach (ClaimLine line in batch.Lines) Claimed.Enqueue(line);
            await context.Response.WriteAsJsonAsync(new ClaimAnswers { Lines = [.. batch.Lines.Select(Verdict)], AgainAfterSeconds = 1 }, s_json);
        }
    }

    private async Task GiveAsync(HttpContext context, string path)
    {
        Asked.Enqueue(path);
        if (Otherwise is { } otherwise && await otherwise(context)) return;
        if (!_assets.TryGetValue(path, out byte[]? plain))
        {
            context.Response.StatusCode = 404;
            return;
        }
        string[] parts = path.Split('/');
        Assert.True(AssetTypes.TryParseName(parts[4], out AssetType type));
        AssetKey key = new(parts[3], type, Guid.Parse(parts[5]));
        (byte[] blob, byte[] contentKey) = Seal(key, plain);
        if (Change is { } change) (blob, contentKey) = change(key, blob, contentKey);
        context.Response.Headers[NodeApi.AssetKeyHeader] = Base64Url.EncodeToString(contentKey);
        if (QuotaLeft is not null) context.Response.Headers[NodeApi.QuotaLeftHeader] = QuotaLeft;
        context.Response.ContentLength = blob.Length;
        await context.Response.Body.WriteAsync(blob);
    }

    private bool Signed(string signature, byte[] bytes)
    {
        if (!_clients.TryGetValue("c1", out string? publicKey)) return false;
        using ECDsa key = ECDsa.Create();
        key.ImportSubjectPublicKeyInfo(Convert.FromBase64String(publicKey), out _);
        return key.VerifyData(bytes, Base64Url.DecodeFromChars(signature), HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}
