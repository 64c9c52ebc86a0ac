using System.Net;
using System.Text;
using Amazon.Runtime;
using GlobalCache.Master;
using GlobalCache.Master.Grids;
using GlobalCache.Master.Reconcile;
using GlobalCache.Node;
using GlobalCache.Node.Fleet;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Serving;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Wire;
using GlobalCache.TestGrid.Synthetic;
using GlobalCache.Tests.Node.Control;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Cloud;

/// <summary>
/// A whole grid as it runs in AWS: the master's and the nodes' real programs, each machine with nothing but its user data, its metadata service and its role; EC2, Route 53, SSM and S3 are fakes that
/// ask the shipped permissions about each call, a pair of them for each role over the same parameters and objects.
/// </summary>
[Collection("load")]
public sealed class AwsNodeTests : IAsyncLifetime
{
    private const string World = "login.example.org:8002", Authority = "assets.example.org";
    private const int Port = 12443;
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(90);
    private static readonly CloudNames s_names = SampleStack.Names;

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-aws-node-").FullName;
    private readonly StackParameters _parameters = new(s_names.Stack);
    private readonly GridClient _ann = new("127.1.0.1");
    private readonly FakeEc2 _ec2 = new(TimeProvider.System, s_names, SampleStack.Master) { BootsIn = TimeSpan.Zero, AddressOf = n => ($"127.61.0.{n}", $"127.61.0.{n}") };
    private readonly FakeRoute53 _route53 = new(TimeProvider.System, s_names, SampleStack.Master) { SyncsIn = TimeSpan.Zero };
    private readonly FakeSsm _mastersSsm, _nodesSsm;
    private readonly FakeS3 _mastersS3, _nodesS3;
    private readonly List<NodeApp> _nodes = [];
    private readonly List<FakeMetadata> _machines = [];

    public AwsNodeTests()
    {
        _mastersSsm = new FakeSsm(TimeProvider.System, s_names, SampleStack.Master);
        _nodesSsm = new FakeSsm(TimeProvider.System, s_names, [SampleStack.Node]) { Parameters = _mastersSsm.Parameters };
        _mastersS3 = new FakeS3(TimeProvider.System, s_names, SampleStack.Master, "arn:aws:iam::123456789012:role/globalcache-one-master");
        _nodesS3 = new FakeS3(TimeProvider.System, s_names, [SampleStack.Node], s_names.NodeRoleArn) { Objects = _mastersS3.Objects };
    }

    private FakeAws[] Fakes => [_ec2, _route53, _mastersSsm, _nodesSsm, _mastersS3, _nodesS3];

    public async ValueTask InitializeAsync()
    {
        foreach (FakeAws fake in Fakes) await fake.StartAsync();
        _route53.ServeNames();
        _mastersSsm.Parameters[_parameters.Image] = new(s_names.Images[0], null);
        _mastersSsm.Parameters[_parameters.Admin] = new(new string('a', 64), null);
        _mastersSsm.Parameters[_parameters.Policy] = new(new GridPolicy
        {
            Fleet = SampleStack.Fleet,
            Scaling = new ScalingPolicy { Min = 2, Max = 4, Tick = TimeSpan.FromSeconds(2) },
            Vouching = new VouchingPolicy { Lead = 1 },
            Grids = [new SharedGrid { Id = World, Authorities = [Authority] }],
        }.ToJson(), null);
        await File.WriteAllTextAsync(Path.Combine(_folder, "master.settings"), MasterUserData.Of(s_names, "master.grid.example.net").Format());
    }

