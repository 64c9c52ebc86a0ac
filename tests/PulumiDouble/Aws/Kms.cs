namespace Pulumi.Aws.Kms;

public class Key(string name, KeyArgs args, CustomResourceOptions? options = null) : CustomResource("aws:kms/key:Key", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;

    [Output("keyId")]
    public Output<string> KeyId { get; private set; } = null!;
}

public sealed class KeyArgs : ResourceArgs
{
    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("enableKeyRotation")]
    public Input<bool>? EnableKeyRotation { get; set; }

    [Input("deletionWindowInDays")]
    public Input<int>? DeletionWindowInDays { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class KeyPolicy(string name, KeyPolicyArgs args, CustomResourceOptions? options = null) : CustomResource("aws:kms/keyPolicy:KeyPolicy", name, args, options);

public sealed class KeyPolicyArgs : ResourceArgs
{
    [Input("keyId", required: true)]
    public Input<string> KeyId { get; set; } = null!;

    [Input("policy", required: true)]
    public Input<string> Policy { get; set; } = null!;
}

public class Alias(string name, AliasArgs args, CustomResourceOptions? options = null) : CustomResource("aws:kms/alias:Alias", name, args, options);

public sealed class AliasArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("targetKeyId", required: true)]
    public Input<string> TargetKeyId { get; set; } = null!;
}
