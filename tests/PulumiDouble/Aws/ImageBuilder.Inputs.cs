namespace Pulumi.Aws.ImageBuilder.Inputs;

public sealed class ImageRecipeComponentArgs : ResourceArgs
{
    [Input("componentArn", required: true)]
    public Input<string> ComponentArn { get; set; } = null!;
}

public sealed class ImageRecipeBlockDeviceMappingArgs : ResourceArgs
{
    [Input("deviceName")]
    public Input<string>? DeviceName { get; set; }

    [Input("ebs")]
    public Input<ImageRecipeBlockDeviceMappingEbsArgs>? Ebs { get; set; }
}

public sealed class ImageRecipeBlockDeviceMappingEbsArgs : ResourceArgs
{
    [Input("encrypted")]
    public Input<string>? Encrypted { get; set; }

    [Input("volumeSize")]
    public Input<int>? VolumeSize { get; set; }

    [Input("volumeType")]
    public Input<string>? VolumeType { get; set; }

    [Input("deleteOnTermination")]
    public Input<string>? DeleteOnTermination { get; set; }
}

public sealed class ImageRecipeSystemsManagerAgentArgs : ResourceArgs
{
    [Input("uninstallAfterBuild", required: true)]
    public Input<bool> UninstallAfterBuild { get; set; } = null!;
}

public sealed class InfrastructureConfigurationInstanceMetadataOptionsArgs : ResourceArgs
{
    [Input("httpTokens")]
    public Input<string>? HttpTokens { get; set; }

    [Input("httpPutResponseHopLimit")]
    public Input<int>? HttpPutResponseHopLimit { get; set; }
}

public sealed class DistributionConfigurationDistributionArgs : ResourceArgs
{
    [Input("region", required: true)]
    public Input<string> Region { get; set; } = null!;

    [Input("amiDistributionConfiguration")]
    public Input<DistributionConfigurationDistributionAmiDistributionConfigurationArgs>? AmiDistributionConfiguration { get; set; }
}

public sealed class DistributionConfigurationDistributionAmiDistributionConfigurationArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("amiTags")]
    private InputMap<string>? _amiTags;

    public InputMap<string> AmiTags
    {
        get => _amiTags ??= new InputMap<string>();
        set => _amiTags = value;
    }
}

public sealed class ImageImageTestsConfigurationArgs : ResourceArgs
{
    [Input("imageTestsEnabled")]
    public Input<bool>? ImageTestsEnabled { get; set; }
}
