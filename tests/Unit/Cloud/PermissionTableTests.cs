using Amazon.EC2;
using Amazon.EC2.Model;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Zones;
using GlobalCache.Policy.Cloud;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Cloud;

/// <summary>
/// What somebody who has taken the master over could ask of AWS with its credentials: each call as the master makes it but for one thing, through AWS' own SDK or signed by
/// ourselves, and refused for that one thing (INFRA §3).
/// </summary>
public sealed class PermissionTableTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 12, 0, 0, TimeSpan.Zero));
    private FakeEc2 _ec2 = null!;
    private FakeRoute53 _route53 = null!;
    private AmazonEC2Client _sdk = null!;

    public async ValueTask InitializeAsync()
    {
        _ec2 = new FakeEc2(_time, SampleStack.Names, SampleStack.Master);
        _route53 = new FakeRoute53(_time, SampleStack.Names, SampleStack.Master);
        await _ec2.StartAsync();
        await _route53.StartAsync();
        _sdk = new AmazonEC2Client(Route53ZoneTests.Keys, new AmazonEC2Config { ServiceURL = _ec2.Url.AbsoluteUri, AuthenticationRegion = SampleStack.Names.Region, MaxErrorRetry = 0 });
    }

    public async ValueTask DisposeAsync()
    {
        _sdk.Dispose();
        await _ec2.DisposeAsync();
        await _route53.DisposeAsync();
    }

    private static readonly Dictionary<string, (Action<RunInstancesRequest> Change, string Statement, string Reason)> s_launches = new()
    {
        ["another type"] = (r => r.InstanceType = InstanceType.FindValue("p5.48xlarge"), "Launch", "StringEquals ec2:InstanceType"),
        ["a bigger size of an allowed family"] = (r => r.InstanceType = InstanceType.FindValue("c6i.24xlarge"), "Launch", "StringEquals ec2:InstanceType"),
        ["IMDSv1"] = (r => r.MetadataOptions.HttpTokens = HttpTokensState.Optional, "Launch", "StringEquals ec2:MetadataHttpTokens"),
        ["metadata options left out"] = (r => r.MetadataOptions = null, "Launch", "StringEquals ec2:MetadataHttpTokens"),
        ["no metadata service"] = (r => r.MetadataOptions.HttpEndpoint = InstanceMetadataEndpointState.Disabled, "Launch", "StringEquals ec2:MetadataHttpEndpoint"),
        ["metadata over two hops"] = (r => r.MetadataOptions.HttpPutResponseHopLimit = 2, "Launch", "NumericLessThanEquals ec2:MetadataHttpPutResponseHopLimit"),
        ["a dedicated machine"] = (r => r.Placement = new Placement { Tenancy = Tenancy.Dedicated }, "Launch", "StringEquals ec2:Tenancy"),
        ["the spot market"] = (r => r.InstanceMarketOptions = new InstanceMarketOptionsRequest { MarketType = MarketType.Spot }, "Launch", "StringEqualsIfExists ec2:InstanceMarketType"),
        ["another profile"] = (r => r.IamInstanceProfile.Arn = "arn:aws:iam::123456789012:instance-profile/admin", "Launch", "ArnEquals ec2:InstanceProfile"),
        ["another profile by name"] = (r => r.IamInstanceProfile = new IamInstanceProfileSpecification { Name = "admin" }, "Launch", "ArnEquals ec2:InstanceProfile"),
        ["no profile"] = (r => r.IamInstanceProfile = null, "Launch", "ArnEquals ec2:InstanceProfile"),
        ["no tags"] = (r => r.TagSpecifications = null, "Launch", "StringEquals aws:RequestTag/globalcache:role"),
        ["no role tag"] = (r => Tags(r).RemoveAll(t => t.Key == CloudTags.Role), "Launch", "StringEquals aws:RequestTag/globalcache:role"),
        ["the master's role tag"] = (r => Tag(r, CloudTags.Role).Value = "master", "Launch", "StringEquals aws:RequestTag/globalcache:role"),
        ["another stack's tag"] = (r => Tag(r, CloudTags.Stack).Value = "two", "Launch", "StringEquals aws:RequestTag/globalcache:stack"),
        ["a tag of its own"] = (r => Tags(r).Add(new Tag("aws-billing", "x")), "Launch", "ForAllValues:StringEquals aws:TagKeys"),
        ["another image"] = (r => r.ImageId = "ami-0cccccccccccccccc", "image/ami-0cccccccccccccccc", "resource"),
        ["another subnet"] = (r => r.NetworkInterfaces[0].SubnetId = "subnet-0cccccccccccccccc", "subnet/subnet-0cccccccccccccccc", "resource"),
        ["another security group"] = (r => r.NetworkInterfaces[0].Groups = ["sg-0cccccccccccccccc"], "security-group/sg-0cccccccccccccccc", "resource"),
        ["a second security group"] = (r => r.NetworkInterfaces[0].Groups = [SampleStack.Names.SecurityGroup, "sg-0cccccccccccccccc"], "security-group/sg-0cccccccccccccccc", "resource"),
        ["a bigger volume"] = (r => r.BlockDeviceMappings[0].Ebs.VolumeSize = 11, "LaunchVolume", "NumericLessThanEquals ec2:VolumeSize"),
        ["an unencrypted volume"] = (r => r.BlockDeviceMappings[0].Ebs.Encrypted = false, "LaunchVolume", "Bool ec2:Encrypted"),
        ["a dearer volume"] = (r => r.BlockDeviceMappings[0].Ebs.VolumeType = VolumeType.Io2, "LaunchVolume", "StringEquals ec2:VolumeType"),
        ["the image's own volume"] = (r => r.BlockDeviceMappings = null, "LaunchVolume", "Bool ec2:Encrypted"),
        ["a key pair"] = (r => r.KeyName = "mine", "key-pair/mine", "resource"),
        ["a volume tagged for another stack"] = (r => r.TagSpecifications[1].Tags = [new Tag(CloudTags.Role, "node"), new Tag(CloudTags.Stack, "two")], "TagAtLaunch", "StringEquals aws:RequestTag/globalcache:stack"),
        ["an interface with a tag of its own"] = (r => r.TagSpecifications[2].Tags = [.. r.TagSpecifications[2].Tags, new Tag("x", "y")], "TagAtLaunch", "ForAllValues:StringEquals aws:TagKeys"),
        ["a tagged fleet request"] = (r => r.TagSpecifications = [.. r.TagSpecifications, new TagSpecification { ResourceType = ResourceType.SpotInstancesRequest, Tags = Tags(r) }], "spot-instances-request/*", "resource"),
    };

    public static TheoryData<string> Launches => [.. s_launches.Keys];

    [Theory]
    [MemberData(nameof(Launches))]
    public async Task A_launch_is_refused_for(string what)
    {
        (Action<RunInstancesRequest> change, string statement, string reason) = s_launches[what];
        RunInstancesRequest launch = Launch();
        change(launch);
        AmazonEC2Exception refused = await Assert.ThrowsAsync<AmazonEC2Exception>(() => _sdk.RunInstancesAsync(launch));
        Assert.Equal("UnauthorizedOperation", refused.ErrorCode);
        (IamCall call, IamVerdict verdict) = _ec2.LastRefusal;
        // No statement is about such a resource; else one is, and has a condition that does not hold.
        Assert.Equal((reason, statement), (verdict.Reason, reason == "resource" ? call.Resource[(call.Resource.LastIndexOf(':') + 1)..] : verdict.Statement));
        Assert.Empty(_ec2.Machines);
    }

    [Fact]
    public async Task The_launch_that_all_these_differ_from_is_allowed_in_every_place_and_from_both_images()
    {
        foreach (string subnet in SampleStack.Names.Subnets)
        {
            foreach (string image in SampleStack.Names.Images)
            {
                foreach (string type in SampleStack.Fleet.Types.Select(t => t.Name))
                {
                    RunInstancesRequest launch = Launch();
                    (launch.NetworkInterfaces[0].SubnetId, launch.ImageId, launch.InstanceType) = (subnet, image, InstanceType.FindValue(type));
                    await _sdk.RunInstancesAsync(launch);
                }
            }
        }

        Assert.Equal(12, _ec2.Machines.Count);
    }

    private static readonly (string, string)[] s_ours = [(CloudTags.Role, "node"), (CloudTags.Stack, "one")];

    private static readonly Dictionary<string, ((string, string)[] Has, Func<AmazonEC2Client, string, Task> Call, string Statement, string Reason)> s_others = new()
    {
        ["ending a machine without tags"] = ([], End, "EndNodes", "StringEquals aws:ResourceTag/globalcache:role"),
        ["ending another stack's node"] = ([(CloudTags.Role, "node"), (CloudTags.Stack, "two")], End, "EndNodes", "StringEquals aws:ResourceTag/globalcache:stack"),
        ["ending the master"] = ([(CloudTags.Role, "master"), (CloudTags.Stack, "one")], End, "EndNodes", "StringEquals aws:ResourceTag/globalcache:role"),
        ["marking a machine without tags"] = ([], (e, id) => Mark(e, id, CloudTags.Intent), "MarkNodes", "StringEquals aws:ResourceTag/globalcache:role"),
        ["marking another stack's node"] = ([(CloudTags.Role, "node"), (CloudTags.Stack, "two")], (e, id) => Mark(e, id, CloudTags.Intent), "MarkNodes", "StringEquals aws:ResourceTag/globalcache:stack"),
        ["making a machine a node"] = ([], (e, id) => Mark(e, id, CloudTags.Role), "TagAtLaunch", "StringEquals ec2:CreateAction"),
        ["giving a node another slot"] = (s_ours, (e, id) => Mark(e, id, CloudTags.Slot), "MarkNodes", "ForAllValues:StringEquals aws:TagKeys"),
        ["giving a node another stack"] = (s_ours, (e, id) => Mark(e, id, CloudTags.Intent, CloudTags.Stack), "MarkNodes", "ForAllValues:StringEquals aws:TagKeys"),
        ["taking tags away"] = (s_ours, (e, id) => e.DeleteTagsAsync(new DeleteTagsRequest { Resources = [id], Tags = [new Tag(CloudTags.Intent)] }), "", "action"),
        ["stopping a node"] = (s_ours, (e, id) => e.StopInstancesAsync(new StopInstancesRequest { InstanceIds = [id] }), "", "action"),
        ["rebooting a node"] = (s_ours, (e, id) => e.RebootInstancesAsync(new RebootInstancesRequest { InstanceIds = [id] }), "", "action"),
        ["changing a node"] = (s_ours, (e, id) => e.ModifyInstanceAttributeAsync(new ModifyInstanceAttributeRequest { InstanceId = id, InstanceType = "p5.48xlarge" }), "", "action"),
        ["weakening a node's metadata"] = (s_ours, (e, id) => e.ModifyInstanceMetadataOptionsAsync(new ModifyInstanceMetadataOptionsRequest { InstanceId = id, HttpTokens = HttpTokensState.Optional }), "", "action"),
        ["giving a node another role"] = (s_ours, (e, id) => e.AssociateIamInstanceProfileAsync(new AssociateIamInstanceProfileRequest { InstanceId = id, IamInstanceProfile = new IamInstanceProfileSpecification { Name = "admin" } }), "", "action"),
        ["reading a node's console"] = (s_ours, (e, id) => e.GetConsoleOutputAsync(new GetConsoleOutputRequest { InstanceId = id }), "", "action"),
        ["copying a node's disk"] = (s_ours, (e, id) => e.CreateImageAsync(new CreateImageRequest { InstanceId = id, Name = "copy" }), "", "action"),
        ["making a key pair"] = (s_ours, (e, _) => e.CreateKeyPairAsync(new CreateKeyPairRequest("mine")), "", "action"),
        ["opening the nodes' security group"] = (s_ours, (e, _) => e.AuthorizeSecurityGroupIngressAsync(new AuthorizeSecurityGroupIngressRequest { GroupId = SampleStack.Names.SecurityGroup }), "", "action"),
        ["launching by a fleet request"] = (s_ours, (e, _) => e.CreateLaunchTemplateAsync(new CreateLaunchTemplateRequest { LaunchTemplateName = "x", LaunchTemplateData = new RequestLaunchTemplateData { ImageId = "ami-0cccccccccccccccc" } }), "", "action"),
    };

    public static TheoryData<string> Others => [.. s_others.Keys];

    [Theory]
    [MemberData(nameof(Others))]
    public async Task Refused_is_also(string what)
    {
        ((string, string)[] has, Func<AmazonEC2Client, string, Task> call, string statement, string reason) = s_others[what];
        FakeEc2.Machine machine = _ec2.Add(has);
        var before = new Dictionary<string, string>(machine.Tags);
        AmazonEC2Exception refused = await Assert.ThrowsAsync<AmazonEC2Exception>(() => call(_sdk, machine.Id));
        Assert.Equal("UnauthorizedOperation", refused.ErrorCode);
        Assert.Equal((reason, statement), (_ec2.LastRefusal.Verdict.Reason, _ec2.LastRefusal.Verdict.Statement));
        Assert.Equal("running", machine.State);
        Assert.Equal(before, machine.Tags);
    }

    private const string NamesKey = "ForAllValues:StringEquals route53:ChangeResourceRecordSetsNormalizedRecordNames";

    [Theory]
    [InlineData("another name", "www.grid.example.net", "UPSERT A", NamesKey)]
    [InlineData("the zone's own name", "grid.example.net", "UPSERT A", NamesKey)]
    [InlineData("a name below", "a.nodes.grid.example.net", "UPSERT A", NamesKey)]
    [InlineData("a TXT record", null, "UPSERT TXT", "ForAllValues:StringEquals route53:ChangeResourceRecordSetsRecordTypes")]
    [InlineData("a CNAME", null, "UPSERT CNAME", "ForAllValues:StringEquals route53:ChangeResourceRecordSetsRecordTypes")]
    [InlineData("a delegation", null, "UPSERT NS", "ForAllValues:StringEquals route53:ChangeResourceRecordSetsRecordTypes")]
    [InlineData("CREATE", null, "CREATE A", "ForAllValues:StringEquals route53:ChangeResourceRecordSetsActions")]
    [InlineData("one foreign type among our own", null, "UPSERT A,UPSERT TXT", "ForAllValues:StringEquals route53:ChangeResourceRecordSetsRecordTypes")]
    [InlineData("a batch of nothing, in which every key is absent", null, "", "Null route53:ChangeResourceRecordSetsNormalizedRecordNames")]
    public async Task A_record_change_is_refused_for(string what, string? name, string changes, string reason)
    {
        RecordChange[] batch = [.. changes.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(c => c.Split(' ')).Select(c => new RecordChange(c[0], new RecordSet(c[1], 60, ["192.0.2.66"])))];
        using var client = new Route53Client(Route53ZoneTests.Settings(_route53) with { Name = name ?? SampleStack.Names.RecordName }, Route53ZoneTests.Keys, _time, () => 0.5);
        ZoneTroubleException refused = await Assert.ThrowsAsync<ZoneTroubleException>(() => client.ChangeAsync(batch, CancellationToken.None));
        Assert.True(refused.Message.Contains("AccessDenied", StringComparison.Ordinal), $"{what}: {refused.Message}");
        Assert.Equal((reason, "OneRecord"), (_route53.LastRefusal.Verdict.Reason, _route53.LastRefusal.Verdict.Statement));
        Assert.Empty(_route53.Records);
    }

    [Fact]
    public async Task Another_zone_is_neither_read_nor_written()
    {
        using var client = new Route53Client(Route53ZoneTests.Settings(_route53) with { HostedZone = "ZOTHER" }, Route53ZoneTests.Keys, _time, () => 0.5);
        foreach ((Func<Task> call, string statement) in ((Func<Task>, string)[])[(() => client.ListAsync(CancellationToken.None), "ReadZone"), (() => client.NameServersAsync(CancellationToken.None), "ReadZone"),
            (() => client.ChangeAsync([new RecordChange("UPSERT", new RecordSet("A", 60, ["192.0.2.66"]))], CancellationToken.None), "OneRecord")])
        {
            Assert.Contains("AccessDenied", (await Assert.ThrowsAsync<ZoneTroubleException>(call)).Message, StringComparison.Ordinal);
            Assert.Equal(("resource", statement), (_route53.LastRefusal.Verdict.Reason, _route53.LastRefusal.Verdict.Statement));
        }
    }

    [Fact]
    public void The_nodes_role_is_passed_to_machines_alone_and_no_other_role_is()
    {
        IamVerdict Pass(string role, string to) => IamEvaluator.Evaluate(SampleStack.Master, SampleStack.Call("iam:PassRole", role, ("iam:PassedToService", to)));
        Assert.True(Pass(SampleStack.Names.NodeRoleArn, "ec2.amazonaws.com").IsAllowed);
        Assert.Equal("StringEquals iam:PassedToService", Pass(SampleStack.Names.NodeRoleArn, "lambda.amazonaws.com").Reason);
        Assert.Equal("resource", Pass("arn:aws:iam::123456789012:role/admin", "ec2.amazonaws.com").Reason);
        Assert.Equal("StringEquals ec2:Region", IamEvaluator.Evaluate(SampleStack.Master, SampleStack.Call("ec2:DescribeInstances", "*", ("ec2:Region", "us-east-1"))).Reason);
    }

    /// <summary>As the fleet makes it; that it does is seen by the test above this table, where the fleet's own launch is allowed.</summary>
    private static RunInstancesRequest Launch()
    {
        Tag[] tags = [.. Ec2Tags.AtLaunch("one", new LaunchOrder(0, 1, 0, 1)).Select(t => new Tag(t.Key, t.Value))];
        return new RunInstancesRequest
        {
            MinCount = 1,
            MaxCount = 1,
            ImageId = SampleStack.Names.Images[0],
            InstanceType = InstanceType.FindValue("c6i.large"),
            IamInstanceProfile = new IamInstanceProfileSpecification { Arn = SampleStack.Names.NodeProfileArn },
            MetadataOptions = new InstanceMetadataOptionsRequest { HttpTokens = HttpTokensState.Required, HttpEndpoint = InstanceMetadataEndpointState.Enabled, HttpPutResponseHopLimit = 1 },
            NetworkInterfaces = [new InstanceNetworkInterfaceSpecification { DeviceIndex = 0, SubnetId = SampleStack.Names.Subnets[0], Groups = [SampleStack.Names.SecurityGroup] }],
            BlockDeviceMappings = [new BlockDeviceMapping { DeviceName = "/dev/xvda", Ebs = new EbsBlockDevice { Encrypted = true, VolumeType = VolumeType.Gp3, VolumeSize = 10 } }],
            TagSpecifications = [.. new[] { ResourceType.Instance, ResourceType.Volume, ResourceType.NetworkInterface }
                .Select(r => new TagSpecification { ResourceType = r, Tags = [.. tags.Select(t => new Tag(t.Key, t.Value))] })],
        };
    }

    private static List<Tag> Tags(RunInstancesRequest launch) => launch.TagSpecifications[0].Tags;

    private static Tag Tag(RunInstancesRequest launch, string key) => Tags(launch).Single(t => t.Key == key);

    private static Task End(AmazonEC2Client ec2, string id) => ec2.TerminateInstancesAsync(new TerminateInstancesRequest { InstanceIds = [id] });

    private static Task Mark(AmazonEC2Client ec2, string id, params string[] keys) => ec2.CreateTagsAsync(new CreateTagsRequest { Resources = [id], Tags = [.. keys.Select(k => new Tag(k, "x"))] });
}
