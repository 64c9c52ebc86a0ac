using System.Globalization;

namespace GlobalCache.Policy.Cloud;

/// <summary>
/// The permissions of a stack, generated from its policy and its names (INFRA §3): what the policy does not allow, AWS itself refuses, whoever has taken the master
/// over. They cannot limit how many machines run or what those cost: that is the node subnets' size, the account's quota, a budget, and the master's own limits.
/// No call here does any I/O.
/// </summary>
public static class IamDocuments
{
    /// <summary>
    /// What the master may do with machines and names: launch nodes of the allowed kinds in the nodes' subnets, tag them at launch and mark them later, end them, and write the
    /// addresses of one name. It cannot log into machines, change running ones, or touch what is not the stack's. With <see cref="MasterState"/> that is all it may do; they are
    /// two documents since one of a large stack is longer than AWS takes.
    /// </summary>
    /// <param name="policy">The types and sizes allowed.</param>
    /// <param name="names">The stack's.</param>
    /// <returns>At most <see cref="IamDocument.MostCharacters"/> for every valid policy and ordinary names; to be checked.</returns>
    public static IamDocument MasterFleet(FleetPolicy policy, CloudNames names)
    {
        IamCondition[] ours = [When("StringEquals", "aws:ResourceTag/" + CloudTags.Role, CloudTags.Node), When("StringEquals", "aws:ResourceTag/" + CloudTags.Stack, names.Stack)];
        IamCondition[] born =
        [
            When("StringEquals", "aws:RequestTag/" + CloudTags.Role, CloudTags.Node), When("StringEquals", "aws:RequestTag/" + CloudTags.Stack, names.Stack),
            When("ForAllValues:StringEquals", "aws:TagKeys", [.. CloudTags.AtLaunch]),
        ];
        return new IamDocument(
        [
            Allow("Launch", ["ec2:RunInstances"], [names.Ec2("instance/*")],
            [
                When("StringEquals", "ec2:InstanceType", [.. policy.Types.Select(t => t.Name)]),
                When("StringEquals", "ec2:MetadataHttpTokens", "required"),
                When("StringEquals", "ec2:MetadataHttpEndpoint", "enabled"),
                When("StringEquals", "ec2:Tenancy", "default"),
                // Should AWS leave the key out for a plain launch, its absence is no spot market.
                When("StringEqualsIfExists", "ec2:InstanceMarketType", "on-demand"),
                When("NumericLessThanEquals", "ec2:MetadataHttpPutResponseHopLimit", "1"),
                When("ArnEquals", "ec2:InstanceProfile", names.NodeProfileArn),
                .. born,
            ]),
            Allow("LaunchImage", ["ec2:RunInstances"], [.. names.Images.Select(names.Image)]),
            Allow("LaunchNetwork", ["ec2:RunInstances"], [.. names.Subnets.Select(s => names.Ec2("subnet/" + s)), names.Ec2("security-group/" + names.SecurityGroup)]),
            Allow("LaunchInterface", ["ec2:RunInstances"], [names.Ec2("network-interface/*")], [When("ArnEquals", "ec2:Subnet", [.. names.Subnets.Select(s => names.Ec2("subnet/" + s))])]),
            Allow("LaunchVolume", ["ec2:RunInstances"], [names.Ec2("volume/*")],
            [
                When("Bool", "ec2:Encrypted", "true"),
                When("StringEquals", "ec2:VolumeType", "gp3"),
                When("NumericLessThanEquals", "ec2:VolumeSize", policy.VolumeGigabytes.ToString(CultureInfo.InvariantCulture)),
            ]),
            Allow("TagAtLaunch", ["ec2:CreateTags"], [names.Ec2("instance/*"), names.Ec2("volume/*"), names.Ec2("network-interface/*")],
                [When("StringEquals", "ec2:CreateAction", "RunInstances"), .. born]),
            Allow("PassNodeRole", ["iam:PassRole"], [names.NodeRoleArn], [When("StringEquals", "iam:PassedToService", "ec2." + Suffix(names))]),
            Allow("EndNodes", ["ec2:TerminateInstances"], [names.Ec2("instance/*")], ours),
            Allow("MarkNodes", ["ec2:CreateTags"], [names.Ec2("instance/*")],
                [.. ours, When("ForAllValues:StringEquals", "aws:TagKeys", [.. CloudTags.Later]), When("Null", "aws:TagKeys", "false")]),
            Allow("Look", ["ec2:DescribeInstances"], ["*"], [When("StringEquals", "ec2:Region", names.Region)]),
            Allow("OneRecord", ["route53:ChangeResourceRecordSets"], [names.HostedZoneArn],
            [
                When("ForAllValues:StringEquals", RecordKey("NormalizedRecordNames"), names.RecordName),
                When("ForAllValues:StringEquals", RecordKey("RecordTypes"), "A", "AAAA"),
                When("ForAllValues:StringEquals", RecordKey("Actions"), "UPSERT", "DELETE"),
                // “All of them” holds for none at all.
                When("Null", RecordKey("NormalizedRecordNames"), "false"), When("Null", RecordKey("RecordTypes"), "false"), When("Null", RecordKey("Actions"), "false"),
            ]),
            Allow("ReadZone", ["route53:ListResourceRecordSets", "route53:GetHostedZone"], [names.HostedZoneArn]),
            Allow("FollowChange", ["route53:GetChange"], [$"arn:{names.Partition}:route53:::change/*"]),
        ]);
    }

