using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Docs;

/// <summary>docs/ARCHITECTURE.md shows what the sources are, and the arrows that are not to be are not there.</summary>
public sealed class ArchitectureTests
{
    private const string Begin = "<!-- drawn: ARCHITECTURE=write -->\n", End = "<!-- drawn -->\n";

    private static readonly SourceArrows s_source = new();
    private static readonly string s_page = Path.Combine(Repository.Root, "docs", "ARCHITECTURE.md");

    [Fact]
    public void The_picture_is_the_sources_own()
    {
        string page = File.ReadAllText(s_page);
        int from = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to >= from, "The page has no place for the picture.");
        string drawn = s_source.Draw();
        if (Environment.GetEnvironmentVariable("ARCHITECTURE") == "write") File.WriteAllText(s_page, page[..from] + drawn + page[to..]);
        else Assert.Equal(drawn, page[from..to]);
    }

    [Fact]
    public void Parts_meet_in_policy_and_over_HTTP_alone() => Assert.Equal(
        [("client", "policy"), ("infra", "policy"), ("master", "office"), ("master", "policy"), ("node", "office"), ("node", "policy"), ("office", "policy")],
        s_source.Projects.Order());

    [Fact]
    public void A_core_never_names_an_edge()
    {
        // What is decided without a socket, a request or a disk, and what is made of those.
        string[] cores = ["Lludp", "Circuits", "UdpAssets", "Caps", "Sessions", "Assets", "CacheGrid", "Figures", "Imports", "Store", "Resumption"];
        Refuse("Client", cores, ["Edge", "Ways", "Commands", ""]);
        Refuse("Client", ["Lludp"], [.. cores.Where(c => c != "Lludp")]);
        Refuse("Client", ["Circuits", "UdpAssets"], ["Assets", "CacheGrid", "Store", "Caps"]);
        Refuse("Master", ["Scaling"], ["Fleets", "Nodes", "Zones", "Reconcile", "Dashboard", "Grids", "Operator", ""]);
        Refuse("Master", ["Reconcile"], ["Dashboard", "Grids", "Operator", ""]);
        Refuse("Node", ["Vouching", "Quotas", "Keys"], ["Serving", "Ingest", "Fleet", "Control", ""]);
        Refuse("Policy", ["Assets"], ["Sealing", "Wire", "Cloud"]);
        Refuse("Policy", ["Sealing"], ["Wire", "Cloud"]);
    }

    [Fact]
    public void Policy_and_office_name_nobody_above_them()
    {
        Assert.DoesNotContain(s_source.Arrows, a => a.From.StartsWith("Policy", StringComparison.Ordinal) && !a.To.StartsWith("Policy", StringComparison.Ordinal));
        Assert.DoesNotContain(s_source.Arrows, a => a.From.StartsWith("Office", StringComparison.Ordinal) && !a.To.StartsWith("Office", StringComparison.Ordinal) && !a.To.StartsWith("Policy", StringComparison.Ordinal));
    }

    [Fact]
    public void Every_folder_that_the_readme_names_is_there_and_every_folder_is_named()
    {
        string readme = File.ReadAllText(Path.Combine(Repository.Root, "README.md"));
        string map = readme[readme.IndexOf("## Where things live", StringComparison.Ordinal)..];
        foreach ((string part, string folder, _) in SourceArrows.Parts.Where(p => p.Part is "client" or "node" or "master" or "policy"))
        {
            foreach (string one in Directory.GetDirectories(Path.Combine(Repository.Root, folder)).Select(d => Path.GetFileName(d)!).Where(d => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder, d), "*.cs", SearchOption.AllDirectories).Any()))
                Assert.True(map.Contains($"`{folder}/{one}`", StringComparison.Ordinal) || map.Contains($"`{one}`", StringComparison.Ordinal), $"README names no {part} folder {folder}/{one}.");
        }
    }

    private static void Refuse(string part, string[] from, string[] to)
    {
        Assert.All(from, f => Assert.Contains(s_source.Arrows, a => a.From == $"{part}.{f}" || a.To == $"{part}.{f}"));
        string[] wrong = [.. s_source.Arrows.Where(a => from.Contains(Last(a.From, part)) && to.Contains(Last(a.To, part))).Select(a => $"{a.From} names {a.To}")];
        Assert.Empty(wrong);
    }

    /// <summary>The folder within the part; empty: its root; null: another part's.</summary>
    private static string? Last(string name, string part) => name == part ? "" : name.StartsWith(part + ".", StringComparison.Ordinal) ? name[(part.Length + 1)..] : null;
}
