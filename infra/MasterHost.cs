using GlobalCache.Policy.Cloud;
using Pulumi;
using Pulumi.Aws.Ec2;
using Pulumi.Aws.Ec2.Inputs;

namespace GlobalCache.Infra;

/// <summary>
/// The master's machine. It keeps nothing: all it knows is in the buckets and in AWS, so that a new image replaces it, and the address stays. Its user data are plain
/// settings, without a secret; thresholds are not among them, so that a changed one replaces nothing.
/// </summary>
internal sealed class MasterHost : ComponentResource
{
    public MasterHost(Settings settings, Output<CloudNames> names, Output<string> image, Output<string> profile, Network network, Names dns) : base("globalcache:infra:MasterHost", "master")
    {
        var master = new Instance("master", new InstanceArgs
        {
            Ami = image,
            InstanceType = settings.MasterType,
            SubnetId = network.MasterSubnet.Id,
            VpcSecurityGroupIds = network.MasterGroup.Id,
            IamInstanceProfile = profile,
            // Until its own address is its own, it already needs AWS.
            AssociatePublicIpAddress = true,
            MetadataOptions = new InstanceMetadataOptionsArgs { HttpTokens = "required", HttpEndpoint = "enabled", HttpPutResponseHopLimit = 1, InstanceMetadataTags = "disabled" },
            RootBlockDevice = new InstanceRootBlockDeviceArgs { Encrypted = true, VolumeType = "gp3", VolumeSize = settings.Policy.Fleet.VolumeGigabytes },
            UserData = names.Apply(n => MasterUserData.Of(n, settings.MasterName).Format()),
            UserDataReplaceOnChange = true,
            VolumeTags = settings.Tags("master"),
            Tags = settings.Tags("master"),
        }, new CustomResourceOptions { Parent = this });
        _ = new EipAssociation("master", new EipAssociationArgs { AllocationId = dns.MasterAddress.Id, InstanceId = master.Id }, new CustomResourceOptions { Parent = this });
        RegisterOutputs();
    }
}
