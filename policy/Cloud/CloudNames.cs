using System.Text.RegularExpressions;
using FluentValidation;

namespace GlobalCache.Policy.Cloud;

/// <summary>
/// What a stack's resources are called in AWS, which is all that permissions are written about: filled in by <c>pulumi up</c> for real ones and by tests for others.
/// Lists are short, since the permissions have a size limit (<see cref="IamDocument.MostCharacters"/>).
/// </summary>
public sealed record CloudNames
{
    /// <summary><c>aws</c>, <c>aws-cn</c> or <c>aws-us-gov</c>. Default <c>aws</c>.</summary>
    public string Partition { get; init; } = "aws";

    /// <summary>Region of everything, such as <c>eu-central-1</c>.</summary>
    public required string Region { get; init; }

    /// <summary>The account's twelve digits.</summary>
    public required string Account { get; init; }

    /// <summary>The stack, and the value of the tag <c>globalcache:stack</c>: 1 – 32 lower-case letters, digits and hyphens.</summary>
    public required string Stack { get; init; }

    /// <summary>Images that a node may be started from, such as <c>ami-0123456789abcdef0</c>: the current one, and the previous one during a roll. 1 – 2.</summary>
    public required IReadOnlyList<string> Images { get; init; }

    /// <summary>Subnets for nodes alone, one a zone, such as <c>subnet-0123456789abcdef0</c>. 1 – 6.</summary>
    public required IReadOnlyList<string> Subnets { get; init; }

    /// <summary>The nodes' security group, such as <c>sg-0123456789abcdef0</c>.</summary>
    public required string SecurityGroup { get; init; }

    /// <summary>Name of the nodes' role.</summary>
    public required string NodeRole { get; init; }

    /// <summary>Name of the instance profile that holds it.</summary>
    public required string NodeProfile { get; init; }

    /// <summary>Id of the hosted zone, without <c>/hostedzone/</c>.</summary>
    public required string HostedZone { get; init; }

    /// <summary>The name that all nodes share, lower case, without a trailing dot.</summary>
    public required string RecordName { get; init; }

    /// <summary>The bucket of assets and records: <c>a/</c>, <c>v/</c>, <c>q/</c>. It keeps no old versions, so that a takedown removes bytes.</summary>
    public required string AssetBucket { get; init; }

    /// <summary>The bucket of state: <c>control/</c>, <c>m/</c>. It keeps old versions.</summary>
    public required string StateBucket { get; init; }

    /// <summary>Parameters with secrets of the master alone, such as <c>/globalcache/one/office</c>. 1 – 4.</summary>
    public required IReadOnlyList<string> MasterSecrets { get; init; }

    /// <summary>Parameters with secrets of the nodes. 1 – 4.</summary>
    public required IReadOnlyList<string> NodeSecrets { get; init; }

    /// <summary>Parameters with secrets that master and nodes share, under <see cref="StoreKey"/>. 1 – 4.</summary>
    public required IReadOnlyList<string> SharedSecrets { get; init; }

    /// <summary>Plain parameters that the master may read: <see cref="StackParameters.Settings"/>. 1 – 4.</summary>
    public required IReadOnlyList<string> Settings { get; init; }

    /// <summary>Id of the KMS key of the master's secrets.</summary>
    public required string MasterKey { get; init; }

    /// <summary>Id of the KMS key of the nodes' secrets.</summary>
    public required string NodeKey { get; init; }

    /// <summary>Id of the KMS key of the buckets, and of secrets that master and nodes share.</summary>
    public required string StoreKey { get; init; }

    /// <summary>ARN of something of EC2's in this account, such as <c>instance/*</c>.</summary>
    /// <param name="what">Type, slash, id.</param>
    /// <returns>The ARN.</returns>
    public string Ec2(string what) => $"arn:{Partition}:ec2:{Region}:{Account}:{what}";

    /// <summary>ARN of an image; images have no account in theirs.</summary>
    /// <param name="id">Of the image.</param>
    /// <returns>The ARN.</returns>
    public string Image(string id) => $"arn:{Partition}:ec2:{Region}::image/{id}";

    /// <summary>ARN of the nodes' role.</summary>
    public string NodeRoleArn => $"arn:{Partition}:iam::{Account}:role/{NodeRole}";

    /// <summary>ARN of the nodes' instance profile.</summary>
    public string NodeProfileArn => $"arn:{Partition}:iam::{Account}:instance-profile/{NodeProfile}";

