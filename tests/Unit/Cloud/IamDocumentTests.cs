using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Tests.Cloud;

/// <summary>The shipped permissions as documents, and what they say about the calls that no fake here serves (S3, SSM, KMS). EC2's and Route 53's: <see cref="PermissionTableTests"/>.</summary>
public sealed class IamDocumentTests
{
    private const string Assets = "arn:aws:s3:::globalcache-one-assets", State = "arn:aws:s3:::globalcache-one-state";
    private const string Office = "arn:aws:ssm:eu-central-1:123456789012:parameter/globalcache/one/office", Keys = "arn:aws:ssm:eu-central-1:123456789012:parameter/globalcache/one/node-keys";
    private const string Report = "arn:aws:ssm:eu-central-1:123456789012:parameter/globalcache/one/report", Policy = "arn:aws:ssm:eu-central-1:123456789012:parameter/globalcache/one/policy";
    private const string MasterKey = "arn:aws:kms:eu-central-1:123456789012:key/11111111-1111-1111-1111-111111111111", NodeKey = "arn:aws:kms:eu-central-1:123456789012:key/22222222-2222-2222-2222-222222222222";
    private const string StoreKey = "arn:aws:kms:eu-central-1:123456789012:key/33333333-3333-3333-3333-333333333333";
    private const string ViaSsm = "kms:ViaService=ssm.eu-central-1.amazonaws.com", ViaS3 = "kms:ViaService=s3.eu-central-1.amazonaws.com";

    [Fact]
    public void Every_document_has_one_form_that_is_read_back_as_it_was()
    {
        foreach (IamDocument document in All(SampleStack.Fleet, SampleStack.Names))
        {
            string json = document.ToJson();
            Assert.Equal(json, IamDocument.Parse(json).ToJson());
            Assert.DoesNotContain("\\u", json, StringComparison.Ordinal);
            Assert.Equal(document.Statements.Length, document.Statements.Select(s => s.Sid).Distinct().Count());
        }

        Assert.Equal(IamDocuments.MasterFleet(SampleStack.Fleet, SampleStack.Names).ToJson(), IamDocuments.MasterFleet(SampleStack.Fleet with { }, SampleStack.Names with { }).ToJson());
    }

    [Fact]
    public void Even_the_largest_fleet_fits_into_what_AWS_takes()
    {
        var fleet = new FleetPolicy { Types = [.. Enumerable.Range(0, 8).Select(i => new NodeType { Name = $"m{i}gdn.16xlarge", PricePerHour = 1 })], Zones = 6, VolumeGigabytes = 1000 };
        string far = new('s', 24);
        CloudNames names = SampleStack.Names with
        {
            Region = "ap-southeast-2",
            Stack = far,
            Subnets = [.. Enumerable.Range(0, 6).Select(i => $"subnet-0aaaaaaaaaaaaaaa{i}")],
            NodeRole = $"globalcache-{far}-node",
            NodeProfile = $"globalcache-{far}-node",
            RecordName = "nodes.cache.of-a-grid-with-a-long-name.example.net",
            AssetBucket = $"globalcache-{far}-assets",
            StateBucket = $"globalcache-{far}-state",
            MasterSecrets = [new StackParameters(far).Office],
            NodeSecrets = [new StackParameters(far).NodeKeys],
            SharedSecrets = [new StackParameters(far).Report],
            Settings = new StackParameters(far).Settings,
        };
        Assert.True(new FleetPolicyValidator().Validate(fleet).IsValid);
        Assert.Empty(new CloudNamesValidator().Validate(names).Errors);
        foreach (IamDocument document in All(fleet, names)) Assert.InRange(document.ToJson().Count(c => !char.IsWhiteSpace(c)), 1, IamDocument.MostCharacters);
    }

