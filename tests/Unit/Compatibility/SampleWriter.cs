using System.Net;
using System.Security.Cryptography;
using System.Text.Json;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Store;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Node;
using GlobalCache.Node.Fleet;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Dashboard;
using GlobalCache.Tests.Support;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Compatibility;

/// <summary>
/// Freezes what today's programs store and say, into a new folder beside <c>v1</c>, when it is asked to: <c>GC_WRITE_SAMPLES=v2</c>. To be done where a layout gets another mark, and never over
/// what is there: an earlier version's samples are all that is left of that version.
/// </summary>
public sealed class SampleWriter
{
    private static readonly AssetType[] s_types = [AssetType.Texture, AssetType.Sound, AssetType.Animation, AssetType.Mesh];

    private readonly FakeTimeProvider _time = new(Samples.Then);
    private string _to = "";

    [Fact]
    public async Task Samples_are_written_when_they_are_asked_for()
    {
        string? name = Environment.GetEnvironmentVariable("GC_WRITE_SAMPLES");
        Assert.SkipUnless(name is { Length: > 0 }, "GC_WRITE_SAMPLES names no folder to write to (docs/TESTING.md)");
        _to = Path.Combine(Path.GetDirectoryName(Samples.PathOf(""))!, name!);
        Assert.False(Directory.Exists(_to), "What is frozen is not written over.");
        Sealed();
        string config = Directory.CreateDirectory(Path.Combine(_to, "client")).FullName, data = Directory.CreateTempSubdirectory("gc-samples-").FullName;
        LocalKey key = LocalKey.Load(Path.Combine(config, "store.key"));
        await StoreAsync(Path.Combine(config, "store"), key);
        Resumption(Path.Combine(config, "left.sessions"), key);
        await File.WriteAllTextAsync(Path.Combine(_to, "policy.json"), new GridPolicy { Grids = [Shared], Vouching = new VouchingPolicy { Lead = 3 }, Nodes = 2 }.ToJson());
        await GridAsync(data, config);
        Directory.Delete(data, recursive: true);
        File.Delete(Path.Combine(config, "store", "lock"));
        Spool(Path.Combine(config, $"grid-{Samples.Host}.spool"), key);
        await File.WriteAllBytesAsync(Path.Combine(_to, "state.json"), JsonSerializer.SerializeToUtf8Bytes(new SampleDay().Pass(30).Look(), MasterJson.Default.MasterState));
        await File.WriteAllTextAsync(Path.Combine(_to, "node-settings.txt"), Settings);
    }

    private static SharedGrid Shared => new() { Id = Samples.World, Authorities = [Samples.Authority] };

    private static string Settings => new NodeUserData
    {
        Region = "eu-central-1",
        Stack = "one",
        Master = IPEndPoint.Parse("10.77.0.4:12441"),
        AssetBucket = "globalcache-one-assets",
        StateBucket = "globalcache-one-state",
        LinkBytesPerSecond = 97_600_000,
        OrphanHours = 24,
        NodeKey = "22222222-2222-2222-2222-222222222222",
        StoreKey = "33333333-3333-3333-3333-333333333333",
        Grid = new string('a', 64),
    }.Format();

    private void Sealed()
    {
        Directory.CreateDirectory(Path.Combine(_to, "sealed"));
        foreach (AssetType type in s_types)
        {
            AssetKey key = Samples.KeyOf(type);
            byte[] plain = Samples.Make(type), gridKey = SealKeys.DeriveGridKey(Samples.SealKey, key.GridId);
            File.WriteAllBytes(Path.Combine(_to, "sealed", $"{type.Name()}.plain"), plain);
            // Raw, zstd without and with a dictionary.
            SealCompression compression = type is AssetType.Animation or AssetType.Mesh ? SealCompression.WhereItSaves : SealCompression.None;
            File.WriteAllBytes(Path.Combine(_to, "sealed", $"{type.Name()}.gca"), SealedAsset.Seal(key, plain, gridKey, 3, 9, compression));
        }
        // What compresses well, whatever it is.
        byte[] words = System.Text.Encoding.ASCII.GetBytes(string.Concat(Enumerable.Repeat("the same words again and again, ", 64)));
        File.WriteAllBytes(Path.Combine(_to, "sealed", "words.plain"), words);
        AssetKey named = Samples.KeyOf(AssetType.Mesh);
        File.WriteAllBytes(Path.Combine(_to, "sealed", "words.gca"), SealedAsset.Seal(named, words, SealKeys.DeriveGridKey(Samples.SealKey, named.GridId), 3, 9, SealCompression.WhereItSaves));
    }

    private static async Task StoreAsync(string folder, LocalKey key)
    {
        await using AssetStore store = AssetStore.Open(new StoreOptions(folder), key, TimeProvider.System, WatchedLog.Unread);
        foreach (AssetType type in s_types) Assert.True(await store.PutAsync(Samples.KeyOf(type), Samples.Make(type), default));
    }

