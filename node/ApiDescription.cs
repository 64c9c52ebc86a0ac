using GlobalCache.Policy.Wire;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace GlobalCache.Node;

/// <summary>
/// What the OpenAPI document says of each call: one table beside the code that answers, since plain delegates say nothing of themselves. A test holds the table
/// and the routes against each other.
/// </summary>
internal static class ApiDescription
{
    private const string Sealed = "application/octet-stream", Json = "application/json", Text = "text/plain";
    private const string NoSession = "No session, an expired one, or that of a client that was shut out.";
    private const string NotReady = "The store cannot say, or the node is not ready: come again after Retry-After.";

    private static readonly Header s_later = new("Retry-After", "Seconds to wait."), s_signature = new(NodeApi.SignatureHeader, "Base64url of the client key's ECDSA P-256 signature (r ‖ s) over method, path and the body's SHA-256.");

    private static readonly Dictionary<(string Method, string Path), Call> s_calls = new()
    {
        [("GET", NodeApi.Health)] = new("Is the process alive?", "Without a session, on both listeners.", null, [], [new(200, "It is.")]),
        [("GET", NodeApi.Asset)] = new("One sealed asset", "The whole asset as it lies in the store, and the one key that opens it. Neither may be stored or logged as it came.", null, [],
        [
            new(200, "Sealed bytes (GCA1).", Sealed, null,
                [new(NodeApi.AssetKeyHeader, "Base64url of the 32 bytes that open it."), new("ETag", "Which sealing it is."), new(NodeApi.QuotaLeftHeader, "What is left of the branch's quota, 0 – 1.")]),
            new(401, NoSession), new(404, "Absent, not agreed on, banned, withheld or of a virtual world that is not shared: always the same empty answer."),
            new(429, "Beyond the branch's quota.", null, null, [s_later]), new(503, NotReady, null, null, [s_later]),
        ], Session: true),
        [("PUT", NodeApi.Asset)] = new("The bytes of an asset that are wanted", "Plain bytes, after a claim was answered “wanted”. The node checks structure and hash itself.", typeof(byte[]), [s_signature],
        [
            new(204, "Stored, or there already."), new(400, "The path names no asset."), new(401, NoSession), new(403, "Not signed by the session's client."), new(409, "Not what is agreed on."),
            new(411, "The length is missing."), new(413, "Above the type's cap."), new(422, "Not a valid asset of its type."), new(503, NotReady, null, null, [s_later]),
        ], Session: true, Body: Sealed),
        [("POST", NodeApi.Claims)] = new("“I received these bytes from the grid”", "Up to 256 claims at once; never of bytes that came from a cache.", typeof(ClaimBatch), [s_signature],
        [
            new(200, "A verdict for each line.", Json, typeof(ClaimAnswers)), new(400, "Not a valid batch; the text says why.", Text), new(401, NoSession), new(403, "Not signed by the session's client."),
            new(413, "Above 256 KiB."), new(429, "Too many of the branch's claims are under way.", null, null, [s_later]), new(503, NotReady, null, null, [s_later]),
        ], Session: true, Body: Json),
        [("POST", NodeApi.Disputes)] = new("“This cache served me something else”", "Claims of what differed from what this cache served.", typeof(ClaimBatch), [s_signature],
        [
            new(202, "Noted."), new(400, "Not a valid batch; the text says why.", Text), new(401, NoSession), new(403, "Not signed by the session's client."), new(413, "Above 256 KiB."),
            new(429, "Beyond the branch's disputes of the day.", null, null, [s_later]), new(503, NotReady, null, null, [s_later]),
        ], Session: true, Body: Json),
        [("GET", EnrolmentApi.GridFile)] = new("The grid's description", "How to find the grid and know that it is the one; it holds no secret.", null, [],
            [new(200, "grid.json.", Json, typeof(GridFile)), new(429, "Knocks too often.", null, null, [s_later])]),
        [("POST", EnrolmentApi.Enrolments)] = new("Joins by an invite", "The same key with the same invite is answered as before.", typeof(EnrolmentRequest), [], Refusable(typeof(Enrolled)), Body: Json),
        [("GET", EnrolmentApi.Nonce)] = new("A nonce to be signed", "Good for a minute, at any node of the grid.", null, [], Refusable(typeof(SessionNonce))),
        [("POST", EnrolmentApi.Sessions)] = new("Begins a session", "For 4 h; to be renewed at half of it.", typeof(SessionRequest), [], Refusable(typeof(Session)), Body: Json),
        [("GET", "/readyz")] = new("Should clients be sent here?", "Private listener.", null, [], [new(200, "Yes.", Text), new(503, "No: “draining” or “store”.", Text)]),
        [("GET", "/status")] = new("How the node does", "Private listener. Sums only: no asset, client or address.", null, [], [new(200, "Figures.", Json, typeof(NodeStatus))]),
        [("GET", "/metrics")] = new("Figures for Prometheus", "Private listener. No asset, client or address is a label.", null, [], [new(200, "Prometheus text format 0.0.4.", Text)]),
    };

