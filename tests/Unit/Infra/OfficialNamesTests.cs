using System.Collections;
using System.Reflection;
using Pulumi;

namespace GlobalCache.Tests.Infra;

/// <summary>Every type and input that the stack declares, against the official package: known, not deprecated, of the right kind, and with all that is required.</summary>
public sealed class OfficialNamesTests
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
