using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Docs;

/// <summary>
/// Which folder names which, as the sources say: usings, which are exact, since the build refuses one that nothing uses, and what stands in the part's own root, which needs none.
/// </summary>
internal sealed partial class SourceArrows
{
    /// <summary>Parts, with the folder and the namespace of each.</summary>
    public static IReadOnlyList<(string Part, string Folder, string Namespace)> Parts { get; } =
    [
        ("client", "client", "GlobalCache.Client"), ("node", "node", "GlobalCache.Node"), ("master", "master", "GlobalCache.Master"),
        ("office", "master/Office", "GlobalCache.Office"), ("infra", "infra", "GlobalCache.Infra"), ("policy", "policy", "GlobalCache.Policy"),
    ];

    /// <summary>From one namespace to another, without the first word they all share: <c>Client.Edge</c> → <c>Policy.Wire</c>.</summary>
    public IReadOnlySet<(string From, string To)> Arrows { get; }

    /// <summary>From one project file to another, by their parts' names.</summary>
    public IReadOnlySet<(string From, string To)> Projects { get; }

    public SourceArrows()
    {
        var arrows = new HashSet<(string, string)>();
        var projects = new HashSet<(string, string)>();
        foreach ((string part, string folder, string space) in Parts)
        {
            string[] files = [.. Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*.cs", SearchOption.AllDirectories).Where(f => PartOf(f) == part)];
            Dictionary<string, string> texts = files.ToDictionary(f => f, File.ReadAllText);
            string[] roots = [.. texts.Values.Where(t => Space().Match(t).Groups["name"].Value == space).SelectMany(t => Types().Matches(t).Select(m => m.Groups["name"].Value)).Distinct()];
            Regex root = new($@"\b({string.Join('|', roots.DefaultIfEmpty("(?!)"))})\b", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(5));
            foreach (string text in texts.Values)
            {
                string from = Space().Match(text) is { Success: true } named ? named.Groups["name"].Value : space;
                foreach (Match use in Uses().Matches(text)) Add(arrows, from, use.Groups["name"].Value);
                if (from != space && root.IsMatch(Comments().Replace(text, ""))) Add(arrows, from, space);
            }
            XDocument project = XDocument.Load(Directory.GetFiles(Path.Combine(Repository.Root, folder), "*.csproj").Single());
            foreach (XElement reference in project.Descendants("ProjectReference").Where(r => (string?)r.Attribute("ReferenceOutputAssembly") != "false"))
            {
                string path = Path.GetFullPath(Path.Combine(Repository.Root, folder, ((string)reference.Attribute("Include")!).Replace('\\', '/')));
                projects.Add((part, PartOf(path)));
            }
        }
        (Arrows, Projects) = (arrows, projects);
    }

    /// <summary>The picture: every folder, and within each part every arrow. What all of a part's folders may name, policy and for node and master the office, is one arrow of the part's.</summary>
    public string Draw()
    {
        var picture = new StringBuilder("```mermaid\nflowchart TB\n");
        foreach ((string part, _, string space) in Parts)
        {
            string root = Short(space);
            picture.Append($"  subgraph {part}\n");
            foreach (string one in Arrows.SelectMany(a => new[] { a.From, a.To }).Where(n => n.StartsWith(root + ".", StringComparison.Ordinal)).Distinct().Order(StringComparer.Ordinal))
                picture.Append($"    {one}[{one[(root.Length + 1)..]}]\n");
            foreach ((string from, string to) in Arrows.Where(a => a.From.StartsWith(root + ".", StringComparison.Ordinal) && a.To.StartsWith(root + ".", StringComparison.Ordinal)).Order())
                picture.Append($"    {from} --> {to}\n");
            picture.Append("  end\n");
        }
        foreach ((string from, string to) in Projects.Order()) picture.Append($"  {from} ==> {to}\n");
        return picture.Append("```\n").ToString();
    }

    private static void Add(HashSet<(string, string)> arrows, string from, string to)
    {
        // What is named may be a type in a namespace.
        string target = LastIsType(to) ? to[..to.LastIndexOf('.')] : to;
        if (Short(from) != Short(target)) arrows.Add((Short(from), Short(target)));
    }

    private static bool LastIsType(string name) => name.EndsWith(".Log", StringComparison.Ordinal) || name.EndsWith(".WebProxy", StringComparison.Ordinal);

    private static string Short(string space) => space["GlobalCache.".Length..];

    private static string PartOf(string file) => Parts.Where(p => Path.GetRelativePath(Repository.Root, file).Replace('\\', '/').StartsWith(p.Folder + "/", StringComparison.Ordinal)).MaxBy(p => p.Folder.Length).Part;

    [GeneratedRegex(@"^namespace (?<name>GlobalCache[\w.]*);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Space();

    [GeneratedRegex(@"^using (static )?(\w+ = )?(?<name>GlobalCache\.[\w.]+);", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Uses();

    [GeneratedRegex(@"^(public|internal) (static |sealed |abstract |readonly |partial |ref )*(class|record struct|record|struct|enum|interface|delegate [\w<>?]+) (?<name>\w+)", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Types();

    [GeneratedRegex(@"//.*$|^using .*$|""([^""\\\n]|\\.)*""", RegexOptions.Multiline | RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Comments();
}
