using System.Globalization;
using System.Text;
using System.Xml.Linq;
using GlobalCache.Policy.Cloud;
using Microsoft.AspNetCore.WebUtilities;

namespace GlobalCache.Tests.Cloud;

/// <summary>
/// EC2 as far as a fleet needs it, in its query protocol (version 2016-11-15): instances that start after a while, names for launches, tags and filters, pages, new instances that
/// are not to be seen for a while, and the permissions asked once for each kind of thing that a launch makes (INFRA §3).
/// </summary>
internal sealed class FakeEc2(TimeProvider time, CloudNames names, IReadOnlyList<IamDocument> permissions) : FakeAws("ec2", names.Region, time, permissions)
{
    private static readonly XNamespace s_ns = "http://ec2.amazonaws.com/doc/2016-11-15/";

    private readonly Dictionary<string, (string Parameters, Machine Machine)> _tokens = [];
    private int _made;

    public sealed class Machine
    {
        public required string Id { get; init; }

        public required Dictionary<string, string> Asked { get; init; }

        public required DateTimeOffset Launched { get; init; }

        public Dictionary<string, string> Tags { get; init; } = [];

        public string State { get; set; } = "pending";

        public string Of(string name) => Asked.GetValueOrDefault(name, "");
    }

    public List<Machine> Machines { get; } = [];

    /// <summary>Of the machine of a number: where others in its network reach it, and where everybody does.</summary>
    public Func<int, (string Private, string Public)> AddressOf { get; init; } = n => ($"10.0.0.{n}", $"198.51.100.{n}");

    public TimeSpan BootsIn { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>A new one is in no list for this long, and no call knows of it.</summary>
    public TimeSpan HiddenFor { get; set; }

    /// <summary>Never more on a page than this, whatever is asked.</summary>
    public int PageSize { get; set; } = 1000;

    /// <summary>The last page is said to have another one behind it, over and over.</summary>
    public bool NeverEnds { get; set; }

    /// <summary>Subnet and type of which there are none.</summary>
    public HashSet<(string Subnet, string Type)> Empty { get; } = [];

    /// <summary>Somebody else's, or with whatever tags.</summary>
    public Machine Add(params (string Key, string Value)[] tags)
    {
        Machine machine = new() { Id = NextId(), Asked = [], Launched = Time.GetUtcNow(), Tags = tags.ToDictionary(t => t.Key, t => t.Value), State = "running" };
        Machines.Add(machine);
        return machine;
    }

    protected override XDocument Error(AwsRefusal refusal) =>
        new(new XElement("Response", new XElement("Errors", new XElement("Error", new XElement("Code", refusal.Code), new XElement("Message", refusal.Message))), new XElement("RequestID", "fake")));

    protected override XDocument Answer(string method, string path, IReadOnlyDictionary<string, string> query, byte[] body)
    {
        Dictionary<string, string> asked = QueryHelpers.ParseQuery(Encoding.UTF8.GetString(body)).ToDictionary(p => p.Key, p => p.Value.ToString());
        string action = asked["Action"];
        Calls.Enqueue(action);
        foreach (Machine machine in Machines.Where(m => m.State == "pending" && Time.GetUtcNow() - m.Launched >= BootsIn)) machine.State = "running";
        return action switch
        {
            "RunInstances" => Run(asked),
            "DescribeInstances" => Describe(asked),
            "CreateTags" => Tag(asked),
            "TerminateInstances" => Terminate(asked),
            _ => Other(action),
        };
    }

    private XDocument Run(Dictionary<string, string> asked)
    {
        string Of(string name) => asked.GetValueOrDefault(name, "");
        string? Given(string name) => asked.GetValueOrDefault(name);
        Dictionary<string, Dictionary<string, string>> tags = Specifications(asked);
        string subnet = Given("NetworkInterface.1.SubnetId") ?? Of("SubnetId");
        string? profile = Given("IamInstanceProfile.Arn") ?? (Given("IamInstanceProfile.Name") is { } name ? $"arn:{names.Partition}:iam::{names.Account}:instance-profile/{name}" : null);
        void Ask(string resource, params (string, string?)[] context) => Demand("UnauthorizedOperation", "ec2:RunInstances", resource, [.. context, ("ec2:Region", names.Region)]);
        (string, string?)[] Born(string kind) =>
            [.. tags.GetValueOrDefault(kind, []).SelectMany(t => new (string, string?)[] { ("aws:RequestTag/" + t.Key, t.Value), ("aws:TagKeys", t.Key) })];
        Ask(names.Ec2("instance/*"), [.. Born("instance"), ("ec2:InstanceType", Of("InstanceType")), ("ec2:MetadataHttpTokens", Given("MetadataOptions.HttpTokens") ?? "optional"),
            ("ec2:MetadataHttpEndpoint", Given("MetadataOptions.HttpEndpoint") ?? "enabled"), ("ec2:MetadataHttpPutResponseHopLimit", Given("MetadataOptions.HttpPutResponseHopLimit") ?? "1"),
            ("ec2:Tenancy", Given("Placement.Tenancy") ?? "default"), ("ec2:InstanceProfile", profile), ("ec2:InstanceMarketType", Given("InstanceMarketOptions.MarketType") ?? "on-demand")]);
        Ask(names.Image(Of("ImageId")));
        Ask(names.Ec2("subnet/" + subnet));
        foreach (string group in asked.Where(p => p.Key.StartsWith("NetworkInterface.1.SecurityGroupId.", StringComparison.Ordinal) || p.Key.StartsWith("SecurityGroupId.", StringComparison.Ordinal)).Select(p => p.Value))
            Ask(names.Ec2("security-group/" + group));
        Ask(names.Ec2("network-interface/*"), [.. Born("network-interface"), ("ec2:Subnet", names.Ec2("subnet/" + subnet))]);
        Ask(names.Ec2("volume/*"), [.. Born("volume"), ("ec2:Encrypted", Given("BlockDeviceMapping.1.Ebs.Encrypted") ?? "false"), ("ec2:VolumeType", Given("BlockDeviceMapping.1.Ebs.VolumeType") ?? "gp2"),
            ("ec2:VolumeSize", Given("BlockDeviceMapping.1.Ebs.VolumeSize") ?? "8")]);
        if (Given("KeyName") is { } key) Ask(names.Ec2("key-pair/" + key));
        foreach (string kind in tags.Keys) Demand("UnauthorizedOperation", "ec2:CreateTags", names.Ec2(kind + "/*"), [.. Born(kind), ("ec2:CreateAction", "RunInstances"), ("ec2:Region", names.Region)]);
        // A profile named as the stack's holds the nodes' role; any other holds another.
        if (profile is not null)
            Demand("UnauthorizedOperation", "iam:PassRole", profile == names.NodeProfileArn ? names.NodeRoleArn : profile.Replace("instance-profile", "role", StringComparison.Ordinal), ("iam:PassedToService", "ec2.amazonaws.com"));

        MaybeRefuse();
        string token = Of("ClientToken");
        string parameters = string.Join('&', asked.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => $"{p.Key}={p.Value}"));
        if (token.Length > 64) throw new AwsRefusal(400, "InvalidParameterValue");
        if (token.Length > 0 && _tokens.TryGetValue(token, out (string Parameters, Machine Machine) known))
            return known.Parameters == parameters ? Reservations("RunInstancesResponse", known.Machine) : throw new AwsRefusal(400, "IdempotentParameterMismatch");
        if (Empty.Contains((subnet, Of("InstanceType")))) throw new AwsRefusal(500, "InsufficientInstanceCapacity");
        if (Of("MinCount") != "1" || Of("MaxCount") != "1") throw new AwsRefusal(400, "InvalidParameterCombination");
        Machine made = new() { Id = NextId(), Asked = asked, Launched = Time.GetUtcNow(), Tags = tags.GetValueOrDefault("instance", []) };
        Machines.Add(made);
        if (token.Length > 0) _tokens[token] = (parameters, made);
        return Reservations("RunInstancesResponse", made);
    }

