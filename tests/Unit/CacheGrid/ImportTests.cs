using System.Formats.Tar;
using System.IO.Compression;
using System.Net;
using System.Text;
using GlobalCache.Client;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Commands;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Imports;
using GlobalCache.Node;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Support;
using Spectre.Console.Testing;
using CannotStartException = GlobalCache.Client.CannotStartException;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>A world's owner puts its assets into a real node, by the command, from an archive and from a folder.</summary>
public sealed class ImportTests : IAsyncLifetime
{
    private static readonly (string Vector, string Ending)[] s_assets =
    [
        ("6c0ca000-0000-4000-8000-000000000002", "_texture.jp2"), ("6c0ca000-0000-4000-8000-000000000011", "_sound.ogg"),
        ("6c0ca000-0000-4000-8000-000000000021", "_animation.bvh"), ("6c0ca000-0000-4000-8000-000000000031", "_mesh.llmesh"),
    ];

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-import-").FullName;
    private NodeApp _node = null!;
    private ClientOptions _owner = null!;
    private string _client = "";

    public async ValueTask InitializeAsync()
    {
        _node = await NodeApp.StartAsync(new NodeOptions
        {
            Data = Path.Combine(_folder, "node"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = new IPEndPoint(IPAddress.Loopback, 0),
            Grids = [new SharedGrid { Id = TestNode.World }, new SharedGrid { Id = TestNode.OtherWorld }, new SharedGrid { Id = GridId.SecondLife }],
            // Nobody's word alone would do here.
            Vouching = new VouchingPolicy { Lead = 3 },
            Quotas = new QuotaPolicy { WithheldFresh = 0 },
            Drain = TimeSpan.Zero,
        }, WatchedLog.Unread);
        _owner = await JoinedAsync("owner");
        using GridIdentity identity = GridIdentity.Load(_owner.ConfigFolder, _owner.Grid!.Host);
        _client = identity.ClientId!;
    }

    public async ValueTask DisposeAsync()
    {
        await _node.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task An_archive_goes_in_once_is_handed_to_others_and_asks_for_the_owners_trust()
    {
        string oar = Path.Combine(_folder, "region.oar");
        await using (FileStream file = File.Create(oar))
        {
            await using var gzip = new GZipStream(file, CompressionLevel.Fastest);
            await using var tar = new TarWriter(gzip);
            Add(tar, "archive.xml", "<archive major_version=\"0\" minor_version=\"8\"/>"u8.ToArray());
            foreach ((string vector, string ending) in s_assets) Add(tar, $"assets/{vector}{ending}", Repository.Asset(vector));
            Add(tar, $"assets/{Guid.NewGuid()}_script.lsl", "default { }"u8.ToArray());
            Add(tar, "assets/6c0ca000-0000-4000-8000-0000000000ff_texture.jp2", "no picture"u8.ToArray());
            Add(tar, $"objects/{Guid.NewGuid()}_texture.jp2", Repository.Asset(s_assets[0].Vector));
        }
        Assert.Equal($"import: the cache grid's owner has not said that this client's word alone is enough: have them type “trust {_client} on”, and type the same again.",
            (await Assert.ThrowsAsync<CannotStartException>(() => ImportAsync(oar: oar))).Message);
        Assert.Empty(Stored());

        Assert.True(await _node.Desk.TrustAsync(_client, true, default));
        (int code, string said) = await ImportAsync(oar: oar);
        Assert.Equal(1, code);
        Assert.Contains("6c0ca000-0000-4000-8000-0000000000ff_texture.jp2: no whole texture", said, StringComparison.Ordinal);
        Assert.Contains("4 sent (50.1 kB), 0 there already, 1 not taken.", said, StringComparison.Ordinal);
        Assert.Equal(4, Stored().Length);
        // Again: nothing is sent twice.
        Assert.Contains("0 sent (0 B), 4 there already, 1 not taken.", (await ImportAsync(oar: oar)).Said, StringComparison.Ordinal);

        // Another member has them from there.
        ClientOptions friend = await JoinedAsync("friend");
        await using LinkedRelay relay = await LinkedRelay.StartAsync(friend.Grid!, friend.ConfigFolder);
        foreach ((string vector, string ending) in s_assets)
        {
            (AssetType type, Guid id) = ImportName.Read(vector + ending)!.Value;
            Assert.Equal(Repository.Asset(vector), await relay.Link.Lookups.AskAsync(new AssetKey(TestNode.World, type, id), default));
        }
    }

    [Fact]
    public async Task OpenSimulators_own_form_of_tar_is_read_long_names_and_all()
    {
        using var tar = new MemoryStream();
        byte[] texture = Repository.Asset(s_assets[0].Vector), sound = Repository.Asset(s_assets[1].Vector);
        OpenSimEntry(tar, "archive.xml", "<archive/>"u8.ToArray());
        OpenSimEntry(tar, "assets/", []);
        OpenSimEntry(tar, $"assets/{s_assets[0].Vector}_texture.jp2", texture);
        // A prim's name is part of its file's, and may be as long as people like.
        OpenSimEntry(tar, $"objects/{new string('x', 120)}_128-128-025__{Guid.NewGuid()}.xml", "<SceneObjectGroup/>"u8.ToArray());
        OpenSimEntry(tar, "terrains/Region.r32", new byte[1000]);
        OpenSimEntry(tar, $"assets/{s_assets[1].Vector}_sound.ogg", sound);
        tar.Write(new byte[1024]);
        tar.Position = 0;
        List<ImportedAsset> read = [];
        await foreach (ImportedAsset asset in OpenSimArchive.ReadAsync(tar, CancellationToken.None)) read.Add(asset);
        Assert.Equal([(AssetType.Texture, texture.Length), (AssetType.Sound, sound.Length)], read.Select(a => (a.Type, a.Plain.Length)));
        Assert.Equal(texture, read[0].Plain);
        Assert.Equal(sound, read[1].Plain);
    }

    [Fact]
    public async Task A_folder_goes_in_and_what_is_put_there_later_follows()
    {
        Assert.True(await _node.Desk.TrustAsync(_client, true, default));
        string folder = Path.Combine(_folder, "mine"), deep = Path.Combine(folder, "sounds");
        Directory.CreateDirectory(deep);
        File.WriteAllBytes(Path.Combine(folder, s_assets[0].Vector + ".j2c"), Repository.Asset(s_assets[0].Vector));
        File.WriteAllBytes(Path.Combine(deep, s_assets[1].Vector + ".ogg"), Repository.Asset(s_assets[1].Vector));
        File.WriteAllText(Path.Combine(folder, "readme.txt"), "not an asset");
        (int code, string said) = await ImportAsync(folder: folder);
        Assert.Equal((0, 2), (code, Stored().Length));
        Assert.Contains("2 sent", said, StringComparison.Ordinal);

        using var stop = new CancellationTokenSource();
        var terminal = new TestConsole();
        Task<int> watching = Task.Run(() => Command(terminal).RunAsync(null, folder, watch: true, stop.Token));
        File.WriteAllBytes(Path.Combine(deep, s_assets[3].Vector + ".llmesh"), Repository.Asset(s_assets[3].Vector));
        for (int i = 0; i < 300 && Stored().Length < 3; i++) await Task.Delay(100);
        Assert.Equal(3, Stored().Length);
        await stop.CancelAsync();
        Assert.Equal(0, await watching);
        Assert.Contains("1 sent (37.6 kB), 2 there already, 0 not taken.", terminal.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_does_not_go_is_one_sentence()
    {
        string broken = Path.Combine(_folder, "broken.oar");
        File.WriteAllBytes(broken, [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3, 4, 5]);
        string other = Path.Combine(_folder, "other.oar");
        File.WriteAllText(other, "a text, and no archive at all");
        Assert.Contains("say either --oar FILE or --folder FOLDER", await RefusedAsync(), StringComparison.Ordinal);
        Assert.Contains("say either --oar FILE or --folder FOLDER", await RefusedAsync(oar: broken, folder: _folder), StringComparison.Ordinal);
        Assert.Contains("--watch goes with --folder", await RefusedAsync(oar: broken, watch: true), StringComparison.Ordinal);
        Assert.Contains("names no file", await RefusedAsync(oar: broken + "x"), StringComparison.Ordinal);
        Assert.Contains("names no folder", await RefusedAsync(folder: broken), StringComparison.Ordinal);
        Assert.Contains("is no archive of OpenSimulator's, or a damaged one", await RefusedAsync(oar: broken), StringComparison.Ordinal);
        Assert.Contains("is no archive of OpenSimulator's, or a damaged one", await RefusedAsync(oar: other), StringComparison.Ordinal);
        Assert.Contains("the one world", await RefusedAsync(oar: broken, world: null), StringComparison.Ordinal);
        Assert.Contains("Second Life's assets are its residents'", await RefusedAsync(oar: broken, world: GridId.SecondLife), StringComparison.Ordinal);
        _owner = _owner with { ConfigFolder = Path.Combine(_folder, "nobody") };
        Assert.Contains("only members import", await RefusedAsync(oar: broken), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_owner.ConfigFolder));
    }

    [Theory]
    [InlineData("6c0ca000-0000-4000-8000-000000000002_texture.jp2", AssetType.Texture)]
    [InlineData("assets/6C0CA000-0000-4000-8000-000000000002.J2C", AssetType.Texture)]
    [InlineData("a\\6c0ca000-0000-4000-8000-000000000002_animation.bvh", AssetType.Animation)]
    [InlineData("6c0ca000-0000-4000-8000-000000000002_texture.tga", null)]
    [InlineData("6c0ca000-0000-4000-8000-000000000002", null)]
    [InlineData("6c0ca000000040008000000000000002.j2c", null)]
    [InlineData("texture.jp2", null)]
    public void A_name_tells_what_it_is(string name, object? type) => Assert.Equal(type, ImportName.Read(name)?.Type);

    [Fact]
    public void A_file_is_taken_when_two_looks_found_it_the_same_and_again_when_it_has_changed()
    {
        var watch = new FolderWatch();
        FoundFile growing = new("a", 1, DateTime.UnixEpoch), whole = growing with { Length = 2 };
        Assert.Empty(watch.Look([growing]));
        Assert.Empty(watch.Look([whole]));
        Assert.Equal(["a"], watch.Look([whole]));
        // Not taken yet, for whatever reason.
        Assert.Equal(["a"], watch.Look([whole]));
        watch.Took("a");
        Assert.Empty(watch.Look([whole]));
        FoundFile changed = whole with { Written = DateTime.UnixEpoch.AddSeconds(1) };
        Assert.Empty(watch.Look([changed]));
        Assert.Equal(["a"], watch.Look([changed]));
        watch.Took("a");
        Assert.Empty(watch.Look([]));
        Assert.Empty(watch.Look([changed]));
        Assert.Equal(["a"], watch.Look([changed]));
    }

    private async Task<string> RefusedAsync(string? oar = null, string? folder = null, bool watch = false, string? world = TestNode.World) =>
        (await Assert.ThrowsAsync<CannotStartException>(() => ImportAsync(oar, folder, watch, world))).Message;

    private async Task<(int Code, string Said)> ImportAsync(string? oar = null, string? folder = null, bool watch = false, string? world = TestNode.World)
    {
        using var terminal = new TestConsole();
        terminal.Profile.Width = 500;
        int code = await Command(terminal, world).RunAsync(oar, folder, watch, TestContext.Current.CancellationToken);
        return (code, terminal.Output);
    }

    private Import Command(TestConsole terminal, string? world = TestNode.World) => new(_owner with { Share = world is null ? [TestNode.World, TestNode.OtherWorld] : [world] }, terminal, TimeProvider.System);

    private async Task<ClientOptions> JoinedAsync(string name)
    {
        string config = Path.Combine(_folder, name);
        await new GridJoin(config, TimeProvider.System, WatchedLog.Unread.CreateLogger("join")).RunAsync(
            _node.Grid.InviteOf((await _node.Desk.InviteAsync(inviter: null, default))!).ToString(), null, CancellationToken.None);
        return new ClientOptions { ConfigFolder = config, Grid = GridFileReader.Read(Path.Combine(config, $"grid-{_node.Grid.File.Host}.json"), out _)! };
    }

    private string[] Stored() => Directory.Exists(Path.Combine(_folder, "node", "store", "a")) ? Directory.GetFiles(Path.Combine(_folder, "node", "store", "a"), "*", SearchOption.AllDirectories) : [];

    /// <summary>
    /// The form OpenSimulator writes: the header of 1979 without any magic, a type that came later, zeros where device numbers would be, and a name of more than a hundred
    /// letters in an entry of its own before, without a zero behind it.
    /// </summary>
    private static void OpenSimEntry(MemoryStream tar, string name, byte[] bytes, char? type = null)
    {
        if (name.Length > 100 && type is null) OpenSimEntry(tar, "././@LongLink", Encoding.ASCII.GetBytes(name), 'L');
        byte[] header = new byte[512];
        void Put(int at, string text) => Encoding.ASCII.GetBytes(text, header.AsSpan(at));
        Put(0, name[..Math.Min(name.Length, 100)]);
        Put(100, "0000777");
        Put(108, "0000764");
        Put(116, "0000764");
        Put(124, Convert.ToString(bytes.Length, 8).PadLeft(11, '0'));
        Put(136, "11017037332");
        Put(148, "        ");
        header[156] = (byte)(type ?? (name.EndsWith('/') ? '5' : '0'));
        Put(329, "0000000");
        Put(337, "0000000");
        Put(148, Convert.ToString(header.Sum(b => b), 8).PadLeft(6, '0') + "\0");
        tar.Write(header);
        tar.Write(bytes);
        tar.Write(new byte[(512 - (bytes.Length % 512)) % 512]);
    }

    private static void Add(TarWriter tar, string name, byte[] bytes) => tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, name) { DataStream = new MemoryStream(bytes) });
}
