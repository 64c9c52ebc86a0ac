using System.Buffers.Text;
using System.Net;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Node;
using GlobalCache.Node.Fleet;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Compatibility;

/// <summary>
/// Neighbours of different versions: today's node and master answer an earlier client's and an earlier node's requests as then, and today's client, node and master read earlier answers; the same where
/// the other one is later, and says more than is known here.
/// </summary>
public sealed class WireCompatibilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Then);

    // Said anew each time: of these only the kind is the same.
    private static readonly string[] s_drawn = [EnrolmentApi.GridFile, EnrolmentApi.Nonce, EnrolmentApi.Sessions, FleetApi.Certificates, "/status"];

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_answers_an_earlier_client_as_then_and_a_later_one_that_says_more(bool more)
    {
        Samples.Copy("grid", _folder.Path);
        Samples.Copy("client", _folder.Path);
        using GridIdentity identity = GridIdentity.Load(_folder.Path, Samples.Host);
        IPEndPoint free = new(IPAddress.Loopback, 0);
        var options = new NodeOptions
        {
            Data = _folder.Path,
            Name = "Sample",
            Host = Samples.Host,
            Listen = free,
            Private = free,
            Clear = free,
            Grids = [new SharedGrid { Id = Samples.World, Authorities = [Samples.Authority] }],
        };
        await using NodeApp node = await NodeApp.StartAsync(options, WatchedLog.Unread, _time);
        using var http = new HttpClient();
        foreach (Exchange then in Frozen("01", "09"))
        {
            byte[]? body = more && Exchange.IsJson(then.Headers) ? Exchange.More(then.Body) : null;
            using HttpRequestMessage ask = then.Request(new Uri($"http://{node.Clear}"), body);
            if (body is not null && ask.Headers.Remove(NodeApi.SignatureHeader)) ask.Headers.Add(NodeApi.SignatureHeader, identity.Sign(then.Method, then.Path, body));
            await SameAsync(then, ask, await http.SendAsync(ask));
        }
        using HttpRequestMessage status = Frozen("12").Single().Request(new Uri($"http://{node.Private}"));
        await SameAsync(Frozen("12").Single(), status, await http.SendAsync(status));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Master_and_node_answer_each_other_across_versions(bool more)
    {
        Samples.Copy("grid", _folder.Path);
        GridFolder grid = GridFolder.Open(_folder.Path);
        await using FleetHost host = await FleetHost.StartAsync(grid, _time);
        using var http = new HttpClient();
        foreach (Exchange then in Frozen("10", "15").Where(e => e.Method == "POST"))
        {
            byte[]? body = more ? Exchange.More(then.Body) : null;
            using HttpRequestMessage ask = then.Request(host.Address, body);
            if (body is not null && ask.Headers.Remove(FleetApi.SignatureHeader)) ask.Headers.Add(FleetApi.SignatureHeader, FleetSignature.Of(grid.Report, then.Path, body));
            await SameAsync(then, ask, await http.SendAsync(ask));
        }
    }

    [Fact]
    public async Task A_client_reads_what_an_earlier_and_a_later_node_says()
    {
        List<Exchange> left = [.. Frozen("02", "09")];
        await using WireClient client = await ClientAsync(asked =>
        {
            Exchange then;
            // Claims and disputes are told by two at once.
            lock (left)
            {
                then = Assert.IsType<Exchange>(left.Find(e => e.Method == asked.Method.Method && e.Path == asked.RequestUri!.PathAndQuery));
                left.Remove(then);
            }
            return SaysAsync(then, asked);
        }, enrolled: false);
        Exchange enrolment = left[0];
        await client.Session.EnrolAsync(Json(enrolment.Body).GetProperty("invite").GetString(), default);
        Assert.Equal(Json(enrolment.AnswerBody).GetProperty("clientId").GetString(), client.Session.Identity.ClientId);
        await client.StartAsync();
        Assert.Equal(Samples.Make(AssetType.Texture), await client.Lookups.AskAsync(Samples.KeyOf(AssetType.Texture), default));
        Assert.Null(await client.Lookups.AskAsync(Samples.KeyOf(AssetType.Mesh), default));
        client.Claims.Received(Samples.KeyOf(AssetType.Animation), Samples.Make(AssetType.Animation), Samples.Authority);
        client.Disputes.Add(SampleWriter.Line(AssetType.Texture) with { Sha256 = new string('0', 64) });
        await Eventually.EqualAsync((0, 0), () => (client.Claims.Waiting, client.Disputes.Waiting));
        Assert.Empty(left);
    }

    [Theory]
    [InlineData(200, """{"lines":["postponed"],"againAfterSeconds":60}""")]
    [InlineData(400, "The type is one that I do not know.")]
    public async Task A_claim_that_the_node_answers_with_a_word_of_another_version_is_done_with_and_holds_up_nothing(int status, string answer)
    {
        int claims = 0;
        await using WireClient client = await ClientAsync(asked =>
        {
            if (asked.RequestUri!.AbsolutePath != NodeApi.Claims) return SaysAsync(Frozen("02", "09").First(e => e.Path == asked.RequestUri.PathAndQuery), asked);
            claims++;
            return Task.FromResult(new HttpResponseMessage((HttpStatusCode)status) { Content = new StringContent(answer, Encoding.UTF8, "application/json") });
        });
        await client.StartAsync();
        client.Claims.Received(Samples.KeyOf(AssetType.Animation), Samples.Make(AssetType.Animation), Samples.Authority);
        await Eventually.EqualAsync(0, () => client.Claims.Waiting);
        Assert.Equal(1, claims);
    }

    [Theory]
    [InlineData("a later layout")]
    [InlineData("a later codec")]
    public async Task An_asset_that_only_a_later_client_can_read_is_a_miss_and_no_lie(string what)
    {
        bool later = true;
        await using WireClient client = await ClientAsync(asked =>
        {
            Exchange then = Frozen("02", "06").First(e => e.Path == asked.RequestUri!.PathAndQuery);
            if (!later || !asked.RequestUri!.AbsolutePath.EndsWith(Samples.KeyOf(AssetType.Texture).Id.ToString(), StringComparison.Ordinal)) return SaysAsync(then, asked);
            byte[] blob = [.. then.AnswerBody];
            blob[4]++;
            return Task.FromResult(then.Later(what == "a later layout" ? blob : Recoded(then)));
        });
        await client.StartAsync();
        for (int i = 0; i < 2 * GridBreaker.Failures; i++) Assert.Null(await client.Lookups.AskAsync(Samples.KeyOf(AssetType.Texture), default));
        later = false;
        Assert.Equal(Samples.Make(AssetType.Texture), await client.Lookups.AskAsync(Samples.KeyOf(AssetType.Texture), default));
        Assert.Single(client.Log.Lines, l => l.Contains("only a later version of this client can read", StringComparison.Ordinal));
        Assert.DoesNotContain("not what it should be", client.Log.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_reads_what_an_earlier_and_a_later_master_says_and_a_master_what_such_a_node_says()
    {
        Samples.Copy("grid", _folder.Path);
        GridFolder grid = GridFolder.Open(_folder.Path);
        var http = new HttpMessageInvoker(new Between(async asked =>
        {
            string path = asked.RequestUri!.AbsolutePath;
            Exchange then = Frozen("10", "15").First(e => e.Path == path);
            if (path != FleetApi.Certificates) return await SaysAsync(then, asked);
            // A certificate is for the key that was born a moment ago.
            CertificateRequestBody body = (await asked.Content!.ReadFromJsonAsync<CertificateRequestBody>(JsonSerializerOptions.Web))!;
            JsonObject answer = JsonNode.Parse(then.AnswerBody)!.AsObject();
            answer["certificate"] = Convert.ToBase64String(grid.CertificateFor(body.Node, Convert.FromBase64String(body.Request), Samples.Then)!.RawData);
            return then.Later(JsonSerializer.SerializeToUtf8Bytes(answer));
        }));
        using var link = new MasterLink(FleetHost.Options, grid.Report, grid.File, IPAddress.Loopback, _time, WatchedLog.Unread, http);
        await link.BeginAsync(default);
        Assert.NotEmpty(link.Serial);
        _time.Advance(TimeSpan.FromHours(1));
        using var stop = new CancellationTokenSource();
        Task following = link.FollowAsync(() => new NodeReport { Node = "", At = 0, Ready = true, Draining = false }, _ => false, stop.Token);
        await Eventually.EqualAsync(TimeSpan.Zero, () => link.Silence);
        await stop.CancelAsync();
        await following;

        using var nodes = new HttpNodes(new ReportDesk(_time), grid.Report, 12444, _time, http);
        Assert.True((await nodes.LookAsync(FleetHost.Instance, default))!.Ready);
        Assert.True(await nodes.TellAsync(FleetHost.Instance, Intent.Drain, FleetHost.Epoch, default));
        Assert.Equal(grid.Keys.NameOf(Samples.KeyOf(AssetType.Sound)), await nodes.NameAsync(FleetHost.Instance, Samples.KeyOf(AssetType.Sound), default));
    }

    /// <summary>Those whose number is in a range, in order.</summary>
    private static IEnumerable<Exchange> Frozen(string first, string? last = null) => Directory.EnumerateFiles(Samples.PathOf("wire")).Order(StringComparer.Ordinal)
        .Where(f => Path.GetFileName(f)[..2] is var number && string.CompareOrdinal(number, first) >= 0 && string.CompareOrdinal(number, last ?? first) <= 0).Select(Exchange.Read);

    /// <summary>A client that is known to the frozen grid, or is to join it.</summary>
    private async Task<WireClient> ClientAsync(Func<HttpRequestMessage, Task<HttpResponseMessage>> grid, bool enrolled = true)
    {
        Samples.Copy("client", _folder.Path);
        File.Delete(Path.Combine(_folder.Path, $"grid-{Samples.Host}.spool"));
        string key = Path.Combine(_folder.Path, $"grid-{Samples.Host}.key");
        if (!enrolled) await File.WriteAllTextAsync(key, JsonSerializer.Serialize(new { key = JsonNode.Parse(await File.ReadAllTextAsync(key))!["key"] }));
        return new WireClient(GridFileReader.Judge(Samples.Read("grid/grid.json"), out _)!, _folder.Path, grid);
    }

    /// <summary>The frozen answer, as a later version would give it, to a request that is as it was then.</summary>
    private static async Task<HttpResponseMessage> SaysAsync(Exchange then, HttpRequestMessage asked)
    {
        Exchange now = await Exchange.OfAsync(asked, new HttpResponseMessage());
        Assert.Equal(then.Headers.Select(h => h.Name), now.Headers.Select(h => h.Name));
        if (Exchange.IsJson(then.Headers)) Holds(Json(then.Body), Json(now.Body), kindsOnly: then.Path is not (NodeApi.Claims or NodeApi.Disputes), then.Path);
        else Assert.Equal(then.Body, now.Body);
        return then.Later();
    }

    private static async Task SameAsync(Exchange then, HttpRequestMessage asked, HttpResponseMessage answer)
    {
        using (answer)
        {
            Exchange now = await Exchange.OfAsync(asked, answer);
            string what = $"{then.Method} {then.Path}";
            Assert.True(then.Status == now.Status, $"{what}: {now.Status} {Encoding.UTF8.GetString(now.AnswerBody)}");
            Assert.Superset(then.AnswerHeaders.ToHashSet(), now.AnswerHeaders.ToHashSet());
            if (Exchange.IsJson(then.AnswerHeaders)) Holds(Json(then.AnswerBody), Json(now.AnswerBody), s_drawn.Contains(then.Path), what);
            else Assert.Equal(then.AnswerBody, now.AnswerBody);
        }
    }

    /// <summary>What was said then is still said, under the same names; there may be more.</summary>
    private static void Holds(JsonElement then, JsonElement now, bool kindsOnly, string what)
    {
        Assert.True(Kind(then) == Kind(now) || (kindsOnly && then.ValueKind == JsonValueKind.Null), $"{what}: {now} in place of {then}");
        if (then.ValueKind == JsonValueKind.Object)
            foreach (JsonProperty one in then.EnumerateObject())
                Holds(one.Value, now.TryGetProperty(one.Name, out JsonElement there) ? there : default, kindsOnly, $"{what} {one.Name}");
        else if (then.ValueKind == JsonValueKind.Array)
            foreach ((JsonElement one, JsonElement there) in then.EnumerateArray().Zip(now.EnumerateArray())) Holds(one, there, kindsOnly, what);
        else if (!kindsOnly) Assert.True(then.GetRawText() == now.GetRawText(), $"{what}: {now} in place of {then}");
    }

    private static JsonValueKind Kind(JsonElement element) => element.ValueKind == JsonValueKind.False ? JsonValueKind.True : element.ValueKind;

    private static JsonElement Json(byte[] body) => JsonDocument.Parse(body).RootElement;

    /// <summary>The same asset under the same key, its stream's first byte a codec that comes later.</summary>
    private static byte[] Recoded(Exchange then)
    {
        byte[] blob = [.. then.AnswerBody], contentKey = Base64Url.DecodeFromChars(then.AnswerHeaders.Single(h => h.Name == NodeApi.AssetKeyHeader).Value), encryptionKey = new byte[SealKeys.Length];
        Assert.Equal(SealFault.None, SealedHeader.Read(blob, out SealedHeader header));
        SealKeys.DeriveEncryptionKey(contentKey, encryptionKey);
        using SegmentCipher cipher = new(encryptionKey, SegmentCipher.AssociatedData(header, Samples.KeyOf(AssetType.Texture).Encode()));
        Span<byte> segment = blob.AsSpan(SealedHeader.Length);
        byte[] stream = new byte[segment.Length - SealedLayout.TagBytes];
        Assert.True(cipher.TryOpen(0, true, segment, stream));
        stream[0] = (byte)SealCodec.Zstd + 1;
        cipher.Seal(0, true, stream, segment);
        return blob;
    }
}
