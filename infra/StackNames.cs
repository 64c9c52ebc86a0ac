using GlobalCache.Policy.Cloud;
using Pulumi;

namespace GlobalCache.Infra;

/// <summary>The stack's names in AWS, as the permissions need them: some are ours, some are born with the resources.</summary>
internal static class StackNames
{
    /// <summary>All that is known before anything exists; the rest has the form of what it will be. With it the preview explains what the permissions will allow.</summary>
    public static CloudNames Beforehand(Settings settings) => new()
    {
        Region = settings.Region,
        Account = "000000000000",
        Stack = settings.Stack,
        Images = settings.PreviousImage is { } previous ? ["ami-00000000000000000", previous] : ["ami-00000000000000000"],
        Subnets = [.. Enumerable.Range(0, settings.Policy.Fleet.Zones).Select(i => $"subnet-0000000000000000{i:x}")],
        SecurityGroup = "sg-00000000000000000",
        NodeRole = settings.NameOf("node"),
        NodeProfile = settings.NameOf("node"),
        HostedZone = "Z0000000000000000000",
        RecordName = settings.NodesName,
        AssetBucket = settings.NameOf("000000000000-assets"),
        StateBucket = settings.NameOf("000000000000-state"),
        MasterSecrets = [settings.Parameters.Office],
        NodeSecrets = [settings.Parameters.NodeKeys],
        SharedSecrets = [settings.Parameters.Report],
        Settings = settings.Parameters.Settings,
        MasterKey = "00000000-0000-0000-0000-000000000001",
        NodeKey = "00000000-0000-0000-0000-000000000002",
        StoreKey = "00000000-0000-0000-0000-000000000003",
    };

    /// <summary>Puts a value in as soon as it is known.</summary>
    public static Output<CloudNames> With<T>(this Output<CloudNames> names, Output<T> value, Func<CloudNames, T, CloudNames> put) => Output.Tuple(names, value).Apply(both => put(both.Item1, both.Item2));
}
