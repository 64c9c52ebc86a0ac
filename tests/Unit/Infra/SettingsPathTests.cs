using System.Globalization;
using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using GlobalCache.Infra;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Wire;
using Pulumi;

namespace GlobalCache.Tests.Infra;

/// <summary>
/// Every constant of the policy goes all the way: from the stack's file through the preview's check into the parameter, from there into the running master, and with
/// the control document to nodes. A new one without such a path fails here; so does a setting of the stack that changes nothing.
/// </summary>
public sealed class SettingsPathTests
{
    private static readonly JsonSerializerOptions s_web = new(JsonSerializerDefaults.Web);

    public static TheoryData<string> Constants => [.. Leaves(typeof(GridPolicy), "")];

    [Theory]
    [MemberData(nameof(Constants))]
    public void A_changed_constant_reaches_master_and_nodes(string path)
    {
        (JsonObject file, GridPolicy expected) = Changed(path);
        Dictionary<string, string> config = SampleRun.Config(
            ("globalcache:policy", file.ToJsonString()), ("globalcache:network", "10.0.0.0/16"), ("globalcache:prices", """[{"name":"x9.large","pricePerHour":0.25,"processors":4,"linkBytesPerSecond":1000000}]"""));

        // The stack's file → preview → parameter.
        Recording up = SampleRun.Run(config, zones: 6);
        string parameter = (string)Assert.Single(up.Resources, r => r.Type == "aws:ssm/parameter:Parameter" && (string)r.Inputs["name"]! == new StackParameters("one").Policy).Inputs["insecureValue"]!;
        // Parameter → master.
        GridPolicy? master = GlobalCache.Master.Policy.PolicyText.Read(Encoding.UTF8.GetBytes(parameter), out IReadOnlyList<string> wrong);
        Assert.Empty(wrong);
        Assert.Equal(Value(expected, path), Value(master!, path));
        // Master → control document → nodes.
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] control = ControlEnvelope.TrySign(new ControlDocument { Sequence = 1, Issued = DateTimeOffset.UnixEpoch, Policy = master! }, key, out wrong)!;
        Assert.Empty(wrong);
        Assert.Equal(ControlFault.None, ControlEnvelope.Open(control, key, out ControlDocument? read));
        GridPolicy nodes = read!.Policy;
        Assert.Equal(Value(expected, path), Value(nodes, path));
        // And it was another than the default's.
        Assert.NotEqual(Value(SettingsFile.Read("one", SampleRun.Config(), out _)!.Policy, path), Value(nodes, path));
    }

    [Fact]
    public void There_is_no_constant_that_this_does_not_look_at() => Assert.True(Constants.Count > 95, $"{Constants.Count} constants");

    [Theory]
    [InlineData("zone", "other.example.org")]
    [InlineData("adminCodeHash", "ff112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")]
    [InlineData("alarmEmail", "other@example.org")]
    [InlineData("monthlyBudget", "77")]
    [InlineData("network", "10.78.0.0/20")]
    [InlineData("masterType", "t3.medium")]
    [InlineData("logDays", "60")]
    [InlineData("imageRevision", "3")]
    [InlineData("previousImage", "ami-0fedcba9876543210")]
    [InlineData("prices", """[{"name":"c6i.large","pricePerHour":0.5}]""")]
    [InlineData("policy", """{"scaling":{"capacity":60}}""")]
    public void A_changed_setting_changes_what_is_declared(string setting, string value)
    {
        string before = Text(SampleRun.Run()), after = Text(SampleRun.Run(SampleRun.Config((SettingsFile.Project + setting, value))));
        Assert.NotEqual(before, after);
    }

    [Fact]
    public void Every_setting_is_among_those()
    {
        IEnumerable<string> looked = typeof(SettingsPathTests).GetMethod(nameof(A_changed_setting_changes_what_is_declared))!.GetCustomAttributes<InlineDataAttribute>().Select(a => (string)a.Data[0]!);
        Assert.Equal(SettingsFile.Known.Keys.Order(), looked.Order());
    }

    [Fact]
    public void A_changed_threshold_replaces_and_restarts_nothing()
    {
        Recording before = SampleRun.Run(), after = SampleRun.Run(SampleRun.Config(("globalcache:policy", """{"scaling":{"capacity":60},"quotas":{"perHour":20000},"vouching":{"lead":3}}""")));
        string[] changed = [.. before.Resources.Zip(after.Resources).Where(both => Text(both.First) != Text(both.Second)).Select(both => both.First.Type + " " + both.First.Name)];
        Assert.Equal(["aws:ssm/parameter:Parameter policy"], changed);
    }

    private static string Text(Recording recording) => string.Join('\n', recording.Resources.Select(Text));

    private static string Text(Declared resource) => $"{resource.Type} {resource.Name} " + string.Join(' ', SampleRun.Values(resource.Inputs).Select(v => v.Path + "=" + (v.Value as AssetOrArchive)?.GetType().Name + v.Value));

    /// <summary>Names of all that can be set, as the yaml has them; of a list, its first item's.</summary>
    private static IEnumerable<string> Leaves(Type record, string path)
    {
        foreach (PropertyInfo member in PolicyShape.Members(record))
        {
            string name = path + JsonNamingPolicy.CamelCase.ConvertName(member.Name);
            Type? item = PolicyShape.ItemOf(member.PropertyType);
            if (PolicyShape.IsRecord(member.PropertyType)) foreach (string leaf in Leaves(member.PropertyType, name + ".")) yield return leaf;
            else if (item is not null && PolicyShape.IsRecord(item)) foreach (string leaf in Leaves(item, name + ".0.")) yield return leaf;
            else yield return name;
        }
    }

    /// <summary>A file that sets one constant otherwise than its default, to something valid.</summary>
    private static (JsonObject File, GridPolicy Expected) Changed(string path)
    {
        var presets = (JsonObject)JsonNode.Parse(new GridPolicy { Grids = [new SharedGrid { Id = "g.example.net", Authorities = ["a.example.net"] }] }.ToJson())!;
        JsonNode? preset = path.Split('.').Aggregate((JsonNode?)presets, (node, name) => node is JsonArray list ? list[int.Parse(name, CultureInfo.InvariantCulture)] : node?[name]);
        foreach (JsonNode candidate in Candidates(path, preset))
        {
            JsonObject file = File(path, candidate);
            JsonObject whole = Merged(presets, file);
            GridPolicy? policy = GlobalCache.Master.Policy.PolicyText.Read(Encoding.UTF8.GetBytes(whole.ToJsonString()), out _);
            if (policy is not null) return (file, policy);
        }

        throw new InvalidOperationException($"No other valid value is known for {path}: say one in {nameof(Candidates)}.");
    }

    private static IEnumerable<JsonNode> Candidates(string path, JsonNode? preset)
    {
        switch (path)
        {
            case "fleet.types.0.name": return [JsonValue.Create("x9.large")];
            case "fleet.currency": return [JsonValue.Create("EUR")];
            case "scaling.life.drainLeast": return [JsonValue.Create("00:05:00")];
        }

        if (preset is JsonArray) return [new JsonArray("other.example.net")];
        if (preset!.GetValueKind() is JsonValueKind.True or JsonValueKind.False) return [JsonValue.Create(!preset.GetValue<bool>())];
        if (preset.GetValueKind() == JsonValueKind.Number)
        {
            decimal number = decimal.Parse(preset.ToJsonString(), NumberStyles.Float, CultureInfo.InvariantCulture);
            return [.. new[] { number + 1, number * 0.99m, number * 1.01m, number - 1 }.Select(n => (JsonNode)JsonValue.Create(n))];
        }

        return TimeSpan.TryParse((string)preset!, CultureInfo.InvariantCulture, out TimeSpan time)
            ? [.. new[] { time * 1.2, time + TimeSpan.FromSeconds(1), time * 0.8 }.Select(t => (JsonNode)JsonValue.Create(t.ToString("c", CultureInfo.InvariantCulture)))]
            : [JsonValue.Create("other." + (string)preset!)];
    }

    private static JsonObject File(string path, JsonNode value)
    {
        string[] names = path.Split('.');
        JsonNode node = value;
        foreach (string name in names.Reverse()) node = name == "0" ? new JsonArray(node) : new JsonObject { [name] = node };
        var file = (JsonObject)node;
        // A machine type and a world have names.
        if (file["fleet"]?["types"]?[0] is JsonObject type) type["name"] ??= "x9.large";
        if (file["grids"]?[0] is JsonObject grid) grid["id"] ??= "g.example.net";
        return file;
    }

    private static JsonObject Merged(JsonObject presets, JsonObject file)
    {
        var whole = (JsonObject)presets.DeepClone();
        foreach ((string name, JsonNode? value) in file)
        {
            if (value is JsonObject part && whole[name] is JsonObject there) whole[name] = Merged(there, part);
            else if (value is JsonArray { Count: 1 } list && list[0] is JsonObject item && whole[name] is JsonArray known) whole[name] = new JsonArray(Merged((JsonObject)known[0]!, item));
            else whole[name] = value?.DeepClone();
        }

        return whole;
    }

    private static string Value(GridPolicy policy, string path) =>
        path.Split('.').Aggregate((JsonNode?)JsonNode.Parse(policy.ToJson()), (node, name) => node is JsonArray list ? list.ElementAtOrDefault(int.Parse(name, CultureInfo.InvariantCulture)) : node?[name])?.ToJsonString(s_web) ?? "null";
}
