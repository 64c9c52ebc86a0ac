using System.Collections.Frozen;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentValidation.Results;
using GlobalCache.Policy;

namespace GlobalCache.Infra;

/// <summary>
/// Reads a stack's configuration as the engine hands it over: every key with its value, structures as JSON. What is wrong with it is found in one go, whatever it is: a
/// setting that does not exist, one that cannot be read, one that is out of range or does not go with another.
/// </summary>
internal static class SettingsFile
{
    /// <summary>Before the name of every setting of ours.</summary>
    public const string Project = "globalcache:";

    private const string RegionKey = "aws:region";
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8, RespectNullableAnnotations = true };

    /// <summary>Every setting of ours, and what it is.</summary>
    public static FrozenDictionary<string, Type> Known { get; } = new Dictionary<string, Type>
    {
        ["zone"] = typeof(string),
        ["adminCodeHash"] = typeof(string),
        ["alarmEmail"] = typeof(string),
        ["monthlyBudget"] = typeof(decimal),
        ["network"] = typeof(string),
        ["masterType"] = typeof(string),
        ["logDays"] = typeof(int),
        ["imageRevision"] = typeof(int),
        ["previousImage"] = typeof(string),
        ["prices"] = typeof(IReadOnlyList<PricedType>),
        ["policy"] = typeof(GridPolicy),
    }.ToFrozenDictionary();

    /// <summary>Reads it.</summary>
    /// <param name="stack">The stack's name.</param>
    /// <param name="config">By full name, such as <c>globalcache:zone</c>.</param>
    /// <param name="wrong">All that is wrong, a line each, the setting's name first.</param>
    /// <returns>Null: something is wrong.</returns>
    public static Settings? Read(string stack, IReadOnlyDictionary<string, string> config, out IReadOnlyList<string> wrong)
    {
        var errors = new List<string>();
        wrong = errors;
        var given = new Dictionary<string, JsonNode?>();
        foreach ((string key, string value) in config.OrderBy(c => c.Key, StringComparer.Ordinal))
        {
            if (!key.StartsWith(Project, StringComparison.Ordinal)) continue;
            string name = key[Project.Length..];
            if (!Known.TryGetValue(name, out Type? type)) errors.Add($"{key}: there is no such setting.");
            else if (Node(value, type) is not { } node) errors.Add($"{key}: it is no list or structure.");
            else if (PolicyShape.Check(node, type, key, errors) is { } sound) given[name] = sound;
        }

        T? Get<T>(string name) => given.TryGetValue(name, out JsonNode? node) && node is not null ? node.Deserialize<T>(s_json) : default;
        string Required(string name)
        {
            if (!config.ContainsKey(Project + name)) errors.Add($"{Project}{name}: it is not set.");
            return Get<string>(name) ?? "";
        }

        string region = config.GetValueOrDefault(RegionKey) ?? "";
        if (region.Length == 0) errors.Add($"{RegionKey}: it is not set.");
        var defaults = new Settings { Stack = stack, Region = region, Zone = "", AdminCodeHash = "", AlarmEmail = "", Prices = [], Policy = new GridPolicy() };
        IReadOnlyList<PricedType> own = Get<IReadOnlyList<PricedType>>("prices") ?? [];
        PricedType[] prices = [.. own, .. Prices.Of(region).Where(p => own.All(o => o.Name != p.Name))];
        var settings = defaults with
        {
            Zone = Required("zone"),
            AdminCodeHash = Required("adminCodeHash"),
            AlarmEmail = Required("alarmEmail"),
            MonthlyBudget = given.ContainsKey("monthlyBudget") ? Get<decimal>("monthlyBudget") : null,
            Network = Get<string>("network") ?? defaults.Network,
            MasterType = Get<string>("masterType") ?? defaults.MasterType,
            LogDays = given.ContainsKey("logDays") ? Get<int>("logDays") : defaults.LogDays,
            ImageRevision = Get<int>("imageRevision"),
            PreviousImage = Get<string>("previousImage"),
            Prices = prices,
            Policy = ((JsonObject?)given.GetValueOrDefault("policy") ?? []).WithPrices(prices).Deserialize<GridPolicy>(s_json)!,
        };
        // What is not set, or not readable, has been said; the rest is looked at all the same.
        foreach (ValidationFailure failure in new SettingsValidator().Validate(settings).Errors)
        {
            string name = NameOf(failure.PropertyName);
            if (!errors.Any(e => e.StartsWith(name + ":", StringComparison.Ordinal) || (name.StartsWith("globalcache:policy.fleet.types", StringComparison.Ordinal) && e.StartsWith(name, StringComparison.Ordinal))))
                errors.Add($"{name}: {failure.ErrorMessage}");
        }

        return errors.Count == 0 ? settings : null;
    }

    /// <summary>A property's path as the yaml has it, such as <c>globalcache:policy.scaling.max</c>.</summary>
    private static string NameOf(string property) => property switch
    {
        nameof(Settings.Stack) => "stack",
        nameof(Settings.Region) => RegionKey,
        _ => Project + string.Join('.', property.Split('.').Select(JsonNamingPolicy.CamelCase.ConvertName)),
    };

    private static JsonNode? Node(string value, Type type)
    {
        if (type == typeof(string)) return JsonValue.Create(value);
        try
        {
            JsonNode? node = JsonNode.Parse(value);
            return type == typeof(GridPolicy) ? node as JsonObject : type == typeof(IReadOnlyList<PricedType>) ? node as JsonArray : node;
        }
        catch (JsonException)
        {
            // A plain word where a number is wanted: said when it is read.
            return type == typeof(GridPolicy) || type == typeof(IReadOnlyList<PricedType>) ? null : JsonValue.Create(value);
        }
    }

    /// <summary>Machine types named without a price, a link or processors have the table's.</summary>
    private static JsonObject WithPrices(this JsonObject policy, PricedType[] prices)
    {
        var whole = (JsonObject)policy.DeepClone();
        if (whole["fleet"] is not JsonObject fleet) whole["fleet"] = fleet = [];
        if (fleet["types"] is not JsonArray types) fleet["types"] = types = new JsonArray([.. new FleetPolicy().Types.Select(t => new JsonObject { ["name"] = t.Name })]);
        foreach (JsonObject type in types.OfType<JsonObject>())
        {
            PricedType? priced = prices.FirstOrDefault(p => p.Name == (string?)type["name"]);
            type["name"] ??= "";
            type["pricePerHour"] ??= priced?.PricePerHour ?? 0m;
            if (priced is null) continue;
            type["processors"] ??= priced.Processors;
            type["linkBytesPerSecond"] ??= priced.LinkBytesPerSecond;
        }

        return whole;
    }
}