    private sealed record Header(string Name, string Meaning);

    private sealed record Answer(int Status, string Meaning, string? Content = null, Type? Body = null, IReadOnlyList<Header>? Headers = null);

    private sealed record Call(string Summary, string Meaning, Type? Asks, IReadOnlyList<Header> Headers, IReadOnlyList<Answer> Answers, bool Session = false, string? Body = null);

    /// <summary>A convention for routes: what the table says of a call, as the document's generator reads it.</summary>
    public static void Describe(EndpointBuilder endpoint)
    {
        // A plain delegate is described at all only if it says which method it is.
        if (endpoint.RequestDelegate is { } handler && !endpoint.Metadata.OfType<System.Reflection.MethodInfo>().Any()) endpoint.Metadata.Add(handler.Method);
        if (endpoint is not RouteEndpointBuilder { RoutePattern.RawText: { } path } || endpoint.Metadata.OfType<HttpMethodMetadata>().LastOrDefault()?.HttpMethods is not [{ } method]
            || !s_calls.TryGetValue((method, path), out Call? call)) return;
        endpoint.Metadata.Add(call);
        endpoint.Metadata.Add(new EndpointSummaryAttribute(call.Summary));
        endpoint.Metadata.Add(new EndpointDescriptionAttribute(call.Meaning));
        if (call.Body is { } body) endpoint.Metadata.Add(new AcceptsMetadata([body], call.Asks));
        foreach (Answer answer in call.Answers) endpoint.Metadata.Add(new ProducesResponseTypeMetadata(answer.Status, answer.Body, answer.Content is { } content ? [content] : null));
    }

    /// <summary>Adds what metadata cannot say: what each status means, headers, the session.</summary>
    public static void Complete(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = "GlobalCache node", Version = "v1", Description = "Assets shared among the clients of a cache grid. HTTPS under the grid's own CA; what says so, on the private listener alone. No call lists, searches or counts." };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
            document.Components.SecuritySchemes["session"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", BearerFormat = "JWT", Description = $"From POST {EnrolmentApi.Sessions}." };
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<Call>().FirstOrDefault() is not { } call) return Task.CompletedTask;
            operation.Responses ??= [];
            // A 200 is made up where none has been named.
            foreach (string other in operation.Responses.Keys.Where(status => call.Answers.All(a => $"{a.Status}" != status)).ToList()) operation.Responses.Remove(other);
            foreach (Answer answer in call.Answers)
            {
                if (!operation.Responses.TryGetValue($"{answer.Status}", out IOpenApiResponse? said) || said is not OpenApiResponse response)
                    operation.Responses[$"{answer.Status}"] = response = new OpenApiResponse();
                response.Description = answer.Meaning;
                response.Headers = new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal)
                {
                    [NodeApi.DrainingHeader] = new OpenApiHeader { Description = "1: this node is about to go.", Schema = new OpenApiSchema { Type = JsonSchemaType.String } },
                };
                foreach (Header header in answer.Headers ?? []) response.Headers[header.Name] = new OpenApiHeader { Description = header.Meaning, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
            }
            foreach (Header header in call.Headers)
            {
                operation.Parameters ??= [];
                operation.Parameters.Add(new OpenApiParameter { Name = header.Name, In = ParameterLocation.Header, Required = true, Description = header.Meaning, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
            }
            if (call.Session) operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("session", context.Document)] = [] }];
            return Task.CompletedTask;
        });
    }

    /// <summary>Whether the table knows a call.</summary>
    public static bool Knows(string method, string path) => s_calls.ContainsKey((method, path));

    private static IReadOnlyList<Answer> Refusable(Type given) =>
    [
        new(200, "So it is.", Json, given), new(403, "Refused: always the same empty answer, whatever the reason."),
        new(429, "Knocks too often.", null, null, [s_later]), new(503, NotReady, null, null, [s_later]),
    ];
}
