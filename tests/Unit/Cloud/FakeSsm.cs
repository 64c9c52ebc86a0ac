using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Xml.Linq;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Tests.Cloud;

/// <summary>SSM's parameters, in its JSON protocol: plain ones and secrets, and the permissions of both the parameter and the key it is under.</summary>
internal sealed class FakeSsm(TimeProvider time, CloudNames names, IReadOnlyList<IamDocument> permissions) : FakeAws("ssm", names.Region, time, permissions)
{
    public sealed record Parameter(string Value, string? Key);

    /// <summary>By name. Fakes for different roles may show the same.</summary>
    public ConcurrentDictionary<string, Parameter> Parameters { get; init; } = [];

    protected override (string ContentType, string Text) Render(XDocument answer) => ("application/x-amz-json-1.1", answer.Root!.Value);

    protected override XDocument Error(AwsRefusal refusal) => Json(new JsonObject { ["__type"] = refusal.Code, ["message"] = refusal.Message });

    protected override XDocument Answer(string method, string path, IReadOnlyDictionary<string, string> query, byte[] body)
    {
        JsonNode asked = JsonNode.Parse(body)!;
        string action = query["Target"].Split('.')[1], name = (string)asked["Name"]!;
        Calls.Enqueue(action);
        return action switch
        {
            "GetParameter" => Get(name),
            "PutParameter" => Put(name, asked),
            _ => throw new AwsRefusal(400, "UnknownOperationException", action),
        };
    }

    private XDocument Get(string name)
    {
        Demand("AccessDeniedException", "ssm:GetParameter", names.Parameter(name));
        MaybeRefuse();
        if (!Parameters.TryGetValue(name, out Parameter? there)) throw new AwsRefusal(400, "ParameterNotFound");
        if (there.Key is { } key) Demand("AccessDeniedException", "kms:Decrypt", names.Key(key), Via(name));
        return Json(new JsonObject { ["Parameter"] = new JsonObject { ["Name"] = name, ["Type"] = there.Key is null ? "String" : "SecureString", ["Value"] = there.Value, ["Version"] = 1 } });
    }

    private XDocument Put(string name, JsonNode asked)
    {
        bool overwrite = (bool?)asked["Overwrite"] ?? false;
        string key = (string)asked["KeyId"]!;
        Demand("AccessDeniedException", "ssm:PutParameter", names.Parameter(name), ("ssm:Overwrite", overwrite ? "true" : "false"));
        Demand("AccessDeniedException", "kms:Encrypt", names.Key(key), Via(name));
        MaybeRefuse();
        if (!Parameters.TryAdd(name, new Parameter((string)asked["Value"]!, key))) throw new AwsRefusal(400, "ParameterAlreadyExists");
        return Json(new JsonObject { ["Version"] = 1, ["Tier"] = "Standard" });
    }

    private (string, string?)[] Via(string name) => [("kms:ViaService", $"ssm.{names.Region}.amazonaws.com"), ("kms:EncryptionContext:PARAMETER_ARN", names.Parameter(name))];

    private static XDocument Json(JsonObject answer) => new(new XElement("json", answer.ToJsonString(JsonSerializerOptions.Default)));
}