    private XDocument Describe(Dictionary<string, string> asked)
    {
        Demand("UnauthorizedOperation", "ec2:DescribeInstances", "*", ("ec2:Region", names.Region));
        MaybeRefuse();
        IEnumerable<Machine> found = Machines.Where(IsSeen);
        for (int i = 1; asked.TryGetValue($"Filter.{i}.Name", out string? filter); i++)
        {
            if (!filter.StartsWith("tag:", StringComparison.Ordinal)) throw new AwsRefusal(400, "InvalidParameterValue");
            string[] values = [.. Enumerable.Range(1, 20).Select(n => asked.GetValueOrDefault($"Filter.{i}.Value.{n}")).OfType<string>()];
            found = [.. found.Where(m => m.Tags.TryGetValue(filter[4..], out string? has) && values.Contains(has))];
        }

        int size = Math.Min(PageSize, int.Parse(asked.GetValueOrDefault("MaxResults", "1000"), CultureInfo.InvariantCulture));
        int from = asked.TryGetValue("NextToken", out string? next) ? int.Parse(next["page-".Length..], CultureInfo.InvariantCulture) : 0;
        Machine[] all = [.. found];
        XDocument answer = Reservations("DescribeInstancesResponse", [.. all.Skip(from).Take(size)]);
        if (from + size < all.Length || NeverEnds) answer.Root!.Add(new XElement(s_ns + "nextToken", NeverEnds && from + size >= all.Length ? $"page-{from}" : $"page-{from + size}"));
        return answer;
    }

