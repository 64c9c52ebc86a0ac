using System.Text.Json;
using GlobalCache.Policy.Cloud;
using Pulumi;
using Pulumi.Aws;

namespace GlobalCache.Infra;

/// <summary>A private cache grid in one AWS account, from the settings of its stack.</summary>
internal static class GridStack
{
    /// <summary>What <c>pulumi up</c> runs.</summary>
    /// <returns>What it tells the owner at the end.</returns>
    public static IDictionary<string, object?> Build()
    {
        // The engine hands all settings over at once; asked for one by one, those that do not exist would go unnoticed.
        var config = JsonSerializer.Deserialize<Dictionary<string, string>>(Environment.GetEnvironmentVariable("PULUMI_CONFIG") ?? "{}")!;
        string root = Deployment.Instance.RootDirectory;
        return Declare(Read(Deployment.Instance.StackName, config), settings => Publication.Archive(root, settings.Architecture, message => Log.Info(message)));
    }

    /// <summary>Reads the settings.</summary>
    /// <exception cref="RunException">Says all that is wrong with them.</exception>
    public static Settings Read(string stack, IReadOnlyDictionary<string, string> config) =>
        SettingsFile.Read(stack, config, out IReadOnlyList<string> wrong) ?? throw new RunException($"The settings of this stack cannot be used:\n  {string.Join("\n  ", wrong)}");

    /// <summary>Declares everything, in the order in which it is born.</summary>
    /// <param name="settings">The owner's.</param>
    /// <param name="pack">Gives the archive for the image, made first if need be.</param>
    public static IDictionary<string, object?> Declare(Settings settings, Func<Settings, ImageArchive> pack)
    {
        Log.Info(Explanation.Of(settings));
        Output<CloudNames> known = Output.Create(StackNames.Beforehand(settings))
            .With(GetPartition.Invoke(), (n, p) => n with { Partition = p.Partition })
            .With(GetCallerIdentity.Invoke(), (n, c) => n with { Account = c.AccountId });
        var store = new Store(settings, known);
        var network = new Network(settings);
        var permissions = new Permissions(settings);
        var names = new Names(settings);
        var watch = new Watch(settings, store);
        var image = new Image(settings, pack(settings), known, store, network, watch);

        Output<CloudNames> whole = known
            .With(image.Id, (n, id) => n with { Images = settings.PreviousImage is { } previous && previous != id ? [id, previous] : [id] })
            .With(Output.All(network.NodeSubnets.Select(s => s.Id)), (n, ids) => n with { Subnets = ids })
            .With(network.NodeGroup.Id, (n, id) => n with { SecurityGroup = id })
            .With(names.Zone.ZoneId, (n, id) => n with { HostedZone = id })
            .With(store.Assets.BucketName, (n, bucket) => n with { AssetBucket = bucket })
            .With(store.State.BucketName, (n, bucket) => n with { StateBucket = bucket })
            .With(store.Key.KeyId, (n, id) => n with { StoreKey = id })
            .With(permissions.MasterKey.KeyId, (n, id) => n with { MasterKey = id })
            .With(permissions.NodeKey.KeyId, (n, id) => n with { NodeKey = id })
            .Apply(Sound);
        permissions.Grant(whole);
        store.Refuse(whole);
        network.OpenStore(whole);
        _ = new Parameters(settings, image.Id);
        _ = new MasterHost(settings, whole, image.Id, permissions.MasterProfile, network, names);
        return new Dictionary<string, object?>
        {
            ["nameServers"] = names.Zone.NameServers,
            ["masterUrl"] = $"https://{settings.MasterName}",
            ["image"] = image.Id,
            ["masterAddress"] = names.MasterAddress.PublicIp,
            ["next"] = names.MasterAddress.PublicIp.Apply(address => $"In a minute, with the admin code at hand: dotnet run --project master -- at {address} state. Then have {settings.Zone} delegated to the name servers above; as soon as 'dig +short {settings.MasterName}' answers, make an invite for each person: dotnet run --project master -- at {settings.MasterName} invite. The dashboard is https://{settings.MasterName}/; your browser trusts it once it has what 'at {address} authority' prints."),
        };
    }

    /// <summary>Nothing that means more than itself gets into a permission, whatever AWS has given.</summary>
    private static CloudNames Sound(CloudNames names)
    {
        FluentValidation.Results.ValidationResult result = new CloudNamesValidator().Validate(names);
        return result.IsValid ? names : throw new RunException($"AWS has given names of an unknown form:\n  {string.Join("\n  ", result.Errors.Select(e => e.ErrorMessage))}");
    }
}
