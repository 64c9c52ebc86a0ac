using System.Net;
using Amazon.Runtime;
using GlobalCache.Master;
using GlobalCache.Master.Grids;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Cloud;

/// <summary>The master's whole program as it runs in AWS: its user data, and the real SDK and clients against fakes of EC2, Route 53 and SSM that ask the shipped permissions about each call.</summary>
public sealed class AwsMasterTests : IAsyncLifetime
{
    private static readonly TimeSpan s_most = TimeSpan.FromSeconds(90);

    private readonly string _folder = Directory.CreateTempSubdirectory("gc-aws-").FullName;
    private readonly StackParameters _parameters = new(SampleStack.Names.Stack);
    private FakeEc2 _ec2 = null!;
    private FakeRoute53 _route53 = null!;
    private FakeSsm _ssm = null!;

    public async ValueTask InitializeAsync()
    {
        _ec2 = new FakeEc2(TimeProvider.System, SampleStack.Names, SampleStack.Master) { BootsIn = TimeSpan.Zero };
        _route53 = new FakeRoute53(TimeProvider.System, SampleStack.Names, SampleStack.Master) { SyncsIn = TimeSpan.Zero };
        _ssm = new FakeSsm(TimeProvider.System, SampleStack.Names, SampleStack.Master);
        foreach (FakeAws fake in (FakeAws[])[_ec2, _route53, _ssm]) await fake.StartAsync();
        _route53.ServeNames();
        _ssm.Parameters[_parameters.Image] = new(SampleStack.Names.Images[0], null);
        _ssm.Parameters[_parameters.Policy] = new(Policy(1).ToJson(), null);
        _ssm.Parameters[_parameters.Admin] = new(new string('a', 64), null);
        await File.WriteAllTextAsync(Settings, MasterUserData.Of(SampleStack.Names, "master.grid.example.net").Format());
    }

