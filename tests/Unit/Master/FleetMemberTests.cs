using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using GlobalCache.Client.Edge;
using GlobalCache.Master;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Node;
using GlobalCache.Node.Fleet;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Node.Control;
using GlobalCache.Tests.Support;
using Microsoft.AspNetCore.Routing;

namespace GlobalCache.Tests.Master;

/// <summary>A master and one node of its fleet, over real sockets: who may say what to whom, and that neither believes the other's echo.</summary>
[Collection("load")]
public sealed class FleetMemberTests : IAsyncLifetime
{
    private const string World = "login.example.org:8002";
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);
    /// <summary>Clients and the master find it at two addresses, as a machine with a public one.</summary>
    private static readonly IPAddress s_address = IPAddress.Parse("127.44.0.2"), s_inside = IPAddress.Parse("127.44.0.3");

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-member-").FullName;
    private readonly GridClient _ann = new("127.1.0.1");
    private readonly HttpClient _stranger = new(), _sameAddress = From(s_inside);
    private readonly LaterClock _clock = new();
    private MasterApp _master = null!;
    private NodeApp _node = null!;

    private static string Id => GivenFleet.IdOf(s_address);

    private GridFolder Folder => (GridFolder)_master.Office.Grid;

    private byte[] Key => _master.Office.Grid.Report;

    public async ValueTask InitializeAsync()
    {
        _master = await StartMasterAsync();
        _node = await StartNodeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        _ann.Dispose();
        _stranger.Dispose();
        _sameAddress.Dispose();
        await _node.DisposeAsync();
        await _master.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_client_that_the_master_let_in_is_served_by_the_node_under_a_certificate_for_its_own_key()
    {
        await _ann.EnrolAsync(_master);
        var key = new AssetKey(World, AssetType.Texture, Guid.NewGuid());
        var keys = Folder.Keys;
        await _master.Store.PutAsync("a/" + keys.NameOf(key), SealedAsset.Seal(key, [1, 2, 3], keys.GridKey(keys.Newest, World)!, keys.Newest, 0, SealCompression.None), null, default);
        using HttpResponseMessage answer = await _ann.GetAsync(_node, key);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);

        using X509Certificate2 leaf = _master.Office.Grid.CertificateFor(Id, Request(ECCurve.NamedCurves.nistP256), TimeProvider.System.GetUtcNow())!;
        Assert.Contains($"gc:node/{Id}", leaf.Extensions.OfType<X509SubjectAlternativeNameExtension>().Single().Format(false), StringComparison.Ordinal);
        Assert.True(leaf.MatchesHostname(_node.File.Host));
        Assert.InRange(leaf.NotAfter.ToUniversalTime() - TimeProvider.System.GetUtcNow().UtcDateTime, TimeSpan.FromHours(47), TimeSpan.FromHours(48));
    }

    [Fact]
    public async Task It_serves_on_when_the_master_is_gone_and_a_revocation_reaches_it_without_one()
    {
        await _ann.EnrolAsync(_master);
        var missing = new AssetKey(World, AssetType.Sound, Guid.NewGuid());
        await _master.DisposeAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await _ann.GetAsync(_node, missing)).StatusCode);
        // A new master over the same folder is the same grid.
        _master = await StartMasterAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await _ann.GetAsync(_node, missing)).StatusCode);
    }

    [Fact]
    public async Task An_hour_without_its_master_is_missed_by_nobody_and_after_a_day_the_node_takes_it_that_it_has_been_forgotten()
    {
        await _ann.EnrolAsync(_master);
        var missing = new AssetKey(World, AssetType.Sound, Guid.NewGuid());
        await _master.DisposeAsync();
        foreach (double hours in (double[])[0.5, 1.1, 3.9])
        {
            _clock.By = TimeSpan.FromHours(hours);
            // The sessions of before are good for as long as they were given, by the node's own clock.
            Assert.Equal(HttpStatusCode.NotFound, (await _ann.GetAsync(_node, missing)).StatusCode);
        }

        // New ones are the master's to give; the node says so and goes on.
        _clock.By = TimeSpan.FromHours(5);
        Assert.Equal(HttpStatusCode.Unauthorized, (await _ann.GetAsync(_node, missing)).StatusCode);
        _clock.By = TimeSpan.FromHours(23.5);
        await Task.Delay(TimeSpan.FromSeconds(1), TimeProvider.System);
        Assert.False(_node.Forgotten.IsCompleted);
        _clock.By = TimeSpan.FromHours(24.1);
        await _node.Forgotten.WaitAsync(TimeSpan.FromSeconds(30), TimeProvider.System);
        _master = await StartMasterAsync();
    }

    [Fact]
    public async Task Reports_arrive_and_say_how_it_does()
    {
        await EventuallyAsync(() => _master.Reports.TryLook(Id, out _, out _, out _));
        await _ann.EnrolAsync(_master);
        for (int i = 0; i < 20; i++) (await _ann.GetAsync(_node, new AssetKey(World, AssetType.Sound, Guid.NewGuid()))).Dispose();
        await EventuallyAsync(() => _master.Reports.TryLook(Id, out NodeReport? r, out _, out _) && r is { Ready: true, Draining: false, RequestsPerSecond: > 0, Misses: >= 20, Serial.Length: > 8 });
        Assert.True(_master.Reports.TryLook(Id, out NodeReport? report, out _, out _));
        Assert.InRange(report.Load, 0, 1);
        Assert.Equal(0, report.InFlight);
    }

    [Fact]
    public async Task A_report_is_refused_without_the_key_from_another_address_for_another_node_of_another_minute_and_said_again()
    {
        long now = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 60_000;
        NodeReport good = new() { Node = Id, At = now, Ready = true, Draining = false, Load = 0.5 };
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_stranger, FleetApi.Reports, good));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Reports, good, new byte[32]));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Reports, good with { Node = "another" }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Reports, good with { At = now + (2 * FleetApi.SkewSeconds * 1000) }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Reports, good with { At = now - (3 * FleetApi.SkewSeconds * 1000) }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Reports, good with { Load = -1, At = now + 1 }));
        Assert.Equal(HttpStatusCode.OK, await SayAsync(_sameAddress, FleetApi.Reports, good with { At = now + 2 }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Reports, good with { At = now + 2 }));
        // Signed for one purpose, it serves no other.
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, new CertificateRequestBody { Node = Id, At = now + 3, Request = Convert.ToBase64String(Request(ECCurve.NamedCurves.nistP256)) }, signedFor: FleetApi.Reports));
    }

    [Fact]
    public async Task A_certificate_request_is_refused_for_others_by_others_again_and_where_it_is_none()
    {
        long at = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 60_000;
        CertificateRequestBody good = new() { Node = Id, At = at, Request = Convert.ToBase64String(Request(ECCurve.NamedCurves.nistP256)) };
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_stranger, FleetApi.Certificates, good));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, good with { Node = "another" }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, good, new byte[32]));
        byte[] forged = Request(ECCurve.NamedCurves.nistP256);
        forged[^1] ^= 1;
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, good with { At = at + 1, Request = Convert.ToBase64String(forged) }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, good with { At = at + 2, Request = Convert.ToBase64String(Request(ECCurve.NamedCurves.nistP384)) }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, good with { At = at + 3, Request = "no base64" }));
        Assert.Equal(HttpStatusCode.OK, await SayAsync(_sameAddress, FleetApi.Certificates, good with { At = at + 4 }));
        Assert.Equal(HttpStatusCode.Forbidden, await SayAsync(_sameAddress, FleetApi.Certificates, good with { At = at + 4 }));
    }

    [Fact]
    public async Task An_order_drains_and_undrains_and_none_of_a_deposed_master_of_another_node_or_said_again_does()
    {
        Instance node = Instance();
        using var nodes = new HttpNodes(_master.Reports, Key, _node.Private.Port, TimeProvider.System);
        Assert.False(await nodes.RetireAsync(node, 5, default));
        Assert.True(await nodes.TellAsync(node, Intent.Drain, 5, default));
        Assert.Equal("1", await DrainingAsync());
        Assert.False(await nodes.TellAsync(node, Intent.Serve, 4, default));
        Assert.True(await nodes.TellAsync(node, Intent.Serve, 5, default));
        Assert.Null(await DrainingAsync());
        Assert.False(await nodes.RetireAsync(node, 6, default));
        Assert.True(await nodes.TellAsync(node, Intent.Drain, 6, default));
        Assert.True(await nodes.RetireAsync(node, 6, default));

        NodeOrder order = new() { Node = Id, At = TimeProvider.System.GetUtcNow().ToUnixTimeMilliseconds() + 30_000, Epoch = 7, Word = NodeWord.Serve };
        Assert.Equal(HttpStatusCode.Forbidden, await OrderAsync(order, new byte[32]));
        Assert.Equal(HttpStatusCode.Forbidden, await OrderAsync(order with { Node = "another" }));
        Assert.Equal(HttpStatusCode.Forbidden, await OrderAsync(order with { At = order.At + (2 * FleetApi.SkewSeconds * 1000) }));
        Assert.Equal(HttpStatusCode.NoContent, await OrderAsync(order));
        Assert.Equal(HttpStatusCode.Conflict, await OrderAsync(order));
    }

    [Fact]
    public async Task A_node_whose_certificate_is_denied_asks_for_another_and_a_client_believes_that_one_alone()
    {
        await EventuallyAsync(() => SerialOf().Length > 8);
        string stolen = SerialOf();
        using var client = new NodeConnections(_master.Office.Grid.File);
        await AskAsync();
        client.Deny([stolen]);
        await Assert.ThrowsAsync<HttpRequestException>(AskAsync);

        await _master.Office.Desks.Control.ChangeAsync(d => Denials.With(d, stolen, TimeProvider.System.GetUtcNow()), default);
        await _node.Control.ReadAsync(default);
        await EventuallyAsync(() => SerialOf() != stolen);
        await AskAsync();

        string SerialOf() => _master.Reports.TryLook(Id, out NodeReport? report, out _, out _) ? report.Serial : "";

        async Task AskAsync()
        {
            using HttpResponseMessage answer = await client.SendAsync(_node.Endpoint, new HttpRequestMessage(HttpMethod.Get, new Uri(NodeApi.Health, UriKind.Relative)), default);
            Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        }
    }

    [Fact]
    public async Task A_node_tells_the_name_of_an_assets_object_to_its_master_alone()
    {
        using var nodes = new HttpNodes(_master.Reports, Key, _node.Private.Port, TimeProvider.System);
        using var other = new HttpNodes(_master.Reports, new byte[32], _node.Private.Port, TimeProvider.System);
        var key = new AssetKey(World, AssetType.Mesh, Guid.NewGuid());
        Assert.Equal(Folder.Keys.NameOf(key), await nodes.NameAsync(Instance(), key, default));
        Assert.Null(await other.NameAsync(Instance(), key, default));
    }

    [Fact]
    public async Task No_private_route_answers_in_public_and_no_public_one_in_private_at_master_and_node()
    {
        foreach ((IReadOnlyList<RouteEndpoint> routes, HttpClient open, IPEndPoint own) in new[] { (_master.Routes, _ann.At(_master), _master.Private), (_node.Routes, _ann.At(_node), _node.Private) })
        {
            foreach (RouteEndpoint route in routes)
            {
                string path = route.RoutePattern.RawText!.Replace("{grid}", World, StringComparison.Ordinal).Replace("{type}", "texture", StringComparison.Ordinal)
                    .Replace("{id}", Guid.NewGuid().ToString(), StringComparison.Ordinal).Replace("{documentName}", "v1", StringComparison.Ordinal).Replace("{documentName?}", "", StringComparison.Ordinal);
                // What is on both is another test's business (OperatorFromOutsideTests).
                if (route.Metadata.GetMetadata<GlobalCache.Office.Serving.OnBoth>() is not null || path.Contains('{', StringComparison.Ordinal)) continue;
                bool isPrivate = route.Metadata.GetMetadata<GlobalCache.Office.Serving.OwnersOnly>() is not null;
                var method = new HttpMethod(route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods[0] ?? "GET");
                using HttpResponseMessage answer = await (isPrivate ? open.SendAsync(new HttpRequestMessage(method, path)) : _stranger.SendAsync(new HttpRequestMessage(method, $"http://{own}{path}")));
                Assert.True(answer.StatusCode == HttpStatusCode.NotFound, $"{method} {path} answers {(int)answer.StatusCode} on the wrong listener");
            }
        }
    }

    private async Task<string?> DrainingAsync()
    {
        using HttpResponseMessage answer = await _ann.At(_node).GetAsync(NodeApi.Health);
        return answer.Headers.TryGetValues(NodeApi.DrainingHeader, out IEnumerable<string>? says) ? says.Single() : null;
    }

    private Task<HttpStatusCode> OrderAsync(NodeOrder order, byte[]? key = null) => SayAsync(_stranger, FleetApi.Orders, order, key, _node.Private);

    private async Task<HttpStatusCode> SayAsync(HttpClient http, string path, object body, byte[]? key = null, IPEndPoint? to = null, string? signedFor = null)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(body, body.GetType(), s_json);
        using var ask = new HttpRequestMessage(HttpMethod.Post, $"http://{to ?? _master.Private}{path}") { Content = new ByteArrayContent(bytes) };
        ask.Headers.Add(FleetApi.SignatureHeader, FleetSignature.Of(key ?? Key, signedFor ?? path, bytes));
        using HttpResponseMessage answer = await http.SendAsync(ask);
        return answer.StatusCode;
    }

    private static byte[] Request(ECCurve curve)
    {
        using ECDsa key = ECDsa.Create(curve);
        return new CertificateRequest("CN=whatever.example", key, HashAlgorithmName.SHA256).CreateSigningRequest();
    }

    private static Instance Instance() => new() { Id = Id, State = InstanceState.Running, Address = s_address, PrivateAddress = s_inside, Launched = default, Marks = new Marks(Intent.Serve, 0) };

    private async Task<MasterApp> StartMasterAsync()
    {
        MasterApp master = await MasterApp.StartAsync(new MasterOptions
        {
            Data = _folder,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = _master is null ? new IPEndPoint(IPAddress.Loopback, 0) : _master.Private,
            Nodes = [new GivenMachine(s_address, s_inside)],
            Policy = new GridPolicy { Vouching = new VouchingPolicy { Lead = 1 }, Grids = [new SharedGrid { Id = World }] },
        }, WatchedLog.Unread);
        master.Reports.Follow([Instance()]);
        return master;
    }

    private Task<NodeApp> StartNodeAsync() => NodeApp.StartAsync(new NodeOptions
    {
        Data = _folder,
        Listen = new IPEndPoint(s_address, 0),
        Private = new IPEndPoint(s_inside, 0),
        Fleet = new FleetOptions { Id = Id, Master = _master.Private, Keys = Path.Combine(_folder, "node.keys"), Grid = Path.Combine(_folder, "grid.json") },
    }, WatchedLog.Unread, _clock);

    /// <summary>The machine's clock, and as much later as a test says; what waits waits as long as ever.</summary>
    private sealed class LaterClock : TimeProvider
    {
        private long _by;

        public TimeSpan By
        {
            get => TimeSpan.FromTicks(Volatile.Read(ref _by));
            set => Volatile.Write(ref _by, value.Ticks);
        }

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + By;

        public override long GetTimestamp() => System.GetTimestamp() + (long)(By.TotalSeconds * TimestampFrequency);
    }

    private static HttpClient From(IPAddress address) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (context, ct) =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            await socket.ConnectAsync(context.DnsEndPoint, ct);
            return new NetworkStream(socket, ownsSocket: true);
        },
    });

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        for (int i = 0; i < 300 && !condition(); i++) await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System);
        Assert.True(condition());
    }
}
