using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;

namespace GlobalCache.Office.Serving;

/// <summary>A header, and what it means.</summary>
internal sealed record ApiHeader(string Name, string Meaning);

/// <summary>An answer: when it is given, and what is in it.</summary>
internal sealed record ApiAnswer(int Status, string Meaning, string? Content = null, Type? Body = null, IReadOnlyList<ApiHeader>? Headers = null);

/// <summary>A call.</summary>
/// <param name="Summary">A line.</param>
/// <param name="Meaning">Some more.</param>
/// <param name="Asks">What its body is; null: it has none.</param>
/// <param name="Headers">It has to bring.</param>
/// <param name="Answers">All of them.</param>
/// <param name="Security">Which of the table's means it needs; null: none.</param>
/// <param name="Body">The body's media type.</param>
internal sealed record ApiCall(
    string Summary, string Meaning, Type? Asks, IReadOnlyList<ApiHeader> Headers, IReadOnlyList<ApiAnswer> Answers, string? Security = null, string? Body = null)
{
    /// <summary>With 429 and 503.</summary>
    public static ApiHeader Later { get; } = new("Retry-After", "Seconds to wait.");
}

/// <summary>
/// What the OpenAPI document says of each call of a program: one table beside the code that answers, since plain delegates say nothing of themselves.
/// </summary>
internal sealed class ApiTable(string title, string meaning, IReadOnlyDictionary<(string Method, string Path), ApiCall> calls)
{
    /// <summary>Headers of every answer.</summary>
    public IReadOnlyList<ApiHeader> OnAll { get; init; } = [];

    /// <summary>The means by which callers show who they are.</summary>
    public Dictionary<string, OpenApiSecurityScheme> Security { get; } = [];

    /// <summary>A convention for routes: what the table says of a call, as the document's generator reads it.</summary>
    public void Describe(EndpointBuilder endpoint)
    {
        // A plain delegate is described at all only if it says which method it is.
        if (endpoint.RequestDelegate is { } handler && !endpoint.Metadata.OfType<System.Reflection.MethodInfo>().Any()) endpoint.Metadata.Add(handler.Method);
        if (endpoint is not RouteEndpointBuilder { RoutePattern.RawText: { } path } || endpoint.Metadata.OfType<HttpMethodMetadata>().LastOrDefault()?.HttpMethods is not [{ } method]
            || !calls.TryGetValue((method, path), out ApiCall? call)) return;
        endpoint.Metadata.Add(call);
        endpoint.Metadata.Add(new EndpointSummaryAttribute(call.Summary));
        endpoint.Metadata.Add(new EndpointDescriptionAttribute(call.Meaning));
        if (call.Body is { } body) endpoint.Metadata.Add(new AcceptsMetadata([body], call.Asks));
        foreach (ApiAnswer answer in call.Answers) endpoint.Metadata.Add(new ProducesResponseTypeMetadata(answer.Status, answer.Body, answer.Content is { } content ? [content] : null));
    }

    /// <summary>Adds what metadata cannot say: what each status means, headers, who may call.</summary>
    public void Complete(OpenApiOptions options)
    {
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info = new OpenApiInfo { Title = title, Version = "v1", Description = meaning };
            document.Components ??= new OpenApiComponents();
            document.Components.SecuritySchemes ??= new Dictionary<string, IOpenApiSecurityScheme>(StringComparer.Ordinal);
            foreach ((string name, OpenApiSecurityScheme scheme) in Security) document.Components.SecuritySchemes[name] = scheme;
            return Task.CompletedTask;
        });
        options.AddOperationTransformer((operation, context, _) =>
        {
            if (context.Description.ActionDescriptor.EndpointMetadata.OfType<ApiCall>().FirstOrDefault() is not { } call) return Task.CompletedTask;
            operation.Responses ??= [];
            // A 200 is made up where none has been named.
            foreach (string other in operation.Responses.Keys.Where(status => call.Answers.All(a => $"{a.Status}" != status)).ToList()) operation.Responses.Remove(other);
            foreach (ApiAnswer answer in call.Answers)
            {
                if (!operation.Responses.TryGetValue($"{answer.Status}", out IOpenApiResponse? said) || said is not OpenApiResponse response)
                    operation.Responses[$"{answer.Status}"] = response = new OpenApiResponse();
                response.Description = answer.Meaning;
                response.Headers = new Dictionary<string, IOpenApiHeader>(StringComparer.Ordinal);
                foreach (ApiHeader header in (ApiHeader[])[.. OnAll, .. answer.Headers ?? []])
                    response.Headers[header.Name] = new OpenApiHeader { Description = header.Meaning, Schema = new OpenApiSchema { Type = JsonSchemaType.String } };
            }
            foreach (ApiHeader header in call.Headers)
            {
                operation.Parameters ??= [];
                operation.Parameters.Add(new OpenApiParameter { Name = header.Name, In = ParameterLocation.Header, Required = true, Description = header.Meaning, Schema = new OpenApiSchema { Type = JsonSchemaType.String } });
            }
            if (call.Security is { } means) operation.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(means, context.Document)] = [] }];
            return Task.CompletedTask;
        });
    }

    /// <summary>All calls it knows.</summary>
    public IEnumerable<(string Method, string Path)> Calls => calls.Keys;

    /// <summary>Whether the table knows a call.</summary>
    public bool Knows(string method, string path) => calls.ContainsKey((method, path));
}
