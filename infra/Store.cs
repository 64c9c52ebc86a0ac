using GlobalCache.Policy.Cloud;
using Pulumi;
using Pulumi.Aws.Kms;
using Pulumi.Aws.S3;
using Pulumi.Aws.S3.Inputs;
using Alias = Pulumi.Aws.Kms.Alias;

namespace GlobalCache.Infra;

/// <summary>
/// Two buckets, private in every way S3 knows. Assets have no old versions, since a takedown must remove bytes, and end by age; state has old versions, since it is
/// little and precious. Neither is ever deleted by taking its line away: both are protected. What is written while <c>pulumi up</c> is under way is the engine's; the
/// rest nodes and master write.
/// </summary>
internal sealed class Store : ComponentResource
{
    private const int OldVersionsDays = 90, HeartbeatDays = 1, UnfinishedDays = 2;

    /// <summary>Written again every few seconds or minutes, so that old versions would be many, and worth nothing to anybody.</summary>
    private static readonly string[] s_heartbeats = ["m/lease", "m/demand"];

    private readonly Settings _settings;

    /// <param name="settings">The owner's.</param>
    /// <param name="known">Partition and account are right in it.</param>
    public Store(Settings settings, Output<CloudNames> known) : base("globalcache:infra:Store", "store")
    {
        _settings = settings;
        Output<string> account = known.Apply(n => n.Account);
        Key = new Key("store", new KeyArgs
        {
            Description = $"Assets and state of the cache grid {settings.Stack}",
            EnableKeyRotation = true,
            DeletionWindowInDays = 30,
            Tags = settings.Tags("store"),
        }, Child);
        _ = new Alias("store", new AliasArgs { Name = $"alias/{settings.NameOf("store")}", TargetKeyId = Key.KeyId }, Child);
        KeyPolicy = new KeyPolicy("store", new KeyPolicyArgs
        {
            KeyId = Key.KeyId,
            Policy = known.Apply(n => KeyDocuments.Store(n, $"arn:{n.Partition}:logs:{n.Region}:{n.Account}:log-group:{Watch.BuildLogOf(settings)}").ToJson()),
        }, Child);
        Assets = Private("assets", account);
        State = Private("state", account);
        _ = new BucketVersioning("state", new BucketVersioningArgs
        {
            Bucket = State.Id,
            VersioningConfiguration = new BucketVersioningVersioningConfigurationArgs { Status = "Enabled" },
        }, Child);
        Expire("assets", Assets, new BucketLifecycleConfigurationRuleArgs
        {
            Id = "retention",
            Status = "Enabled",
            Filter = new BucketLifecycleConfigurationRuleFilterArgs { Prefix = "a/" },
            Expiration = new BucketLifecycleConfigurationRuleExpirationArgs { Days = settings.Policy.Vouching.RetentionDays },
        });
        Expire("state", State, [OldVersions("old-versions", "", OldVersionsDays), .. s_heartbeats.Select(h => OldVersions($"old-{h[(h.IndexOf('/', StringComparison.Ordinal) + 1)..]}s", h, HeartbeatDays))]);
        RegisterOutputs();
    }

    public Key Key { get; }

    /// <summary>Without it CloudWatch may not use the key.</summary>
    public KeyPolicy KeyPolicy { get; }

    public Bucket Assets { get; }

    public Bucket State { get; }

    private CustomResourceOptions Child => new() { Parent = this };

    /// <summary>What the buckets refuse to anybody; said when the roles that are named in it exist.</summary>
    public void Refuse(Output<CloudNames> names)
    {
        _ = new BucketPolicy("assets", new BucketPolicyArgs { Bucket = Assets.Id, Policy = names.Apply(n => IamDocuments.AssetBucket(n).ToJson()) }, Child);
        _ = new BucketPolicy("state", new BucketPolicyArgs { Bucket = State.Id, Policy = names.Apply(n => IamDocuments.StateBucket(n).ToJson()) }, Child);
    }

    private Bucket Private(string what, Output<string> account)
    {
        var bucket = new Bucket(what, new BucketArgs
        {
            BucketName = account.Apply(a => $"globalcache-{_settings.Stack}-{a}-{what}"),
            Tags = _settings.Tags(what),
        }, new CustomResourceOptions { Parent = this, Protect = true });
        _ = new BucketPublicAccessBlock(what, new BucketPublicAccessBlockArgs
        {
            Bucket = bucket.Id,
            BlockPublicAcls = true,
            BlockPublicPolicy = true,
            IgnorePublicAcls = true,
            RestrictPublicBuckets = true,
        }, Child);
        _ = new BucketOwnershipControls(what, new BucketOwnershipControlsArgs
        {
            Bucket = bucket.Id,
            Rule = new BucketOwnershipControlsRuleArgs { ObjectOwnership = "BucketOwnerEnforced" },
        }, Child);
        _ = new BucketServerSideEncryptionConfiguration(what, new BucketServerSideEncryptionConfigurationArgs
        {
            Bucket = bucket.Id,
            Rules = new BucketServerSideEncryptionConfigurationRuleArgs
            {
                // One call to KMS for many objects instead of one for each.
                BucketKeyEnabled = true,
                ApplyServerSideEncryptionByDefault = new BucketServerSideEncryptionConfigurationRuleApplyServerSideEncryptionByDefaultArgs
                {
                    SseAlgorithm = "aws:kms",
                    KmsMasterKeyId = Key.Arn,
                },
            },
        }, Child);
        return bucket;
    }

    private static BucketLifecycleConfigurationRuleArgs OldVersions(string id, string prefix, int days) => new()
    {
        Id = id,
        Status = "Enabled",
        Filter = new BucketLifecycleConfigurationRuleFilterArgs { Prefix = prefix },
        NoncurrentVersionExpiration = new BucketLifecycleConfigurationRuleNoncurrentVersionExpirationArgs { NoncurrentDays = days },
    };

    private void Expire(string what, Bucket bucket, params BucketLifecycleConfigurationRuleArgs[] rules)
    {
        BucketLifecycleConfigurationRuleArgs[] all =
        [
            .. rules,
            new BucketLifecycleConfigurationRuleArgs
            {
                Id = "unfinished",
                Status = "Enabled",
                Filter = new BucketLifecycleConfigurationRuleFilterArgs { Prefix = "" },
                AbortIncompleteMultipartUpload = new BucketLifecycleConfigurationRuleAbortIncompleteMultipartUploadArgs { DaysAfterInitiation = UnfinishedDays },
            },
        ];
        _ = new BucketLifecycleConfiguration(what, new BucketLifecycleConfigurationArgs { Bucket = bucket.Id, Rules = all }, Child);
    }
}
