using System.Text.Json;
using System.Text.Json.Nodes;
using GlobalCache.Policy;

namespace GlobalCache.Infra;

/// <summary>
/// The policy document as the master reads it from its parameter: what differs from the defaults. So it is short enough for a parameter (the whole of it, with every
/// constant and a few worlds, is not), and <c>pulumi preview</c> shows a changed threshold as one changed word.
/// </summary>
internal static class PolicyText
{
    /// <summary>AWS' limit on an advanced parameter; one of up to 4 096 is free of charge.</summary>
    public const int MostCharacters = 8192;

    /// <summary>As JSON without white space, which <see cref="GridPolicy.Parse"/> reads back to the same policy.</summary>
    public static string ToParameter(this GridPolicy policy)
    {
        JsonNode defaults = JsonNode.Parse(new GridPolicy().ToJson())!;
        return (Differences(JsonNode.Parse(policy.ToJson())!, defaults) ?? new JsonObject()).ToJsonString(s_plain);
    }

    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static JsonNode? Differences(JsonNode? value, JsonNode? preset)
    {
        if (JsonNode.DeepEquals(value, preset)) return null;
        if (value is not JsonObject here || preset is not JsonObject there) return value?.DeepClone();
        var differences = new JsonObject();
        foreach ((string name, JsonNode? member) in here)
        {
            if (!JsonNode.DeepEquals(member, there[name])) differences[name] = Differences(member, there[name]);
        }

        return differences;
    }
}
