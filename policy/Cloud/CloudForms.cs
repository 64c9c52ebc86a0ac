namespace GlobalCache.Policy.Cloud;

/// <summary>The forms of AWS' names, as regular expressions: none lets anything through that means more than itself.</summary>
public static class CloudForms
{
    /// <summary>Such as <c>eu-central-1</c>.</summary>
    public const string Region = "^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$";

    /// <summary>See <see cref="CloudNames.Stack"/>.</summary>
    public const string Stack = "^[a-z0-9-]{1,32}$";

    /// <summary>Such as <c>ami-0123456789abcdef0</c>.</summary>
    public const string Image = "^ami-[0-9a-f]{8,17}$";

    /// <summary>Such as <c>subnet-0123456789abcdef0</c>.</summary>
    public const string Subnet = "^subnet-[0-9a-f]{8,17}$";

    /// <summary>Such as <c>sg-0123456789abcdef0</c>.</summary>
    public const string SecurityGroup = "^sg-[0-9a-f]{8,17}$";

    /// <summary>ARN of an instance profile.</summary>
    public const string Profile = "^arn:aws(-cn|-us-gov)?:iam::[0-9]{12}:instance-profile/[A-Za-z0-9+=,.@_-]{1,128}$";

    /// <summary>Id of a hosted zone, without <c>/hostedzone/</c>.</summary>
    public const string HostedZone = "^[A-Z0-9]{1,32}$";

    /// <summary>A host name in lower case, without a trailing dot.</summary>
    public const string HostName = @"^(?=.{3,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+$";

    /// <summary>A bucket's name.</summary>
    public const string Bucket = "^[a-z0-9.-]{3,63}$";

    /// <summary>Id of a KMS key.</summary>
    public const string Key = "^[0-9a-f-]{36}$";

    /// <summary><c>aws</c>, <c>aws-cn</c> or <c>aws-us-gov</c>: what a region belongs to.</summary>
    /// <param name="region">Such as <c>eu-central-1</c>.</param>
    /// <returns>The partition.</returns>
    public static string PartitionOf(string region) => region.StartsWith("cn-", StringComparison.Ordinal) ? "aws-cn" : region.StartsWith("us-gov-", StringComparison.Ordinal) ? "aws-us-gov" : "aws";
}