    public async ValueTask DisposeAsync()
    {
        _ann.Dispose();
        foreach (NodeApp node in _nodes) await node.DisposeAsync();
        foreach (FakeMetadata machine in _machines) await machine.DisposeAsync();
        foreach (FakeAws fake in Fakes) await fake.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task What_the_master_launches_becomes_nodes_by_its_user_data_alone_and_serves()
    {
        await using MasterApp master = await StartMasterAsync();
        await UntilAsync(() => _ec2.Machines.Count == 2, () => string.Join(' ', master.Reconciler.History.Newest(12).Select(h => h.Reason)));

        // Both boot at once, and the secrets are nobody's yet.
        Assert.DoesNotContain(_parameters.NodeKeys, _mastersSsm.Parameters.Keys);
        _nodes.AddRange(await Task.WhenAll(_ec2.Machines.Select((m, i) => BootAsync(m.Id, $"127.61.0.{i + 1}", Encoding.UTF8.GetString(Convert.FromBase64String(m.Of("UserData")))))));
        await UntilAsync(() => master.Reconciler.Snapshot.Nodes.Count(n => n.State == NodeState.InService) == 2,
            () => string.Join('|', master.Reconciler.Snapshot.Nodes.Select(n => $"{n.Name} {n.State}").Concat(master.Reconciler.History.Newest(12).Select(h => h.Reason))));
        Assert.Equal(["127.61.0.1", "127.61.0.2"], _route53.Records.Single(r => r.Key is { Type: "A" } && r.Key.Name.StartsWith(s_names.RecordName, StringComparison.Ordinal)).Value.Values.Order());

        // What one of them takes in, the other gives out.
        await _ann.EnrolAsync(master);
        var key = new AssetKey(World, AssetType.Sound, Guid.NewGuid());
        byte[] plain = SyntheticAssets.Sound(1, 20_000);
        Assert.Equal(ClaimVerdict.Wanted, await _ann.ClaimAsync(_nodes[0], key, plain, Authority));
        using (HttpResponseMessage stored = await _ann.SendAsync(_nodes[0], HttpMethod.Put, NodeApi.PathOf(key), plain)) Assert.Equal(HttpStatusCode.NoContent, stored.StatusCode);
        using (HttpResponseMessage served = await _ann.GetAsync(_nodes[1], key)) Assert.Equal(HttpStatusCode.OK, served.StatusCode);
        using (HttpResponseMessage missed = await _ann.GetAsync(_nodes[1], key with { Id = Guid.NewGuid() })) Assert.Equal(HttpStatusCode.NotFound, missed.StatusCode);

        // AWS has let both do all of this by the permissions as shipped, and each its own part alone.
        foreach (FakeAws fake in Fakes)
        {
            Assert.NotEmpty(fake.Verdicts);
            Assert.DoesNotContain(fake.Verdicts, v => !v.Verdict.IsAllowed);
        }

        Assert.Equal(1, _nodesSsm.Parameters.Count(p => p.Key == _parameters.NodeKeys));
        Assert.DoesNotContain(_mastersS3.Calls, c => c.Contains(s_names.AssetBucket, StringComparison.Ordinal));
        Assert.DoesNotContain(_nodesS3.Calls, c => c.StartsWith("PUT " + s_names.StateBucket, StringComparison.Ordinal));
        // No byte of the asset lies in the buckets as it is.
        Assert.DoesNotContain(_nodesS3.Objects.Values, o => o.AsSpan().IndexOf(plain.AsSpan(plain.Length / 2, 32)) >= 0);
    }

    [Fact]
    public async Task A_machine_that_cannot_become_a_node_says_why()
    {
        string sound = Settings(new string('b', 64)).Format();
        Assert.Contains("without user data", (await Assert.ThrowsAsync<CannotStartException>(() => BootAsync("i-1", "127.61.0.9", null))).Message, StringComparison.Ordinal);
        string wrong = (await Assert.ThrowsAsync<CannotStartException>(() => BootAsync("i-1", "127.61.0.9", sound.Replace("orphan-hours=24", "orphan-hours=0", StringComparison.Ordinal).Replace("stack=one", "stack=*", StringComparison.Ordinal)))).Message;
        Assert.Contains("orphan-hours", wrong, StringComparison.Ordinal);
        Assert.Contains("stack", wrong, StringComparison.Ordinal);
        Assert.Contains("role", (await Assert.ThrowsAsync<CannotStartException>(() => BootAsync("i-1", "127.61.0.9", "#!/bin/sh\ntouch /carried-out\n"))).Message, StringComparison.Ordinal);
        Assert.Contains("no private network", (await Assert.ThrowsAsync<CannotStartException>(() => BootAsync("i-1", "127.61.0.9", sound.Replace("master=127.0.0.1", "master=198.51.100.7", StringComparison.Ordinal)))).Message, StringComparison.Ordinal);

        // Somebody who can write the bucket has put another grid there.
        await using MasterApp master = await StartMasterAsync();
        await UntilAsync(() => _mastersS3.Objects.ContainsKey($"{s_names.StateBucket}/{NodeUserData.GridObject}"));
        Assert.Contains("does not describe the grid", (await Assert.ThrowsAsync<CannotStartException>(() => BootAsync("i-1", "127.61.0.9", sound))).Message, StringComparison.Ordinal);
        Assert.DoesNotContain(_parameters.NodeKeys, _mastersSsm.Parameters.Keys);
    }

    [Fact]
    public async Task A_node_that_comes_before_its_grid_waits_for_it()
    {
        using var gaveUp = new CancellationTokenSource();
        Task<NodeApp> early = BootAsync("i-1", "127.61.0.9", Settings(new string('b', 64)).Format(), gaveUp.Token);
        await UntilAsync(() => _nodesS3.Calls.Count(c => c.EndsWith(NodeUserData.GridObject, StringComparison.Ordinal)) >= 2);
        Assert.False(early.IsCompleted);
        await gaveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => early);
    }

