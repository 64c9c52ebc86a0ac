using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Infra;

/// <summary>
/// What a preview says about power and money: how many machines there can be and what they cost, what the master may do, and what AWS refuses it, each example judged by
/// the evaluator that the tests use on the very documents that will be declared.
/// </summary>
internal static class Explanation
{
    /// <summary>One thing the master might ask of AWS.</summary>
    /// <param name="What">For people.</param>
    /// <param name="Call">For the evaluator.</param>
    internal sealed record Example(string What, IamCall Call);

    /// <summary>The text, a line each.</summary>
    public static string Of(Settings settings)
    {
        GridPolicy policy = settings.Policy;
        Costs costs = Costs.Of(settings);
        NetworkPlan plan = settings.Plan()!;
        CloudNames names = StackNames.Beforehand(settings);
        IamDocument[] documents = [IamDocuments.MasterFleet(policy.Fleet, names), IamDocuments.MasterState(names)];
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"At most {policy.Scaling.Max} nodes, {Money(costs.Hour)} an hour, {Money(costs.Month)} a month with the master, as long as the master keeps to its limits.\n");
        text.Append(CultureInfo.InvariantCulture,
            $"Whoever runs the master: at most {plan.MostNodes} machines fit into the nodes' subnets ({string.Join(", ", plan.Nodes)}), {Money(costs.WorstHour)} an hour, {Money(costs.WorstMonth)} a month. Machines alone; disks, addresses and traffic come on top.\n");
        text.Append("The master may:\n");
        foreach (Example example in Allowed(policy.Fleet, names)) Line(example);
        text.Append("AWS refuses it, among other things:\n");
        foreach (Example example in Refused(policy.Fleet, names)) Line(example);
        return text.ToString().TrimEnd();

        void Line(Example example)
        {
            IamVerdict verdict = IamEvaluator.Evaluate(documents, example.Call);
            text.Append(CultureInfo.InvariantCulture, $"  {(verdict.IsAllowed ? "allowed" : "refused")}  {example.What}  ({Why(verdict)})\n");
        }

        string Money(decimal amount) => string.Create(CultureInfo.InvariantCulture, $"{amount:0.00} {policy.Fleet.Currency}");
    }

    /// <summary>What the master does every day.</summary>
    public static IReadOnlyList<Example> Allowed(FleetPolicy fleet, CloudNames names) =>
    [
        .. fleet.Types.Select(t => new Example($"launch a {t.Name} as a node", Launch(names, t.Name))),
        new("launch it from the stack's image", new IamCall("ec2:RunInstances", names.Image(names.Images[0]), Of())),
        new("launch it into the nodes' subnets", new IamCall("ec2:RunInstances", names.Ec2("subnet/" + names.Subnets[0]), Of())),
        new($"give it an encrypted disk of {fleet.VolumeGigabytes} GB", Volume(names, fleet.VolumeGigabytes)),
        new("end a node of this stack", new IamCall("ec2:TerminateInstances", names.Ec2("instance/i-0"), Of(("aws:ResourceTag/" + CloudTags.Role, CloudTags.Node), ("aws:ResourceTag/" + CloudTags.Stack, names.Stack)))),
        new($"write the addresses of {names.RecordName}", Record(names, names.RecordName, "A")),
        new("take an asset down", new IamCall("s3:DeleteObject", names.Bucket(names.AssetBucket, "a/0"), Of())),
    ];

    /// <summary>What somebody who has taken the master over would like to do.</summary>
    public static IReadOnlyList<Example> Refused(FleetPolicy fleet, CloudNames names) =>
    [
        new("launch a p5.48xlarge", Launch(names, "p5.48xlarge")),
        new($"launch a {fleet.Types[0].Name} that is no node of this stack", Launch(names, fleet.Types[0].Name, stack: "another")),
        new("launch from another image", new IamCall("ec2:RunInstances", names.Image("ami-0ffffffffffffffff"), Of())),
        new("launch into another subnet", new IamCall("ec2:RunInstances", names.Ec2("subnet/subnet-0ffffffffffffffff"), Of())),
        new($"give a node a disk of {fleet.VolumeGigabytes + 1} GB", Volume(names, fleet.VolumeGigabytes + 1)),
        new("log into a machine", new IamCall("ssm:StartSession", names.Ec2("instance/i-0"), Of())),
        new("run a command on a machine", new IamCall("ssm:SendCommand", names.Ec2("instance/i-0"), Of())),
        new("change a running machine", new IamCall("ec2:ModifyInstanceAttribute", names.Ec2("instance/i-0"), Of())),
        new("end a machine that is no node", new IamCall("ec2:TerminateInstances", names.Ec2("instance/i-0"), Of())),
        new("write another name", Record(names, "www." + names.RecordName, "A")),
        new("make a key for a person", new IamCall("iam:CreateAccessKey", $"arn:{names.Partition}:iam::{names.Account}:user/somebody", Of())),
        new("read the nodes' secrets", new IamCall("ssm:GetParameter", names.Parameter(names.NodeSecrets[0]), Of())),
        new("read an asset", new IamCall("s3:GetObject", names.Bucket(names.AssetBucket, "a/0"), Of())),
    ];

    private static string Why(IamVerdict verdict) => verdict switch
    {
        { IsAllowed: true } => verdict.Statement,
        { Reason: "action" } => "no statement names it",
        { Reason: "resource" } => $"{verdict.Statement} names others",
        _ => $"{verdict.Statement}: {verdict.Reason}",
    };

    private static IamCall Launch(CloudNames names, string type, string? stack = null) => new("ec2:RunInstances", names.Ec2("instance/*"), Of(
        ("ec2:InstanceType", type), ("ec2:MetadataHttpTokens", "required"), ("ec2:MetadataHttpEndpoint", "enabled"), ("ec2:MetadataHttpPutResponseHopLimit", "1"), ("ec2:Tenancy", "default"),
        ("ec2:InstanceProfile", names.NodeProfileArn), ("aws:RequestTag/" + CloudTags.Role, CloudTags.Node), ("aws:RequestTag/" + CloudTags.Stack, stack ?? names.Stack),
        ("aws:TagKeys", CloudTags.Role), ("aws:TagKeys", CloudTags.Stack)));

    private static IamCall Volume(CloudNames names, int gigabytes) => new("ec2:RunInstances", names.Ec2("volume/*"),
        Of(("ec2:Encrypted", "true"), ("ec2:VolumeType", "gp3"), ("ec2:VolumeSize", gigabytes.ToString(CultureInfo.InvariantCulture))));

    private static IamCall Record(CloudNames names, string name, string type) => new("route53:ChangeResourceRecordSets", names.HostedZoneArn, Of(
        ("route53:ChangeResourceRecordSetsNormalizedRecordNames", name), ("route53:ChangeResourceRecordSetsRecordTypes", type), ("route53:ChangeResourceRecordSetsActions", "UPSERT")));

    private static Dictionary<string, ImmutableArray<string>> Of(params (string Key, string Value)[] context) =>
        context.GroupBy(c => c.Key).ToDictionary(c => c.Key, c => c.Select(v => v.Value).ToImmutableArray());
}
