using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using GlobalCache.Client.Assets;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Master.Zones;
using GlobalCache.Node.Ingest;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Caps;
using GlobalCache.Tests.Edge;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Fuzz;

/// <summary>Every reader of strangers' bytes but the datagrams' (<c>DatagramFuzzTests</c>): what it is given to damage, and what may never come of it.</summary>
internal static class FuzzTargets
{
    private static readonly DateTimeOffset s_now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);

    private const string Seed = "http://127.0.0.1:12080/seed";
    private static readonly IPEndPoint s_ours = new(IPAddress.Loopback, 13_000);

    /// <summary>By name.</summary>
    public static IReadOnlyDictionary<string, Func<FuzzTarget>> All { get; } = new Dictionary<string, Func<FuzzTarget>>
    {
        ["login-reply"] = () => new(Bodies(Recorded.Logins), input =>
        {
            LoginReply reply = LoginReply.Read(input);
            // Nobody is sent to an address that is none.
            Assert.True(reply.Outcome != LoginOutcome.Success || (reply.Sim.Port > 0 && LoginReply.IsWebUrl(reply.Seed)));
            // And what the viewer gets in its place says where it is to go, and nothing else has changed.
            if (reply.Outcome == LoginOutcome.Indeterminate) Assert.Equal(Seed, LoginReply.Read(reply.PatchNextUrl(Seed)).NextUrl);
            if (reply.Outcome != LoginOutcome.Success) return false;
            LoginReply patched = LoginReply.Read(reply.Patch(s_ours, Seed));
            Assert.Equal((LoginOutcome.Success, s_ours, Seed, reply.AgentId, reply.SessionId, reply.CircuitCode), (patched.Outcome, patched.Sim, patched.Seed, patched.AgentId, patched.SessionId, patched.CircuitCode));
            return true;
        }),
        ["event-queue-reply"] = () => new(Bodies(Recorded.Events), input => EventQueueReply.Patch(input, new MappedRegions()) is not null),
        ["event-queue-request"] = () => new([.. Recorded.All.Where(e => e.Line.StartsWith("POST /CE/", StringComparison.Ordinal)).Select(e => Encoding.UTF8.GetBytes(e.Request)).Take(20)], input =>
        {
            EventQueueRequest.Read(input);
            return true;
        }),
        ["seed-reply"] = () => new(Bodies(Recorded.Seeds), input => SeedReply.Patch(input, (_, real) => "http://127.0.0.1:12080/" + real.AbsolutePath.Length) is not null),
        ["simulator-features"] = () => new(Bodies(Recorded.Features), input => SimulatorFeatures.ReadGridId(input) is not null),
        ["grid-info"] = () => new([Encoding.UTF8.GetBytes("<?xml version=\"1.0\"?><gridinfo><login>http://grid.example.org:8002/</login><gridname>x</gridname><globalcache>refuse</globalcache></gridinfo>")],
            input => GridInfo.Sharing(input) != OwnersWord.Silent | GridInfo.Patch(input, "http://127.0.0.1:1/") is not null),
        ["binary-llsd"] = () => new([.. BinarySeeds()], input => ReplyDocument.TryRead(input, 4) is not null),
        ["texture"] = () => Structure(AssetType.Texture, SyntheticAssets.Texture(1, 4000, 64, 64), SyntheticAssets.Texture(2, 60_000, 256, 256)),
        ["sound"] = () => Structure(AssetType.Sound, SyntheticAssets.Sound(1, 4000), SyntheticAssets.Sound(2, 40_000)),
        ["animation"] = () => Structure(AssetType.Animation, SyntheticAssets.Animation(1, 4), SyntheticAssets.Animation(2, 60)),
        ["mesh"] = () => Structure(AssetType.Mesh, SyntheticAssets.Mesh(1, 4000), SyntheticAssets.Mesh(2, 30_000)),
        ["sealed-asset"] = Sealed,
        ["range"] = () => new([.. new[] { "bytes=0-599", "bytes=600-", "bytes=-5", "bytes=0-1,5-9", "items=1-2", "bytes=9223372036854775807-" }.Select(Encoding.UTF8.GetBytes)], input =>
        {
            ByteRange range = ByteRange.Parse(Encoding.Latin1.GetString(input));
            Assert.True(range.Kind != RangeKind.Single || (range.From >= 0 && range.End > range.From));
            return range.Kind == RangeKind.Single;
        }),
        ["session-token"] = Token,
        ["policy"] = () => new([Encoding.UTF8.GetBytes(new GridPolicy { Grids = [new SharedGrid { Id = "agni" }] }.ToJson()), "{}"u8.ToArray()], input => Documented<JsonException>(() => GridPolicy.Parse(input))),
        ["control-document"] = Control,
        ["node-settings"] = () => new([Encoding.UTF8.GetBytes("role=node\nregion=eu-central-1\nstack=one\nmaster=10.77.0.4:12441\nassets=globalcache-one-assets\nstate=globalcache-one-state\nlink=97600000\norphan-hours=24\nnode-key=22222222-2222-2222-2222-222222222222\nstore-key=33333333-3333-3333-3333-333333333333\ngrid=" + new string('a', 64) + "\n")],
            input => NodeUserData.Parse(Encoding.UTF8.GetString(input), out _) is { Master.Port: > 0 }),
        ["vouching-record"] = () => new([new VouchRecord { Revision = 3, Epoch = 1 }.Encode(), VouchRecord.Empty.Encode()], input => VouchRecord.TryDecode(input, out _)),
        ["resume-record"] = () => new([Left().ToBytes(), (Left() with { Sessions = [] }).ToBytes()], input => ResumeRecord.TryRead(input) is not null),
        ["invite"] = () => new([Encoding.UTF8.GetBytes(new InviteText(InviteText.NewCode(), InviteText.NewCode(), "grid.example.org:443").ToString())], input => InviteText.TryParse(Encoding.UTF8.GetString(input), out _)),
        ["grid-file"] = GridDescription,
        ["signed-request"] = Signed,
        ["client-proof"] = Proof,
        ["fleet-signature"] = Report,
        ["dns-query"] = DnsQueries.Target,
        ["dns-answer"] = DnsAnswers.Target,
    };

    private static ResumeRecord Left()
    {
        var queue = new CapRecord(new string('a', 32), 0, CapName.EventQueueGet, "http://192.0.2.1:9000/CE/1", IsLast: true, new KeptAnswer("7", [["Content-Type", "application/llsd+xml"]], [1, 2, 3]));
        var session = new SessionRecord(Guid.Parse("11111111-1111-4111-8111-111111111111"), Guid.Parse("22222222-2222-4222-8222-222222222222"), 7, "http://192.0.2.1:9000/CAPS/1", 40_000, "192.0.2.1:9000",
            [new RegionRecord("192.0.2.1:9000", 13_000, "http://192.0.2.1:9000/CAPS/1", "agni", IsGone: false)], [queue]);
        return new("boot", "globalcache-" + new string('0', 32), "127.0.0.1:12080", "http://grid.example.org:8002/", [session]);
    }

    private static byte[][] Bodies(IEnumerable<Recorded.Exchange> exchanges) => [.. exchanges.Select(e => e.Body).Where(b => b.Length is > 0 and < 64 << 10).Take(30)];

    private static IEnumerable<byte[]> BinarySeeds()
    {
        yield return [.. "<? LLSD/Binary ?>\n{"u8, 0, 0, 0, 1, .. "k"u8, 0, 0, 0, 1, .. "as"u8, 0, 0, 0, 2, .. "hi}"u8];
        yield return [.. "{"u8, 0, 0, 0, 2, .. "k"u8, 0, 0, 0, 1, .. "a["u8, 0, 0, 0, 2, .. "i"u8, 0, 0, 0, 7, .. "1]k"u8, 0, 0, 0, 1, .. "br"u8, 0, 0, 0, 0, 0, 0, 0, 0, .. "}"u8];
        yield return SyntheticAssets.Mesh(3, 2000);
    }

    private static FuzzTarget Structure(AssetType type, params byte[][] seeds) => new(seeds, input => AssetStructure.Check(type, input).Verdict == StructureVerdict.Valid);

    private static FuzzTarget Sealed()
    {
        var key = new AssetKey("agni", AssetType.Sound, Guid.Parse("6c0ca000-0000-4000-8000-000000000021"));
        byte[] gridKey = SealKeys.DeriveGridKey(new byte[SealKeys.Length], "agni");
        byte[][] blobs = [.. new[] { 200, 20_000, 70_000 }.Select(size => SealedAsset.Seal(key, SyntheticAssets.Sound(1, size), gridKey, 1, 0, SealCompression.None))];
        return new(blobs, input =>
        {
            bool opens = SealedAsset.OpenWithGridKey(key, input, gridKey, out _) == SealFault.None;
            // Damage that came to nothing, or nobody's but ours.
            Assert.True(!opens || blobs.Any(b => b.AsSpan().SequenceEqual(input)), "A damaged blob opens.");
            return opens;
        });
    }

    private static FuzzTarget Token()
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var tokens = new SessionTokens("grid.example", new SessionKey("k1", key), [], new FakeTimeProvider(s_now));
        string[] good = [.. Enumerable.Range(0, 3).Select(i => tokens.Issue(new SessionIdentity($"c{i}", "b1", s_now.AddDays(-9), "key", Uploader: i == 2))!.Token)];
        string[] signed = [.. good.Select(g => g[..g.LastIndexOf('.')])];
        return new([.. good.Select(Encoding.ASCII.GetBytes)], input =>
        {
            string text = Encoding.Latin1.GetString(input);
            SessionIdentity? who = tokens.VerifyAsync(text).AsTask().GetAwaiter().GetResult();
            // Of a signature's last letter two bits mean nothing; of what is signed every bit counts.
            Assert.True(who is null || (text.LastIndexOf('.') is > 0 and var dot && signed.Contains(text[..dot])), $"A forged session is believed: {text}");
            return who is not null;
        });
    }

    private static FuzzTarget GridDescription()
    {
        using var authority = new TestAuthority("cache grid");
        var file = new GridFile
        {
            Name = "Test",
            Host = "grid.example.org",
            Port = 8443,
            NameServers = ["192.0.2.1:53"],
            Nodes = ["192.0.2.2:8443"],
            Ca = authority.Root.ExportCertificatePem(),
            ControlKey = "AAAA",
            Master = new Uri("https://grid.example.org:8443/"),
            Grids = [new SharedGrid { Id = "agni" }],
        };
        byte[] good = JsonSerializer.SerializeToUtf8Bytes(file, JsonSerializerOptions.Web);
        return new([good], input =>
        {
            GridFile? read = GridFileReader.Judge(input, out string wrong);
            Assert.True(read is not null || wrong.Length > 0);
            return read is not null;
        });
    }

    private static FuzzTarget Control()
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] good = ControlEnvelope.TrySign(new ControlDocument { Sequence = 5, Issued = s_now, Policy = new GridPolicy(), RevokedBranches = ["b1"] }, key, out _)!;
        return new([good], input =>
        {
            bool opens = ControlEnvelope.Open(input, key, out _) == ControlFault.None;
            Assert.True(!opens || good.AsSpan().SequenceEqual(input), "A damaged control document opens.");
            return opens;
        });
    }

    // A proof, a nonce and a claim's signature, each on a line of its own.
    private static FuzzTarget Proof()
    {
        ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        string pub = Convert.ToBase64String(key.ExportSubjectPublicKeyInfo());
        var nonces = new SessionNonces(OfficeKey.Create());
        string nonce = nonces.Next(s_now), proof = Base64Url.EncodeToString(key.SignData(Encoding.UTF8.GetBytes($"gc/session/1{nonce}c1"), HashAlgorithmName.SHA256));
        string signature = Base64Url.EncodeToString(key.SignData(RequestSignature.Of("POST", "/v1/claims", "x"u8), HashAlgorithmName.SHA256));
        return new([Encoding.ASCII.GetBytes($"{nonce}\n{proof}\n{signature}")], input =>
        {
            string[] parts = Encoding.Latin1.GetString(input).Split('\n', 3);
            if (parts.Length < 3) return false;
            bool fresh = nonces.IsFresh(parts[0], s_now), proves = ClientKeys.Proves(pub, parts[0], "c1", parts[1]), signs = ClientSignature.IsGood(pub, parts[2], "POST", "/v1/claims", "x"u8);
            Assert.True(!fresh || parts[0] == nonce);
            Assert.True(!proves || parts[0] == nonce);
            return fresh && proves && signs;
        });
    }

    private static FuzzTarget Report()
    {
        byte[] key = new byte[32];
        string good = FleetSignature.Of(key, "/f", "x"u8);
        return new([Encoding.ASCII.GetBytes(good)], input => FleetSignature.IsGood(key, "/f", "x"u8, Encoding.Latin1.GetString(input)));
    }

    // Two requests that differ in what AWS looks at have never the same signature, however they are cut into names and values.
    private static FuzzTarget Signed()
    {
        string SignatureOf(string path, string name, string value) => SigV4.Authorize(
            new SigV4Request("GET", path, [(name, value)], [("Host", "route53.amazonaws.com"), ("X-Amz-Date", "20260301T120000Z")], default), "AKID", "secret", "us-east-1", "route53", "20260301T120000Z");
        string plain = SignatureOf("/2013-04-01/hostedzone", "name", "a b");
        return new([.. new[] { "/2013-04-01/hostedzone\nname\na b", "/a/../b\nx\ny&z=1", "/%2f\n&\n=" }.Select(Encoding.UTF8.GetBytes)], input =>
        {
            string[] parts = Encoding.UTF8.GetString(input).Split('\n', 3);
            if (parts.Length < 3) return false;
            bool same = SignatureOf(parts[0], parts[1], parts[2]) == plain;
            Assert.Equal(parts is ["/2013-04-01/hostedzone", "name", "a b"], same);
            return true;
        });
    }

    private static bool Documented<T>(Action read)
        where T : Exception
    {
        try
        {
            read();
            return true;
        }
        catch (T)
        {
            return false;
        }
    }
}
