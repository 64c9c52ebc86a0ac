using System.Collections.Immutable;

namespace Pulumi.Aws.Route53;

public class Zone(string name, ZoneArgs args, CustomResourceOptions? options = null) : CustomResource("aws:route53/zone:Zone", name, args, options)
{
    [Output("zoneId")]
    public Output<string> ZoneId { get; private set; } = null!;

    [Output("nameServers")]
    public Output<ImmutableArray<string>> NameServers { get; private set; } = null!;
}

public sealed class ZoneArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("comment")]
    public Input<string>? Comment { get; set; }

    [Input("forceDestroy")]
    public Input<bool>? ForceDestroy { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class Record(string name, RecordArgs args, CustomResourceOptions? options = null) : CustomResource("aws:route53/record:Record", name, args, options)
{
    [Output("fqdn")]
    public Output<string> Fqdn { get; private set; } = null!;
}

public sealed class RecordArgs : ResourceArgs
{
    [Input("zoneId", required: true)]
    public Input<string> ZoneId { get; set; } = null!;

    [Input("name", required: true)]
    public Input<string> Name { get; set; } = null!;

    [Input("type", required: true)]
    public InputUnion<string, RecordType> Type { get; set; } = null!;

    [Input("ttl")]
    public Input<int>? Ttl { get; set; }

    [Input("records")]
    private InputList<string>? _records;

    public InputList<string> Records
    {
        get => _records ??= new InputList<string>();
        set => _records = value;
    }
}

/// <summary>Known values; the stack gives strings.</summary>
public readonly record struct RecordType(string Value)
{
    public override string ToString() => Value;
}
