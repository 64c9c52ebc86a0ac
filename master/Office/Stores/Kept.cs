using System.Text.Json;
using System.Text.Json.Serialization;

namespace GlobalCache.Office.Stores;

/// <summary>What is read, changed and written back by programs of different versions.</summary>
internal abstract record Kept
{
    /// <summary>What a later version has added: not understood here, and not lost when this one writes.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Later { get; set; }
}
