namespace Pulumi.Aws.CloudWatch;

public class LogGroup(string name, LogGroupArgs args, CustomResourceOptions? options = null) : CustomResource("aws:cloudwatch/logGroup:LogGroup", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class LogGroupArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("retentionInDays")]
    public Input<int>? RetentionInDays { get; set; }

    [Input("kmsKeyId")]
    public Input<string>? KmsKeyId { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}