    private static void Resumption(string path, LocalKey key)
    {
        var queue = new CapRecord(new string('a', 32), 0, CapName.EventQueueGet, "http://192.0.2.1:9000/CE/1", IsLast: true, new KeptAnswer("7", [["Content-Type", "application/llsd+xml"]], [1, 2, 3]));
        var session = new SessionRecord(Guid.Parse("11111111-1111-4111-8111-111111111111"), Guid.Parse("22222222-2222-4222-8222-222222222222"), 7, "http://192.0.2.1:9000/CAPS/1", 40_000, "192.0.2.1:9000",
            [new RegionRecord("192.0.2.1:9000", 13_000, "http://192.0.2.1:9000/CAPS/1", "agni", IsGone: false)], [queue]);
        new ResumeFile(path, key.Derive("globalcache-sessions-1")).Write(
            new ResumeRecord("boot", "globalcache-" + new string('0', 32), "127.0.0.1:12080", "http://grid.example.org:8002/", [session]).ToBytes());
    }

    private static void Spool(string path, LocalKey key)
    {
        var spool = new ClaimSpool(path, key.Derive("spool"), WatchedLog.Unread);
        spool.Put(new WaitingClaim(Line(AssetType.Sound), Samples.Then.ToUnixTimeSeconds() + 60, Samples.Then.ToUnixTimeSeconds()));
        spool.Write();
    }

    public static ClaimLine Line(AssetType type)
    {
        byte[] plain = Samples.Make(type);
        return new ClaimLine { Grid = Samples.World, Type = type.Name(), Id = Samples.KeyOf(type).Id, Sha256 = Convert.ToHexStringLower(SHA256.HashData(plain)), Length = plain.Length, Origin = Samples.Authority };
    }

    /// <summary>A node of one's own, a client that joins it, and what they say to each other; what the node's folder holds is frozen when the client has its session and has asked.</summary>
    private async Task GridAsync(string data, string config)
    {
        var options = new NodeOptions { Data = data, Name = "Sample", Host = Samples.Host, Listen = new(IPAddress.Loopback, 0), Private = new(IPAddress.Loopback, 0), Clear = new(IPAddress.Loopback, 0), Grids = [Shared] };
        string invite;
        await using (NodeApp node = await NodeApp.StartAsync(options, WatchedLog.Unread, _time))
        {
            GridKeys keys = node.Grid.Keys;
            AssetKey texture = Samples.KeyOf(AssetType.Texture), mesh = Samples.KeyOf(AssetType.Mesh);
            string name = keys.NameOf(texture), gone = keys.NameOf(mesh);
            byte[] plain = Samples.Make(AssetType.Texture);
            await node.Store.PutAsync("a/" + name, SealedAsset.Seal(texture, plain, keys.GridKey(keys.Newest, Samples.World)!, keys.Newest, 0, SealCompression.None), null, default);
            var claim = new KeptClaim(1, 2, 3, 4, (ushort)(Samples.Then.ToUnixTimeSeconds() / 86_400), ClaimMarks.FromRegion);
            await node.Store.PutAsync("v/" + name, new RecordSeal(keys).Seal(name, new VouchRecord { Revision = 2, State = VouchState.Agreed, Hash = SHA256.HashData(plain), Claims = [claim], PublicMinute = 100 }), null, default);
            await node.Store.PutAsync("a/" + gone, Tombstone.Of(1), null, default);
            await node.Store.PutAsync("v/" + gone, new RecordSeal(keys).Seal(gone, new VouchRecord { Revision = 5, Epoch = 1 }), null, default);
            await node.Desks.Control.ChangeAsync(d => d with { Bans = [new string('b', 64)], RevokedBranches = ["b0123456789abcdef"], ThrottledBranches = ["bfedcba9876543210"] }, default);
            invite = node.Grid.InviteOf((await node.Desk.InviteAsync(null, default))!).ToString();

            using var http = new HttpClient();
            Uri clear = new($"http://{node.Clear}"), owners = new($"http://{node.Private}");
            int number = 0;
            async Task<HttpResponseMessage> RecordAsync(Uri server, HttpRequestMessage asked)
            {
                Exchange frozen = (await Exchange.OfAsync(asked, new HttpResponseMessage())) with { Status = 0 };
                HttpResponseMessage answer = await http.SendAsync(frozen.Request(server));
                await answer.Content.LoadIntoBufferAsync();
                string folder = Directory.CreateDirectory(Path.Combine(_to, "wire")).FullName, kind = frozen.Path.Split('/')[^1].Split('.')[0];
                await File.WriteAllTextAsync(Path.Combine(folder, $"{++number:00}-{frozen.Method.ToLowerInvariant()}-{(kind.Length > 30 ? "asset" : kind)}.http"), (await Exchange.OfAsync(asked, answer)).ToText());
                return answer;
            }
            await RecordAsync(clear, new HttpRequestMessage(HttpMethod.Get, new Uri(clear, EnrolmentApi.GridFile)));
            await using (var client = new WireClient(node.File, config, asked => RecordAsync(clear, asked)))
            {
                await client.Session.EnrolAsync(InviteText.TryParse(invite, out InviteText? text) ? text.Code : "", default);
                await client.StartAsync();
                Assert.Equal(plain, await client.Lookups.AskAsync(texture, default));
                Assert.Null(await client.Lookups.AskAsync(mesh, default));
                await Eventually.EqualAsync(true, () => Directory.Exists(Path.Combine(data, "store", "q")));
                await MasterAsync(data, node.Store);
                Keep(data, Path.Combine(_to, "grid"));
                client.Claims.Received(Samples.KeyOf(AssetType.Animation), Samples.Make(AssetType.Animation), Samples.Authority);
                await Eventually.EqualAsync(0, () => client.Claims.Waiting);
                client.Disputes.Add(Line(AssetType.Texture) with { Sha256 = new string('0', 64) });
                await Eventually.EqualAsync(0, () => client.Disputes.Waiting);
            }
            await FleetAsync(node, asked => RecordAsync(asked.RequestUri!.AbsolutePath == "/status" ? owners : new Uri(asked.RequestUri.GetLeftPart(UriPartial.Authority)), asked));
        }
        await File.WriteAllTextAsync(Path.Combine(_to, "invite.txt"), invite);
    }

