using System.Net;
using System.Text.Json;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Zones;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Grids;

/// <summary>
/// A grid in AWS: nodes on EC2, their name in Route 53, state in a bucket, secrets and settings in SSM. The master's machine keeps nothing, so that another can take its place at any
/// moment.
/// </summary>
internal static class AwsGrid
{
    private static readonly TimeSpan s_again = TimeSpan.FromSeconds(5);

    /// <param name="data">What the stack tells its master.</param>
    /// <param name="options">The start's.</param>
    /// <param name="access">How AWS is reached.</param>
    /// <param name="master">Where nodes report.</param>
    /// <param name="inForce">The policy in force.</param>
    /// <param name="inner">A store in place of the bucket's; null: that.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Of what is refused.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="CannotStartException">A parameter cannot be read: to be started again.</exception>
    /// <exception cref="GridUnusableException">The grid's secrets are damaged.</exception>
    public static async Task<GridParts> OpenAsync(
        MasterUserData data, MasterOptions options, CloudAccess access, IPEndPoint master, Func<GridPolicy> inForce, IObjectStore? inner, TimeProvider time, ILogger log, CancellationToken ct)
    {
        var parameters = new ParameterStore(data.Region, access, time);
        List<IDisposable> owned = [parameters];
        try
        {
            var names = new StackParameters(data.Stack);
            var watch = new StackWatch(parameters, names, time, log);
            GridPolicy? policy = await watch.BeginAsync(ct);
            var secrets = new CloudSecrets(parameters, data.Stack);
            OfficeSecrets office = await secrets.OfficeAsync(data.MasterKey, data.RecordName, data.Domain, time.GetUtcNow(), ct);
            GridFile file = KeptGrid.Describe(office, FactsOf(data, options, policy));
            IObjectStore store = inner ?? new S3Store(new S3Options(data.StateBucket, data.Region, access.Of("s3"), ChecksumsWhenSupported: access.Of("s3") is null), access.Credentials);
            if (inner is null) owned.Add((IDisposable)store);
            var zone = new Route53Zone(ZoneOf(data, access), access.CredentialsOrRole(), time, Random.Shared.NextDouble);
            owned.Add(zone);
            var fleet = new Ec2Fleet(FleetOf(data, access, master, NodeUserData.FingerprintOf(file)), () => inForce().Fleet, () => watch.Image, time, Random.Shared.NextDouble, access.Credentials);
            owned.Add(fleet);
            return new GridParts
            {
                Grid = new KeptGrid(office, file, await secrets.ReportAsync(data.StoreKey, ct)),
                Store = store,
                Zone = zone,
                Fleet = fleet,
                IsPaid = true,
                Policy = policy,
                AdminCodeHash = () => watch.Admin,
                NamesAt = $"Route 53 ({data.HostedZone})",
                FollowAsync = (declare, stop) => Task.WhenAll(watch.FollowAsync(declare, stop), PublishAsync(store, file, time, log, stop)),
                Owned = owned,
            };
        }
        catch (Exception e)
        {
            foreach (IDisposable part in owned) part.Dispose();
            if (e is ParameterTroubleException) throw new CannotStartException(e.Message);
            throw;
        }
    }

    private static GridFacts FactsOf(MasterUserData data, MasterOptions options, GridPolicy? policy) => new()
    {
        Name = data.Stack,
        Host = data.RecordName,
        Port = options.NodePort,
        MasterName = data.MasterName,
        // Among friends one claim decides, and there is nobody to hide from.
        ClaimWithinSeconds = policy?.Vouching.Lead == 1 ? 0 : 900,
        Grids = policy?.Grids ?? [],
    };

    private static Route53Settings ZoneOf(MasterUserData data, CloudAccess access)
    {
        var settings = new Route53Settings
        {
            HostedZone = data.HostedZone,
            Name = data.RecordName,
            Partition = CloudForms.PartitionOf(data.Region),
            Endpoint = access.Of("route53"),
            NameServers = access.NameServers,
        };
        Sound(new Route53SettingsValidator().Validate(settings));
        return settings;
    }

    private static Ec2Settings FleetOf(MasterUserData data, CloudAccess access, IPEndPoint master, string fingerprint)
    {
        var settings = new Ec2Settings
        {
            Region = data.Region,
            Stack = data.Stack,
            Subnets = data.Subnets,
            SecurityGroup = data.SecurityGroup,
            NodeProfileArn = data.NodeProfileArn,
            AssetBucket = data.AssetBucket,
            StateBucket = data.StateBucket,
            NodeKey = data.NodeKey,
            StoreKey = data.StoreKey,
            Grid = fingerprint,
            Master = master,
            Endpoint = access.Of("ec2"),
        };
        Sound(new Ec2SettingsValidator().Validate(settings));
        return settings;
    }

    private static void Sound(FluentValidation.Results.ValidationResult result)
    {
        if (!result.IsValid) throw new CannotStartException(string.Join('\n', result.Errors.Select(e => e.ErrorMessage)));
    }

    /// <summary>Puts <c>grid.json</c> where nodes find it, and says no more when it is there.</summary>
    private static async Task PublishAsync(IObjectStore store, GridFile file, TimeProvider time, ILogger log, CancellationToken ct)
    {
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(file, JsonSerializerOptions.Web);
        bool told = false;
        try
        {
            while (true)
            {
                try
                {
                    StoredObject? there = await store.GetAsync(NodeUserData.GridObject, ct);
                    if (there?.Bytes.Span.SequenceEqual(bytes) == true || await store.PutAsync(NodeUserData.GridObject, bytes, there?.ETag, ct) == PutResult.Written) return;
                }
                catch (StoreTroubleException e)
                {
                    if (!told) log.GridNotPublished(e.Message);
                    told = true;
                }

                await Task.Delay(s_again, time, ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }
}
