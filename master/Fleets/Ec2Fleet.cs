using System.Collections.Frozen;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using Amazon.EC2;
using Amazon.EC2.Model;
using Amazon.Runtime;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;

namespace GlobalCache.Master.Fleets;

/// <summary>
/// A fleet on EC2. It remembers nothing but how lately EC2 has asked for fewer calls: tags say what a node is and is to do, and a launch has a name of its own
/// (ClientToken), so that the same order makes one instance whoever repeats it. The SDK retries nothing here: the next pass does.
/// </summary>
internal sealed class Ec2Fleet : IFleet, IDisposable
{
    private const int PageSize = 1000, MostPages = 100;
    private static readonly TimeSpan s_connect = TimeSpan.FromSeconds(3);

    // In this zone or of this type, and at this moment; another place may have one.
    private static readonly FrozenSet<string> s_elsewhere = new[]
    {
        "InsufficientInstanceCapacity", "InsufficientHostCapacity", "InsufficientFreeAddressesInSubnet", "InsufficientAddressCapacity", "Unsupported",
    }.ToFrozenSet();

    private static readonly FrozenSet<string> s_throttles = new[] { "RequestLimitExceeded", "Throttling", "ThrottlingException", "RequestThrottled", "EC2ThrottledException" }.ToFrozenSet();

    // The service's trouble, or a name that is taken by another form of the same order: whether there is an instance shows in a later pass.
    private static readonly FrozenSet<string> s_unknown = new[] { "InternalError", "InternalFailure", "ServiceUnavailable", "Unavailable", "RequestTimeout", "IdempotentParameterMismatch", "IdempotentInstanceTerminated" }.ToFrozenSet();

    private readonly Ec2Settings _settings;
    private readonly Func<FleetPolicy> _policy;
    private readonly Func<string> _image;
    private readonly TimeProvider _time;
    private readonly AmazonEC2Client _ec2;
    private readonly Ec2BackOff _describing, _launching, _marking, _ending;

    /// <param name="settings">Where and from what.</param>
    /// <param name="policy">The policy in force: what may be launched.</param>
    /// <param name="image">The image for the next node: it may change while the master runs.</param>
    /// <param name="time">Clock.</param>
    /// <param name="random">0 – 1, for pauses.</param>
    /// <param name="credentials">Null: those of the instance's role or the environment.</param>
    public Ec2Fleet(Ec2Settings settings, Func<FleetPolicy> policy, Func<string> image, TimeProvider time, Func<double> random, AWSCredentials? credentials = null)
    {
        (_settings, _policy, _image, _time) = (settings, policy, image, time);
        (_describing, _launching, _marking, _ending) = (new(random), new(random), new(random), new(random));
        var config = new AmazonEC2Config { AuthenticationRegion = settings.Region, MaxErrorRetry = 0, Timeout = settings.Patience, ConnectTimeout = s_connect };
        if (settings.Endpoint is { } endpoint) config.ServiceURL = endpoint.AbsoluteUri;
        else config.RegionEndpoint = Amazon.RegionEndpoint.GetBySystemName(settings.Region);
        _ec2 = credentials is null ? new AmazonEC2Client(config) : new AmazonEC2Client(credentials, config);
    }