    private async Task MasterAsync(string data, IObjectStore store)
    {
        var lease = new Lease(store, "0123456789abcdef", () => new LifePolicy(), _time);
        lease.Slots[2] = new SlotUse(3, 1, SlotStage.Seen);
        lease.Day = new DayUse(Samples.Then, TimeSpan.FromHours(2), [.. Enumerable.Repeat(1.5, DayUse.Hours)], [.. Enumerable.Repeat(0.25m, DayUse.Hours)], 1, 2);
        Assert.True(await lease.EnsureAsync(default));
        await new OrderDesk(store, _time).ChangeAsync(o => o.Retiring("0.3"), default);
        var state = new ScalingState();
        foreach (double missed in (double[])[0.1, -0.2, 0.3]) state.Ahead.Take(missed, new ScalingPolicy());
        await store.PutAsync("m/demand", ScalingMemory.Save(state), null, default);

        GridFolder grid = GridFolder.Open(data);
        string name = grid.Keys.NameOf(Samples.KeyOf(AssetType.Texture));
        StoredObject there = (await store.GetAsync("a/" + name, default))!;
        string disk = Directory.CreateDirectory(Path.Combine(_to, "disk", name[..2])).FullName;
        await File.WriteAllBytesAsync(Path.Combine(disk, name), [.. DiskFile.Head(there), .. there.Bytes.Span]);
        await File.WriteAllBytesAsync(Path.Combine(_to, "node.keys"), grid.Nodes.Encode());
    }

    /// <summary>Master and node of a fleet, both ways.</summary>
    private async Task FleetAsync(NodeApp node, Func<HttpRequestMessage, Task<HttpResponseMessage>> record)
    {
        await using FleetHost host = await FleetHost.StartAsync(node.Grid, _time);
        Task<HttpResponseMessage> ToAsync(HttpRequestMessage asked)
        {
            asked.RequestUri = new Uri(host.Address, asked.RequestUri!.AbsolutePath);
            return record(asked);
        }
        using var link = new MasterLink(FleetHost.Options, node.Grid.Report, node.File, IPAddress.Loopback, _time, WatchedLog.Unread, new HttpMessageInvoker(new Between(ToAsync)));
        await link.BeginAsync(default);
        using var stop = new CancellationTokenSource();
        var report = new NodeReport { Node = "", At = 0, Ready = true, Draining = false, RequestsPerSecond = 12.5, InFlight = 3, Load = 0.25, Hits = 100, Misses = 7, ControlSequence = 4 };
        Task following = link.FollowAsync(() => report, _ => false, stop.Token);
        await stop.CancelAsync();
        await following;
        using var nodes = new HttpNodes(new ReportDesk(_time), node.Grid.Report, host.Address.Port, _time, new HttpMessageInvoker(new Between(ToAsync)));
        Assert.NotNull(await nodes.LookAsync(FleetHost.Instance, default));
        Assert.True(await nodes.TellAsync(FleetHost.Instance, Intent.Drain, FleetHost.Epoch, default));
        Assert.True(await nodes.RetireAsync(FleetHost.Instance, FleetHost.Epoch, default));
        Assert.NotNull(await nodes.NameAsync(FleetHost.Instance, Samples.KeyOf(AssetType.Sound), default));
    }

    private static void Keep(string from, string to)
    {
        foreach (string file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            string at = Path.GetRelativePath(from, file);
            if (at.Split(Path.DirectorySeparatorChar) is [_, "lock" or "tmp", ..]) continue;
            Directory.CreateDirectory(Path.GetDirectoryName(Path.Combine(to, at))!);
            File.Copy(file, Path.Combine(to, at));
        }
    }
}
