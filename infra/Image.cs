using GlobalCache.Policy.Cloud;
using Pulumi;
using Pulumi.Aws.Iam;
using Pulumi.Aws.ImageBuilder;
using Pulumi.Aws.ImageBuilder.Inputs;
using Pulumi.Aws.S3;

namespace GlobalCache.Infra;

/// <summary>
/// The machine image of nodes and master: Amazon Linux 2023 with one archive unpacked and its <c>install.sh</c> run. AWS builds it on a machine of its own, which nobody
/// reaches and which ends with the build. Nothing is downloaded when a node starts.
/// </summary>
internal sealed class Image : ComponentResource
{
    /// <summary>Where the archive waits in the state bucket.</summary>
    private const string Folder = "image/";

    public Image(Settings settings, ImageArchive archive, Output<CloudNames> known, Store store, Network network, Watch watch) : base("globalcache:infra:Image", "image")
    {
        var child = new CustomResourceOptions { Parent = this };
        string version = archive.Version(settings.ImageRevision), name = settings.NameOf("image");
        InstanceProfile builder = Builder(settings, Output.Tuple(known, store.State.BucketName, store.Key.KeyId).Apply(t => BuilderDocument(t.Item1, t.Item2, t.Item3).ToJson()));
        var stored = new BucketObjectv2("archive", new BucketObjectv2Args
        {
            Bucket = store.State.Id,
            Key = $"{Folder}{archive.Sha256}.tar.gz",
            Source = new FileAsset(archive.Path),
            SourceHash = archive.Sha256,
            ServerSideEncryption = "aws:kms",
            KmsKeyId = store.Key.Arn,
            Tags = settings.Tags("image"),
        }, child);
        var component = new Component("program", new ComponentArgs
        {
            Name = name,
            Description = "Unpacks node and master and installs their units",
            Platform = "Linux",
            Version = version,
            Data = Output.Tuple(store.State.BucketName, stored.Key).Apply(t => Steps(t.Item1, t.Item2, archive.Sha256)),
            Tags = settings.Tags("image"),
        }, child);
        var recipe = new ImageRecipe("recipe", new ImageRecipeArgs
        {
            Name = name,
            Version = version,
            ParentImage = known.Apply(n => $"arn:{n.Partition}:imagebuilder:{n.Region}:aws:image/amazon-linux-2023-{(settings.Architecture == PricedType.Arm64 ? "arm64" : "x86")}/x.x.x"),
            Components = new ImageRecipeComponentArgs { ComponentArn = component.Arn },
            BlockDeviceMappings = new ImageRecipeBlockDeviceMappingArgs
            {
                DeviceName = "/dev/xvda",
                Ebs = new ImageRecipeBlockDeviceMappingEbsArgs { Encrypted = "true", VolumeSize = 8, VolumeType = "gp3", DeleteOnTermination = "true" },
            },
            // The agent by which the build is driven would let people log in.
            SystemsManagerAgent = new ImageRecipeSystemsManagerAgentArgs { UninstallAfterBuild = true },
            Tags = settings.Tags("image"),
        }, child);
        var machines = new InfrastructureConfiguration("machines", new InfrastructureConfigurationArgs
        {
            Name = name,
            InstanceProfileName = builder.Name,
            InstanceTypes = settings.MasterType,
            SubnetId = network.MasterSubnet.Id,
            SecurityGroupIds = network.BuildGroup.Id,
            InstanceMetadataOptions = new InfrastructureConfigurationInstanceMetadataOptionsArgs { HttpTokens = "required", HttpPutResponseHopLimit = 1 },
            TerminateInstanceOnFailure = true,
            ResourceTags = settings.Tags("image"),
            Tags = settings.Tags("image"),
        }, child);
        var distribution = new DistributionConfiguration("distribution", new DistributionConfigurationArgs
        {
            Name = name,
            Distributions = new DistributionConfigurationDistributionArgs
            {
                Region = settings.Region,
                AmiDistributionConfiguration = new DistributionConfigurationDistributionAmiDistributionConfigurationArgs
                {
                    Name = name + "-{{ imagebuilder:buildDate }}",
                    AmiTags = settings.Tags("image"),
                },
            },
            Tags = settings.Tags("image"),
        }, child);
        var image = new Pulumi.Aws.ImageBuilder.Image("image", new ImageArgs
        {
            ImageRecipeArn = recipe.Arn,
            InfrastructureConfigurationArn = machines.Arn,
            DistributionConfigurationArn = distribution.Arn,
            // It would list the packages by way of the agent; the parent image's are Amazon's.
            EnhancedImageMetadataEnabled = false,
            ImageTestsConfiguration = new ImageImageTestsConfigurationArgs { ImageTestsEnabled = false },
            Tags = settings.Tags("image"),
        }, new CustomResourceOptions { Parent = this, DependsOn = watch.BuildLog });
        Id = image.OutputResources.Apply(r => r[0].Amis[0].Image!);
        RegisterOutputs();
    }

