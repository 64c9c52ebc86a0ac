namespace Pulumi.Aws.Ec2;

public class Vpc(string name, VpcArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/vpc:Vpc", name, args, options);

public sealed class VpcArgs : ResourceArgs
{
    [Input("cidrBlock")]
    public Input<string>? CidrBlock { get; set; }

    [Input("enableDnsHostnames")]
    public Input<bool>? EnableDnsHostnames { get; set; }

    [Input("enableDnsSupport")]
    public Input<bool>? EnableDnsSupport { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class Subnet(string name, SubnetArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/subnet:Subnet", name, args, options);

public sealed class SubnetArgs : ResourceArgs
{
    [Input("vpcId", required: true)]
    public Input<string> VpcId { get; set; } = null!;

    [Input("cidrBlock")]
    public Input<string>? CidrBlock { get; set; }

    [Input("availabilityZone")]
    public Input<string>? AvailabilityZone { get; set; }

    [Input("mapPublicIpOnLaunch")]
    public Input<bool>? MapPublicIpOnLaunch { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class InternetGateway(string name, InternetGatewayArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/internetGateway:InternetGateway", name, args, options);

public sealed class InternetGatewayArgs : ResourceArgs
{
    [Input("vpcId")]
    public Input<string>? VpcId { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class RouteTable(string name, RouteTableArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/routeTable:RouteTable", name, args, options);

public sealed class RouteTableArgs : ResourceArgs
{
    [Input("vpcId", required: true)]
    public Input<string> VpcId { get; set; } = null!;

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class Route(string name, RouteArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/route:Route", name, args, options);

public sealed class RouteArgs : ResourceArgs
{
    [Input("routeTableId", required: true)]
    public Input<string> RouteTableId { get; set; } = null!;

    [Input("destinationCidrBlock")]
    public Input<string>? DestinationCidrBlock { get; set; }

    [Input("gatewayId")]
    public Input<string>? GatewayId { get; set; }
}

public class RouteTableAssociation(string name, RouteTableAssociationArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/routeTableAssociation:RouteTableAssociation", name, args, options);

public sealed class RouteTableAssociationArgs : ResourceArgs
{
    [Input("routeTableId", required: true)]
    public Input<string> RouteTableId { get; set; } = null!;

    [Input("subnetId")]
    public Input<string>? SubnetId { get; set; }
}

public class VpcEndpoint(string name, VpcEndpointArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/vpcEndpoint:VpcEndpoint", name, args, options);

public sealed class VpcEndpointArgs : ResourceArgs
{
    [Input("vpcId", required: true)]
    public Input<string> VpcId { get; set; } = null!;

    [Input("serviceName")]
    public Input<string>? ServiceName { get; set; }

    [Input("vpcEndpointType")]
    public Input<string>? VpcEndpointType { get; set; }

    [Input("routeTableIds")]
    private InputList<string>? _routeTableIds;

    public InputList<string> RouteTableIds
    {
        get => _routeTableIds ??= new InputList<string>();
        set => _routeTableIds = value;
    }

    [Input("policy")]
    public Input<string>? Policy { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class SecurityGroup(string name, SecurityGroupArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/securityGroup:SecurityGroup", name, args, options);

public sealed class SecurityGroupArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("vpcId")]
    public Input<string>? VpcId { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class Eip(string name, EipArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/eip:Eip", name, args, options)
{
    [Output("publicIp")]
    public Output<string> PublicIp { get; private set; } = null!;
}

public sealed class EipArgs : ResourceArgs
{
    [Input("domain")]
    public Input<string>? Domain { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class EipAssociation(string name, EipAssociationArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/eipAssociation:EipAssociation", name, args, options);

public sealed class EipAssociationArgs : ResourceArgs
{
    [Input("allocationId")]
    public Input<string>? AllocationId { get; set; }

    [Input("instanceId")]
    public Input<string>? InstanceId { get; set; }
}

public class Instance(string name, InstanceArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ec2/instance:Instance", name, args, options)
{
    [Output("privateIp")]
    public Output<string> PrivateIp { get; private set; } = null!;
}

public sealed class InstanceArgs : ResourceArgs
{
    [Input("ami")]
    public Input<string>? Ami { get; set; }

    [Input("instanceType")]
    public InputUnion<string, InstanceType>? InstanceType { get; set; }

    [Input("subnetId")]
    public Input<string>? SubnetId { get; set; }

    [Input("vpcSecurityGroupIds")]
    private InputList<string>? _vpcSecurityGroupIds;

    public InputList<string> VpcSecurityGroupIds
    {
        get => _vpcSecurityGroupIds ??= new InputList<string>();
        set => _vpcSecurityGroupIds = value;
    }

    [Input("iamInstanceProfile")]
    public Input<string>? IamInstanceProfile { get; set; }

    [Input("associatePublicIpAddress")]
    public Input<bool>? AssociatePublicIpAddress { get; set; }

    [Input("metadataOptions")]
    public Input<Inputs.InstanceMetadataOptionsArgs>? MetadataOptions { get; set; }

    [Input("rootBlockDevice")]
    public Input<Inputs.InstanceRootBlockDeviceArgs>? RootBlockDevice { get; set; }

    [Input("userData")]
    public Input<string>? UserData { get; set; }

    [Input("userDataReplaceOnChange")]
    public Input<bool>? UserDataReplaceOnChange { get; set; }

    [Input("disableApiTermination")]
    public Input<bool>? DisableApiTermination { get; set; }

    [Input("volumeTags")]
    private InputMap<string>? _volumeTags;

    public InputMap<string> VolumeTags
    {
        get => _volumeTags ??= new InputMap<string>();
        set => _volumeTags = value;
    }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

/// <summary>Known values; the stack gives strings.</summary>
public readonly record struct InstanceType(string Value)
{
    public override string ToString() => Value;
}
