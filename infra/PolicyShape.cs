using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GlobalCache.Infra;

/// <summary>
/// Compares a structure from the yaml with the record it is for, member by member, so that all wrong names and values are found at once; the JSON reader would stop at
/// the first.
/// </summary>
internal static class PolicyShape
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8, RespectNullableAnnotations = true };

    /// <summary>Whether there is a record behind a type, with members of its own.</summary>
    public static bool IsRecord(Type type) => type.IsClass && type.GetMethod("<Clone>$") is not null;

    /// <summary>What a list holds; null: it is no list.</summary>
    public static Type? ItemOf(Type type) => type.IsGenericType && type.GetGenericTypeDefinition() == typeof(IReadOnlyList<>) ? type.GetGenericArguments()[0] : null;

    /// <summary>What can be set of a record.</summary>
    public static IEnumerable<PropertyInfo> Members(Type record) => record.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(p => p.CanWrite);

    /// <summary>Looks a value over.</summary>
    /// <param name="node">The value.</param>
    /// <param name="type">What it is for.</param>
    /// <param name="path">Its name in the yaml.</param>
    /// <param name="errors">Takes what is wrong.</param>
    /// <returns>What of it can be read; null: nothing.</returns>
    public static JsonNode? Check(JsonNode? node, Type type, string path, List<string> errors)
    {
        if (node is JsonObject structure && IsRecord(type))
        {
            var sound = new JsonObject();
            foreach ((string name, JsonNode? value) in structure)
            {
                PropertyInfo? member = Members(type).FirstOrDefault(m => JsonNamingPolicy.CamelCase.ConvertName(m.Name) == name);
                if (member is null) errors.Add($"{path}.{name}: there is no such setting.");
                else if (Check(value, member.PropertyType, $"{path}.{name}", errors) is { } part) sound[name] = part;
            }

            // A price may be the table's; nothing else can be left out of what has no default.
            foreach (PropertyInfo member in Members(type).Where(m => m.GetCustomAttribute<RequiredMemberAttribute>() is not null && m.Name != "PricePerHour" || type == typeof(PricedType) && m.Name == "PricePerHour"))
            {
                string name = JsonNamingPolicy.CamelCase.ConvertName(member.Name);
                if (!structure.ContainsKey(name)) errors.Add($"{path}.{name}: it is not set.");
                if (!sound.ContainsKey(name)) return null;
            }

            return sound;
        }

        if (node is JsonArray list && ItemOf(type) is { } item)
            return new JsonArray([.. list.Select((value, i) => Check(value, item, $"{path}[{i}]", errors)).Where(v => v is not null)]);

        try
        {
            if (node is not null && node.Deserialize(type, s_json) is not null) return node.DeepClone();
        }
        catch (JsonException)
        {
            // Said below, in words for people.
        }

        errors.Add($"{path}: '{node?.ToJsonString(s_json).Trim('"') ?? "null"}' is {Wanted(type)}.");
        return null;
    }

    private static string Wanted(Type type)
    {
        Type plain = Nullable.GetUnderlyingType(type) ?? type;
        if (plain == typeof(TimeSpan)) return "no time such as \"00:01:30\" (in quotes; days stand before a dot)";
        if (plain == typeof(int) || plain == typeof(long)) return "no whole number in range";
        if (plain == typeof(double) || plain == typeof(decimal)) return "no number";
        if (plain == typeof(bool)) return "neither true nor false";
        if (ItemOf(plain) is not null) return "no list";
        return IsRecord(plain) ? "no structure" : "no text";
    }
}
