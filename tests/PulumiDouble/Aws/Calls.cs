using System.Collections.Immutable;

namespace Pulumi.Aws;

public sealed class GetRegionInvokeArgs : InvokeArgs;

public static class GetRegion
{
    public static Output<GetRegionResult> Invoke(GetRegionInvokeArgs? args = null) =>
        Deployment.Instance.Invoke<GetRegionResult>("aws:index/getRegion:getRegion", args ?? new GetRegionInvokeArgs());
}

[OutputType]
[method: OutputConstructor]
public sealed class GetRegionResult(string region)
{
    public readonly string Region = region;
}

public sealed class GetCallerIdentityInvokeArgs : InvokeArgs;

public static class GetCallerIdentity
{
    public static Output<GetCallerIdentityResult> Invoke(GetCallerIdentityInvokeArgs? args = null) =>
        Deployment.Instance.Invoke<GetCallerIdentityResult>("aws:index/getCallerIdentity:getCallerIdentity", args ?? new GetCallerIdentityInvokeArgs());
}

[OutputType]
[method: OutputConstructor]
public sealed class GetCallerIdentityResult(string accountId)
{
    public readonly string AccountId = accountId;
}

public sealed class GetPartitionInvokeArgs : InvokeArgs;

public static class GetPartition
{
    public static Output<GetPartitionResult> Invoke(GetPartitionInvokeArgs? args = null) =>
        Deployment.Instance.Invoke<GetPartitionResult>("aws:index/getPartition:getPartition", args ?? new GetPartitionInvokeArgs());
}

[OutputType]
[method: OutputConstructor]
public sealed class GetPartitionResult(string dnsSuffix, string partition)
{
    public readonly string DnsSuffix = dnsSuffix;

    public readonly string Partition = partition;
}

public sealed class GetAvailabilityZonesInvokeArgs : InvokeArgs
{
    [Input("state")]
    public Input<string>? State { get; set; }
}

public static class GetAvailabilityZones
{
    public static Output<GetAvailabilityZonesResult> Invoke(GetAvailabilityZonesInvokeArgs? args = null) =>
        Deployment.Instance.Invoke<GetAvailabilityZonesResult>("aws:index/getAvailabilityZones:getAvailabilityZones", args ?? new GetAvailabilityZonesInvokeArgs());
}

[OutputType]
[method: OutputConstructor]
public sealed class GetAvailabilityZonesResult(ImmutableArray<string> names)
{
    public readonly ImmutableArray<string> Names = names;
}