    /// <summary>Of the image, such as <c>ami-0123456789abcdef0</c>.</summary>
    public Output<string> Id { get; }

    /// <summary>What the build machine does: fetch, compare, unpack, install, look.</summary>
    public static string Steps(string bucket, string key, string sha256) => $"""
        name: globalcache
        description: Unpacks node and master and installs their units.
        schemaVersion: 1.0
        phases:
          - name: build
            steps:
              - name: Fetch
                action: S3Download
                inputs:
                  - source: s3://{bucket}/{key}
                    destination: /tmp/globalcache.tar.gz
              - name: Install
                action: ExecuteBash
                inputs:
                  commands:
                    - set -eu
                    - echo "{sha256}  /tmp/globalcache.tar.gz" | sha256sum --check --strict
                    - tar --extract --gzip --no-same-owner --file /tmp/globalcache.tar.gz --directory /
                    - sh /opt/globalcache/image/install.sh /
                    - rm /tmp/globalcache.tar.gz
          - name: validate
            steps:
              - name: Look
                action: ExecuteBash
                inputs:
                  commands:
                    - sh /opt/globalcache/image/check.sh /

        """;

    /// <summary>What the build machine may do beside what AWS' own documents let every build machine do: read the archive, and write its log.</summary>
    public static IamDocument BuilderDocument(CloudNames names, string bucket, string key) => new(
    [
        new IamStatement { Sid = "Archive", Actions = ["s3:GetObject"], Resources = [names.Bucket(bucket, Folder + "*")] },
        new IamStatement { Sid = "Key", Actions = ["kms:Decrypt"], Resources = [names.Key(key)] },
    ]);

    private InstanceProfile Builder(Settings settings, Output<string> document)
    {
        var child = new CustomResourceOptions { Parent = this };
        var role = new Role("builder", new RoleArgs
        {
            Name = settings.NameOf("image"),
            Description = "Builds the image of a cache grid",
            AssumeRolePolicy = IamDocuments.MachinesTrust().ToJson(),
            Tags = settings.Tags("image"),
        }, child);
        var own = new Pulumi.Aws.Iam.Policy("builder", new PolicyArgs { Name = settings.NameOf("image"), PolicyDocument = document, Tags = settings.Tags("image") }, child);
        _ = new RolePolicyAttachment("builder", new RolePolicyAttachmentArgs { Role = role.Name, PolicyArn = own.Arn }, child);
        // AWS' own, for the agent by which Image Builder drives the machine.
        foreach ((string name, string managed) in new[] { ("builder-agent", "AmazonSSMManagedInstanceCore"), ("builder-steps", "EC2InstanceProfileForImageBuilder") })
            _ = new RolePolicyAttachment(name, new RolePolicyAttachmentArgs { Role = role.Name, PolicyArn = Pulumi.Aws.GetPartition.Invoke().Apply(p => $"arn:{p.Partition}:iam::aws:policy/{managed}") }, child);
        return new InstanceProfile("builder", new InstanceProfileArgs { Name = settings.NameOf("image"), Role = role.Name, Tags = settings.Tags("image") }, child);
    }
}
