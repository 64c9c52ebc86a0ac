using System.Collections;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using GlobalCache.Policy;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Docs;

/// <summary>The tables of limits are the records' own words and values: <c>LIMITS=write</c> writes them anew.</summary>
public sealed partial class LimitsTests
{
    private const string Begin = "<!-- limits: LIMITS=write -->\n", End = "<!-- limits -->\n";

    private static readonly Dictionary<string, XElement> s_words = XDocument.Load(Path.ChangeExtension(typeof(GridPolicy).Assembly.Location, ".xml")).Descendants("member")
        .ToDictionary(m => (string)m.Attribute("name")!, StringComparer.Ordinal);

    private static readonly (string Title, Type Record)[] s_all =
        [("Clients", typeof(ClientLimits)), ("Quotas", typeof(QuotaPolicy)), ("Vouching", typeof(VouchingPolicy)), ("Scaling", typeof(ScalingPolicy)), ("A node's life", typeof(LifePolicy)), ("Fleet", typeof(FleetPolicy))];

    [Theory]
    [InlineData("README.md", 1)]
    [InlineData("docs/LIMITS.md", 6)]
    public void The_tables_are_the_records_own(string file, int records)
    {
        string path = Path.Combine(Repository.Root, file), page = File.ReadAllText(path);
        int from = page.IndexOf(Begin, StringComparison.Ordinal) + Begin.Length, to = page.IndexOf(End, StringComparison.Ordinal);
        Assert.True(from >= Begin.Length && to >= from, $"{file} has no place for the table.");
        string table = string.Concat((records == 1 ? s_all[1..2] : s_all).Select(r => (records == 1 ? "" : $"## {r.Title}\n\n") + TableOf(r.Record) + (records == 1 ? "" : "\n")));
        if (Environment.GetEnvironmentVariable("LIMITS") == "write") File.WriteAllText(path, page[..from] + table + page[to..]);
        else Assert.Equal(table, page[from..to]);
    }

    [Fact]
    public void Every_public_member_of_policy_says_what_it_is_and_every_limit_its_default()
    {
        var silent = new List<string>();
        foreach (Type type in typeof(GridPolicy).Assembly.GetExportedTypes())
        {
            if (!Says($"T:{type.FullName!.Replace('+', '.')}")) silent.Add(type.Name);
            foreach (PropertyInfo property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            {
                // A positional record's properties are its type's parameters.
                bool isParameter = s_words.TryGetValue($"T:{type.FullName.Replace('+', '.')}", out XElement? words) && words.Elements("param").Any(p => (string?)p.Attribute("name") == property.Name);
                if (!isParameter && property.GetCustomAttribute<System.Runtime.CompilerServices.CompilerGeneratedAttribute>() is null && property.GetIndexParameters().Length == 0
                    && property.Name != "EqualityContract" && !Says(NameOf(property))) silent.Add($"{type.Name}.{property.Name}");
            }
        }
        Assert.Empty(silent);
        string[] plain = [.. s_all.SelectMany(r => LimitsOf(r.Record)).Where(p => p.PropertyType.IsPrimitive || p.PropertyType == typeof(TimeSpan)).Where(p => !Text(p).Contains("Default", StringComparison.Ordinal)).Select(p => $"{p.DeclaringType!.Name}.{p.Name}")];
        Assert.Empty(plain);
    }

    private static string TableOf(Type record)
    {
        object defaults = Activator.CreateInstance(record)!;
        var table = new StringBuilder("| limit | default | |\n|---|---|---|\n");
        foreach (PropertyInfo property in LimitsOf(record)) table.Append(CultureInfo.InvariantCulture, $"| `{NameIn(record, property.Name)}` | {Shown(property.GetValue(defaults))} | {Text(property).Replace("|", "\\|", StringComparison.Ordinal)} |\n");
        return table.ToString();
    }

    private static IEnumerable<PropertyInfo> LimitsOf(Type record) => record.GetProperties(BindingFlags.Public | BindingFlags.Instance | BindingFlags.DeclaredOnly).Where(p => p.SetMethod is not null && p.Name != "EqualityContract");

    /// <summary>As the files write it: the client's own by its property, a policy in camel case.</summary>
    private static string NameIn(Type record, string name) => record == typeof(ClientLimits) ? name : char.ToLowerInvariant(name[0]) + name[1..];

    private static string NameOf(PropertyInfo property) => $"P:{property.DeclaringType!.FullName!.Replace('+', '.')}.{property.Name}";

    private static bool Says(string name) => s_words.TryGetValue(name, out XElement? words) && (words.Element("inheritdoc") is not null || words.Value.Trim().Length > 0);

    private static string Text(PropertyInfo property)
    {
        XElement member = s_words[NameOf(property)];
        while (member.Element("inheritdoc") is { } other) member = s_words[(string)other.Attribute("cref")!];
        XElement words = member.Element("summary")!;
        string text = string.Concat(words.Nodes().Select(n => n is XElement e ? (e.Attribute("cref") is { } cref ? $"`{NameIn(property.DeclaringType!, ((string)cref)[(((string)cref).LastIndexOf('.') + 1)..])}`" : $"`{e.Value}`") : n.ToString()));
        return Spaces().Replace(System.Net.WebUtility.HtmlDecode(text), " ").Trim();
    }

    private static string Shown(object? value) => value switch
    {
        null => "none",
        TimeSpan time => time.TotalSeconds is > 0 and < 1 ? $"{time.TotalMilliseconds} ms" : time.TotalSeconds < 120 ? $"{time.TotalSeconds} s" : time.TotalMinutes < 120 ? $"{time.TotalMinutes} min" : time.TotalHours < 72 ? $"{time.TotalHours} h" : $"{time.TotalDays} d",
        bool on => on ? "yes" : "no",
        long or int => ((IFormattable)value).ToString("#,0", CultureInfo.InvariantCulture).Replace(',', ' '),
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        string text => text.Length == 0 ? "none" : text,
        ICollection many => many.Count == 0 ? "none" : $"{many.Count}",
        _ => "see below",
    };

    [GeneratedRegex(@"\s+", RegexOptions.None, 1000)]
    private static partial Regex Spaces();
}