    public async ValueTask DisposeAsync()
    {
        foreach (FakeAws fake in (FakeAws[])[_ec2, _route53, _ssm]) await fake.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private string Settings => Path.Combine(_folder, "master.settings");

    private static GridPolicy Policy(int least) => new()
    {
        Fleet = SampleStack.Fleet,
        Scaling = new ScalingPolicy { Min = least, Max = 4, Tick = TimeSpan.FromSeconds(2) },
    };

    [Fact]
    public async Task It_launches_what_the_stack_says_follows_a_changed_policy_and_image_and_another_master_takes_it_over()
    {
        Assert.Empty(new GridPolicyValidator().Validate(Policy(2)).Errors);
        string authority;
        await using (MasterApp master = await StartAsync())
        {
            authority = master.Office.Grid.File.Ca;
            await UntilAsync(() => _ec2.Machines.Count == 1);
            FakeEc2.Machine first = _ec2.Machines[0];
            Assert.Equal(SampleStack.Names.Images[0], first.Of("ImageId"));
            NodeUserData told = NodeUserData.Parse(System.Text.Encoding.UTF8.GetString(Convert.FromBase64String(first.Of("UserData"))), out IReadOnlyList<string> wrong)!;
            Assert.Empty(wrong);
            Assert.Equal(master.Private, told.Master);
            // What the node is told is how it knows the grid that the master describes in the bucket.
            Assert.Equal(NodeUserData.FingerprintOf(master.Office.Grid.File), told.Grid);
            await UntilAsync(async () => await master.Store.GetAsync(NodeUserData.GridObject, CancellationToken.None) is not null);

            // pulumi up: another least, another image and another admin code, while it runs.
            _ssm.Parameters[_parameters.Admin] = new(Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData("another code"u8)), null);
            _ssm.Parameters[_parameters.Image] = new(SampleStack.Names.Images[1], null);
            _ssm.Parameters[_parameters.Policy] = new(Policy(2).ToJson(), null);
            await UntilAsync(() => _ec2.Machines.Count == 2, () => $"policy {master.Policy.Scaling.Min}, asked {string.Join(' ', _ssm.Calls.TakeLast(5))}, said {string.Join('|', master.Reconciler.History.Newest(12).Select(h => h.Reason))}");
            Assert.Equal(SampleStack.Names.Images[1], _ec2.Machines[1].Of("ImageId"));
            Assert.Equal(2, master.Policy.Scaling.Min);

            // The operator's first call is answered with the code that was read with them.
            using (var outside = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown is not null } }))
            {
                using HttpResponseMessage said = await outside.GetAsync($"https://{master.Public}{GlobalCache.Policy.Wire.EnrolmentApi.GridFile}");
                Assert.True(GlobalCache.Policy.Wire.GridMac.IsOf("another code", await said.Content.ReadAsByteArrayAsync(), said.Headers.GetValues(GlobalCache.Policy.Wire.EnrolmentApi.GridMac).Single()));
            }

            // A bad one is refused whole.
            _ssm.Parameters[_parameters.Policy] = new("""{"scaling":{"min":9,"max":3}}""", null);
            int read = _ssm.Calls.Count;
            await UntilAsync(() => _ssm.Calls.Count >= read + 2);
            Assert.Equal(2, master.Policy.Scaling.Min);
            _ssm.Parameters[_parameters.Policy] = new(Policy(2).ToJson(), null);
        }

        // Its machine is gone with all that was on it; the next one has the same secrets, and counts what runs.
        await using MasterApp next = await StartAsync();
        Assert.Equal(authority, next.Office.Grid.File.Ca);
        await UntilAsync(() => next.Reconciler.Snapshot is { Leads: true } seen && seen.Nodes.Count == 2);
        Assert.Equal(2, _ec2.Machines.Count);
        Assert.Contains("RunInstances", _ec2.Calls);
        Assert.Equal(2, _ssm.Calls.Count(c => c == "PutParameter"));

        // AWS has let it do all of this by the permissions as shipped.
        foreach (FakeAws fake in (FakeAws[])[_ec2, _route53, _ssm])
        {
            Assert.NotEmpty(fake.Verdicts);
            Assert.DoesNotContain(fake.Verdicts, v => !v.Verdict.IsAllowed);
        }
    }

    [Fact]
    public async Task Without_its_parameters_it_says_which_one_is_missing_and_leaves_nothing()
    {
        _ssm.Parameters.TryRemove(_parameters.Image, out _);
        Assert.Contains(_parameters.Image, (await Assert.ThrowsAsync<CannotStartException>(StartAsync)).Message, StringComparison.Ordinal);
        _ssm.Parameters[_parameters.Image] = new(SampleStack.Names.Images[0], null);
        _ssm.Parameters[_parameters.Admin] = new("secret", null);
        string message = (await Assert.ThrowsAsync<CannotStartException>(StartAsync)).Message;
        Assert.Contains(_parameters.Admin, message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", message.Replace(_parameters.Admin, "", StringComparison.Ordinal), StringComparison.Ordinal);
        Assert.Empty(_ec2.Machines);
    }

    private Task<MasterApp> StartAsync() => MasterApp.StartAsync(new MasterOptions
    {
        Data = Path.Combine(_folder, "data"),
        Aws = new AwsStart
        {
            SettingsFile = Settings,
            Listen = new IPEndPoint(IPAddress.Loopback, 0),
            Private = new IPEndPoint(IPAddress.Loopback, 0),
            Access = new CloudAccess
            {
                Urls = new Dictionary<string, Uri> { ["ec2"] = _ec2.Url, ["route53"] = _route53.Url, ["ssm"] = _ssm.Url, ["dns"] = new Uri($"dns://{_route53.NameServers[0]}") },
                Credentials = new SessionAWSCredentials(FakeAws.KeyId, FakeAws.Secret, FakeAws.Token),
            },
        },
    }, WatchedLog.Unread, inner: new FolderStore(Path.Combine(_folder, "state"), TimeProvider.System));

    private static Task UntilAsync(Func<bool> condition, Func<string>? tell = null) => UntilAsync(() => Task.FromResult(condition()), tell);

    private static async Task UntilAsync(Func<Task<bool>> condition, Func<string>? tell = null)
    {
        for (long from = TimeProvider.System.GetTimestamp(); !await condition(); await Task.Delay(TimeSpan.FromMilliseconds(100), TimeProvider.System))
            Assert.True(TimeProvider.System.GetElapsedTime(from) < s_most, tell?.Invoke() ?? "It has not come about.");
    }
}