    /// <summary>ARN of the hosted zone.</summary>
    public string HostedZoneArn => $"arn:{Partition}:route53:::hostedzone/{HostedZone}";

    /// <summary>ARN of a parameter.</summary>
    /// <param name="name">With its leading slash.</param>
    /// <returns>The ARN.</returns>
    public string Parameter(string name) => $"arn:{Partition}:ssm:{Region}:{Account}:parameter{name}";

    /// <summary>ARN of a KMS key.</summary>
    /// <param name="id">Of the key.</param>
    /// <returns>The ARN.</returns>
    public string Key(string id) => $"arn:{Partition}:kms:{Region}:{Account}:key/{id}";

    /// <summary>ARN of a bucket, or of objects in it.</summary>
    /// <param name="bucket">Its name.</param>
    /// <param name="objects">Such as <c>a/*</c>; null: the bucket itself.</param>
    /// <returns>The ARN.</returns>
    public string Bucket(string bucket, string? objects = null) => $"arn:{Partition}:s3:::{bucket}" + (objects is null ? "" : "/" + objects);
}

/// <summary>The forms stated on <see cref="CloudNames"/>: nothing that means more than itself (a wildcard, a variable) gets into a permission.</summary>
public sealed class CloudNamesValidator : AbstractValidator<CloudNames>
{
    private static readonly Regex s_parameter = new("^(/[A-Za-z0-9_.-]{1,40}){1,4}$", RegexOptions.ExplicitCapture, TimeSpan.FromSeconds(1));

    /// <summary>Builds the rules.</summary>
    public CloudNamesValidator()
    {
        RuleFor(n => n.Partition).NotNull().Matches("^(aws|aws-cn|aws-us-gov)$");
        RuleFor(n => n.Region).NotNull().Matches(CloudForms.Region);
        RuleFor(n => n.Account).NotNull().Matches("^[0-9]{12}$");
        RuleFor(n => n.Stack).NotNull().Matches(CloudForms.Stack);
        RuleFor(n => n.Images).NotNull().Must(l => l.Count is 1 or 2).WithMessage("There are one or two images.");
        RuleForEach(n => n.Images).NotNull().Matches(CloudForms.Image);
        RuleFor(n => n.Subnets).NotNull().Must(l => l.Count is >= 1 and <= 6).WithMessage("There are 1 to 6 subnets for nodes.");
        RuleForEach(n => n.Subnets).NotNull().Matches(CloudForms.Subnet);
        RuleFor(n => n.SecurityGroup).NotNull().Matches(CloudForms.SecurityGroup);
        RuleFor(n => n.NodeRole).NotNull().Matches("^[A-Za-z0-9+=,.@_-]{1,64}$");
        RuleFor(n => n.NodeProfile).NotNull().Matches("^[A-Za-z0-9+=,.@_-]{1,128}$");
        RuleFor(n => n.HostedZone).NotNull().Matches(CloudForms.HostedZone);
        RuleFor(n => n.RecordName).NotNull().Matches(CloudForms.HostName)
            .WithMessage("'Record Name' is a host name in lower case, without a trailing dot.");
        RuleFor(n => n.AssetBucket).NotNull().Matches(CloudForms.Bucket);
        RuleFor(n => n.StateBucket).NotNull().Matches(CloudForms.Bucket).NotEqual(n => n.AssetBucket);
        RuleFor(n => n.MasterSecrets).NotNull().Must(AreParameters).WithMessage(Parameters);
        RuleFor(n => n.NodeSecrets).NotNull().Must(AreParameters).WithMessage(Parameters);
        RuleFor(n => n.SharedSecrets).NotNull().Must(AreParameters).WithMessage(Parameters);
        RuleFor(n => n.Settings).NotNull().Must(AreParameters).WithMessage(Parameters);
        RuleFor(n => n.MasterKey).NotNull().Matches(CloudForms.Key);
        RuleFor(n => n.NodeKey).NotNull().Matches(CloudForms.Key).NotEqual(n => n.MasterKey);
        RuleFor(n => n.StoreKey).NotNull().Matches(CloudForms.Key);
    }

    private const string Parameters = "'{PropertyName}' are 1 to 4 parameters, each such as /globalcache/one/grid.";

    private static bool AreParameters(IReadOnlyList<string> names) => names.Count is >= 1 and <= 4 && names.All(n => n is not null && s_parameter.IsMatch(n));
}