    /// <summary>What the master may do with stored things: read and write its state, take assets down, and keep its secrets.</summary>
    /// <param name="names">The stack's.</param>
    /// <returns>The document.</returns>
    public static IamDocument MasterState(CloudNames names) => new(
    [
        Allow("State", ["s3:GetObject", "s3:PutObject"], [names.Bucket(names.StateBucket, "control/*"), names.Bucket(names.StateBucket, "m/*")]),
        Allow("TakeDown", ["s3:DeleteObject"], [names.Bucket(names.AssetBucket, "a/*"), names.Bucket(names.AssetBucket, "v/*")]),
        Allow("ListAssets", ["s3:ListBucket"], [names.Bucket(names.AssetBucket)], [When("StringLike", "s3:prefix", "a/*", "v/*")]),
        .. Secrets("Master", names.MasterSecrets, names.MasterKey, names),
        .. Secrets("Shared", names.SharedSecrets, names.StoreKey, names),
        Allow("Settings", ["ssm:GetParameter"], [.. names.Settings.Select(names.Parameter)]),
        StoreKey(names),
    ]);

    /// <summary>What a node may do: read and write assets, records and accounts, read the state, and keep its secrets. It deletes nothing and lists nothing.</summary>
    /// <param name="names">The stack's.</param>
    /// <returns>The document.</returns>
    public static IamDocument Node(CloudNames names) => new(
    [
        Allow("Assets", ["s3:GetObject", "s3:PutObject"],
            [names.Bucket(names.AssetBucket, "a/*"), names.Bucket(names.AssetBucket, "v/*"), names.Bucket(names.AssetBucket, "q/*")]),
        Allow("Control", ["s3:GetObject"], [names.Bucket(names.StateBucket, "control/*")]),
        .. Secrets("Node", names.NodeSecrets, names.NodeKey, names),
        .. Secrets("Shared", names.SharedSecrets, names.StoreKey, names),
        StoreKey(names),
    ]);

    /// <summary>
    /// What the asset bucket refuses to anybody: an unencrypted connection, and to nodes a put that does not say what it expects to find, since such a put could
    /// replace what another node has just agreed on.
    /// </summary>
    /// <param name="names">The stack's.</param>
    /// <returns>A bucket policy.</returns>
    public static IamDocument AssetBucket(CloudNames names) => new(
    [
        PlainText(names, names.AssetBucket),
        Deny("BlindPut", ["s3:PutObject"], [names.Bucket(names.AssetBucket, "*")],
            [When("ArnEquals", "aws:PrincipalArn", names.NodeRoleArn), When("Null", "s3:if-none-match", "true"), When("Null", "s3:if-match", "true")]),
    ]);

    /// <summary>What the state bucket refuses to anybody: an unencrypted connection, and to nodes every write.</summary>
    /// <param name="names">The stack's.</param>
    /// <returns>A bucket policy.</returns>
    public static IamDocument StateBucket(CloudNames names) => new(
    [
        PlainText(names, names.StateBucket),
        Deny("NodesWrite", ["s3:PutObject", "s3:DeleteObject"], [names.Bucket(names.StateBucket, "*")], [When("ArnEquals", "aws:PrincipalArn", names.NodeRoleArn)]),
    ]);

    /// <summary>Who may take the roles of master and node on: EC2's machines.</summary>
    /// <returns>A role's trust.</returns>
    public static IamDocument MachinesTrust() => new([new IamStatement { Sid = "Machines", Principal = "ec2.amazonaws.com", Actions = ["sts:AssumeRole"] }]);

    /// <summary>Exact parameters, written once and never over, under a key that opens nothing else.</summary>
    private static IamStatement[] Secrets(string whose, IReadOnlyList<string> parameters, string key, CloudNames names)
    {
        string[] arns = [.. parameters.Select(names.Parameter)];
        return
        [
            Allow(whose + "Secrets", ["ssm:GetParameter"], arns),
            Allow(whose + "SecretsOnce", ["ssm:PutParameter"], arns, [When("StringEquals", "ssm:Overwrite", "false")]),
            Allow(whose + "Key", ["kms:Decrypt", "kms:Encrypt"], [names.Key(key)],
                [When("StringEquals", "kms:ViaService", $"ssm.{names.Region}.{Suffix(names)}"), When("StringEquals", "kms:EncryptionContext:PARAMETER_ARN", arns)]),
        ];
    }

    private static IamStatement StoreKey(CloudNames names) =>
        Allow("StoreKey", ["kms:Decrypt", "kms:GenerateDataKey"], [names.Key(names.StoreKey)], [When("StringEquals", "kms:ViaService", $"s3.{names.Region}.{Suffix(names)}")]);

    private static IamStatement PlainText(CloudNames names, string bucket) =>
        Deny("PlainText", ["s3:*"], [names.Bucket(bucket), names.Bucket(bucket, "*")], [When("Bool", "aws:SecureTransport", "false")]);

    private static string Suffix(CloudNames names) => names.Partition == "aws-cn" ? "amazonaws.com.cn" : "amazonaws.com";

    private static string RecordKey(string what) => "route53:ChangeResourceRecordSets" + what;

    private static IamStatement Allow(string sid, string[] actions, string[] resources, IamCondition[]? conditions = null) =>
        new() { Sid = sid, Actions = [.. actions], Resources = [.. resources], Conditions = [.. conditions ?? []] };

    private static IamStatement Deny(string sid, string[] actions, string[] resources, IamCondition[] conditions) =>
        new() { Sid = sid, Effect = IamEffect.Deny, Principal = "*", Actions = [.. actions], Resources = [.. resources], Conditions = [.. conditions] };

    private static IamCondition When(string operation, string key, params string[] values) => new(operation, key, [.. values]);
}
