using System.Text.RegularExpressions;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Infra;

/// <summary>One input that the official package knows.</summary>
/// <param name="IsRequired">Without it the type cannot be declared.</param>
/// <param name="IsDeprecated">It still works, and should not be used.</param>
/// <param name="Nested">The structure it holds, or a list of, such as <c>s3.BucketVersioningVersioningConfiguration</c>; null: something plain.</param>
/// <param name="Kind"><c>string</c>, <c>number</c>, <c>boolean</c>, <c>map</c>, <c>asset</c> or <c>structure</c>; with <c>[]</c> behind it for a list.</param>
internal sealed record TypedInput(bool IsRequired, bool IsDeprecated, string? Nested, string Kind);

/// <summary>
/// The typings of npm's <c>@pulumi/aws</c>, which are made from the same schema as the .NET package: which types there are, and what they take. Read as text, as far as
/// interfaces of such generated files go.
/// </summary>
internal sealed partial class Typings
{
    private static readonly string s_folder = Path.Combine(Repository.Root, "tests", "Unit", "Infra", "PulumiTypings", "node_modules", "@pulumi", "aws");
    private static readonly Lazy<string> s_inputs = new(() => File.ReadAllText(Path.Combine(s_folder, "types", "input.d.ts")));

    public static void AreNeeded() => Needs.That(Directory.Exists(s_folder), "the typings are not installed: cd tests/Unit/Infra/PulumiTypings && npm ci --ignore-scripts --omit=optional");

    /// <summary>The version installed.</summary>
    public static string Version => VersionLine().Match(File.ReadAllText(Path.Combine(s_folder, "package.json"))).Groups["version"].Value;

    /// <summary>What a type takes; null: there is no such type.</summary>
    /// <param name="token">Such as <c>aws:s3/bucket:Bucket</c>.</param>
    /// <param name="isDeprecated">The type as a whole should not be used.</param>
    public static IReadOnlyDictionary<string, TypedInput>? Of(string token, out bool isDeprecated)
    {
        isDeprecated = false;
        string[] parts = token.Split(':');
        string path = Path.Combine(s_folder, parts[1]);
        if (parts[0] != "aws" || !File.Exists(path + ".js") || !File.ReadAllText(path + ".js").Contains($"'{token}'", StringComparison.Ordinal)) return null;
        string text = File.ReadAllText(path + ".d.ts");
        // A comment right before the class.
        isDeprecated = Regex.IsMatch(text, $@"@deprecated[^/]*\*/\s*export declare class {parts[2]} ", RegexOptions.None, TimeSpan.FromSeconds(5));
        return Members(Body(text, $"export interface {parts[2]}Args {{", "\n}"), indent: 4);
    }

    /// <summary>What a structure takes; null: there is none of the name.</summary>
    /// <param name="name">Module, dot, name.</param>
    public static IReadOnlyDictionary<string, TypedInput>? Structure(string name)
    {
        string[] parts = name.Split('.');
        string module = Body(s_inputs.Value, $"export declare namespace {parts[0]} {{", "\n}");
        string body = Body(module, $"\n    interface {parts[1]} {{", "\n    }");
        return body.Length == 0 ? null : Members(body, indent: 8);
    }

    /// <summary>All names of a module: its types, and the arguments and states that go with them.</summary>
    /// <param name="module">Such as <c>ec2</c>.</param>
    public static IReadOnlySet<string> NamesOf(string module) =>
        File.ReadAllLines(Path.Combine(s_folder, module, "index.d.ts")).SelectMany(l => Exported().Matches(l)).SelectMany(m => m.Groups["name"].Captures).Select(c => c.Value).ToHashSet();

    private static string Body(string text, string opening, string closing)
    {
        int from = text.IndexOf(opening, StringComparison.Ordinal);
        if (from < 0) return "";
        from += opening.Length;
        return text[from..text.IndexOf(closing, from, StringComparison.Ordinal)];
    }

    private static Dictionary<string, TypedInput> Members(string body, int indent)
    {
        var members = new Dictionary<string, TypedInput>();
        bool isDeprecated = false;
        string[] lines = body.Split('\n');
        for (int i = 0; i < lines.Length; i++)
        {
            if (lines[i].TrimStart().StartsWith("* @deprecated", StringComparison.Ordinal)) isDeprecated = true;
            if (lines[i].Length <= indent || lines[i].AsSpan(0, indent).IndexOfAnyExcept(' ') >= 0 || Member().Match(lines[i][indent..]) is not { Success: true } match) continue;
            string type = match.Groups["type"].Value;
            while (!type.EndsWith(';') || type.Count(c => c == '{') != type.Count(c => c == '}')) type += " " + lines[++i].Trim();
            string? nested = Nested().Match(type) is { Success: true } n ? n.Groups["name"].Value : null;
            // Where a plain string is taken as well, it is the string that the stack gives.
            bool isPlain = type.Contains("Input<string", StringComparison.Ordinal);
            members[match.Groups["name"].Value] = new TypedInput(match.Groups["optional"].Length == 0, isDeprecated, isPlain ? null : nested, Kind(type, isPlain ? null : nested));
            isDeprecated = false;
        }

        return members;
    }

    private static string Kind(string type, string? nested)
    {
        string list = type.Contains(">[]", StringComparison.Ordinal) ? "[]" : "";
        if (nested is not null) return "structure" + list;
        if (type.Contains("[key: string]", StringComparison.Ordinal)) return "map";
        if (type.Contains("asset.", StringComparison.Ordinal)) return "asset";
        return (type.Contains("number", StringComparison.Ordinal) ? "number" : type.Contains("boolean", StringComparison.Ordinal) ? "boolean" : "string") + list;
    }

    [GeneratedRegex("\"version\": \"(?<version>[^\"]+)\"", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex VersionLine();

    [GeneratedRegex(@"^(?<name>\w+)(?<optional>\??): (?<type>.*)$", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Member();

    [GeneratedRegex(@"^export (?:type (?<name>\w+) =|\{ (?:(?<name>\w+),? ?)+\} from)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Exported();

    [GeneratedRegex(@"inputs\.(?<name>\w+\.\w+)", RegexOptions.ExplicitCapture, 5000)]
    private static partial Regex Nested();
}
