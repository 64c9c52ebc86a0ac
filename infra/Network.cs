using System.Collections.Immutable;
using GlobalCache.Policy.Cloud;
using Pulumi;
using Pulumi.Aws;
using Pulumi.Aws.Ec2;
using Pulumi.Aws.Vpc;

namespace GlobalCache.Infra;

/// <summary>
/// A network of its own. Nodes stand alone in their subnets, one a zone, whose size is the hard cap (<see cref="NetworkPlan"/>); the master and the machines that build
/// images stand in another. Clients reach nodes and master on one port; what these say to one another goes over private ports that nobody else reaches.
/// </summary>
internal sealed class Network : ComponentResource
{
    private readonly Settings _settings;
    private readonly Vpc _vpc;
    private readonly InternetGateway _gateway;
    private readonly RouteTable _nodeRoutes;

    public Network(Settings settings) : base("globalcache:infra:Network", "network")
    {
        _settings = settings;
        NetworkPlan plan = settings.Plan()!;
        Output<ImmutableArray<string>> zones = GetAvailabilityZones.Invoke(new GetAvailabilityZonesInvokeArgs { State = "available" }).Apply(z => z.Names);
        _vpc = new Vpc("vpc", new VpcArgs
        {
            CidrBlock = settings.Network,
            EnableDnsHostnames = true,
            EnableDnsSupport = true,
            Tags = settings.Tags("network"),
        }, Child);
        _gateway = new InternetGateway("gateway", new InternetGatewayArgs { VpcId = _vpc.Id, Tags = settings.Tags("network") }, Child);
        _nodeRoutes = Routes("nodes");
        RouteTable masterRoutes = Routes("master");

        NodeSubnets = [.. plan.Nodes.Select((cidr, i) => Subnet($"nodes-{i}", cidr, zones.Apply(z => ZoneOf(z, i)), _nodeRoutes, "node-subnet"))];
        MasterSubnet = Subnet("master", plan.Master, zones.Apply(z => ZoneOf(z, 0)), masterRoutes, "master-subnet");

        NodeGroup = Group("node", "Nodes of a cache grid: clients by HTTPS, the master on a private port.");
        MasterGroup = Group("master", "The master of a cache grid: clients by HTTPS, nodes on a private port.");
        BuildGroup = Group("image", "Machines that build the image: nobody reaches them.");
        FromAnywhere("node", NodeGroup);
        FromAnywhere("master", MasterGroup);
        From("node-from-master", NodeGroup, MasterGroup, CloudPorts.NodePrivate, "The master asks how a node is and tells it to go.");
        From("master-from-nodes", MasterGroup, NodeGroup, CloudPorts.MasterPrivate, "Nodes report, and get their certificates.");
        To("node-to-master", NodeGroup, MasterGroup, CloudPorts.MasterPrivate, "Reports and certificates.");
        To("master-to-nodes", MasterGroup, NodeGroup, CloudPorts.NodePrivate, "How nodes are, and orders to them.");
        ToAnywhere("node", NodeGroup);
        ToAnywhere("master", MasterGroup);
        ToAnywhere("image", BuildGroup);
        RegisterOutputs();
    }

    /// <summary>In the order of the zones.</summary>
    public ImmutableArray<Subnet> NodeSubnets { get; }

    public Subnet MasterSubnet { get; }

    public SecurityGroup NodeGroup { get; }

    public SecurityGroup MasterGroup { get; }

    public SecurityGroup BuildGroup { get; }

    private CustomResourceOptions Child => new() { Parent = this };

    /// <summary>
    /// Keeps assets off the internet: from the nodes' subnets S3 is reached through a gateway, which costs nothing and passes nothing but what a node's permissions name.
    /// </summary>
    public void OpenStore(Output<CloudNames> names) => _ = new VpcEndpoint("store", new VpcEndpointArgs
    {
        VpcId = _vpc.Id,
        ServiceName = $"com.amazonaws.{_settings.Region}.s3",
        VpcEndpointType = "Gateway",
        RouteTableIds = _nodeRoutes.Id,
        Policy = names.Apply(n => ThroughTheGateway(IamDocuments.Node(n)).ToJson()),
        Tags = _settings.Tags("network"),
    }, Child);

