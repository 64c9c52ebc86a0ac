using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Ingest;

/// <summary>How claims look on the wire: camel case, verdicts as words, nothing null that may not be.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, MaxDepth = 4, RespectNullableAnnotations = true, Converters = [typeof(VerdictWords)])]
[JsonSerializable(typeof(ClaimBatch))]
[JsonSerializable(typeof(ClaimAnswers))]
internal sealed partial class IngestJson : JsonSerializerContext
{
    private sealed class VerdictWords() : JsonStringEnumConverter<ClaimVerdict>(JsonNamingPolicy.CamelCase, allowIntegerValues: false);
}
