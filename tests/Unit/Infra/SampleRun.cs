using System.Collections;
using System.Collections.Immutable;
using GlobalCache.Infra;
using Pulumi;
using Pulumi.Aws;
using Pulumi.Aws.ImageBuilder.Outputs;

namespace GlobalCache.Tests.Infra;

/// <summary>The stack's own program, run over the double as <c>pulumi preview</c> or <c>pulumi up</c> would, in an account that answers as AWS does.</summary>
internal static class SampleRun
{
    public const string AdminCodeHash = "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

    /// <summary>The least that a stack's file says.</summary>
    public static Dictionary<string, string> Config(params (string Key, string Value)[] more)
    {
        var config = new Dictionary<string, string>
        {
            ["aws:region"] = "eu-central-1",
            ["globalcache:zone"] = "cache.example.org",
            ["globalcache:adminCodeHash"] = AdminCodeHash,
            ["globalcache:alarmEmail"] = "owner@example.org",
        };
        foreach ((string key, string value) in more) config[key] = value;
        return config;
    }

    public static Recording Run(Dictionary<string, string>? config = null, bool isPreview = false, string stack = "one", int zones = 3)
    {
        var archive = new ImageArchive("/archive.tar.gz", new string('a', 64));
        return Recording.Run(() => GridStack.Declare(GridStack.Read(stack, config ?? Config()), _ => archive), stack, "/", isPreview, Answer, token => Call(token, zones));
    }

    /// <summary>Everything that somebody could read in the state: each value with the way to it.</summary>
    public static IEnumerable<(string Path, object? Value)> Values(object? value, string path = "") => value switch
    {
        IDictionary<string, object?> map => map.SelectMany(m => Values(m.Value, $"{path}.{m.Key}")),
        IList list => list.Cast<object?>().SelectMany((v, i) => Values(v, $"{path}[{i}]")),
        _ => [(path, value)],
    };

    private static object? Answer(Declared declared, string output)
    {
        // A number of its own for each resource, the same in every run.
        string number = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(declared.Type + declared.Name)))[..17];
        string name = (string)(declared.Inputs.GetValueOrDefault("name") ?? declared.Inputs.GetValueOrDefault("bucket") ?? declared.Name);
        return (declared.Type, output) switch
        {
            ("aws:ec2/subnet:Subnet", "id") => "subnet-" + number,
            ("aws:ec2/securityGroup:SecurityGroup", "id") => "sg-" + number,
            ("aws:ec2/eip:Eip", "publicIp") => "203.0.113.7",
            ("aws:ec2/instance:Instance", "privateIp") => "10.77.0.99",
            ("aws:route53/zone:Zone", "zoneId") => "Z" + number.ToUpperInvariant(),
            ("aws:route53/zone:Zone", "nameServers") => ImmutableArray.Create("ns-1.awsdns-01.org", "ns-2.awsdns-02.net"),
            ("aws:route53/record:Record", "fqdn") => name,
            ("aws:kms/key:Key", "keyId") => $"{number[..8]}-0000-4000-8000-{number[..12]}",
            ("aws:imagebuilder/image:Image", "outputResources") =>
                ImmutableArray.Create(new ImageOutputResource([new ImageOutputResourceAmi("ami-0123456789abcdef0", "eu-central-1")])),
            (_, "arn") => $"arn:aws:{declared.Type.Split(':', '/')[1]}:eu-central-1:123456789012:{name}",
            (_, "bucketRegionalDomainName") => name + ".s3.eu-central-1.amazonaws.com",
            ("aws:s3/bucket:Bucket", "id") => name,
            (_, "id") => $"{declared.Name}-{number}",
            _ => null,
        };
    }

    private static object Call(string token, int zones) => token switch
    {
        "aws:index/getPartition:getPartition" => new GetPartitionResult("amazonaws.com", "aws"),
        "aws:index/getCallerIdentity:getCallerIdentity" => new GetCallerIdentityResult("123456789012"),
        "aws:index/getAvailabilityZones:getAvailabilityZones" => new GetAvailabilityZonesResult([.. Enumerable.Range(0, zones).Select(i => "eu-central-1" + (char)('a' + i))]),
        _ => throw new InvalidOperationException($"Nobody answers {token}."),
    };
}
