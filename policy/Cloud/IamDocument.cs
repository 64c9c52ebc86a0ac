using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace GlobalCache.Policy.Cloud;

/// <summary>Whether a statement gives or takes.</summary>
public enum IamEffect
{
    /// <summary>Gives, unless anything takes.</summary>
    Allow,

    /// <summary>Takes, whatever gives.</summary>
    Deny,
}

/// <summary>One condition of a statement; all of a statement's must hold.</summary>
/// <param name="Operator">Such as <c>StringEquals</c>, with <c>ForAllValues:</c> before it or <c>IfExists</c> behind it; what is known is <see cref="IamEvaluator"/>'s.</param>
/// <param name="Key">Such as <c>ec2:InstanceType</c>; not case-sensitive.</param>
/// <param name="Values">One of these, at least one.</param>
public sealed record IamCondition(string Operator, string Key, ImmutableArray<string> Values);

/// <summary>One statement of a policy document.</summary>
public sealed record IamStatement
{
    /// <summary>Its name, letters and digits.</summary>
    public required string Sid { get; init; }

    /// <summary>Gives or takes.</summary>
    public IamEffect Effect { get; init; }

    /// <summary>
    /// Whom it concerns, in the policy of a bucket or key or a role's trust: <c>*</c>, a service such as <c>ec2.amazonaws.com</c>, or the ARN of a role or account; null in a
    /// policy of the caller's own.
    /// </summary>
    public string? Principal { get; init; }

    /// <summary>Such as <c>ec2:RunInstances</c>; <c>*</c> and <c>?</c> are wildcards.</summary>
    public required ImmutableArray<string> Actions { get; init; }

    /// <summary>ARNs, with wildcards; empty in a role's trust.</summary>
    public ImmutableArray<string> Resources { get; init; } = [];

    /// <summary>All of these must hold.</summary>
    public ImmutableArray<IamCondition> Conditions { get; init; } = [];
}

/// <summary>
/// A policy document of AWS, version 2012-10-17, as far as this product writes them: no NotAction, NotResource, NotPrincipal, and no variables. The same document has
/// one form only.
/// </summary>
/// <param name="Statements">In the order in which they are written.</param>
public sealed record IamDocument(ImmutableArray<IamStatement> Statements)
{
    /// <summary>AWS' limit on a managed policy, in characters other than white space.</summary>
    public const int MostCharacters = 6144;

    private const string Version = "2012-10-17";

    /// <summary>What AWS is given: JSON without white space.</summary>
    public string ToJson() => new JsonObject { ["Version"] = Version, ["Statement"] = new JsonArray([.. Statements.Select(Write)]) }.ToJsonString(s_plain);

    // Neither quotes nor angle brackets are ever in it, and nobody puts it into a page.
    private static readonly JsonSerializerOptions s_plain = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Reads such a document.</summary>
    /// <exception cref="JsonException">It is none, or has what is not understood here; nothing may be concluded from it then.</exception>
    public static IamDocument Parse(string json)
    {
        try
        {
            JsonObject document = JsonNode.Parse(json)!.AsObject();
            Known(document, "Version", "Statement");
            if ((string?)document["Version"] != Version) throw new JsonException("The version of the policy document is not 2012-10-17.");
            return new IamDocument([.. document["Statement"]!.AsArray().Select(s => Read(s!.AsObject()))]);
        }
        catch (Exception e) when (e is InvalidOperationException or NullReferenceException or FormatException)
        {
            throw new JsonException("This is no policy document.", e);
        }
    }

    private static JsonObject Write(IamStatement statement)
    {
        var json = new JsonObject { ["Sid"] = statement.Sid, ["Effect"] = statement.Effect.ToString() };
        if (statement.Principal is { } principal) json["Principal"] = principal == "*" ? "*" : new JsonObject { [principal.StartsWith("arn:", StringComparison.Ordinal) ? "AWS" : "Service"] = principal };
        json["Action"] = OneOrMore(statement.Actions);
        if (!statement.Resources.IsEmpty) json["Resource"] = OneOrMore(statement.Resources);
        if (statement.Conditions.IsEmpty) return json;
        var conditions = new JsonObject();
        foreach (IGrouping<string, IamCondition> same in statement.Conditions.GroupBy(c => c.Operator))
            conditions[same.Key] = new JsonObject(same.Select(c => KeyValuePair.Create(c.Key, (JsonNode?)OneOrMore(c.Values))));
        json["Condition"] = conditions;
        return json;
    }

    private static IamStatement Read(JsonObject json)
    {
        Known(json, "Sid", "Effect", "Principal", "Action", "Resource", "Condition");
        return new IamStatement
        {
            Sid = (string?)json["Sid"] ?? "",
            Effect = (string?)json["Effect"] switch { "Allow" => IamEffect.Allow, "Deny" => IamEffect.Deny, _ => throw new JsonException("A statement neither allows nor denies.") },
            Principal = json["Principal"] is JsonObject who ? (string?)who["Service"] ?? (string?)who["AWS"] ?? throw new JsonException("Only *, services and ARNs are understood as principals.") : (string?)json["Principal"],
            Actions = Values(json["Action"]!),
            Resources = json["Resource"] is { } resources ? Values(resources) : [],
            Conditions = json["Condition"] is not JsonObject conditions ? []
                : [.. conditions.SelectMany(o => o.Value!.AsObject().Select(c => new IamCondition(o.Key, c.Key, Values(c.Value!))))],
        };
    }

    private static void Known(JsonObject json, params ReadOnlySpan<string> names)
    {
        foreach ((string name, _) in json)
        {
            if (!names.Contains(name)) throw new JsonException($"'{name}' is not understood in a policy document.");
        }
    }

    private static JsonNode OneOrMore(ImmutableArray<string> values) => values is [var one] ? one : new JsonArray([.. values.Select(v => (JsonNode?)v)]);

    private static ImmutableArray<string> Values(JsonNode node) => node is JsonArray many ? [.. many.Select(Text)] : [Text(node)];

    private static string Text(JsonNode? node)
    {
        string value = (string?)node ?? throw new JsonException("A value is missing.");
        return !value.Contains("${", StringComparison.Ordinal) ? value : throw new JsonException("Variables are not understood in a policy document.");
    }
}