    private static IamDocument ThroughTheGateway(IamDocument node) => new(
        [.. node.Statements.Where(s => s.Actions.All(a => a.StartsWith("s3:", StringComparison.Ordinal))).Select(s => s with { Principal = "*" })]);

    private string ZoneOf(ImmutableArray<string> zones, int index) => index < zones.Length ? zones[index]
        : throw new RunException($"globalcache:policy.fleet.zones: {_settings.Region} has {zones.Length} availability zones; {_settings.Policy.Fleet.Zones} are wanted.");

    private RouteTable Routes(string whose)
    {
        var table = new RouteTable(whose, new RouteTableArgs { VpcId = _vpc.Id, Tags = _settings.Tags("network") }, Child);
        _ = new Route(whose, new RouteArgs { RouteTableId = table.Id, DestinationCidrBlock = Anywhere, GatewayId = _gateway.Id }, Child);
        return table;
    }

    private Subnet Subnet(string name, string cidr, Output<string> zone, RouteTable routes, string role)
    {
        var subnet = new Subnet(name, new SubnetArgs
        {
            VpcId = _vpc.Id,
            CidrBlock = cidr,
            AvailabilityZone = zone,
            MapPublicIpOnLaunch = true,
            Tags = _settings.Tags(role),
        }, Child);
        _ = new RouteTableAssociation(name, new RouteTableAssociationArgs { RouteTableId = routes.Id, SubnetId = subnet.Id }, Child);
        return subnet;
    }

    private const string Anywhere = "0.0.0.0/0";

    private SecurityGroup Group(string whose, string description) => new(whose, new SecurityGroupArgs
    {
        Name = _settings.NameOf(whose),
        Description = description,
        VpcId = _vpc.Id,
        Tags = _settings.Tags(whose),
    }, Child);

    private void FromAnywhere(string whose, SecurityGroup group) => _ = new SecurityGroupIngressRule($"{whose}-from-clients", new SecurityGroupIngressRuleArgs
    {
        SecurityGroupId = group.Id,
        Description = "Clients.",
        IpProtocol = "tcp",
        FromPort = CloudPorts.Public,
        ToPort = CloudPorts.Public,
        CidrIpv4 = Anywhere,
        Tags = _settings.Tags(whose),
    }, Child);

    private void From(string name, SecurityGroup group, SecurityGroup source, int port, string why) => _ = new SecurityGroupIngressRule(name, new SecurityGroupIngressRuleArgs
    {
        SecurityGroupId = group.Id,
        Description = why,
        IpProtocol = "tcp",
        FromPort = port,
        ToPort = port,
        ReferencedSecurityGroupId = source.Id,
        Tags = _settings.Tags("network"),
    }, Child);

    private void To(string name, SecurityGroup group, SecurityGroup target, int port, string why) => _ = new SecurityGroupEgressRule(name, new SecurityGroupEgressRuleArgs
    {
        SecurityGroupId = group.Id,
        Description = why,
        IpProtocol = "tcp",
        FromPort = port,
        ToPort = port,
        ReferencedSecurityGroupId = target.Id,
        Tags = _settings.Tags("network"),
    }, Child);

    /// <summary>AWS' own services, and a virtual world's asset hosts. Names and the time come from the network itself, past all groups.</summary>
    private void ToAnywhere(string whose, SecurityGroup group) => _ = new SecurityGroupEgressRule($"{whose}-to-services", new SecurityGroupEgressRuleArgs
    {
        SecurityGroupId = group.Id,
        Description = "HTTPS.",
        IpProtocol = "tcp",
        FromPort = 443,
        ToPort = 443,
        CidrIpv4 = Anywhere,
        Tags = _settings.Tags(whose),
    }, Child);
}