    private XDocument Tag(Dictionary<string, string> asked)
    {
        (string Key, string Value)[] tags = [.. Enumerable.Range(1, 50).Where(n => asked.ContainsKey($"Tag.{n}.Key")).Select(n => (asked[$"Tag.{n}.Key"], asked.GetValueOrDefault($"Tag.{n}.Value", "")))];
        Machine machine = Find(asked["ResourceId.1"], "ec2:CreateTags", tags.SelectMany(t => new (string, string?)[] { ("aws:RequestTag/" + t.Key, t.Value), ("aws:TagKeys", t.Key) }));
        MaybeRefuse();
        foreach ((string key, string value) in tags) machine.Tags[key] = value;
        return Done("CreateTagsResponse", new XElement(s_ns + "return", "true"));
    }

    private XDocument Terminate(Dictionary<string, string> asked)
    {
        Machine machine = Find(asked["InstanceId.1"], "ec2:TerminateInstances", []);
        MaybeRefuse();
        var item = new XElement(s_ns + "item", new XElement(s_ns + "instanceId", machine.Id), State("currentState", "shutting-down"), State("previousState", machine.State));
        machine.State = "terminated";
        return Done("TerminateInstancesResponse", new XElement(s_ns + "instancesSet", item));
    }

    /// <summary>Whatever else there is: asked of the permissions about this account's things, and not served.</summary>
    private XDocument Other(string action)
    {
        Demand("UnauthorizedOperation", "ec2:" + action, names.Ec2("instance/*"), ("ec2:Region", names.Region));
        throw new AwsRefusal(400, "InvalidAction");
    }

    private Machine Find(string id, string action, IEnumerable<(string, string?)> context)
    {
        Machine? machine = Machines.FirstOrDefault(m => m.Id == id && IsSeen(m));
        IEnumerable<(string, string?)> has = machine?.Tags.Select(t => ("aws:ResourceTag/" + t.Key, (string?)t.Value)) ?? [];
        // A permission about an instance that is not there cannot be had by its tags; AWS says first that it is not there.
        if (machine is null) throw new AwsRefusal(400, "InvalidInstanceID.NotFound");
        Demand("UnauthorizedOperation", action, names.Ec2("instance/" + id), [.. context, .. has, ("ec2:Region", names.Region)]);
        return machine;
    }

    private bool IsSeen(Machine machine) => Time.GetUtcNow() - machine.Launched >= HiddenFor || machine.Asked.Count == 0;

    private string NextId() => $"i-{++_made:x17}";

    private static Dictionary<string, Dictionary<string, string>> Specifications(Dictionary<string, string> asked)
    {
        var all = new Dictionary<string, Dictionary<string, string>>();
        for (int i = 1; asked.TryGetValue($"TagSpecification.{i}.ResourceType", out string? kind); i++)
        {
            all[kind] = [];
            for (int n = 1; asked.TryGetValue($"TagSpecification.{i}.Tag.{n}.Key", out string? key); n++) all[kind][key] = asked.GetValueOrDefault($"TagSpecification.{i}.Tag.{n}.Value", "");
        }

        return all;
    }

    private XDocument Reservations(string name, params Machine[] machines)
    {
        IEnumerable<XElement> Set() => machines.Select((m, i) => new XElement(s_ns + "item",
            new XElement(s_ns + "instanceId", m.Id), new XElement(s_ns + "imageId", m.Of("ImageId")), State("instanceState", m.State),
            m.State == "terminated" ? null : new XElement(s_ns + "privateIpAddress", AddressOf(Number(m)).Private),
            m.State == "running" ? new XElement(s_ns + "ipAddress", AddressOf(Number(m)).Public) : null,
            new XElement(s_ns + "instanceType", m.Of("InstanceType")), new XElement(s_ns + "launchTime", m.Launched.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture)),
            new XElement(s_ns + "clientToken", m.Of("ClientToken")),
            new XElement(s_ns + "tagSet", m.Tags.Select(t => new XElement(s_ns + "item", new XElement(s_ns + "key", t.Key), new XElement(s_ns + "value", t.Value))))));
        return name == "RunInstancesResponse"
            ? Done(name, new XElement(s_ns + "reservationId", "r-1"), new XElement(s_ns + "instancesSet", Set()))
            : Done(name, new XElement(s_ns + "reservationSet", Set().Select(i => new XElement(s_ns + "item", new XElement(s_ns + "reservationId", "r-1"), new XElement(s_ns + "instancesSet", i)))));
    }

    private int Number(Machine machine) => 1 + (Machines.IndexOf(machine) % 250);

    private static XElement State(string name, string state) => new(s_ns + name,
        new XElement(s_ns + "code", state switch { "pending" => 0, "running" => 16, "shutting-down" => 32, "terminated" => 48, "stopping" => 64, _ => 80 }), new XElement(s_ns + "name", state));

    private static XDocument Done(string name, params object?[] content) => new(new XElement(s_ns + name, new XElement(s_ns + "requestId", "fake"), content));
}
