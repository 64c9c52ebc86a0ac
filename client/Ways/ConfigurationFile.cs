using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using GlobalCache.Policy;

namespace GlobalCache.Client.Ways;

/// <summary>
/// <c>globalcache.json</c>: an object whose names are those of the options, and <c>Limits</c> with those of <see cref="ClientLimits"/>.
/// Read once; every mistake in it is reported, with the file's name in front.
/// </summary>
internal static partial class ConfigurationFile
{
    public const string Name = "globalcache.json";

    public static void Apply(string file, ref ClientOptions options, List<string> errors)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(File.ReadAllBytes(file),
                new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true, MaxDepth = 8 });
        }
        catch (JsonException e)
        {
            errors.Add($"{file}: no valid JSON at line {e.LineNumber + 1}.");
            return;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            errors.Add($"{file} cannot be read.");
            return;
        }
        using (document)
        {
            if (document.RootElement.ValueKind != JsonValueKind.Object)
            {
                errors.Add($"{file}: must be one JSON object.");
                return;
            }
            foreach (JsonProperty property in document.RootElement.EnumerateObject())
                ApplyOne(file, property, ref options, errors);
        }
    }

    private static void ApplyOne(string file, JsonProperty property, ref ClientOptions options, List<string> errors)
    {
        if (property.NameEquals("Limits"))
        {
            if (ReadLimits(property.Value, out string wrongLimit) is { } limits) options = options with { Limits = limits };
            else errors.Add($"{file}: {wrongLimit} is no limit of this name and kind.");
            return;
        }
        Setting? setting = Setting.All.FirstOrDefault(s => property.NameEquals(s.Name));
        if (setting is null)
            errors.Add($"{file}: there is no option \"{property.Name}\".");
        else if (property.Value.ValueKind is JsonValueKind.Object or JsonValueKind.Array or JsonValueKind.Null)
            errors.Add($"{file}: \"{property.Name}\" must be one plain value.");
        else if (setting.Apply(ref options, property.Value.ToString()) is { } wrong)
            errors.Add($"{file}: \"{property.Name}\" {wrong}.");
    }

    /// <summary>What the file says, laid over the defaults: a generated reader would set what is left out to nothing.</summary>
    private static ClientLimits? ReadLimits(JsonElement said, out string wrong)
    {
        wrong = "Limits";
        if (said.ValueKind != JsonValueKind.Object) return null;
        JsonObject whole = JsonSerializer.SerializeToNode(new ClientLimits(), Json.Default.ClientLimits)!.AsObject();
        foreach (JsonProperty limit in said.EnumerateObject())
        {
            wrong = $"Limits.{limit.Name}";
            if (!whole.ContainsKey(limit.Name)) return null;
            whole[limit.Name] = JsonNode.Parse(limit.Value.GetRawText());
        }
        try
        {
            return whole.Deserialize(Json.Default.ClientLimits);
        }
        catch (JsonException e)
        {
            wrong = e.Path?.Replace("$", "Limits", StringComparison.Ordinal) ?? "Limits";
            return null;
        }
    }

    [JsonSerializable(typeof(ClientLimits))]
    private sealed partial class Json : JsonSerializerContext;
}
