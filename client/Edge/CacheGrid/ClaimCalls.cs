using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Client.Edge;

/// <summary>The two calls by which a node learns of an asset and then gets its bytes (<see cref="NodeApi"/>).</summary>
internal sealed class ClaimCalls(SignedRequests requests)
{
    private const int MaxAnswerBytes = 64 << 10;
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8, Converters = { new VerdictWord() } };

    /// <summary>What the node says to these lines, one by one; no answers where it did not take them, no status where there was nobody to ask.</summary>
    /// <exception cref="HttpRequestException">No connection, or it broke.</exception>
    /// <exception cref="JsonException">Its answer is none.</exception>
    /// <exception cref="OperationCanceledException">No answer in time, or <paramref name="stop"/>.</exception>
    public async Task<(HttpStatusCode? Status, ClaimAnswers? Answers)> ClaimAsync(IReadOnlyList<ClaimLine> lines, CancellationToken stop)
    {
        using Activity? trace = ClientTraces.Source.StartActivity(ClientTraces.Claim, ActivityKind.Client);
        trace?.SetTag("gc.lines", lines.Count);
        byte[] body = JsonSerializer.SerializeToUtf8Bytes(new ClaimBatch { Lines = lines }, s_json);
        using HttpResponseMessage? answer = await requests.SendAsync(HttpMethod.Post, NodeApi.Claims, body, "application/json", stop);
        trace?.SetTag("gc.status", (int?)answer?.StatusCode);
        if (answer?.StatusCode != HttpStatusCode.OK) return (answer?.StatusCode, null);
        byte[] bytes = new byte[MaxAnswerBytes];
        using Stream stream = await answer.Content.ReadAsStreamAsync(stop);
        int length = await stream.ReadAtLeastAsync(bytes, bytes.Length, throwOnEndOfStream: false, stop);
        ClaimAnswers? said = JsonSerializer.Deserialize<ClaimAnswers>(bytes.AsSpan(0, length), s_json);
        return (answer.StatusCode, said?.Lines?.Count == lines.Count ? said : null);
    }

    /// <summary>Sends the bytes that were wanted; null: there was nobody to send them to. As <see cref="ClaimAsync"/>.</summary>
    public async Task<HttpStatusCode?> UploadAsync(AssetKey key, byte[] plain, CancellationToken stop)
    {
        using Activity? trace = ClientTraces.Source.StartActivity(ClientTraces.Upload, ActivityKind.Client);
        trace?.SetTag("gc.type", key.Type.Name()).SetTag("gc.bytes", plain.Length);
        using HttpResponseMessage? answer = await requests.SendAsync(HttpMethod.Put, NodeApi.PathOf(key), plain, "application/octet-stream", stop);
        trace?.SetTag("gc.status", (int?)answer?.StatusCode);
        return answer?.StatusCode;
    }

    /// <summary>A later node's word is no reason not to understand those beside it: there is nothing to do that is known here.</summary>
    private sealed class VerdictWord : JsonConverter<ClaimVerdict>
    {
        public override ClaimVerdict Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            reader.TokenType != JsonTokenType.String ? throw new JsonException() : reader.ValueTextEquals("wanted"u8) ? ClaimVerdict.Wanted : reader.ValueTextEquals("again"u8) ? ClaimVerdict.Again : ClaimVerdict.Noted;

        public override void Write(Utf8JsonWriter writer, ClaimVerdict value, JsonSerializerOptions options) => throw new NotSupportedException();
    }
}
