using System.Collections.Immutable;

namespace Pulumi.Aws.ImageBuilder;

public class Component(string name, ComponentArgs args, CustomResourceOptions? options = null) : CustomResource("aws:imagebuilder/component:Component", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class ComponentArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("platform", required: true)]
    public Input<string> Platform { get; set; } = null!;

    [Input("version", required: true)]
    public Input<string> Version { get; set; } = null!;

    [Input("data")]
    public Input<string>? Data { get; set; }

    [Input("kmsKeyId")]
    public Input<string>? KmsKeyId { get; set; }

    [Input("supportedOsVersions")]
    private InputList<string>? _supportedOsVersions;

    public InputList<string> SupportedOsVersions
    {
        get => _supportedOsVersions ??= new InputList<string>();
        set => _supportedOsVersions = value;
    }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class ImageRecipe(string name, ImageRecipeArgs args, CustomResourceOptions? options = null) : CustomResource("aws:imagebuilder/imageRecipe:ImageRecipe", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class ImageRecipeArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("parentImage", required: true)]
    public Input<string> ParentImage { get; set; } = null!;

    [Input("version", required: true)]
    public Input<string> Version { get; set; } = null!;

    [Input("components", required: true)]
    private InputList<Inputs.ImageRecipeComponentArgs>? _components;

    public InputList<Inputs.ImageRecipeComponentArgs> Components
    {
        get => _components ??= new InputList<Inputs.ImageRecipeComponentArgs>();
        set => _components = value;
    }

    [Input("blockDeviceMappings")]
    private InputList<Inputs.ImageRecipeBlockDeviceMappingArgs>? _blockDeviceMappings;

    public InputList<Inputs.ImageRecipeBlockDeviceMappingArgs> BlockDeviceMappings
    {
        get => _blockDeviceMappings ??= new InputList<Inputs.ImageRecipeBlockDeviceMappingArgs>();
        set => _blockDeviceMappings = value;
    }

    [Input("systemsManagerAgent")]
    public Input<Inputs.ImageRecipeSystemsManagerAgentArgs>? SystemsManagerAgent { get; set; }

    [Input("amiTags")]
    private InputMap<string>? _amiTags;

    public InputMap<string> AmiTags
    {
        get => _amiTags ??= new InputMap<string>();
        set => _amiTags = value;
    }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class InfrastructureConfiguration(string name, InfrastructureConfigurationArgs args, CustomResourceOptions? options = null) : CustomResource("aws:imagebuilder/infrastructureConfiguration:InfrastructureConfiguration", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class InfrastructureConfigurationArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("instanceProfileName", required: true)]
    public Input<string> InstanceProfileName { get; set; } = null!;

    [Input("instanceTypes")]
    private InputList<string>? _instanceTypes;

    public InputList<string> InstanceTypes
    {
        get => _instanceTypes ??= new InputList<string>();
        set => _instanceTypes = value;
    }

    [Input("subnetId")]
    public Input<string>? SubnetId { get; set; }

    [Input("securityGroupIds")]
    private InputList<string>? _securityGroupIds;

    public InputList<string> SecurityGroupIds
    {
        get => _securityGroupIds ??= new InputList<string>();
        set => _securityGroupIds = value;
    }

    [Input("instanceMetadataOptions")]
    public Input<Inputs.InfrastructureConfigurationInstanceMetadataOptionsArgs>? InstanceMetadataOptions { get; set; }

    [Input("terminateInstanceOnFailure")]
    public Input<bool>? TerminateInstanceOnFailure { get; set; }

    [Input("resourceTags")]
    private InputMap<string>? _resourceTags;

    public InputMap<string> ResourceTags
    {
        get => _resourceTags ??= new InputMap<string>();
        set => _resourceTags = value;
    }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class DistributionConfiguration(string name, DistributionConfigurationArgs args, CustomResourceOptions? options = null) : CustomResource("aws:imagebuilder/distributionConfiguration:DistributionConfiguration", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;
}

public sealed class DistributionConfigurationArgs : ResourceArgs
{
    [Input("name")]
    public Input<string>? Name { get; set; }

    [Input("description")]
    public Input<string>? Description { get; set; }

    [Input("distributions", required: true)]
    private InputList<Inputs.DistributionConfigurationDistributionArgs>? _distributions;

    public InputList<Inputs.DistributionConfigurationDistributionArgs> Distributions
    {
        get => _distributions ??= new InputList<Inputs.DistributionConfigurationDistributionArgs>();
        set => _distributions = value;
    }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}

public class Image(string name, ImageArgs args, CustomResourceOptions? options = null) : CustomResource("aws:imagebuilder/image:Image", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;

    [Output("outputResources")]
    public Output<ImmutableArray<Outputs.ImageOutputResource>> OutputResources { get; private set; } = null!;
}

public sealed class ImageArgs : ResourceArgs
{
    [Input("imageRecipeArn")]
    public Input<string>? ImageRecipeArn { get; set; }

    [Input("infrastructureConfigurationArn", required: true)]
    public Input<string> InfrastructureConfigurationArn { get; set; } = null!;

    [Input("distributionConfigurationArn")]
    public Input<string>? DistributionConfigurationArn { get; set; }

    [Input("enhancedImageMetadataEnabled")]
    public Input<bool>? EnhancedImageMetadataEnabled { get; set; }

    [Input("imageTestsConfiguration")]
    public Input<Inputs.ImageImageTestsConfigurationArgs>? ImageTestsConfiguration { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}
