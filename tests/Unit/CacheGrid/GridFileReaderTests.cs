using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using GlobalCache.Client;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Edge;

namespace GlobalCache.Tests.CacheGrid;

public sealed class GridFileReaderTests : IDisposable
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web);

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-grid-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_sound_file_is_read_and_the_worlds_to_share_are_named_by_the_user()
    {
        string file = Written(_ => { });
        Assert.NotNull(GridFileReader.Read(file, out string wrong));
        Assert.Equal("", wrong);
        Assert.Contains("--grid needs --share NAMES: the virtual worlds you want to share, of those the grid file names (grid.example.org).", Errors("--grid", file));
        Assert.Contains("--share grid.example.com is not shared by this cache grid, which shares: grid.example.org.", Errors("--grid", file, "--share", "grid.example.com"));
        Assert.Contains("--share agni is not shared by this cache grid, which shares: grid.example.org.", Errors("--grid", file, "--share", "agni", "--acknowledge-sl-policy"));
        Assert.Empty(Errors("--grid", file, "--share", "Grid.example.org"));
        Assert.Contains(Errors("--share", "grid.example.org"), e => e.StartsWith("--share needs --grid", StringComparison.Ordinal));
        Assert.Contains(Errors("--invite", "x"), e => e.StartsWith("--invite needs --grid", StringComparison.Ordinal));
    }

    [Fact]
    public void Each_fault_is_told_in_one_sentence()
    {
        Is("names no file", Path.Combine(_folder, "none.json"));
        string broken = Path.Combine(_folder, "broken.json");
        File.WriteAllText(broken, "{\n \"name\": ,");
        Is("is no grid file: line 2 cannot be understood", broken);
        File.WriteAllText(broken, "null");
        Is("is no grid file", broken);
        File.WriteAllText(broken, "{}");
        Assert.Null(GridFileReader.Read(broken, out string missing));
        Assert.StartsWith("is no grid file", missing, StringComparison.Ordinal);
        Is("is no sound grid file: Master is an https URL", Written(j => j["master"] = "http://x/"));
        Is("gives a_b c as Host, which is no DNS name", Written(j => j["host"] = "a_b c"));
        Is("names here among Nodes, which is no address with a port", Written(j => j["nodes"] = new JsonArray("here")));
        Is("names a/b among NameServers, which is no host:port", Written(j => j["nameServers"] = new JsonArray("a/b")));
        Is("gives a Ca that is no certificate", Written(j => j["ca"] = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"));
        Is("is no grid file: something in it is null", Written(j => j["grids"] = null));
        using TestAuthority authority = new("x");
        Is("gives a certificate as Ca that is no authority's", Written(j => j["ca"] = authority.Issue("x").ExportCertificatePem()));
    }

    [Theory]
    [InlineData("127.0.0.1", "127.0.0.1:8443")]
    [InlineData("127.0.0.1:9", "127.0.0.1:9")]
    [InlineData("[::1]:9", "[::1]:9")]
    public void A_nodes_address_may_leave_out_the_grids_port(string text, string expected)
    {
        Assert.True(GridFileReader.TryAddress(text, 8443, out IPEndPoint address));
        Assert.Equal(expected, address.ToString());
    }

    private string[] Errors(params string[] args) => [.. CommandLine.Read([.. args, "--store", _folder]).Errors];

    private static void Is(string expected, string file)
    {
        Assert.Null(GridFileReader.Read(file, out string wrong));
        Assert.Equal(expected, wrong);
    }

    private string Written(Action<JsonObject> change)
    {
        using TestAuthority authority = new("cache grid");
        GridFile file = new()
        {
            Name = "Test",
            Host = "nodes.test.internal",
            Port = 8443,
            Nodes = ["127.0.0.1"],
            Ca = authority.Root.ExportCertificatePem(),
            ControlKey = "AAAA",
            Master = new Uri("https://nodes.test.internal:8443/"),
            Grids = [new SharedGrid { Id = "grid.example.org" }],
        };
        JsonObject json = JsonSerializer.SerializeToNode(file, s_json)!.AsObject();
        change(json);
        string path = Path.Combine(_folder, $"{Guid.NewGuid():N}.json");
        File.WriteAllText(path, json.ToJsonString());
        return path;
    }
}
