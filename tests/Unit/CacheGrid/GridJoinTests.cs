using System.Net;
using GlobalCache.Client;
using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Commands;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Ways;
using GlobalCache.Node;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;
using GlobalCache.Tests.Edge;
using GlobalCache.Tests.Support;
using Spectre.Console.Testing;
using CannotStartException = GlobalCache.Client.CannotStartException;
using CommandLine = GlobalCache.Client.CommandLine;

namespace GlobalCache.Tests.CacheGrid;

/// <summary>From an invite alone into a cache grid, or one sentence that says why not.</summary>
public sealed class GridJoinTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("gc-join-").FullName;

    private string Config => Path.Combine(_folder, "config");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task An_invite_alone_lets_into_a_real_node_and_the_next_command_is_told_whole()
    {
        await using NodeApp node = await NodeApp.StartAsync(new NodeOptions
        {
            Data = Path.Combine(_folder, "node"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = new IPEndPoint(IPAddress.Loopback, 0),
            Grids = [new SharedGrid { Id = "grid.example.org" }, new SharedGrid { Id = GridId.SecondLife }],
            Drain = TimeSpan.Zero,
        }, WatchedLog.Unread);
        string invite = node.Grid.InviteOf((await node.Desk.InviteAsync(inviter: null, default))!).ToString();
        string said = await JoinAsync(invite);
        string file = Path.Combine(Config, $"grid-{node.Grid.File.Host}.json");
        Assert.Contains($"globalcache --grid {file} --share grid.example.org", said, StringComparison.Ordinal);
        GridFile read = GridFileReader.Read(file, out _)!;
        Assert.Equal((node.Grid.File.Host, node.Grid.File.Ca), (read.Host, read.Ca));
        // What was told is what starts the client: it belongs to the grid, and needs no invite any more.
        Assert.Empty(CommandLine.Read(["--grid", file, "--share", "grid.example.org", "--store", _folder]).Errors);
        using (GridIdentity identity = GridIdentity.Load(Config, read.Host)) Assert.NotNull(identity.ClientId);
        // Once more: nothing is used up.
        Assert.Contains("belongs to", await JoinAsync(invite), StringComparison.Ordinal);
        // A member invites a friend.
        var options = new ClientOptions { ConfigFolder = Config, Grid = read };
        using var terminal = new TestConsole();
        Assert.Equal(0, await new MemberInvite(options, terminal, TimeProvider.System).RunAsync(TestContext.Current.CancellationToken));
        Assert.Contains("belongs to", await JoinAsync(terminal.Lines[0], config: Path.Combine(_folder, "friend")), StringComparison.Ordinal);
        Assert.Equal(2, node.Desk.Roll.Clients.Count);
        Assert.Single(node.Desk.Roll.Clients.Values.Select(c => c.Branch).Distinct());
        Assert.Contains("this client is none", (await Assert.ThrowsAsync<CannotStartException>(() =>
            new MemberInvite(options with { ConfigFolder = Path.Combine(_folder, "nobody") }, terminal, TimeProvider.System).RunAsync(TestContext.Current.CancellationToken))).Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Path.Combine(_folder, "nobody")));
        // Another machine cannot use it again.
        Assert.Equal("join: the cache grid does not know this invite, or it is used, too old or taken back: ask for another.", await RefusedAsync(invite, config: Path.Combine(_folder, "other")));
    }

    [Fact]
    public async Task Who_is_not_the_cache_grid_of_the_invite_is_told_nothing()
    {
        await using TestNode node = await TestNode.StartAsync();
        InviteText invite = node.InviteText;
        Assert.Contains("is not the cache grid this invite is for", await RefusedAsync((invite with { Fingerprint = InviteText.NewCode() }).ToString()), StringComparison.Ordinal);
        // Somebody in between has the right description, which is public, but not the authority's key.
        await using TestNode between = await TestNode.StartAsync(other: true);
        between.Describes = () => node.File();
        Assert.Contains("does not prove to be the cache grid this invite is for (its certificate is not of the invite's authority)",
            await RefusedAsync((invite with { Master = $"127.0.0.1:{between.Port}" }).ToString()), StringComparison.Ordinal);
        // Or a certificate of the same authority for something else.
        await using TestNode elsewhere = await TestNode.StartAsync("elsewhere.test.internal", beside: null);
        Assert.Contains("(its certificate bears another name)", await RefusedAsync(elsewhere.InviteText.ToString()), StringComparison.Ordinal);
        await using TestNode expired = await TestNode.StartAsync(expired: true);
        Assert.Contains("is this machine's clock right?", await RefusedAsync(expired.InviteText.ToString()), StringComparison.Ordinal);
        Assert.Equal(0, node.Enrolments + between.Enrolments + elsewhere.Enrolments + expired.Enrolments);
        Assert.False(Directory.Exists(Config));
    }

    [Fact]
    public async Task Every_other_failure_is_one_sentence_too()
    {
        await using TestNode node = await TestNode.StartAsync();
        InviteText invite = node.InviteText;
        Assert.Contains("this is no invite", await RefusedAsync("abc"), StringComparison.Ordinal);
        Assert.Contains("this is no invite", await RefusedAsync(invite.ToString()[..40]), StringComparison.Ordinal);
        Assert.Contains("is no HOST:PORT", await RefusedAsync((invite with { Master = "a b" }).ToString()), StringComparison.Ordinal);
        Assert.Contains("cannot be reached", await RefusedAsync((invite with { Master = "127.0.0.1:9" }).ToString()), StringComparison.Ordinal);
        node.Describes = () => node.File() with { Master = new Uri("http://x/") };
        Assert.Contains("gave as grid file is no sound grid file: Master is an https URL", await RefusedAsync(invite.ToString()), StringComparison.Ordinal);
        node.Describes = null;
        Directory.CreateDirectory(Config);
        string file = Path.Combine(Config, $"grid-{TestNode.Host}.json");
        File.WriteAllText(file, "{}");
        Assert.Contains("is there already and is not this cache grid's", await RefusedAsync(invite.ToString()), StringComparison.Ordinal);
        await using TestNode other = await TestNode.StartAsync();
        File.WriteAllText(file, System.Text.Json.JsonSerializer.Serialize(other.File(), System.Text.Json.JsonSerializerOptions.Web));
        Assert.Contains("is another cache grid's than the invite's", await RefusedAsync(invite.ToString(), given: file), StringComparison.Ordinal);
        Assert.Contains($"--grid {file}2 names no file", await RefusedAsync(invite.ToString(), given: file + "2"), StringComparison.Ordinal);
        Assert.Equal(0, node.Enrolments);
        // With the grid's own file nothing is fetched, and nothing written.
        Assert.Contains($"--grid {file} --share", await JoinAsync(other.InviteText.ToString(), file), StringComparison.Ordinal);
        Assert.Equal(1, other.Enrolments);
    }

    [Fact]
    public void The_commands_own_line_takes_an_invite_and_a_file()
    {
        Assert.Equal(new JoinLine("x", null), JoinLine.Read(["join", "x"]));
        Assert.Equal(new JoinLine("x", "f"), JoinLine.Read(["join", "--grid", "f", "x"]));
        foreach (string[] wrong in (string[][])[["join"], ["join", "x", "y"], ["join", "x", "--grid"], ["join", "--port", "1"], ["run", "x"]]) Assert.Null(JoinLine.Read(wrong));
    }

    [Fact]
    public void Second_Lifes_assets_are_shared_only_by_who_has_acknowledged_its_policy_where_the_cache_grid_shares_them()
    {
        using var authority = new TestAuthority("x");
        ClientOptions options = new()
        {
            Store = _folder,
            ConfigFolder = _folder,
            Share = [GridId.SecondLife],
            Grid = new GridFile
            {
                Name = "x",
                Host = "nodes.test.internal",
                Port = 1,
                Ca = authority.Root.ExportCertificatePem(),
                ControlKey = "AAAA",
                Master = new Uri("https://nodes.test.internal:1/"),
                Grids = [new SharedGrid { Id = GridId.SecondLife }],
            },
        };
        string refused = Assert.Single(Errors(options));
        foreach (string part in (string[])["clause 2.b", "Policy on Third-Party Viewers", "exporting content", "written consent", "--acknowledge-sl-policy"]) Assert.Contains(part, refused, StringComparison.Ordinal);
        Assert.Empty(Errors(options with { AcknowledgeSecondLife = true }));
        GridFile without = options.Grid with { Grids = [new SharedGrid { Id = "grid.example.org" }] };
        Assert.Contains("is not shared by this cache grid", Assert.Single(Errors(options with { AcknowledgeSecondLife = true, Grid = without })), StringComparison.Ordinal);
        // Kept on this machine it needs nothing.
        Assert.Empty(Errors(options with { Share = [], Grid = null }));
        string settings = Path.Combine(_folder, "settings.json");
        File.WriteAllText(settings, """{ "acknowledge-sl-policy": true }""");
        Assert.True(CommandLine.Read(["--config", settings, "--store", _folder]).Options.AcknowledgeSecondLife);
    }

    private static string[] Errors(ClientOptions options) => [.. new ClientOptionsValidator().Validate(options).Errors.Select(e => e.ErrorMessage)];

    private Task<string> JoinAsync(string invite, string? given = null, string? config = null) =>
        new GridJoin(config ?? Config, TimeProvider.System, WatchedLog.Unread).RunAsync(invite, given, default);

    private async Task<string> RefusedAsync(string invite, string? given = null, string? config = null)
    {
        string said = (await Assert.ThrowsAsync<CannotStartException>(() => JoinAsync(invite, given, config))).Message;
        Assert.DoesNotContain('\n', said);
        Assert.EndsWith(said[^1] == '?' ? "?" : ".", said, StringComparison.Ordinal);
        return said;
    }
}
