using System.Net;
using Amazon.Runtime;
using GlobalCache.Master.Fleets;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;
using Microsoft.Extensions.Time.Testing;

namespace GlobalCache.Tests.Cloud;

/// <summary>The fleet on EC2 through AWS' own SDK, over HTTP, against a fake that asks the shipped permissions about every call.</summary>
public sealed class Ec2FleetTests : IAsyncLifetime
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 1, 12, 0, 0, TimeSpan.Zero));
    private FakeEc2 _ec2 = null!;
    private Ec2Fleet _fleet = null!;

    public async ValueTask InitializeAsync()
    {
        _ec2 = new FakeEc2(_time, SampleStack.Names, SampleStack.Master);
        await _ec2.StartAsync();
        _fleet = Fleet(_ec2, _time);
    }

    public async ValueTask DisposeAsync()
    {
        _fleet.Dispose();
        await _ec2.DisposeAsync();
    }

    [Fact]
    public async Task A_node_is_launched_as_laid_down_marked_and_ended_and_every_call_is_allowed()
    {
        LaunchAnswer answer = await _fleet.LaunchAsync(new LaunchOrder(Slot: 3, Generation: 2, Attempt: 0, Epoch: 7), CancellationToken.None);
        Assert.Equal(LaunchOutcome.Launched, answer.Outcome);
        Assert.Equal(InstanceState.Pending, answer.Instance!.State);
        Instance pending = Assert.Single(await _fleet.DescribeAsync(CancellationToken.None));
        Assert.Equal((3, 2, new Marks(Intent.Serve, 7), "c6i.large", null), (pending.Slot, pending.Generation, pending.Marks, pending.Type, pending.Address));
        Assert.Equal(_time.GetUtcNow(), pending.Launched);

        _time.Advance(_ec2.BootsIn);
        Instance running = Assert.Single(await _fleet.DescribeAsync(CancellationToken.None));
        Assert.Equal((InstanceState.Running, IPAddress.Parse("198.51.100.1"), IPAddress.Parse("10.0.0.1")), (running.State, running.Address, running.PrivateAddress));

        var drain = new Marks(Intent.Drain, 8, _time.GetUtcNow(), _time.GetUtcNow().AddSeconds(5.25));
        await _fleet.MarkAsync(running.Id, drain, CancellationToken.None);
        Assert.Equal(drain, Assert.Single(await _fleet.DescribeAsync(CancellationToken.None)).Marks);
        // Undrained: what was said before is gone.
        await _fleet.MarkAsync(running.Id, new Marks(Intent.Serve, 9), CancellationToken.None);
        Assert.Equal(new Marks(Intent.Serve, 9), Assert.Single(await _fleet.DescribeAsync(CancellationToken.None)).Marks);

        await _fleet.TerminateAsync(running.Id, CancellationToken.None);
        Assert.Equal(InstanceState.Terminated, Assert.Single(await _fleet.DescribeAsync(CancellationToken.None)).State);
        Assert.All(_ec2.Verdicts, v => Assert.True(v.Verdict.IsAllowed, v.ToString()));
    }

    [Fact]
    public async Task What_is_asked_of_EC2_is_all_that_keeps_a_node_safe()
    {
        await _fleet.LaunchAsync(new LaunchOrder(0, 1, 0, 1), CancellationToken.None);
        FakeEc2.Machine node = Assert.Single(_ec2.Machines);
        Assert.Equal(("required", "enabled", "1", "terminate", "1", "1"), (node.Of("MetadataOptions.HttpTokens"), node.Of("MetadataOptions.HttpEndpoint"), node.Of("MetadataOptions.HttpPutResponseHopLimit"),
            node.Of("InstanceInitiatedShutdownBehavior"), node.Of("MinCount"), node.Of("MaxCount")));
        Assert.Equal(("true", "gp3", "10", "true"), (node.Of("BlockDeviceMapping.1.Ebs.Encrypted"), node.Of("BlockDeviceMapping.1.Ebs.VolumeType"), node.Of("BlockDeviceMapping.1.Ebs.VolumeSize"), node.Of("BlockDeviceMapping.1.Ebs.DeleteOnTermination")));
        Assert.Equal(["instance", "volume", "network-interface"], Enumerable.Range(1, 3).Select(i => node.Of($"TagSpecification.{i}.ResourceType")));
        Assert.Equal($"role=node\nregion=eu-central-1\nstack=one\nmaster=10.0.9.9:12441\nassets=globalcache-one-assets\nstate=globalcache-one-state\nlink=97600000\norphan-hours=24\nnode-key={SampleStack.Names.NodeKey}\nstore-key={SampleStack.Names.StoreKey}\ngrid={new string('5', 64)}\n", System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(node.Of("UserData"))));
        Assert.Equal([.. CloudTags.AtLaunch.Order()], node.Tags.Keys.Order());
        Assert.DoesNotContain("KeyName", node.Asked.Keys);
    }

    [Fact]
    public async Task The_same_order_makes_one_node_whoever_repeats_it()
    {
        var order = new LaunchOrder(0, 1, 0, 1);
        _ec2.HiddenFor = TimeSpan.FromSeconds(60);
        _ec2.LoseNextAnswer = true;
        Assert.Equal(LaunchOutcome.Unknown, (await _fleet.LaunchAsync(order, CancellationToken.None)).Outcome);
        Assert.Empty(await _fleet.DescribeAsync(CancellationToken.None));
        using Ec2Fleet another = Fleet(_ec2, _time);
        Assert.Equal(LaunchOutcome.Launched, (await another.LaunchAsync(order, CancellationToken.None)).Outcome);
        Assert.Equal(LaunchOutcome.Launched, (await _fleet.LaunchAsync(order, CancellationToken.None)).Outcome);
        Assert.Single(_ec2.Machines);
        // It cannot be marked yet, and that is no loss.
        FleetTroubleException trouble = await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.MarkAsync(_ec2.Machines[0].Id, new Marks(Intent.Drain, 1), CancellationToken.None));
        Assert.Contains("InvalidInstanceID.NotFound", trouble.Message, StringComparison.Ordinal);
        await _fleet.TerminateAsync(_ec2.Machines[0].Id, CancellationToken.None);
        _time.Advance(_ec2.HiddenFor);
        Assert.Equal(InstanceState.Running, Assert.Single(await _fleet.DescribeAsync(CancellationToken.None)).State);
        // Another slot, generation, or attempt is another order.
        foreach (LaunchOrder other in (LaunchOrder[])[order with { Slot = 1 }, order with { Generation = 2 }, order with { Attempt = 1 }]) await _fleet.LaunchAsync(other, CancellationToken.None);
        Assert.Equal(4, _ec2.Machines.Count);
    }

    [Fact]
    public async Task An_order_whose_form_has_changed_since_makes_no_second_node()
    {
        await _fleet.LaunchAsync(new LaunchOrder(0, 1, 0, 1), CancellationToken.None);
        using Ec2Fleet newer = Fleet(_ec2, _time, SampleStack.Fleet with { OrphanHours = 12 });
        LaunchAnswer answer = await newer.LaunchAsync(new LaunchOrder(0, 1, 0, 1), CancellationToken.None);
        Assert.Equal(LaunchOutcome.Unknown, answer.Outcome);
        Assert.Contains("IdempotentParameterMismatch", answer.Reason, StringComparison.Ordinal);
        Assert.Single(_ec2.Machines);
    }

    [Fact]
    public async Task A_node_that_an_order_made_and_that_has_ended_since_is_not_taken_for_a_new_one()
    {
        var order = new LaunchOrder(0, 1, 0, 1);
        await _fleet.LaunchAsync(order, CancellationToken.None);
        await _fleet.TerminateAsync(_ec2.Machines[0].Id, CancellationToken.None);
        Assert.Equal(LaunchOutcome.NoCapacity, (await _fleet.LaunchAsync(order, CancellationToken.None)).Outcome);
    }

    [Fact]
    public async Task Where_there_is_none_the_next_zone_is_asked_and_then_the_next_type()
    {
        foreach (string subnet in SampleStack.Names.Subnets) _ec2.Empty.Add((subnet, "c6i.large"));
        _ec2.Empty.Add((SampleStack.Names.Subnets[0], "c7i.large"));
        var outcomes = new List<LaunchOutcome>();
        for (int attempt = 0; attempt < 4; attempt++) outcomes.Add((await _fleet.LaunchAsync(new LaunchOrder(0, 1, attempt, 1), CancellationToken.None)).Outcome);
        Assert.Equal([LaunchOutcome.NoCapacity, LaunchOutcome.NoCapacity, LaunchOutcome.NoCapacity, LaunchOutcome.Launched], outcomes);
        FakeEc2.Machine node = Assert.Single(_ec2.Machines);
        Assert.Equal((SampleStack.Names.Subnets[1], "c7i.large"), (node.Of("NetworkInterface.1.SubnetId"), node.Of("InstanceType")));
        Assert.All(_ec2.Verdicts, v => Assert.True(v.Verdict.IsAllowed, v.ToString()));
    }

    [Fact]
    public void Slots_begin_in_different_zones_and_attempts_visit_every_place_before_any_again()
    {
        string[] subnets = ["a", "b", "c"];
        IReadOnlyList<NodeType> types = new FleetPolicy().Types;
        Assert.Equal(["a", "b", "c", "a"], Enumerable.Range(0, 4).Select(slot => Ec2Fleet.Place(new LaunchOrder(slot, 1, 0, 1), subnets, types).Subnet));
        foreach (int slot in (int[])[0, 1, 7, 9999])
            Assert.Equal(9, Enumerable.Range(0, 9).Select(attempt => Ec2Fleet.Place(new LaunchOrder(slot, 1, attempt, 1), subnets, types)).Distinct().Count());
        Ec2Fleet.Place(new LaunchOrder(9999, 1, int.MaxValue, 1), subnets, types);
    }

    [Theory]
    [InlineData(503, "RequestLimitExceeded", LaunchOutcome.Unknown)]
    [InlineData(500, "InternalError", LaunchOutcome.Unknown)]
    [InlineData(0, "", LaunchOutcome.Unknown)]
    [InlineData(403, "UnauthorizedOperation", LaunchOutcome.Refused)]
    [InlineData(400, "VcpuLimitExceeded", LaunchOutcome.Refused)]
    [InlineData(400, "InstanceLimitExceeded", LaunchOutcome.Refused)]
    [InlineData(400, "InvalidAMIID.NotFound", LaunchOutcome.Refused)]
    [InlineData(400, "Unsupported", LaunchOutcome.NoCapacity)]
    [InlineData(400, "InsufficientFreeAddressesInSubnet", LaunchOutcome.NoCapacity)]
    [InlineData(500, "InsufficientInstanceCapacity", LaunchOutcome.NoCapacity)]
    internal async Task What_EC2_says_of_a_launch_is_told_apart(int status, string code, LaunchOutcome outcome)
    {
        _ec2.Refuse(status, code);
        LaunchAnswer answer = await _fleet.LaunchAsync(new LaunchOrder(0, 1, 0, 1), CancellationToken.None);
        Assert.Equal(outcome, answer.Outcome);
        Assert.EndsWith(".", answer.Reason, StringComparison.Ordinal);
        Assert.Single(_ec2.Calls);
    }

    [Fact]
    public async Task When_EC2_asks_for_fewer_calls_it_gets_fewer_and_each_kind_for_itself()
    {
        double expected = 5;
        for (int i = 0; i < 8; i++)
        {
            _ec2.Refuse(503, "RequestLimitExceeded");
            await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.DescribeAsync(CancellationToken.None));
            int calls = _ec2.Calls.Count;
            // Jitter is half of what it may be: an eighth more.
            _time.Advance(TimeSpan.FromSeconds((expected * 1.125) - 0.5));
            FleetTroubleException trouble = await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.DescribeAsync(CancellationToken.None));
            Assert.Contains("fewer calls", trouble.Message, StringComparison.Ordinal);
            Assert.Equal(calls, _ec2.Calls.Count);
            _time.Advance(TimeSpan.FromSeconds(0.5));
            expected = Math.Min(expected * 2, 120);
        }

        Assert.Empty(await _fleet.DescribeAsync(CancellationToken.None));
        Assert.Equal(LaunchOutcome.Launched, (await _fleet.LaunchAsync(new LaunchOrder(0, 1, 0, 1), CancellationToken.None)).Outcome);
        // An answer ends it: the next pause is a short one again.
        _ec2.Refuse(503, "RequestLimitExceeded");
        await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.DescribeAsync(CancellationToken.None));
        _time.Advance(TimeSpan.FromSeconds(5.7));
        Assert.Single(await _fleet.DescribeAsync(CancellationToken.None));
    }

    [Fact]
    public async Task A_clock_set_back_shuts_nobody_out()
    {
        var pause = new Ec2BackOff(() => 1);
        DateTimeOffset now = _time.GetUtcNow();
        pause.Throttled(now);
        Assert.Equal(TimeSpan.FromSeconds(6.25), pause.Left(now));
        Assert.Equal(TimeSpan.Zero, pause.Left(now.AddHours(-1)));
        await Task.CompletedTask;
    }

    [Fact]
    public async Task A_list_of_many_pages_is_read_to_its_end_and_one_without_an_end_is_not_believed()
    {
        _ec2.PageSize = 7;
        for (int slot = 0; slot < 30; slot++) await _fleet.LaunchAsync(new LaunchOrder(slot, 1, 0, 1), CancellationToken.None);
        IReadOnlyList<Instance> all = await _fleet.DescribeAsync(CancellationToken.None);
        Assert.Equal(Enumerable.Range(0, 30), all.Select(i => i.Slot).Order());
        _ec2.NeverEnds = true;
        await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.DescribeAsync(CancellationToken.None));
        // The second page at the latest shows that the list repeats itself.
        Assert.InRange(_ec2.Calls.Count(c => c == "DescribeInstances"), 6, 12);
    }

    [Fact]
    public async Task What_does_not_bear_the_fleets_tags_is_foreign_or_not_seen_at_all()
    {
        (string, string)[] ours = [(CloudTags.Role, "node"), (CloudTags.Stack, "one")];
        (string, string)[] whole = [.. ours, (CloudTags.Fleet, "one"), (CloudTags.Slot, "4"), (CloudTags.Generation, "1"), (CloudTags.Intent, "Serve"), (CloudTags.Epoch, "3")];
        _ec2.Add();
        _ec2.Add((CloudTags.Role, "master"), (CloudTags.Stack, "one"));
        _ec2.Add((CloudTags.Role, "node"), (CloudTags.Stack, "two"));
        Assert.Empty(await _fleet.DescribeAsync(CancellationToken.None));
        _ec2.Add(ours);
        foreach ((string key, string value) in (ReadOnlySpan<(string, string)>)[(CloudTags.Fleet, "two"), (CloudTags.Slot, "-1"), (CloudTags.Slot, "10000"), (CloudTags.Generation, ""), (CloudTags.Intent, "serve"), (CloudTags.Epoch, "x")])
            _ec2.Add([.. whole.Where(t => t.Item1 != key), (key, value)]);
        Assert.All(await _fleet.DescribeAsync(CancellationToken.None), i => Assert.Null(i.Marks));
        FakeEc2.Machine good = _ec2.Add([.. whole, (CloudTags.DrainSince, "yesterday")]);
        Assert.Equal((4, new Marks(Intent.Serve, 3)), (await _fleet.DescribeAsync(CancellationToken.None)).Where(i => i.Id == good.Id).Select(i => (i.Slot, i.Marks!)).Single());
    }

    [Theory]
    [InlineData("pending", InstanceState.Pending)]
    [InlineData("running", InstanceState.Running)]
    [InlineData("shutting-down", InstanceState.Stopping)]
    [InlineData("stopping", InstanceState.Stopping)]
    [InlineData("stopped", InstanceState.Stopping)]
    [InlineData("terminated", InstanceState.Terminated)]
    internal async Task The_clouds_states_are_ours(string state, InstanceState expected)
    {
        _ec2.Add((CloudTags.Role, "node"), (CloudTags.Stack, "one")).State = state;
        Assert.Equal(expected, Assert.Single(await _fleet.DescribeAsync(CancellationToken.None)).State);
    }

    [Fact]
    public async Task Without_an_answer_the_fleet_says_so_and_a_stopped_caller_is_not_told_of_trouble()
    {
        _ec2.Refuse(0, "");
        await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.DescribeAsync(CancellationToken.None));
        _ec2.Refuse(0, "");
        await Assert.ThrowsAsync<FleetTroubleException>(() => _fleet.TerminateAsync(_ec2.Add((CloudTags.Role, "node"), (CloudTags.Stack, "one")).Id, CancellationToken.None));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _fleet.DescribeAsync(new CancellationToken(canceled: true)));
    }

    [Fact]
    public void Settings_that_cannot_be_meant_are_refused_together()
    {
        var rules = new Ec2SettingsValidator();
        Assert.Empty(rules.Validate(Settings(new Uri("http://127.0.0.1:1"))).Errors);
        Ec2Settings wrong = Settings(null) with { Region = "here", Stack = "*", Subnets = ["subnet-*"], SecurityGroup = "", NodeProfileArn = "x", AssetBucket = "A", StateBucket = "", NodeKey = "x", StoreKey = "y", Grid = "z", Master = new IPEndPoint(IPAddress.Any, 1), RootDevice = "sda", Patience = TimeSpan.Zero };
        Assert.Equal(13, rules.Validate(wrong).Errors.Select(e => e.PropertyName.Split('[')[0]).Distinct().Count());
    }

    internal static Ec2Settings Settings(Uri? endpoint) => new()
    {
        Region = SampleStack.Names.Region,
        Stack = SampleStack.Names.Stack,
        Subnets = SampleStack.Names.Subnets,
        SecurityGroup = SampleStack.Names.SecurityGroup,
        NodeProfileArn = SampleStack.Names.NodeProfileArn,
        AssetBucket = SampleStack.Names.AssetBucket,
        StateBucket = SampleStack.Names.StateBucket,
        NodeKey = SampleStack.Names.NodeKey,
        StoreKey = SampleStack.Names.StoreKey,
        Grid = new string('5', 64),
        Master = new IPEndPoint(IPAddress.Parse("10.0.9.9"), 12441),
        Endpoint = endpoint,
    };

    private static Ec2Fleet Fleet(FakeEc2 ec2, TimeProvider time, FleetPolicy? policy = null) =>
        new(Settings(ec2.Url), () => policy ?? SampleStack.Fleet, () => SampleStack.Names.Images[0], time, () => 0.5, new SessionAWSCredentials(FakeAws.KeyId, FakeAws.Secret, FakeAws.Token));
}