    [Fact]
    public void No_name_may_mean_more_than_itself()
    {
        var rules = new CloudNamesValidator();
        Assert.True(rules.Validate(SampleStack.Names).IsValid);
        CloudNames right = SampleStack.Names;
        CloudNames[] wrong =
        [
            right with { Stack = "*" }, right with { Account = "*" }, right with { Region = "*" }, right with { Images = ["*"] }, right with { Images = [] }, right with { Subnets = ["subnet-*"] },
            right with { SecurityGroup = "*" }, right with { NodeRole = "*" }, right with { NodeProfile = "a/*" }, right with { HostedZone = "*" }, right with { RecordName = "*.example.net" },
            right with { RecordName = "Nodes.example.net" }, right with { RecordName = "nodes.example.net." }, right with { AssetBucket = "*" }, right with { StateBucket = right.AssetBucket },
            right with { MasterSecrets = ["/globalcache/*"] }, right with { NodeSecrets = ["${x}"] }, right with { SharedSecrets = [] }, right with { Settings = ["globalcache"] }, right with { MasterKey = "*" }, right with { NodeKey = right.MasterKey },
        ];
        Assert.All(wrong, names => Assert.False(rules.Validate(names).IsValid, names.ToString()));
    }

    [Theory]
    [InlineData(true, "s3:GetObject", State + "/control/current", null)]
    [InlineData(true, "s3:PutObject", State + "/m/lease", null)]
    [InlineData(false, "s3:DeleteObject", State + "/m/roll", "resource")]
    [InlineData(false, "s3:PutObject", Assets + "/a/1", "resource")]
    [InlineData(false, "s3:GetObject", Assets + "/a/1", "resource")]
    [InlineData(true, "s3:DeleteObject", Assets + "/a/1", null)]
    [InlineData(false, "s3:DeleteObject", Assets + "/q/1", "resource")]
    [InlineData(true, "s3:ListBucket", Assets, null, "s3:prefix=a/")]
    [InlineData(false, "s3:ListBucket", Assets, "StringLike s3:prefix")]
    [InlineData(false, "s3:ListBucket", State, "resource", "s3:prefix=m/")]
    [InlineData(true, "ssm:GetParameter", Office, null)]
    [InlineData(false, "ssm:GetParameter", Keys, "resource")]
    [InlineData(true, "ssm:PutParameter", Office, null, "ssm:Overwrite=false")]
    [InlineData(false, "ssm:PutParameter", Office, "StringEquals ssm:Overwrite", "ssm:Overwrite=true")]
    [InlineData(false, "ssm:PutParameter", Office, "StringEquals ssm:Overwrite")]
    [InlineData(true, "kms:Decrypt", MasterKey, null, ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Office)]
    [InlineData(false, "kms:Decrypt", MasterKey, "StringEquals kms:ViaService", "kms:EncryptionContext:PARAMETER_ARN=" + Office)]
    [InlineData(false, "kms:Decrypt", MasterKey, "StringEquals kms:EncryptionContext:PARAMETER_ARN", ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Keys)]
    [InlineData(false, "kms:Decrypt", NodeKey, "resource", ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Keys)]
    [InlineData(true, "kms:GenerateDataKey", StoreKey, null, ViaS3)]
    [InlineData(false, "kms:Decrypt", StoreKey, "StringEquals kms:EncryptionContext:PARAMETER_ARN", ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Keys)]
    [InlineData(true, "ssm:GetParameter", Report, null)]
    [InlineData(true, "ssm:PutParameter", Report, null, "ssm:Overwrite=false")]
    [InlineData(false, "ssm:PutParameter", Report, "StringEquals ssm:Overwrite", "ssm:Overwrite=true")]
    [InlineData(true, "kms:Encrypt", StoreKey, null, ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Report)]
    [InlineData(true, "ssm:GetParameter", Policy, null)]
    [InlineData(false, "ssm:PutParameter", Policy, "resource", "ssm:Overwrite=false")]
    [InlineData(false, "ssm:DeleteParameter", Office, "action")]
    [InlineData(false, "ssm:GetParametersByPath", "arn:aws:ssm:eu-central-1:123456789012:parameter/globalcache/one", "action")]
    [InlineData(false, "ssm:GetParameterHistory", Office, "action")]
    [InlineData(false, "ssm:GetParameter", "arn:aws:ssm:eu-central-1:123456789012:parameter/globalcache/two/office", "resource")]
    [InlineData(false, "kms:ScheduleKeyDeletion", MasterKey, "action")]
    [InlineData(false, "kms:CreateGrant", NodeKey, "action")]
    [InlineData(false, "kms:GenerateDataKey", MasterKey, "resource", ViaS3)]
    [InlineData(false, "s3:DeleteObjectVersion", State + "/control/current", "action")]
    [InlineData(false, "s3:PutBucketPolicy", State, "action")]
    [InlineData(false, "s3:PutObject", State + "/image/archive.tar.gz", "resource")]
    [InlineData(false, "s3:GetObject", "arn:aws:s3:::somebody-elses/m/roll", "resource")]
    [InlineData(false, "iam:PassRole", "arn:aws:iam::123456789012:role/globalcache-one-master", "resource", "iam:PassedToService=ec2.amazonaws.com")]
    [InlineData(false, "sts:AssumeRole", "arn:aws:iam::123456789012:role/globalcache-one-node", "action")]
    [InlineData(false, "ssm:StartSession", "*", "action")]
    [InlineData(false, "ssm:SendCommand", "*", "action")]
    [InlineData(false, "iam:CreatePolicy", "*", "action")]
    public void The_master_reaches_its_state_and_secrets_and_no_others(bool allowed, string action, string resource, string? reason, params string[] context) =>
        Check(SampleStack.Master, allowed, action, resource, reason, context);

