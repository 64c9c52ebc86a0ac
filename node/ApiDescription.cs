using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace GlobalCache.Node;

/// <summary>What the OpenAPI document says of a node's calls. A test holds the table and the routes against each other.</summary>
internal static class ApiDescription
{
    private const string Sealed = "application/octet-stream", Json = "application/json", Text = "text/plain";
    private const string NoSession = "No session, an expired one, or that of a client that was shut out.";
    private const string NotReady = "The store cannot say, or the node is not ready: come again after Retry-After.";

    private static readonly ApiHeader s_signature = new(NodeApi.SignatureHeader, "Base64url of the client key's ECDSA P-256 signature (r ‖ s) over method, path and the body's SHA-256.");

    private static readonly Dictionary<(string Method, string Path), ApiCall> s_calls = new(EnrolmentCalls.All)
    {
        [("GET", NodeApi.Health)] = new("Is the process alive?", "Without a session, on both listeners.", null, [], [new(200, "It is.")]),
        [("GET", NodeApi.Asset)] = new("One sealed asset", "The whole asset as it lies in the store, and the one key that opens it. Neither may be stored or logged as it came.", null, [],
        [
            new(200, "Sealed bytes (GCA1).", Sealed, null,
                [new(NodeApi.AssetKeyHeader, "Base64url of the 32 bytes that open it."), new("ETag", "Which sealing it is."), new(NodeApi.QuotaLeftHeader, "What is left of the branch's quota, 0 – 1.")]),
            new(401, NoSession), new(404, "Absent, not agreed on, banned, withheld or of a virtual world that is not shared: always the same empty answer."),
            new(429, "Beyond the branch's quota.", null, null, [ApiCall.Later]), new(503, NotReady, null, null, [ApiCall.Later]),
        ], Security: "session"),
        [("PUT", NodeApi.Asset)] = new("The bytes of an asset that are wanted", "Plain bytes, after a claim was answered “wanted”. The node checks structure and hash itself.", typeof(byte[]), [s_signature],
        [
            new(204, "Stored, or there already."), new(400, "The path names no asset."), new(401, NoSession), new(403, "Not signed by the session's client."), new(409, "Not what is agreed on."),
            new(411, "The length is missing."), new(413, "Above the type's cap."), new(422, "Not a valid asset of its type."), new(503, NotReady, null, null, [ApiCall.Later]),
        ], Security: "session", Body: Sealed),
        [("POST", NodeApi.Claims)] = new("“I received these bytes from the grid”", "Up to 256 claims at once; never of bytes that came from a cache.", typeof(ClaimBatch), [s_signature],
        [
            new(200, "A verdict for each line.", Json, typeof(ClaimAnswers)), new(400, "Not a valid batch; the text says why.", Text), new(401, NoSession), new(403, "Not signed by the session's client."),
            new(413, "Above 256 KiB."), new(429, "Too many of the branch's claims are under way.", null, null, [ApiCall.Later]), new(503, NotReady, null, null, [ApiCall.Later]),
        ], Security: "session", Body: Json),
        [("POST", NodeApi.Disputes)] = new("“This cache served me something else”", "Claims of what differed from what this cache served.", typeof(ClaimBatch), [s_signature],
        [
            new(202, "Noted."), new(400, "Not a valid batch; the text says why.", Text), new(401, NoSession), new(403, "Not signed by the session's client."), new(413, "Above 256 KiB."),
            new(429, "Beyond the branch's disputes of the day.", null, null, [ApiCall.Later]), new(503, NotReady, null, null, [ApiCall.Later]),
        ], Security: "session", Body: Json),
        [("GET", "/readyz")] = new("Should clients be sent here?", "Private listener.", null, [], [new(200, "Yes.", Text), new(503, "No: “draining” or “store”.", Text)]),
        [("GET", "/status")] = new("How the node does", "Private listener. Sums only: no asset, client or address.", null, [], [new(200, "Figures.", Json, typeof(NodeStatus))]),
        [("GET", "/metrics")] = new("Figures for Prometheus", "Private listener. No asset, client or address is a label.", null, [], [new(200, "Prometheus text format 0.0.4.", Text)]),
    };

    private static readonly ApiTable s_table = new(
        "GlobalCache node", "Assets shared among the clients of a cache grid. HTTPS under the grid's own CA; what says so, on the private listener alone. No call lists, searches or counts.", s_calls)
    {
        OnAll = [new(NodeApi.DrainingHeader, "1: this node is about to go.")],
        Security = { ["session"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = $"From POST {EnrolmentApi.Sessions}." } },
    };

    /// <inheritdoc cref="ApiTable.Describe"/>
    public static void Describe(EndpointBuilder endpoint) => s_table.Describe(endpoint);

    /// <inheritdoc cref="ApiTable.Complete"/>
    public static void Complete(OpenApiOptions options) => s_table.Complete(options);

    /// <inheritdoc cref="ApiTable.Knows"/>
    public static bool Knows(string method, string path) => s_table.Knows(method, path);
}
