using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Resumption;
using GlobalCache.Client.Store;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Node.Keys;
using GlobalCache.Node.Quotas;
using GlobalCache.Node.Serving;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Sealing;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Compatibility;

/// <summary>What an earlier version has stored is read by this one; what a later one has stored is refused and left as it is (docs/COMPATIBILITY.md).</summary>
public sealed class CompatibilityTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTimeProvider _time = new(Samples.Then);

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("texture", AssetType.Texture)]
    [InlineData("sound", AssetType.Sound)]
    [InlineData("animation", AssetType.Animation)]
    [InlineData("mesh", AssetType.Mesh)]
    [InlineData("words", AssetType.Mesh)]
    public void A_frozen_sealed_asset_opens_and_one_of_a_later_version_is_known_as_such(string name, AssetType type)
    {
        byte[] blob = Samples.Read($"sealed/{name}.gca"), gridKey = SealKeys.DeriveGridKey(Samples.SealKey, Samples.World);
        Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(Samples.KeyOf(type), blob, gridKey, out byte[] plain));
        Assert.Equal(Samples.Read($"sealed/{name}.plain"), plain);
        blob[4]++;
        Assert.Equal(SealFault.Version, SealedAsset.OpenWithGridKey(Samples.KeyOf(type), blob, gridKey, out _));
    }

    [Fact]
    public async Task A_frozen_store_is_opened_with_all_that_was_in_it()
    {
        Samples.Copy("client", _folder.Path);
        await using AssetStore store = AssetStore.Open(Store, LocalKey.Load(At("store.key")), TimeProvider.System, WatchedLog.Unread);
        foreach (AssetType type in Enum.GetValues<AssetType>())
        {
            using StoredAsset asset = store.TryOpen(Samples.KeyOf(type))!;
            byte[] read = new byte[asset.Length];
            Assert.True(await asset.ReadAsync(0, read, default));
            Assert.Equal(Samples.Make(type), read);
        }
        Assert.Equal(4, store.Count);
    }

    [Fact]
    public async Task A_later_versions_store_is_left_as_it_is_and_the_client_goes_on_with_a_small_one_beside_it()
    {
        Samples.Copy("client", _folder.Path);
        Change("store/index.db", b => b[63]++);                     // SQLite's user_version
        string[] before = Samples.Look(Store.Folder);
        LocalKey key = LocalKey.Load(At("store.key"));
        var log = new WatchedLog(Microsoft.Extensions.Logging.LogLevel.Warning);
        Assert.Contains("later version", Assert.Throws<LaterStoreException>(() => AssetStore.Open(Store, key, TimeProvider.System, log)).Message, StringComparison.Ordinal);
        for (int start = 0; start < 2; start++)
        {
            await using AssetStore store = AssetStore.OpenOrBeside(Store, key, TimeProvider.System, log);
            Assert.Equal(start, store.Count);
            Assert.True(await store.PutAsync(Samples.KeyOf(AssetType.Sound), Samples.Make(AssetType.Sound), default));
        }
        Assert.Equal(before, Samples.Look(Store.Folder));
        Assert.All(log.Lines, l => Assert.Contains("later version", l, StringComparison.Ordinal));
        Assert.Equal(2, log.Lines.Count);
    }

    [Fact]
    public void What_a_client_keeps_beside_its_store_is_read()
    {
        Samples.Copy("client", _folder.Path);
        LocalKey key = LocalKey.Load(At("store.key"));
        using (GridIdentity identity = GridIdentity.Load(_folder.Path, Samples.Host)) Assert.StartsWith("c", identity.ClientId, StringComparison.Ordinal);
        var spool = new ClaimSpool(At($"grid-{Samples.Host}.spool"), key.Derive("spool"), WatchedLog.Unread);
        Assert.Equal(SampleWriter.Line(AssetType.Sound), Assert.Single(spool.Due(Samples.Then.ToUnixTimeSeconds() + 60)).Line);
        var left = new ResumeFile(At("left.sessions"), key.Derive("globalcache-sessions-1"));
        ResumeRecord record = ResumeRecord.TryRead(left.Read())!;
        Assert.Equal(13_000, Assert.Single(record.Sessions).PortOf(IPEndPoint.Parse("192.0.2.1:9000")));
        Assert.Equal([1, 2, 3], record.Sessions[0].Caps[0].Kept!.Body);
    }

    [Fact]
    public async Task What_lies_in_a_frozen_grid_is_read_by_node_and_master()
    {
        (GridFolder grid, FolderStore store) = Grid();
        Roll roll = await new EnrolmentDesk(store, grid.Office, _time, WatchedLog.Unread).RefreshAsync(default);
        Assert.Equal(roll.Clients.Single().Value.Branch, roll.Branches.Single().Key);
        Assert.Equal(roll.Clients.Single().Key, roll.Invites.Single().Value.UsedBy);

        using var follower = new ControlFollower(store, grid.ControlPublicKey(), _time, WatchedLog.Unread);
        await follower.ReadAsync(default);
        Assert.True(follower.Known.Bans.Contains(new string('b', 64)));
        Assert.Equal(["b0123456789abcdef"], follower.Known.RevokedBranches);
        Assert.True(follower.Known.IsThrottled("bfedcba9876543210"));
        Assert.Equal(1, follower.Known.Policy.Vouching.Lead);

        AssetKey texture = Samples.KeyOf(AssetType.Texture), mesh = Samples.KeyOf(AssetType.Mesh);
        using (var blobs = new BlobSource(store, grid.Keys, new AssetCache(1 << 20), _time, () => true))
        {
            CachedBlob there = (await blobs.ReadAsync(texture, grid.Keys.NameOf(texture)))!;
            Assert.Equal(SealFault.None, SealedAsset.OpenWithGridKey(texture, there.Blob.Bytes.Span, grid.Keys.GridKey(1, Samples.World)!, out byte[] plain));
            Assert.Equal(Samples.Make(AssetType.Texture), plain);
            Assert.Equal(Standing.Settled, there.Standing);
            Assert.Null(await blobs.ReadAsync(mesh, grid.Keys.NameOf(mesh)));
        }
        Assert.True(new RecordSeal(grid.Keys).TryOpen(grid.Keys.NameOf(texture), Lying(store, "v/" + grid.Keys.NameOf(texture)), out VouchRecord record));
        Assert.Equal((VouchState.Agreed, 2u, ClaimMarks.FromRegion), (record.State, record.Revision, record.Claims.Single().Marks));
        Assert.True(Tombstone.TryRead(Lying(store, "a/" + grid.Keys.NameOf(mesh)), out uint epoch));
        Assert.Equal(1u, epoch);
        // The portion that the node had set aside.
        Assert.Equal(250, Open(grid, Account(store), Lying(store, Account(store))).Assets);

        var lease = new Lease(store, "another", () => new LifePolicy(), _time);
        Assert.False(await lease.EnsureAsync(default));
        _time.Advance(TimeSpan.FromSeconds(31));
        Assert.True(await lease.EnsureAsync(default));
        Assert.Equal(2, lease.Epoch);
        Assert.Equal(new SlotUse(3, 1, SlotStage.Seen), lease.Slots[2]);
        Assert.Equal(1.5, lease.Day!.NodeHours[0]);
        Assert.Equal(["0.3"], (await new OrderDesk(store, _time).ReadAsync(default)).Retired);
        Assert.True(ScalingMemory.TryRestore(Lying(store, "m/demand"), new ScalingPolicy(), out ScalingState demand));
        Assert.Equal(3, demand.Ahead.Missed.Count);
    }

    [Fact]
    public async Task A_frozen_disk_cache_gives_what_lies_in_it()
    {
        Samples.Copy("disk", _folder.Path);
        string file = Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Single();
        await using var disk = new DiskCache(_folder.Path, 1 << 20, TimeProvider.System, WatchedLog.Unread);
        await Eventually.EqualAsync(true, () => disk.Bytes > 0);
        StoredObject there = (await disk.FindAsync(Path.GetFileName(file)))!;
        Assert.Equal(Samples.Read($"grid/store/a/{Path.GetFileName(file)[..2]}/{Path.GetFileName(file)}"), there.Bytes.ToArray());
    }

    [Fact]
    public void What_people_and_machines_are_handed_is_read()
    {
        GridFile file = GridFileReader.Judge(Samples.Read("grid/grid.json"), out string wrong)!;
        Assert.Equal((Samples.Host, ""), (file.Host, wrong));
        Assert.NotNull(GridFileReader.Judge(Exchange.More(Samples.Read("grid/grid.json")), out _));
        Assert.True(InviteText.TryParse(Encoding.ASCII.GetString(Samples.Read("invite.txt")), out InviteText? invite));
        using X509Certificate2 authority = GridFileReader.Authority(file);
        Assert.Equal(InviteText.FingerprintOf(authority), invite.Fingerprint);
        GridPolicy policy = GridPolicy.Parse(Samples.Read("policy.json"));
        Assert.Equal((2, 3, Samples.World), (policy.Nodes, policy.Vouching.Lead, policy.Grids.Single().Id));
        // What an owner has written and nobody obeys would be worse than a refusal.
        Assert.Throws<JsonException>(() => GridPolicy.Parse(Exchange.More(Samples.Read("policy.json"))));
        Assert.Equal("eu-central-1", NodeUserData.Parse(Encoding.ASCII.GetString(Samples.Read("node-settings.txt")), out _)!.Region);
        foreach (byte[] state in (byte[][])[Samples.Read("state.json"), Exchange.More(Samples.Read("state.json"))])
            Assert.NotEmpty(JsonSerializer.Deserialize(state, MasterJson.Default.MasterState)!.Nodes);
        Assert.True(NodeSecrets.TryDecode(Samples.Read("node.keys"), out _));
    }

    [Theory]
    [InlineData("roll")]
    [InlineData("control")]
    [InlineData("control beyond the ranges")]
    [InlineData("record")]
    [InlineData("blob")]
    [InlineData("tombstone")]
    [InlineData("account")]
    [InlineData("lease")]
    [InlineData("demand")]
    public async Task What_a_later_version_has_put_into_a_grid_is_refused_and_left_as_it_is(string what)
    {
        (GridFolder grid, FolderStore store) = Grid();
        AssetKey texture = Samples.KeyOf(AssetType.Texture), mesh = Samples.KeyOf(AssetType.Mesh);
        string name = grid.Keys.NameOf(texture), gone = grid.Keys.NameOf(mesh);
        string control = "store/control/few/current", record = $"store/v/{name[..2]}/{name}", blob = $"store/a/{name[..2]}/{name}", account = Account(store);
        using var follower = new ControlFollower(store, grid.ControlPublicKey(), _time, WatchedLog.Unread);
        await follower.ReadAsync(default);
        switch (what)
        {
            case "roll": Change("store/m/few/roll", b => b[0]++); break;
            case "control": Change(control, b => b[3]++); break;
            case "control beyond the ranges": Change(control, b => Signed(grid, Encoding.UTF8.GetString(b.AsSpan(68)).Replace(new string('b', 64), new string('b', 65), StringComparison.Ordinal))); break;
            case "record": Change(record, b => Raised(grid, "gc/record/1", name, b)); break;
            case "account": Change($"store/q/{account[2..4]}/{account[2..]}", b => Raised(grid, "gc/account/1", account, b)); break;
            case "blob": Change(blob, b => b[4]++); break;
            case "tombstone": Change($"store/a/{gone[..2]}/{gone}", b => b[3]++); break;
            case "lease": Change("store/m/few/lease", b => Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(b).Replace("\"Seen\"", "\"Parked\"", StringComparison.Ordinal))); break;
            default: Change("store/m/few/demand", b => b[0]++); break;
        }
        string[] before = Samples.Look(_folder.Path);

        GridDesks desks = GridDesks.Of(grid, store, follower, _time, WatchedLog.Unread);
        await using var accounts = new BranchAccounts(store, grid.Keys, () => new QuotaPolicy(), () => 1, _ => false, _time);
        using var blobs = new BlobSource(store, grid.Keys, new AssetCache(1 << 20), _time, () => true);
        var ledger = new Ledger(store, new RecordSeal(grid.Keys), () => new VouchingPolicy(), _ => _ => false, _time);
        byte[] plain = Samples.Make(AssetType.Texture);
        switch (what)
        {
            case "roll":
                Assert.Contains("later version", (await Assert.ThrowsAsync<StoreTroubleException>(() => desks.Enrolment.InviteAsync(null, default))).Message, StringComparison.Ordinal);
                break;
            case "control" or "control beyond the ranges":
                await follower.ReadAsync(default);
                Assert.Contains("later", follower.Wrong, StringComparison.Ordinal);
                // What was in force before goes on, and is not put in the later one's place.
                Assert.Equal(["b0123456789abcdef"], follower.Known.RevokedBranches);
                var issuer = new SessionIssuer(follower, _time);
                Assert.False(await new ControlKeeper(follower, desks.Control, desks.Enrolment, issuer, grid.Office, new GridPolicy(), _time, WatchedLog.Unread).RunOnceAsync(default));
                break;
            case "record":
                await Assert.ThrowsAsync<StoreTroubleException>(() => ledger.ClaimAsync(name, new Claim(1, 2, 3, false, SHA256.HashData(plain))));
                // It is served on, as what is the least sure.
                Assert.Equal(Standing.Contested, (await blobs.ReadAsync(texture, name))!.Standing);
                break;
            case "account":
                string branch = (await desks.Enrolment.RefreshAsync(default)).Branches.Single().Key;
                await Assert.ThrowsAsync<StoreTroubleException>(() => accounts.ReserveDisputesAsync(branch, 1, 8, default));
                break;
            case "blob":
                Assert.Null(await blobs.ReadAsync(texture, name));
                Assert.Equal(Upload.Overtaken, await ledger.PutAsync(name, plain, _ => Samples.Read("sealed/texture.gca"), default));
                break;
            case "tombstone":
                Assert.Null(await blobs.ReadAsync(mesh, gone));
                break;
            case "lease":
                var lease = new Lease(store, "another", () => new LifePolicy(), _time);
                for (int i = 0; i < 3; i++, _time.Advance(TimeSpan.FromMinutes(1))) Assert.False(await lease.EnsureAsync(default));
                break;
            default:
                Assert.False(ScalingMemory.TryRestore(Lying(store, "m/demand"), new ScalingPolicy(), out _));
                break;
        }
        Assert.Equal(before, Samples.Look(_folder.Path));
    }

    [Theory]
    [InlineData("store.key")]
    [InlineData("grid.keys")]
    [InlineData("node.keys")]
    [InlineData("left.sessions")]
    [InlineData("spool")]
    [InlineData("disk")]
    public async Task What_a_later_version_has_put_into_a_file_of_its_own_is_refused_and_left_as_it_is(string what)
    {
        Samples.Copy("client", _folder.Path);
        Samples.Copy("grid", _folder.Path);
        Samples.Copy("disk", At("disk"));
        File.WriteAllBytes(At("node.keys"), Samples.Read("node.keys"));
        LocalKey key = LocalKey.Load(At("store.key"));
        var left = new ResumeFile(At("left.sessions"), key.Derive("globalcache-sessions-1"));
        string spool = $"grid-{Samples.Host}.spool", disk = Directory.EnumerateFiles(At("disk"), "*", SearchOption.AllDirectories).Single();
        if (what == "left.sessions") left.Write([2, .. left.Read()!.AsSpan(1)]);
        else if (what == "spool") Change(spool, b => Spooled(key, """{"claims":[]}"""));
        else if (what == "disk") Change(Path.GetRelativePath(_folder.Path, disk), b => b[3]++);
        else Change(what, Later);
        string[] before = Samples.Look(_folder.Path);
        switch (what)
        {
            case "store.key":
                string said = Assert.Throws<StoreUnusableException>(() => LocalKey.Load(At(what))).Message;
                Assert.Contains("another version", said, StringComparison.Ordinal);
                Assert.DoesNotContain("delete", said, StringComparison.Ordinal);
                break;
            case "grid.keys":
                foreach (Action open in (Action[])[() => GridFolder.Open(_folder.Path), () => GridFolder.OpenOrCreate(_folder.Path, new GridFacts { Port = 1 }, Samples.Then)])
                    Assert.Contains("another version", Assert.Throws<GridUnusableException>(open).Message, StringComparison.Ordinal);
                break;
            case "node.keys":
                Assert.False(NodeSecrets.TryDecode(File.ReadAllBytes(At(what)), out _));
                Assert.True(SecretFile.IsOfOtherVersion(File.ReadAllBytes(At(what)), NodeSecrets.Label));
                break;
            case "left.sessions":
                Assert.Null(ResumeRecord.TryRead(left.Read()));
                break;
            case "spool":
                var log = new WatchedLog();
                Assert.Equal(0, new ClaimSpool(At(spool), key.Derive("spool"), log).Count);
                Assert.Contains("begun anew", log.Text, StringComparison.Ordinal);
                break;
            default:
                await using (var cache = new DiskCache(At("disk"), 1 << 20, TimeProvider.System, WatchedLog.Unread))
                {
                    await Eventually.EqualAsync(true, () => cache.Bytes > 0);
                    Assert.Null(await cache.FindAsync(Path.GetFileName(disk)));
                }
                break;
        }
        Assert.Equal(before, Samples.Look(_folder.Path));
    }

    [Fact]
    public async Task What_a_later_version_has_added_to_the_control_document_survives_a_change_by_this_one()
    {
        (GridFolder grid, FolderStore store) = Grid();
        Change("store/control/few/current", b =>
        {
            JsonObject later = JsonNode.Parse(b.AsSpan(68))!.AsObject();
            later["later"] = new JsonArray(1, 2);
            later["policy"]!["later"] = "much";
            later["policy"]!["quotas"]!["later"] = 7;
            return Signed(grid, later.ToJsonString());
        });
        GridDesks desks = GridDesks.Of(grid, store, new ControlFollower(store, grid.ControlPublicKey(), _time, WatchedLog.Unread), _time, WatchedLog.Unread);
        for (int i = 0; i < 2; i++) await desks.Control.ChangeAsync(d => d with { Bans = [.. d.Bans, new string((char)('c' + i), 64)], Policy = d.Policy with { Nodes = 3 } }, default);
        JsonObject now = JsonNode.Parse(Lying(store, "control/current").AsSpan(68))!.AsObject();
        Assert.Equal("[1,2]", now["later"]!.ToJsonString());
        Assert.Equal(("much", 7, 3), ((string?)now["policy"]!["later"], (int?)now["policy"]!["quotas"]!["later"], (int?)now["policy"]!["nodes"]));
        Assert.Equal(3, now["bans"]!.AsArray().Count);
        // What is known and taken away is gone all the same.
        await desks.Control.ChangeAsync(d => d with { Bans = [] }, default);
        Assert.Equal(ControlFault.None, ControlEnvelope.Open(Lying(store, "control/current"), grid.ControlPublicKey(), out ControlDocument? last));
        Assert.Empty(last!.Bans);
    }

    [Fact]
    public async Task What_a_later_version_has_added_to_the_roll_survives_a_change_by_this_one()
    {
        (GridFolder grid, FolderStore store) = Grid();
        using var cipher = new AesGcm(grid.Office.Roll, 16);
        JsonObject Opened(byte[] roll)
        {
            byte[] plain = new byte[roll.Length - 29];
            cipher.Decrypt(roll.AsSpan(1, 12), roll.AsSpan(13..^16), roll.AsSpan(^16..), plain, roll.AsSpan(0, 1));
            return JsonNode.Parse(plain)!.AsObject();
        }
        string[] kinds = ["Invites", "Clients", "Branches"];
        Change("store/m/few/roll", b =>
        {
            JsonObject later = Opened(b);
            later["Later"] = true;
            foreach (string kind in kinds) later[kind]!.AsObject().Single().Value!["Later"] = new JsonArray(1);
            byte[] plain = Encoding.UTF8.GetBytes(later.ToJsonString()), roll = [b[0], .. new byte[12 + plain.Length + 16]];
            cipher.Encrypt(roll.AsSpan(1, 12), plain, roll.AsSpan(13..^16), roll.AsSpan(^16..), roll.AsSpan(0, 1));
            return roll;
        });
        var desk = new EnrolmentDesk(store, grid.Office, _time, WatchedLog.Unread);
        string client = (await desk.RefreshAsync(default)).Clients.Single().Key;
        Assert.True(await desk.TrustAsync(client, true, default));
        await desk.RevokeAsync(client, default);
        JsonObject now = Opened(Lying(store, "m/roll"));
        Assert.True((bool?)now["Later"]);
        Assert.NotNull(now["Clients"]![client]!["Revoked"]);
        foreach (string kind in kinds) Assert.Equal("[1]", now[kind]!.AsObject().Single().Value!["Later"]!.ToJsonString());
    }

    [Fact]
    public async Task What_a_later_version_has_added_to_the_operators_orders_survives_an_order_by_this_one()
    {
        (_, FolderStore store) = Grid();
        Change("store/m/few/orders", Exchange.More);
        await new OrderDesk(store, _time).ChangeAsync(o => o with { IsHeld = true }, default);
        JsonObject now = JsonNode.Parse(Lying(store, "m/orders"))!.AsObject();
        Assert.Equal(("""{"a":[1]}""", true), (now["later"]!.ToJsonString(), (bool)now["isHeld"]!));
    }

    private StoreOptions Store => new(At("store"));

    private string At(string name) => Path.Combine(_folder.Path, name);

    private (GridFolder Grid, FolderStore Store) Grid()
    {
        Samples.Copy("grid", _folder.Path);
        return (GridFolder.Open(_folder.Path), new FolderStore(At("store"), TimeProvider.System));
    }

    private void Change(string name, Action<byte[]> change) => Change(name, b => { change(b); return b; });

    private void Change(string name, Func<byte[], byte[]> change) => File.WriteAllBytes(At(name), change(File.ReadAllBytes(At(name))));

    private static byte[] Lying(FolderStore store, string name) => store.GetAsync(name, default).AsTask().GetAwaiter().GetResult()!.Bytes.ToArray();

    private string Account(FolderStore store) => "q/" + Path.GetFileName(Directory.EnumerateFiles(At("store/q"), "*", SearchOption.AllDirectories).Single());

    private static BranchAccount Open(GridFolder grid, string name, byte[] bytes)
    {
        Assert.True(new ObjectSeal(grid.Keys, "gc/account/1").TryOpen(name, bytes, out byte[]? plain));
        Assert.True(BranchAccount.TryDecode(plain, out BranchAccount account));
        return account;
    }

    /// <summary>A sealed object whose first byte, which tells its form, is the next one.</summary>
    private static byte[] Raised(GridFolder grid, string purpose, string name, byte[] bytes)
    {
        var seal = new ObjectSeal(grid.Keys, purpose);
        Assert.True(seal.TryOpen(name, bytes, out byte[]? plain));
        plain[0]++;
        return seal.Seal(name, plain);
    }

    private static byte[] Signed(GridFolder grid, string json)
    {
        using ECDsa key = grid.ControlKey();
        byte[] body = Encoding.UTF8.GetBytes(json);
        return [.. "GCC1"u8, .. key.SignData([.. "gc/control/1"u8, .. body], HashAlgorithmName.SHA256), .. body];
    }

    private static byte[] Spooled(LocalKey key, string json)
    {
        byte[] plain = Encoding.UTF8.GetBytes(json), file = new byte[12 + plain.Length + 16];
        using var cipher = new AesGcm(key.Derive("spool"), 16);
        cipher.Encrypt(file.AsSpan(0, 12), plain, file.AsSpan(12, plain.Length), file.AsSpan(12 + plain.Length));
        return file;
    }

    /// <summary>A file of keys whose label has the next number; what sums it up is right.</summary>
    private static byte[] Later(byte[] file)
    {
        string text = Encoding.ASCII.GetString(file), label = text[..text.IndexOfAny([' ', '\n'])], rest = text[label.Length..];
        string later = $"{label[..^1]}{label[^1] - '0' + 1}{rest}";
        int body = later.TrimEnd('\n').LastIndexOf('\n') + 1;
        return Encoding.ASCII.GetBytes(body == 0 ? later : later[..body] + Convert.ToHexStringLower(SHA256.HashData(Encoding.ASCII.GetBytes(later[..body]))) + "\n");
    }
}