    [Theory]
    [InlineData(true, "s3:GetObject", Assets + "/a/1", null)]
    [InlineData(true, "s3:PutObject", Assets + "/v/1", null)]
    [InlineData(true, "s3:PutObject", Assets + "/q/1", null)]
    [InlineData(false, "s3:DeleteObject", Assets + "/a/1", "action")]
    [InlineData(false, "s3:ListBucket", Assets, "action", "s3:prefix=a/")]
    [InlineData(true, "s3:GetObject", State + "/control/current", null)]
    [InlineData(false, "s3:PutObject", State + "/control/current", "resource")]
    [InlineData(false, "s3:GetObject", State + "/m/roll", "resource")]
    [InlineData(true, "ssm:GetParameter", Keys, null)]
    [InlineData(false, "ssm:GetParameter", Office, "resource")]
    [InlineData(true, "ssm:PutParameter", Keys, null, "ssm:Overwrite=false")]
    [InlineData(false, "kms:Decrypt", MasterKey, "resource", ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Office)]
    [InlineData(true, "kms:Decrypt", NodeKey, null, ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Keys)]
    [InlineData(true, "kms:Decrypt", StoreKey, null, ViaS3)]
    [InlineData(false, "kms:Decrypt", NodeKey, "StringEquals kms:EncryptionContext:PARAMETER_ARN", ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Report)]
    [InlineData(false, "kms:Decrypt", NodeKey, "StringEquals kms:ViaService", "kms:EncryptionContext:PARAMETER_ARN=" + Keys)]
    [InlineData(true, "kms:Decrypt", StoreKey, null, ViaSsm, "kms:EncryptionContext:PARAMETER_ARN=" + Report)]
    [InlineData(false, "kms:Decrypt", StoreKey, "StringEquals kms:ViaService", "kms:ViaService=ec2.eu-central-1.amazonaws.com")]
    [InlineData(true, "s3:GetObject", State + "/control/grid", null)]
    [InlineData(false, "s3:PutObject", State + "/control/grid", "resource")]
    [InlineData(false, "s3:ListBucket", State, "action", "s3:prefix=control/")]
    [InlineData(false, "s3:PutObject", Assets + "/m/roll", "resource")]
    [InlineData(true, "ssm:GetParameter", Report, null)]
    [InlineData(false, "ssm:GetParameter", Policy, "resource")]
    [InlineData(false, "ssm:PutParameter", Keys, "StringEquals ssm:Overwrite", "ssm:Overwrite=true")]
    [InlineData(false, "ssm:PutParameter", Policy, "resource", "ssm:Overwrite=false")]
    [InlineData(false, "ssm:PutParameter", Office, "resource", "ssm:Overwrite=false")]
    [InlineData(false, "ec2:DescribeInstances", "*", "action", "ec2:Region=eu-central-1")]
    [InlineData(false, "ec2:TerminateInstances", "arn:aws:ec2:eu-central-1:123456789012:instance/i-1", "action")]
    [InlineData(false, "ec2:CreateTags", "arn:aws:ec2:eu-central-1:123456789012:instance/i-1", "action")]
    [InlineData(false, "route53:ListResourceRecordSets", "arn:aws:route53:::hostedzone/Z0123456789ABCDEFGHIJ", "action")]
    [InlineData(false, "iam:PassRole", "arn:aws:iam::123456789012:role/globalcache-one-node", "action", "iam:PassedToService=ec2.amazonaws.com")]
    [InlineData(false, "ec2:RunInstances", "*", "action")]
    [InlineData(false, "route53:ChangeResourceRecordSets", "*", "action")]
    public void A_node_reaches_assets_and_its_own_secrets_and_deletes_and_lists_nothing(bool allowed, string action, string resource, string? reason, params string[] context) =>
        Check([SampleStack.Node], allowed, action, resource, reason, context);

