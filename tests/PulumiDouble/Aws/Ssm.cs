namespace Pulumi.Aws.Ssm;

public class Parameter(string name, ParameterArgs args, CustomResourceOptions? options = null) : CustomResource("aws:ssm/parameter:Parameter", name, args, options)
{
    [Output("name")]
    public Output<string> Name { get; private set; } = null!;

    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class ParameterArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("type", required: true)]
    public InputUnion<string, ParameterType> Type { get; set; } = null!;

    [Input("tier")]
    public Input<string>? Tier { get; set; }

    [Input("insecureValue")]
    public Input<string>? InsecureValue { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

/// <summary>Known values; the stack gives strings.</summary>
public readonly record struct ParameterType(string Value)
{
    public override string ToString() => Value;
}
