namespace Pulumi.Aws.Vpc;

public class SecurityGroupIngressRule(string name, SecurityGroupIngressRuleArgs args, CustomResourceOptions? options = null) : CustomResource("aws:vpc/securityGroupIngressRule:SecurityGroupIngressRule", name, args, options);

public sealed class SecurityGroupIngressRuleArgs : ResourceArgs
{
    [Input("securityGroupId", required: true)]
    public Input<string> SecurityGroupId { get; set; } = null!;

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("ipProtocol", required: true)]
    public Input<string> IpProtocol { get; set; } = null!;

    [Input("fromPort")]
    public Input<int>? FromPort { get; set; }

    [Input("toPort")]
    public Input<int>? ToPort { get; set; }

    [Input("cidrIpv4")]
    public Input<string>? CidrIpv4 { get; set; }

    [Input("referencedSecurityGroupId")]
    public Input<string>? ReferencedSecurityGroupId { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class SecurityGroupEgressRule(string name, SecurityGroupEgressRuleArgs args, CustomResourceOptions? options = null) : CustomResource("aws:vpc/securityGroupEgressRule:SecurityGroupEgressRule", name, args, options);

public sealed class SecurityGroupEgressRuleArgs : ResourceArgs
{
    [Input("securityGroupId", required: true)]
    public Input<string> SecurityGroupId { get; set; } = null!;

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("ipProtocol", required: true)]
    public Input<string> IpProtocol { get; set; } = null!;

    [Input("fromPort")]
    public Input<int>? FromPort { get; set; }

    [Input("toPort")]
    public Input<int>? ToPort { get; set; }

    [Input("cidrIpv4")]
    public Input<string>? CidrIpv4 { get; set; }

    [Input("referencedSecurityGroupId")]
    public Input<string>? ReferencedSecurityGroupId { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}
