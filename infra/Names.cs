using Pulumi;
using Pulumi.Aws.Ec2;
using Pulumi.Aws.Route53;

namespace GlobalCache.Infra;

/// <summary>
/// The domain that AWS answers for, and the master's own name. The nodes' name is not declared: the master writes it as nodes come and go, so that the zone may be
/// deleted with a record in it that nobody declared.
/// </summary>
internal sealed class Names : ComponentResource
{
    private const int TtlSeconds = 300;

    public Names(Settings settings) : base("globalcache:infra:Names", "names")
    {
        Zone = new Zone("zone", new ZoneArgs { Name = settings.Zone, Comment = $"Cache grid {settings.Stack}", ForceDestroy = true, Tags = settings.Tags("names") }, Child);
        MasterAddress = new Eip("master", new EipArgs { Domain = "vpc", Tags = settings.Tags("master") }, Child);
        _ = new Record("master", new RecordArgs { ZoneId = Zone.ZoneId, Name = settings.MasterName, Type = "A", Ttl = TtlSeconds, Records = MasterAddress.PublicIp }, Child);
        RegisterOutputs();
    }

    public Zone Zone { get; }

    /// <summary>Stays the same when the master's machine is replaced.</summary>
    public Eip MasterAddress { get; }

    private CustomResourceOptions Child => new() { Parent = this };
}
