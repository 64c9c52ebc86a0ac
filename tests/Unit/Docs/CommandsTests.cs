using GlobalCache.Client.Ways;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Docs;

/// <summary>
/// Every command that a page tells people to type is one that its program takes, with options that it has. Those of docs/OWNERS.md are done too (<see cref="OwnersTryOutTests"/>), README's first two
/// by <c>.ci/fresh-root</c>; docs/OPERATIONS.md, which needs AWS, has a test of its own.
/// </summary>
public sealed class CommandsTests
{
    private static readonly string s_sample = Path.Combine(Repository.Root, "tests", "Unit", "Compatibility", "Samples", "v1", "grid", "grid.json");

    /// <summary>What stands for something of the reader's.</summary>
    private static readonly (string Word, string For)[] s_words =
    [
        ("INVITE", "AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA@127.0.0.1:1"), ("FILE", s_sample), ("FOLDER", "folder"), ("CLIENT", "c1"), ("NAME", "n1"), ("MASTER", "203.0.113.7"), ("VIEWER", "sh"),
        ("ADDRESS", "10.0.0.5:12441"), ("YOUR.GRID", "grid.example.org"), ("firestorm", "sh"), ("secondlife", "sh"), ("…", "login.example.org"),
    ];

    /// <summary>Programs that are not ours, as far as pages name them.</summary>
    private static readonly string[] s_others =
    [
        "dotnet build", "dotnet test", "dotnet format", "dotnet restore", "dotnet publish", "dotnet tool uninstall --global globalcache", "systemctl --user enable --now globalcache", "apt remove globalcache",
        "apt-get install", "pulumi up", "pulumi preview",
    ];

    public static TheoryData<string> Pages() =>
    [
        "README.md", "CONTRIBUTING.md",
        .. Directory.GetFiles(Path.Combine(Repository.Root, "docs"), "*.md").Select(f => "docs/" + Path.GetFileName(f)).Where(f => f != "docs/OPERATIONS.md").Order(StringComparer.Ordinal),
    ];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_command_is_one_that_its_program_takes(string page)
    {
        foreach (string command in Commands.Of(File.ReadAllText(Path.Combine(Repository.Root, page))).Where(c => !c.Contains("-->", StringComparison.Ordinal) && !c.Contains('[', StringComparison.Ordinal)))
        {
            // Variables before it are the shell's.
            string[] words = [.. command.Split(' ').SkipWhile(w => w.Contains('=', StringComparison.Ordinal) && char.IsAsciiLetterUpper(w[0]))];
            if (words.Length > 0) Judge(words, $"{page}: {command}");
        }
    }

    [Fact]
    public void Pages_have_commands_and_a_wrong_one_is_found()
    {
        Assert.True(Pages().Sum(p => Commands.Of(File.ReadAllText(Path.Combine(Repository.Root, p.Data))).Count()) > 80);
        foreach (string wrong in (string[])["globalcache --shar x", "globalcache statistics", "dotnet run --project master -- ban x", "dotnet run --project node -- --member 1.2.3.4", "dotnet run --project nothing", ".ci/nothing", "rm -rf /"])
            Assert.ThrowsAny<Xunit.Sdk.XunitException>(() => Judge(wrong.Split(' '), wrong));
    }

    private static void Judge(string[] words, string where)
    {
        string line = string.Join(' ', words);
        if (words[0].StartsWith(".ci/", StringComparison.Ordinal)) Assert.True(File.Exists(Path.Combine(Repository.Root, words[0])), where);
        else if (words is ["dotnet", "run", ..])
        {
            string project = words[Array.IndexOf(words, "--project") + 1];
            string folder = Path.Combine(Repository.Root, project);
            Assert.True(Directory.Exists(folder) && Directory.GetFiles(folder, "*.csproj").Length == 1, where);
            Read(project, [.. words.SkipWhile(w => w != "--").Skip(1)], where);
        }
        else if (words[0] is "globalcache" or "globalcache-node" or "globalcache-master") Read(words[0] switch { "globalcache" => "client", "globalcache-node" => "node", _ => "master" }, words[1..], where);
        else Assert.True(s_others.Any(o => (line + " ").StartsWith(o + " ", StringComparison.Ordinal)), $"{where}: of a program that no page may name yet");
    }

    private static void Read(string project, string[] said, string where)
    {
        string[] args = [.. said.Select(Meant)];
        switch (project)
        {
            case "client" when args is ["join", ..]:
                Assert.True(JoinLine.Read(args) is not null, where);
                break;
            case "client":
                GlobalCache.Client.CommandLine client = GlobalCache.Client.CommandLine.Read([.. args]);
                Assert.True(client.Errors.Where(e => !e.Contains("is not shared by this cache grid", StringComparison.Ordinal)).ToArray() is [], $"{where}: {string.Join(' ', client.Errors)}");
                Assert.True(args.All(a => a.StartsWith('-') || a == client.Command || IsValue(args, a) || client.Viewer.Contains(a)), $"{where}: there is no such command");
                break;
            case "node":
                GlobalCache.Node.CommandLine node = GlobalCache.Node.CommandLine.Read(args, TimeProvider.System, WatchedLog.Unread.CreateLogger("x"));
                Assert.True(node.Errors.Count == 0, $"{where}: {string.Join(' ', node.Errors)}");
                break;
            case "master":
                GlobalCache.Master.CommandLine master = GlobalCache.Master.CommandLine.Read(args, TimeProvider.System, WatchedLog.Unread.CreateLogger("x"));
                Assert.True(master.Errors.Count == 0, $"{where}: {string.Join(' ', master.Errors)}");
                break;
            default:
                // Programs of the tests take words by hand: each must at least stand in their sources. Chaos starts Live.
                string[] folders = project == "tests/Chaos" ? [project, "tests/Live"] : [project];
                string sources = string.Concat(folders.SelectMany(f => Directory.GetFiles(Path.Combine(Repository.Root, f), "*.cs", SearchOption.AllDirectories)).Select(File.ReadAllText));
                Assert.All(args.Where(a => a.StartsWith("--", StringComparison.Ordinal) || (!double.TryParse(a, out _) && !IsValue(args, a))), a => Assert.True(sources.Contains($"\"{a}\"", StringComparison.Ordinal) || sources.Contains($"{a} ", StringComparison.Ordinal), $"{where}: {a}"));
                break;
        }
    }

    private static bool IsValue(string[] args, string word) => Array.IndexOf(args, word) is > 0 and var at && args[at - 1].StartsWith("--", StringComparison.Ordinal);

    private static string Meant(string word)
    {
        foreach ((string placeholder, string meant) in s_words) word = word.Replace(placeholder, meant, StringComparison.Ordinal);
        return word;
    }
}