    [Fact]
    public void The_buckets_refuse_a_blind_put_of_a_node_and_every_unencrypted_call()
    {
        IamDocument assets = IamDocuments.AssetBucket(SampleStack.Names), state = IamDocuments.StateBucket(SampleStack.Names);
        (string, string) node = ("aws:PrincipalArn", SampleStack.Names.NodeRoleArn), tls = ("aws:SecureTransport", "true"), plain = ("aws:SecureTransport", "false");
        IamVerdict Put(IamDocument bucket, string name, params (string, string)[] context) => IamEvaluator.Evaluate([SampleStack.Node, bucket], SampleStack.Call("s3:PutObject", name, context));
        Assert.True(Put(assets, Assets + "/v/1", node, tls, ("s3:if-none-match", "*")).IsAllowed);
        Assert.True(Put(assets, Assets + "/v/1", node, tls, ("s3:if-match", "etag")).IsAllowed);
        Assert.Equal("BlindPut", Put(assets, Assets + "/v/1", node, tls).Statement);
        Assert.Equal("PlainText", Put(assets, Assets + "/v/1", node, plain, ("s3:if-match", "etag")).Statement);
        Assert.Equal("NodesWrite", Put(state, State + "/control/current", node, tls, ("s3:if-match", "etag")).Statement);
        // The master's lease is conditional by its own doing.
        Assert.True(IamEvaluator.Evaluate([.. SampleStack.Master, state], SampleStack.Call("s3:PutObject", State + "/m/lease", ("aws:PrincipalArn", "arn:aws:iam::123456789012:role/master"), tls)).IsAllowed);
    }

    private static void Check(IReadOnlyList<IamDocument> documents, bool allowed, string action, string resource, string? reason, string[] context)
    {
        IamVerdict verdict = IamEvaluator.Evaluate(documents, SampleStack.Call(action, resource, [.. context.Select(c => (c[..c.IndexOf('=')], c[(c.IndexOf('=') + 1)..]))]));
        Assert.Equal((allowed, reason ?? "allowed"), (verdict.IsAllowed, verdict.Reason));
    }

    private static IamDocument[] All(FleetPolicy fleet, CloudNames names) =>
        [IamDocuments.MasterFleet(fleet, names), IamDocuments.MasterState(names), IamDocuments.Node(names), IamDocuments.AssetBucket(names), IamDocuments.StateBucket(names), IamDocuments.MachinesTrust()];
}
