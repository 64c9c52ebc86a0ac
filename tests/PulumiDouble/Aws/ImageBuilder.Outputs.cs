using System.Collections.Immutable;

namespace Pulumi.Aws.ImageBuilder.Outputs;

[OutputType]
[method: OutputConstructor]
public sealed class ImageOutputResource(ImmutableArray<ImageOutputResourceAmi> amis)
{
    public readonly ImmutableArray<ImageOutputResourceAmi> Amis = amis;
}

[OutputType]
[method: OutputConstructor]
public sealed class ImageOutputResourceAmi(string? image, string? region)
{
    public readonly string? Image = image;

    public readonly string? Region = region;
}
