using System.Net;
using System.Text.Json;
using GlobalCache.Office.Cloud;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Serving;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Cloud;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Fleet;

/// <summary>That the node is one of a grid in AWS, and what of its start does not come from there.</summary>
internal sealed record AwsNode
{
    /// <summary>The settings as a file; null: the instance's user data are asked for.</summary>
    public string? SettingsFile { get; init; }

    /// <summary>How AWS is reached.</summary>
    public CloudAccess Access { get; init; } = new();

    /// <summary>Where clients connect to; null: the usual port of every address.</summary>
    public IPEndPoint? Listen { get; init; }

    /// <summary>Where the master connects to; null: at the instance's private address.</summary>
    public IPEndPoint? Private { get; init; }
}

/// <summary>
/// A node on a machine of EC2's: it knows nothing at its start but its user data, which holds no secret, and its instance's role. Its secrets are parameters that only nodes can open (the first
/// one makes them), its grid is described in a bucket that only the master writes, and known by the fingerprint that the master has put into the user data.
/// </summary>
internal sealed class CloudMember(AwsNode start, Machine machine, NodeUserData data, TimeProvider time, ILogger log)
{
    private const int MostGridBytes = 256 * 1024;
    private static readonly TimeSpan s_firstPause = TimeSpan.FromSeconds(1), s_longestPause = TimeSpan.FromSeconds(10);

    /// <summary>Reads what the machine was told.</summary>
    /// <exception cref="CannotStartException">Something is wrong with it: all that is, a line each.</exception>
    public static async Task<CloudMember> ReadAsync(AwsNode start, TimeProvider time, ILogger log, CancellationToken ct)
    {
        using var metadata = new InstanceMetadata(start.Access.Of("imds"), time);
        Machine machine = await metadata.ReadAsync(userData: start.SettingsFile is null, ct);
        string text = start.SettingsFile is { } file ? await SettingsText.ReadAsync(file, ct) : machine.UserData;
        NodeUserData data = NodeUserData.Parse(text, out IReadOnlyList<string> wrong) ?? throw SettingsText.Unusable(start.SettingsFile, wrong);
        return PrivateNetwork.Contains(data.Master.Address) ? new CloudMember(start, machine, data, time, log)
            : throw SettingsText.Unusable(start.SettingsFile, [$"'master' is {data.Master}, which is in no private network."]);
    }

    /// <summary>The options of a node of that machine.</summary>
    public NodeOptions Apply(NodeOptions options) => options with
    {
        Listen = start.Listen ?? new IPEndPoint(IPAddress.Any, CloudPorts.Public),
        Private = start.Private ?? new IPEndPoint(machine.Address, CloudPorts.NodePrivate),
        Fleet = new FleetOptions
        {
            Id = machine.Id,
            Master = data.Master,
            LinkBytesPerSecond = data.LinkBytesPerSecond,
            Orphan = TimeSpan.FromHours(data.OrphanHours),
        },
    };

    /// <summary>The grid's two buckets, as the node's role may use them.</summary>
    public BucketPair OpenStore() => new(Bucket(data.AssetBucket), Bucket(data.StateBucket));

    /// <summary>Gets secrets and grid, as soon as they are to be had.</summary>
    /// <exception cref="CannotStartException">It is another grid's.</exception>
    /// <exception cref="GridUnusableException">The secrets are damaged.</exception>
    public async Task<(NodeSecrets Secrets, GridFile Grid)> PapersAsync(IObjectStore store, CancellationToken ct)
    {
        using var parameters = new ParameterStore(data.Region, start.Access, time);
        var secrets = new CloudSecrets(parameters, data.Stack);
        bool told = false;
        for (TimeSpan pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
        {
            try
            {
                if (await GridAsync(store, ct) is { } grid) return (await secrets.NodesAsync(data.NodeKey, data.StoreKey, ct), grid);
                Tell("The master has not described the grid yet.");
            }
            catch (Exception e) when (e is ParameterTroubleException or StoreTroubleException)
            {
                Tell(e.Message);
            }

            await Task.Delay(pause, time, ct);
        }

        void Tell(string why)
        {
            if (!told) log.PapersMissing(why);
            told = true;
        }
    }

    private async Task<GridFile?> GridAsync(IObjectStore store, CancellationToken ct)
    {
        if (await store.GetAsync(NodeUserData.GridObject, ct) is not { } there) return null;
        try
        {
            GridFile? grid = there.Bytes.Length > MostGridBytes ? null : JsonSerializer.Deserialize<GridFile>(there.Bytes.Span, s_json);
            if (grid is not null && new GridFileValidator().Validate(grid).IsValid && NodeUserData.FingerprintOf(grid) == data.Grid) return grid;
        }
        catch (JsonException)
        {
            // As another's.
        }

        throw new CannotStartException($"{NodeUserData.GridObject} in {data.StateBucket} does not describe the grid that this node was started for.");
    }

    private S3Store Bucket(string name) =>
        new(new S3Options(name, data.Region, start.Access.Of("s3"), ChecksumsWhenSupported: start.Access.Of("s3") is null), start.Access.Credentials);

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { MaxDepth = 8 };
}

/// <summary>What is logged of a node's start in AWS, 6085.</summary>
internal static partial class CloudMemberLog
{
    [LoggerMessage(6085, LogLevel.Warning, "The node cannot begin yet, and asks again. {why}")]
    public static partial void PapersMissing(this ILogger log, string why);
}
