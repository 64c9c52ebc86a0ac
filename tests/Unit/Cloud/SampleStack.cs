using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Tests.Cloud;

/// <summary>A stack that exists nowhere, and the permissions that would be shipped with it.</summary>
internal static class SampleStack
{
    public static FleetPolicy Fleet { get; } = new() { Zones = 2 };

    public static CloudNames Names { get; } = new()
    {
        Region = "eu-central-1",
        Account = "123456789012",
        Stack = "one",
        Images = ["ami-0aaaaaaaaaaaaaaaa", "ami-0bbbbbbbbbbbbbbbb"],
        Subnets = ["subnet-0aaaaaaaaaaaaaaaa", "subnet-0bbbbbbbbbbbbbbbb"],
        SecurityGroup = "sg-0aaaaaaaaaaaaaaaa",
        NodeRole = "globalcache-one-node",
        NodeProfile = "globalcache-one-node",
        HostedZone = "Z0123456789ABCDEFGHIJ",
        RecordName = "nodes.grid.example.net",
        AssetBucket = "globalcache-one-assets",
        StateBucket = "globalcache-one-state",
        MasterSecrets = [new StackParameters("one").Office],
        NodeSecrets = [new StackParameters("one").NodeKeys],
        SharedSecrets = [new StackParameters("one").Report],
        Settings = new StackParameters("one").Settings,
        MasterKey = "11111111-1111-1111-1111-111111111111",
        NodeKey = "22222222-2222-2222-2222-222222222222",
        StoreKey = "33333333-3333-3333-3333-333333333333",
    };

    /// <summary>The master's, as AWS would be given it and would read it.</summary>
    public static IReadOnlyList<IamDocument> Master { get; } = [IamDocument.Parse(IamDocuments.MasterFleet(Fleet, Names).ToJson()), IamDocument.Parse(IamDocuments.MasterState(Names).ToJson())];

    /// <summary>The nodes'.</summary>
    public static IamDocument Node { get; } = IamDocument.Parse(IamDocuments.Node(Names).ToJson());

    public static IamCall Call(string action, string resource, params (string Key, string Value)[] context) =>
        new(action, resource, context.GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.Select(v => v.Value).ToImmutableArrayOf()));

    private static System.Collections.Immutable.ImmutableArray<string> ToImmutableArrayOf(this IEnumerable<string> values) => [.. values];
}
