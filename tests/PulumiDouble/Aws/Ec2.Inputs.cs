namespace Pulumi.Aws.Ec2.Inputs;

public sealed class InstanceMetadataOptionsArgs : ResourceArgs
{
    [Input("httpTokens")]
    public Input<string>? HttpTokens { get; set; }

    [Input("httpEndpoint")]
    public Input<string>? HttpEndpoint { get; set; }

    [Input("httpPutResponseHopLimit")]
    public Input<int>? HttpPutResponseHopLimit { get; set; }

    [Input("instanceMetadataTags")]
    public Input<string>? InstanceMetadataTags { get; set; }
}

public sealed class InstanceRootBlockDeviceArgs : ResourceArgs
{
    [Input("encrypted")]
    public Input<bool>? Encrypted { get; set; }

    [Input("kmsKeyId")]
    public Input<string>? KmsKeyId { get; set; }

    [Input("volumeType")]
    public Input<string>? VolumeType { get; set; }

    [Input("volumeSize")]
    public Input<int>? VolumeSize { get; set; }
}
