using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using GlobalCache.Master.Dashboard;
using GlobalCache.Tests.Dashboard;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Docs;

/// <summary>docs/OBSERVABILITY.md names every figure that master and node tell, and dashboard and rules no other.</summary>
public sealed partial class ObservabilityTests
{
    private const string Begin = "<!-- metrics: METRICS=write -->\n", End = "<!-- metrics -->\n";

    private static readonly string s_docs = Path.Combine(Repository.Root, "docs");

    [Fact]
    public void The_table_is_what_the_programs_tell()
    {
        string path = Path.Combine(s_docs, "OBSERVABILITY.md"), page = File.ReadAllText(path);
        int from = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to >= from, "The page has no place for the table.");
        var table = new StringBuilder("| figure | kind | what it tells |\n|---|---|---|\n");
        foreach ((string name, string kind, string help) in All()) table.Append($"| `{name}` | {kind} | {help.Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        if (Environment.GetEnvironmentVariable("METRICS") == "write") File.WriteAllText(path, page[..from] + table + page[to..]);
        else Assert.Equal(table.ToString(), page[from..to]);
    }

    [Fact]
    public void The_clients_figures_are_named()
    {
        string page = File.ReadAllText(Path.Combine(s_docs, "OBSERVABILITY.md"));
        string[] names = [.. ClientNames().Matches(File.ReadAllText(Path.Combine(Repository.Root, "client", "ClientMetrics.cs"))).Select(m => m.Value)];
        Assert.True(names.Length >= 11);
        Assert.All(names, name => Assert.Contains($"`{name}`", page.Replace("`.", "`globalcache.client.", StringComparison.Ordinal), StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("grafana-dashboard.json", 25)]
    [InlineData("alerts.yml", 8)]
    public void Dashboard_and_rules_ask_for_figures_that_there_are(string file, int least)
    {
        HashSet<string> there = [.. All().Select(f => f.Name)];
        string[] asked = [.. Names().Matches(File.ReadAllText(Path.Combine(s_docs, "observability", file))).Select(m => m.Value).Distinct()];
        Assert.True(asked.Length >= least, $"{asked.Length} figures are asked for");
        Assert.All(asked, name => Assert.Contains(name, there));
    }

    [Fact]
    public void Every_alert_says_what_to_do_on_this_page()
    {
        string page = File.ReadAllText(Path.Combine(s_docs, "OBSERVABILITY.md"));
        string rules = File.ReadAllText(Path.Combine(s_docs, "observability", "alerts.yml"));
        string[] alerts = [.. Alerts().Matches(rules).Select(m => m.Groups["name"].Value)];
        Assert.True(alerts.Length >= 9);
        Assert.All(alerts, alert =>
        {
            Assert.Contains($"\n### {alert}\n", page, StringComparison.Ordinal);
            Assert.Contains($"OBSERVABILITY.md#{alert.ToLowerInvariant()}\"", rules, StringComparison.Ordinal);
        });
        using JsonDocument dashboard = JsonDocument.Parse(File.ReadAllText(Path.Combine(s_docs, "observability", "grafana-dashboard.json")));
        int[] ids = [.. dashboard.RootElement.GetProperty("panels").EnumerateArray().Select(p => p.GetProperty("id").GetInt32())];
        Assert.Equal(ids.Length, ids.Distinct().Count());
    }

    /// <summary>A master's from what it says on a busy day; a node's from its sources, since some are told only where there is a disk cache.</summary>
    private static IEnumerable<(string Name, string Kind, string Help)> All()
    {
        string[] lines = Figures.Of(new SampleDay().Pass(1440).Look()).Split('\n');
        foreach (string help in lines.Where(l => l.StartsWith("# HELP ", StringComparison.Ordinal)))
        {
            string[] words = help.Split(' ', 4);
            yield return (words[2], lines.First(l => l.StartsWith($"# TYPE {words[2]} ", StringComparison.Ordinal)).Split(' ')[3], words[3]);
        }
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "node"), "*.cs", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
            foreach (Match told in Told().Matches(File.ReadAllText(file))) yield return (told.Groups["name"].Value, told.Groups["how"].Value == "Count" ? "counter" : "gauge", told.Groups["help"].Value);
    }

    [GeneratedRegex(@"\bgc_(master|node)_[a-z_]+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Names();

    [GeneratedRegex(@"(?<="")globalcache\.client\.[a-z.]+", RegexOptions.None, 1000)]
    private static partial Regex ClientNames();

    [GeneratedRegex(@"- alert: (?<name>\w+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Alerts();

    [GeneratedRegex(@"\b(?<how>Count|Show)\(""(?<name>gc_node_[a-z_]+)"", ""(?<help>[^""]+)""", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Told();
}
