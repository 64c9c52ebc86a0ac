using System.Collections;
using System.Reflection;
using System.Text.RegularExpressions;
using GlobalCache.Infra;
using GlobalCache.Tests.Support;
using Pulumi;

namespace GlobalCache.Tests.Infra;

/// <summary>Every type and input that the stack declares, against the official package: known, not deprecated, of the right kind, and with all that is required.</summary>
public sealed partial class OfficialNamesTests
{
    private static readonly Recording s_up = SampleRun.Run(SampleRun.Config(("globalcache:previousImage", "ami-0fedcba9876543210")));

    [Fact]
    public void Every_type_is_known_and_none_is_deprecated()
    {
        Typings.AreNeeded();
        Assert.Equal("7.48.0", Typings.Version);
        string[] types = [.. Declared.Select(r => r.Type).Distinct().Order()];
        Assert.Equal(38, types.Length);
        Assert.All(types, t =>
        {
            Assert.True(Typings.Of(t, out bool isDeprecated) is not null, t);
            Assert.False(isDeprecated, t);
        });
    }

    [Fact]
    public void Every_input_is_known_and_none_is_deprecated_or_missing()
    {
        Typings.AreNeeded();
        int looked = 0;
        foreach (Declared resource in Declared) Look(Typings.Of(resource.Type, out _)!, resource.Inputs, $"{resource.Type} {resource.Name}", ref looked);
        Assert.True(looked > 390, $"{looked} inputs were looked at");
    }

    [Fact]
    public void Everything_that_can_have_tags_has_the_stacks()
    {
        Typings.AreNeeded();
        foreach (Declared resource in Declared.Where(r => Typings.Of(r.Type, out _)!.ContainsKey("tags")))
        {
            Assert.True(resource.Inputs.TryGetValue("tags", out object? tags), $"{resource.Type} {resource.Name} has no tags.");
            Assert.Equal("one", ((IDictionary<string, object?>)tags!)["globalcache:stack"]);
            // A machine with a node's tags could be ended by the master as one.
            if (resource.Type == "aws:ec2/instance:Instance") Assert.NotEqual("node", ((IDictionary<string, object?>)tags)["globalcache:role"]);
        }
    }

    /// <summary>What the double knows and the stack does not use is not looked at by a run; it is by this.</summary>
    [Fact]
    public void Whatever_the_double_offers_is_official_too()
    {
        Typings.AreNeeded();
        foreach (Type args in typeof(Recording).Assembly.GetTypes().Where(t => t.IsSubclassOf(typeof(ResourceArgs)) && t.Namespace!.StartsWith("Pulumi.Aws.", StringComparison.Ordinal)))
        {
            string module = args.Namespace!.Split('.')[2].ToLowerInvariant(), name = args.Name[..^"Args".Length];
            IReadOnlyDictionary<string, TypedInput>? known = args.Namespace.EndsWith(".Inputs", StringComparison.Ordinal) ? Typings.Structure($"{module}.{name}")
                : Typings.Of($"aws:{module}/{char.ToLowerInvariant(name[0])}{name[1..]}:{name}", out _);
            Assert.True(known is not null, args.FullName);
            foreach (InputAttribute input in args.GetMembers(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic).Select(m => m.GetCustomAttribute<InputAttribute>()!).Where(i => i is not null))
            {
                Assert.True(known.TryGetValue(input.Name, out TypedInput? official), $"{args.FullName}: {input.Name}");
                Assert.Equal(official.IsRequired, input.IsRequired);
            }
        }
    }

    /// <summary>The official namespaces have thousands of types, the double a few: a name that is unique here may stand for two there, and the stack would not compile.</summary>
    [Fact]
    public void No_name_in_the_stacks_sources_could_mean_two_official_types()
    {
        Typings.AreNeeded();
        Type[] types = typeof(GridStack).Assembly.GetTypes();
        string[] own = [.. types.Where(t => t.Namespace == typeof(GridStack).Namespace).Select(t => t.Name)];
        string[] first = [.. types.Where(t => t.Namespace == nameof(Pulumi) && t.IsPublic).Select(t => t.Name.Split('`')[0])];
        int looked = 0;
        foreach (string file in Directory.EnumerateFiles(Path.Combine(Repository.Root, "infra"), "*.cs"))
        {
            string text = File.ReadAllText(file);
            var meanings = first.Select(name => (Name: name, From: "pulumi")).ToHashSet();
            foreach (string module in Usings().Matches(text).Select(m => m.Groups["module"].Value.ToLowerInvariant())) meanings.UnionWith(Typings.NamesOf(module).Select(name => (name, module)));
            // Our own come first, and so does a name that is explained.
            string[] explained = [.. own, .. Aliases().Matches(text).Select(m => m.Groups["name"].Value)];
            string[] words = [.. Words().Matches(text).Select(m => m.Value).Distinct()];
            looked += meanings.Count;
            Assert.All(meanings.GroupBy(m => m.Name).Where(m => m.Count() > 1 && words.Contains(m.Key) && !explained.Contains(m.Key)),
                m => Assert.Fail($"{Path.GetFileName(file)}: {m.Key} is in {string.Join(" and ", m.Select(x => x.From))}."));
        }

        Assert.True(looked > 2000, $"{looked} names");
    }

    [GeneratedRegex(@"^using Pulumi\.Aws\.(?<module>\w+);", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Usings();

    [GeneratedRegex(@"^using (?<name>\w+) =", RegexOptions.ExplicitCapture | RegexOptions.Multiline, 1000)]
    private static partial Regex Aliases();

    // One behind a dot is a member.
    [GeneratedRegex(@"(?<![.\w])[A-Z]\w+", RegexOptions.None, 1000)]
    private static partial Regex Words();

    private static IEnumerable<Declared> Declared => s_up.Resources.Where(r => !r.IsComponent);

    private static void Look(IReadOnlyDictionary<string, TypedInput> known, IEnumerable<KeyValuePair<string, object?>> given, string where, ref int looked)
    {
        var inputs = given.ToDictionary();
        Assert.All(known.Where(k => k.Value.IsRequired), k => Assert.True(inputs.ContainsKey(k.Key), $"{where} lacks {k.Key}."));
        foreach ((string name, object? value) in inputs)
        {
            looked++;
            Assert.True(known.TryGetValue(name, out TypedInput? official), $"{where}: there is no input {name}.");
            Assert.False(official.IsDeprecated, $"{where}: {name} is deprecated.");
            foreach (object? one in official.Kind.EndsWith("[]", StringComparison.Ordinal) ? (IEnumerable)Assert.IsType<List<object?>>(value) : new[] { value })
            {
                Assert.True(IsA(official.Kind.Replace("[]", "", StringComparison.Ordinal), one), $"{where}: {name} is a {official.Kind}, not {one}.");
                if (official.Nested is { } nested) Look(Typings.Structure(nested)!, (IDictionary<string, object?>)one!, $"{where}.{name}", ref looked);
            }
        }
    }

    private static bool IsA(string kind, object? value) => kind switch
    {
        "string" => value is string,
        "number" => value is int or double,
        "boolean" => value is bool,
        "map" or "structure" => value is IDictionary<string, object?>,
        "asset" => value is AssetOrArchive,
        _ => false,
    };
}