    private static NodeUserData Settings(string grid) => new()
    {
        Region = s_names.Region,
        Stack = s_names.Stack,
        Master = new IPEndPoint(IPAddress.Loopback, 12441),
        AssetBucket = s_names.AssetBucket,
        StateBucket = s_names.StateBucket,
        LinkBytesPerSecond = 97_600_000,
        OrphanHours = 24,
        NodeKey = s_names.NodeKey,
        StoreKey = s_names.StoreKey,
        Grid = grid,
    };

    private Task<MasterApp> StartMasterAsync() => MasterApp.StartAsync(new MasterOptions
    {
        Data = Path.Combine(_folder, "master"),
        NodePort = Port,
        NodePrivatePort = CloudPorts.NodePrivate,
        Aws = new AwsStart
        {
            SettingsFile = Path.Combine(_folder, "master.settings"),
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = new IPEndPoint(IPAddress.Loopback, 0),
            Access = Access(("ec2", _ec2.Url), ("route53", _route53.Url), ("ssm", _mastersSsm.Url), ("s3", _mastersS3.Url), ("dns", new Uri($"dns://{_route53.NameServers[0]}"))),
        },
    }, WatchedLog.Unread);

    /// <summary>As the unit starts it, but for AWS' addresses, and a port that is this user's to take.</summary>
    private async Task<NodeApp> BootAsync(string id, string address, string? userData, CancellationToken stop = default)
    {
        FakeMetadata metadata = await FakeMetadata.StartAsync(id, address, userData);
        lock (_machines) _machines.Add(metadata);
        using CancellationTokenSource late = CancellationTokenSource.CreateLinkedTokenSource(stop);
        late.CancelAfter(s_most / 3);
        return await NodeApp.StartAsync(new NodeOptions
        {
            Data = Path.Combine(_folder, id),
            Aws = new AwsNode { Access = Access(("imds", metadata.Url), ("ssm", _nodesSsm.Url), ("s3", _nodesS3.Url)), Listen = new IPEndPoint(IPAddress.Parse(address), Port) },
        }, WatchedLog.Unread, stop: late.Token);
    }

    private static CloudAccess Access(params (string Service, Uri Url)[] urls) => new()
    {
        Urls = urls.ToDictionary(u => u.Service, u => u.Url),
        Credentials = new SessionAWSCredentials(FakeAws.KeyId, FakeAws.Secret, FakeAws.Token),
    };

    private static async Task UntilAsync(Func<bool> condition, Func<string>? tell = null)
    {
        for (long from = TimeProvider.System.GetTimestamp(); !condition(); await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System))
            Assert.True(TimeProvider.System.GetElapsedTime(from) < s_most, tell?.Invoke() ?? "It has not come about.");
    }
}
