namespace Pulumi.Aws.S3;

public class Bucket(string name, BucketArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucket:Bucket", name, args, options)
{
    [Output("arn")]
    public Output<string> Arn { get; private set; } = null!;

    [Output("bucket")]
    public Output<string> BucketName { get; private set; } = null!;

    [Output("bucketRegionalDomainName")]
    public Output<string> BucketRegionalDomainName { get; private set; } = null!;
}

public sealed class BucketArgs : ResourceArgs
{
    [Input("bucket")]
    public Input<string>? BucketName { get; set; }

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

public class BucketPublicAccessBlock(string name, BucketPublicAccessBlockArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock", name, args, options);

public sealed class BucketPublicAccessBlockArgs : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("blockPublicAcls")]
    public Input<bool>? BlockPublicAcls { get; set; }

    [Input("blockPublicPolicy")]
    public Input<bool>? BlockPublicPolicy { get; set; }

    [Input("ignorePublicAcls")]
    public Input<bool>? IgnorePublicAcls { get; set; }

    [Input("restrictPublicBuckets")]
    public Input<bool>? RestrictPublicBuckets { get; set; }
}

public class BucketVersioning(string name, BucketVersioningArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketVersioning:BucketVersioning", name, args, options);

public sealed class BucketVersioningArgs : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("versioningConfiguration", required: true)]
    public Input<Inputs.BucketVersioningVersioningConfigurationArgs> VersioningConfiguration { get; set; } = null!;
}

public class BucketServerSideEncryptionConfiguration(string name, BucketServerSideEncryptionConfigurationArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration", name, args, options);

public sealed class BucketServerSideEncryptionConfigurationArgs : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("rules", required: true)]
    private InputList<Inputs.BucketServerSideEncryptionConfigurationRuleArgs>? _rules;

    public InputList<Inputs.BucketServerSideEncryptionConfigurationRuleArgs> Rules
    {
        get => _rules ??= new InputList<Inputs.BucketServerSideEncryptionConfigurationRuleArgs>();
        set => _rules = value;
    }
}

public class BucketLifecycleConfiguration(string name, BucketLifecycleConfigurationArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration", name, args, options);

public sealed class BucketLifecycleConfigurationArgs : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("rules")]
    private InputList<Inputs.BucketLifecycleConfigurationRuleArgs>? _rules;

    public InputList<Inputs.BucketLifecycleConfigurationRuleArgs> Rules
    {
        get => _rules ??= new InputList<Inputs.BucketLifecycleConfigurationRuleArgs>();
        set => _rules = value;
    }
}

public class BucketOwnershipControls(string name, BucketOwnershipControlsArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketOwnershipControls:BucketOwnershipControls", name, args, options);

public sealed class BucketOwnershipControlsArgs : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("rule", required: true)]
    public Input<Inputs.BucketOwnershipControlsRuleArgs> Rule { get; set; } = null!;
}

public class BucketPolicy(string name, BucketPolicyArgs args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketPolicy:BucketPolicy", name, args, options);

public sealed class BucketPolicyArgs : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("policy", required: true)]
    public Input<string> Policy { get; set; } = null!;
}

public class BucketObjectv2(string name, BucketObjectv2Args args, CustomResourceOptions? options = null) : CustomResource("aws:s3/bucketObjectv2:BucketObjectv2", name, args, options)
{
    [Output("key")]
    public Output<string> Key { get; private set; } = null!;
}

public sealed class BucketObjectv2Args : ResourceArgs
{
    [Input("bucket", required: true)]
    public Input<string> Bucket { get; set; } = null!;

    [Input("key")]
    public Input<string>? Key { get; set; }

    [Input("source")]
    public Input<AssetOrArchive>? Source { get; set; }

    [Input("sourceHash")]
    public Input<string>? SourceHash { get; set; }

    [Input("kmsKeyId")]
    public Input<string>? KmsKeyId { get; set; }

    [Input("serverSideEncryption")]
    public Input<string>? ServerSideEncryption { get; set; }

    [Input("tags")]
    private InputMap<string>? _tags;

    public InputMap<string> Tags
    {
        get => _tags ??= new InputMap<string>();
        set => _tags = value;
    }
}
