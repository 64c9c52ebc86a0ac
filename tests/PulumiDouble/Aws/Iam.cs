namespace Pulumi.Aws.Iam;

public class Role(string name, RoleArgs args, CustomResourceOptions? options = null) : CustomResource("aws:iam/role:Role", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;

    [Output("name")]
    public Output<string> Name { get; private set; } = null!;
}

public sealed class RoleArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("assumeRolePolicy", required: true)]
    public Input<string> AssumeRolePolicy { get; set; } = null!;

    [Input("permissionsBoundary")]
    public Input<string>? PermissionsBoundary { get; set; }

    [Input("maxSessionDuration")]
    public Input<int>? MaxSessionDuration { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class Policy(string name, PolicyArgs args, CustomResourceOptions? options = null) : CustomResource("aws:iam/policy:Policy", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class PolicyArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("policy", required: true)]
    public Input<string> PolicyDocument { get; set; } = null!;

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class RolePolicyAttachment(string name, RolePolicyAttachmentArgs args, CustomResourceOptions? options = null) : CustomResource("aws:iam/rolePolicyAttachment:RolePolicyAttachment", name, args, options);

public sealed class RolePolicyAttachmentArgs : ResourceArgs
{
    [Input("role", required: true)]
    public Input<string> Role { get; set; } = null!;

    [Input("policyArn", required: true)]
    public Input<string> PolicyArn { get; set; } = null!;
}

public class InstanceProfile(string name, InstanceProfileArgs args, CustomResourceOptions? options = null) : CustomResource("aws:iam/instanceProfile:InstanceProfile", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;

    [Output("name")]
    public Output<string> Name { get; private set; } = null!;
}

public sealed class InstanceProfileArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("role")]
    public Input<string>? Role { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}
