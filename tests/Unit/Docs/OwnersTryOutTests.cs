using System.Text.RegularExpressions;
using GlobalCache.TestGrid.Viewer;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.Ways;

namespace GlobalCache.Tests.Docs;

/// <summary>docs/OWNERS.md and README's “Share a cache with friends”, done as they say: every command that needs no network of one's own is typed, and what should come of it does.</summary>
public sealed partial class OwnersTryOutTests
{
    private const string World = "127.0.0.1:9000";

    private static readonly string s_page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "OWNERS.md"));

    [Fact]
    public async Task Ten_minutes_on_one_machine_with_assets_put_in_and_one_taken_down()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page's commands are for a Unix shell");
        using var folder = new TemporaryFolder();
        string owner = Directory.CreateDirectory(Path.Combine(folder.Path, "owner")).FullName, visitor = Directory.CreateDirectory(Path.Combine(folder.Path, "visitor")).FullName;
        await using var grid = TypedCommand.Type(Line("tests/TestGrid"), owner);
        await grid.UntilAsync($"Login URI: http://{World}/");
        await using var master = TypedCommand.Type(Line($"--share {World}=127.0.0.1"), owner);
        string invite = await master.UntilAsync("An invite, for one person: ");
        await master.UntilAsync("The admin code, shown this once: ");
        Assert.Contains("dashboard on http://127.0.0.1:12441/", master.Said, StringComparison.Ordinal);

        string joined = await TypedCommand.RunAsync(Line("join INVITE").Replace("INVITE", invite, StringComparison.Ordinal), visitor);
        string file = Told().Match(joined).Groups["file"].Value;
        Assert.Contains($"--share {World}", joined, StringComparison.Ordinal);
        await using (var client = TypedCommand.Type(Line("--login-uri").Replace("FILE", file, StringComparison.Ordinal), visitor))
        {
            await client.UntilAsync("What it does");
            Uri login = new(Login().Match(client.Said).Value);
            await using SimulatedViewer viewer = await SimulatedViewer.LoginAsync(login);
            Assert.True((await viewer.Assets.FetchAsync([new SceneAsset(0, Guid.Parse("6c0ca000-0000-4000-8000-000000000003"))])).Ok);
            await viewer.LogoutAsync();
            await client.EndAsync();
        }

        string member = Client().Match(await TypedCommand.RunAsync(Line("-- members"), owner)).Groups["id"].Value;
        await TypedCommand.RunAsync(Line("trust CLIENT on").Replace("CLIENT", member, StringComparison.Ordinal), owner);
        string mine = Directory.CreateDirectory(Path.Combine(folder.Path, "mine")).FullName;
        File.Copy(Repository.Vector("assets/6c0ca000-0000-4000-8000-000000000001"), Path.Combine(mine, "6c0ca000-0000-4000-8000-000000000001.j2c"));
        File.Copy(Repository.Vector("assets/6c0ca000-0000-4000-8000-000000000011"), Path.Combine(mine, "6c0ca000-0000-4000-8000-000000000011.ogg"));
        string import = Line("--folder FOLDER").Replace("FOLDER", mine, StringComparison.Ordinal).Replace("FILE", file, StringComparison.Ordinal);
        Assert.Contains("2 sent", await TypedCommand.RunAsync(import, visitor), StringComparison.Ordinal);
        Assert.Contains("0 sent (0 B), 2 there already", await TypedCommand.RunAsync(import, visitor), StringComparison.Ordinal);

        await TypedCommand.RunAsync(Line("-- ban "), owner);
        Assert.Contains("1", await TypedCommand.RunAsync(Line("-- bans"), owner), StringComparison.Ordinal);
        await TypedCommand.RunAsync(Line("-- unban "), owner);
        await TypedCommand.RunAsync(Line("purge --all --yes"), visitor);
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(visitor, "config")));
        await master.EndAsync();
    }

    [Fact]
    public async Task One_machine_of_ones_own_with_a_public_address()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page's commands are for a Unix shell");
        using var folder = new TemporaryFolder();
        // The address stands for the public one; port 53 is root's.
        string Here(string line) => line.Replace("203.0.113.5", "127.46.0.5", StringComparison.Ordinal).Replace("203-0-113-5", "127-46-0-5", StringComparison.Ordinal)
            .Replace(":53 ", ":12053 ", StringComparison.Ordinal).Replace("FOLDER", Path.Combine(folder.Path, "grid"), StringComparison.Ordinal);
        await using var master = TypedCommand.Type(Here(Line("--nodes 203.0.113.5=127.0.0.1")), folder.Path);
        await master.UntilAsync("An invite, for one person: ");
        await using var node = TypedCommand.Type(Here(Line("--member 203-0-113-5")), folder.Path);
        await node.UntilAsync("Serving on 127.46.0.5:12443");
        using var http = new HttpClient();
        string figures = "";
        for (int i = 0; i < 300 && !figures.Contains("\ngc_master_dns_addresses 1\n", StringComparison.Ordinal); i++)
        {
            await Task.Delay(200);
            figures = await http.GetStringAsync("http://127.0.0.1:12441/metrics");
        }
        Assert.Contains("\ngc_master_dns_addresses 1\n", figures, StringComparison.Ordinal);
        Assert.Contains("\ngc_master_silent_nodes 0\n", figures, StringComparison.Ordinal);
        await node.EndAsync();
        await master.EndAsync();
    }

    [Fact]
    public async Task Friends_share_a_node()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "the page's commands are for a Unix shell");
        using var folder = new TemporaryFolder();
        string owner = Directory.CreateDirectory(Path.Combine(folder.Path, "owner")).FullName, friend = Directory.CreateDirectory(Path.Combine(folder.Path, "friend")).FullName;
        string[] readme = [.. Commands.Of(File.ReadAllText(Path.Combine(Repository.Root, "README.md")))];
        string Readme(string with) => readme.First(c => c.Contains(with, StringComparison.Ordinal)).Replace("192.168.1.10", "127.46.0.7", StringComparison.Ordinal);
        await using var node = TypedCommand.Type(Readme("--project node -- --listen"), owner);
        await node.UntilAsync("Serving on 127.46.0.7:12443");
        string invite = Invite().Match(await TypedCommand.RunAsync(Readme("--project node -- invite"), owner)).Value;
        string joined = await TypedCommand.RunAsync(Readme("-- join INVITE").Replace("INVITE", invite, StringComparison.Ordinal), friend);
        string file = Told().Match(joined).Groups["file"].Value;
        // Who belongs invites another.
        string second = Invite().Match(await TypedCommand.RunAsync($"dotnet run --project client -- invite --grid {file} --share login.example.org:8002", friend)).Value;
        Assert.NotEqual(invite, second);
        Assert.Single(Client().Matches(await TypedCommand.RunAsync("dotnet run --project node -- members", owner)));
        Assert.Contains("login.example.org:8002", await TypedCommand.RunAsync("dotnet run --project node -- policy show", owner), StringComparison.Ordinal);
        await node.EndAsync();
    }

    /// <summary>The page's one command that has this in it.</summary>
    private static string Line(string with) => Commands.Of(s_page).First(c => c.Contains(with, StringComparison.Ordinal));

    [GeneratedRegex(@"\S+@127\.46\.0\.7:12443", RegexOptions.None, 1000)]
    private static partial Regex Invite();

    [GeneratedRegex(@"--grid (?<file>\S+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Told();

    [GeneratedRegex(@"(?<=--loginuri )http://\S+", RegexOptions.None, 1000)]
    private static partial Regex Login();

    [GeneratedRegex(@"^client (?<id>\S+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Client();
}