    public async Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct)
    {
        var all = new Dictionary<string, Instance>();
        var request = new DescribeInstancesRequest
        {
            MaxResults = PageSize,
            Filters = [new Filter("tag:" + CloudTags.Stack, [_settings.Stack]), new Filter("tag:" + CloudTags.Role, [CloudTags.Node])],
        };
        for (int page = 0; page < MostPages; page++)
        {
            DescribeInstancesResponse answer = await AskAsync(_describing, "The instances cannot be listed", token => _ec2.DescribeInstancesAsync(request, token), ct);
            // One that changes between two pages may be on both.
            foreach (Amazon.EC2.Model.Instance instance in (answer.Reservations ?? []).SelectMany(r => r.Instances ?? [])) all[instance.InstanceId] = Read(instance);
            if (string.IsNullOrEmpty(answer.NextToken)) return [.. all.Values];
            if (answer.NextToken == request.NextToken) break;
            request.NextToken = answer.NextToken;
        }

        throw new FleetTroubleException("The instances cannot be listed: EC2's list does not end.");
    }

    public async Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct)
    {
        if (_launching.Left(_time.GetUtcNow()) is var left && left > TimeSpan.Zero) return new LaunchAnswer(LaunchOutcome.Unknown, Wait("No node is launched", left));
        FleetPolicy policy = _policy();
        (string subnet, NodeType type) = Place(order, _settings.Subnets, policy.Types);
        try
        {
            using CancellationTokenSource late = Late(ct);
            RunInstancesResponse answer = await _ec2.RunInstancesAsync(Request(order, subnet, type, policy), late.Token);
            _launching.Answered();
            if (answer.Reservation?.Instances is not [{ } made]) return new LaunchAnswer(LaunchOutcome.Unknown, "EC2 has answered a launch without an instance.");
            Instance instance = Read(made);
            return instance.State is InstanceState.Terminated or InstanceState.Stopping
                ? new LaunchAnswer(LaunchOutcome.NoCapacity, "The node was started by an earlier call and has ended since.")
                : new LaunchAnswer(LaunchOutcome.Launched, Instance: instance);
        }
        catch (AmazonEC2Exception e) when (s_elsewhere.Contains(e.ErrorCode))
        {
            return new LaunchAnswer(LaunchOutcome.NoCapacity, $"EC2 has no {type.Name} in {subnet} now ({e.ErrorCode}); the next attempt asks elsewhere.");
        }
        catch (AmazonEC2Exception e) when (IsThrottle(e))
        {
            _launching.Throttled(_time.GetUtcNow());
            return new LaunchAnswer(LaunchOutcome.Unknown, Wait("No node is launched", _launching.Left(_time.GetUtcNow())));
        }
        catch (AmazonEC2Exception e) when (!s_unknown.Contains(e.ErrorCode ?? "") && (int)e.StatusCode is >= 400 and < 500)
        {
            return new LaunchAnswer(LaunchOutcome.Refused, $"EC2 refuses to launch a {type.Name}: {e.ErrorCode}.");
        }
        catch (Exception e) when (IsTrouble(e, ct))
        {
            return new LaunchAnswer(LaunchOutcome.Unknown, $"Whether a node was launched is not known: {Name(e)}.");
        }
    }

    public async Task MarkAsync(string id, Marks marks, CancellationToken ct)
    {
        var request = new CreateTagsRequest { Resources = [id], Tags = Tags(Ec2Tags.Later(marks)) };
        await AskAsync(_marking, $"{id} cannot be marked", token => _ec2.CreateTagsAsync(request, token), ct);
    }

    public async Task TerminateAsync(string id, CancellationToken ct)
    {
        var request = new TerminateInstancesRequest { InstanceIds = [id] };
        try
        {
            await AskAsync(_ending, $"{id} cannot be ended", token => _ec2.TerminateInstancesAsync(request, token), ct);
        }
        catch (FleetTroubleException e) when (e.InnerException is AmazonEC2Exception { ErrorCode: "InvalidInstanceID.NotFound" })
        {
            // It is gone already, or not to be seen yet, and then the next pass shows it again.
        }
    }

    public void Dispose() => _ec2.Dispose();

    /// <summary>The name by which EC2 knows an order again: at most 64 characters, and the same from every master.</summary>
    internal static string TokenOf(string stack, LaunchOrder order) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"gc/launch/1\n{stack}\n{order.Slot}\n{order.Generation}\n{order.Attempt}")));

    /// <summary>
    /// Where an order goes. The attempt alone decides, since a token must never come with other parameters: the zones in turn, beginning with another one for each slot; and when all
    /// have been asked, the next type.
    /// </summary>
    internal static (string Subnet, NodeType Type) Place(LaunchOrder order, IReadOnlyList<string> subnets, IReadOnlyList<NodeType> types) =>
        (subnets[(int)(((long)order.Slot + order.Attempt) % subnets.Count)], types[order.Attempt / subnets.Count % types.Count]);

    private RunInstancesRequest Request(LaunchOrder order, string subnet, NodeType type, FleetPolicy policy)
    {
        List<Tag> tags = Tags(Ec2Tags.AtLaunch(_settings.Stack, order));
        return new RunInstancesRequest
        {
            ClientToken = TokenOf(_settings.Stack, order),
            MinCount = 1,
            MaxCount = 1,
            ImageId = _image(),
            InstanceType = InstanceType.FindValue(type.Name),
            IamInstanceProfile = new IamInstanceProfileSpecification { Arn = _settings.NodeProfileArn },
            InstanceInitiatedShutdownBehavior = ShutdownBehavior.Terminate,
            MetadataOptions = new InstanceMetadataOptionsRequest { HttpTokens = HttpTokensState.Required, HttpEndpoint = InstanceMetadataEndpointState.Enabled, HttpPutResponseHopLimit = 1 },
            NetworkInterfaces =
            [
                new InstanceNetworkInterfaceSpecification
                {
                    DeviceIndex = 0, SubnetId = subnet, Groups = [_settings.SecurityGroup], AssociatePublicIpAddress = _settings.HasPublicAddresses, DeleteOnTermination = true,
                },
            ],
            BlockDeviceMappings =
            [
                new BlockDeviceMapping
                {
                    DeviceName = _settings.RootDevice,
                    Ebs = new EbsBlockDevice { Encrypted = true, VolumeType = VolumeType.Gp3, VolumeSize = policy.VolumeGigabytes, DeleteOnTermination = true },
                },
            ],
            // Each with what it is, so that the permission to tag holds for nothing else.
            TagSpecifications = [.. new[] { ResourceType.Instance, ResourceType.Volume, ResourceType.NetworkInterface }.Select(r => new TagSpecification { ResourceType = r, Tags = tags })],
            UserData = Convert.ToBase64String(Encoding.UTF8.GetBytes(_settings.UserData(policy, type))),
        };
    }

    private Instance Read(Amazon.EC2.Model.Instance instance)
    {
        var tags = new Dictionary<string, string>();
        foreach (Tag tag in instance.Tags ?? []) tags[tag.Key] = tag.Value ?? "";
        (int Slot, int Generation, Marks Marks)? ours = Ec2Tags.Read(_settings.Stack, tags);
        IPAddress? inside = Address(instance.PrivateIpAddress);
        return new Instance
        {
            Id = instance.InstanceId,
            State = instance.State?.Name?.Value switch { "pending" => InstanceState.Pending, "running" => InstanceState.Running, "terminated" => InstanceState.Terminated, _ => InstanceState.Stopping },
            Slot = ours?.Slot ?? 0,
            Generation = ours?.Generation ?? 0,
            Marks = ours?.Marks,
            Address = _settings.HasPublicAddresses ? Address(instance.PublicIpAddress) : inside,
            PrivateAddress = inside,
            Launched = instance.LaunchTime is { } at ? new DateTimeOffset(at.ToUniversalTime()) : DateTimeOffset.UnixEpoch,
            Type = instance.InstanceType?.Value ?? "",
        };
    }

    private async Task<T> AskAsync<T>(Ec2BackOff backOff, string what, Func<CancellationToken, Task<T>> call, CancellationToken ct)
    {
        if (backOff.Left(_time.GetUtcNow()) is var left && left > TimeSpan.Zero) throw new FleetTroubleException(Wait(what, left));
        try
        {
            using CancellationTokenSource late = Late(ct);
            T answer = await call(late.Token);
            backOff.Answered();
            return answer;
        }
        catch (Exception e) when (IsTrouble(e, ct))
        {
            if (e is AmazonEC2Exception refused && IsThrottle(refused)) backOff.Throttled(_time.GetUtcNow());
            throw new FleetTroubleException($"{what}: {Name(e)}.", e);
        }
    }

    // Of the SDK's own clock: that of a call, not of the fleet.
    private CancellationTokenSource Late(CancellationToken ct)
    {
        var late = CancellationTokenSource.CreateLinkedTokenSource(ct);
        late.CancelAfter(_settings.Patience);
        return late;
    }

    private static List<Tag> Tags(IEnumerable<(string Key, string Value)> tags) => [.. tags.Select(t => new Tag(t.Key, t.Value))];

    private static IPAddress? Address(string? text) => IPAddress.TryParse(text, out IPAddress? address) ? address : null;

    private static string Wait(string what, TimeSpan left) => $"{what}: EC2 has asked for fewer calls; the next one is in {Math.Ceiling(left.TotalSeconds):0} s.";

    // The code alone: a message may hold an encoded copy of the whole request.
    private static string Name(Exception e) => e switch
    {
        AmazonServiceException { ErrorCode.Length: > 0 } refused => refused.ErrorCode,
        OperationCanceledException => "no answer in time",
        _ => "no answer",
    };

    private static bool IsThrottle(AmazonEC2Exception e) => s_throttles.Contains(e.ErrorCode ?? "");

    private static bool IsTrouble(Exception e, CancellationToken ct) =>
        e is AmazonServiceException or AmazonClientException or HttpRequestException or IOException || (e is OperationCanceledException && !ct.IsCancellationRequested);
}
