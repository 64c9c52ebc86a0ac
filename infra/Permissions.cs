using GlobalCache.Policy;
using GlobalCache.Policy.Cloud;
using Pulumi;
using Pulumi.Aws.Iam;
using Pulumi.Aws.Kms;
using Alias = Pulumi.Aws.Kms.Alias;

namespace GlobalCache.Infra;

/// <summary>
/// Who may do what. Every document comes from the policy by <see cref="IamDocuments"/>, as the tests and the preview's explanation have it; around each role stands a
/// boundary of the same. The keys of secrets are made here without any: master and nodes write those themselves.
/// </summary>
internal sealed class Permissions : ComponentResource
{
    private readonly Settings _settings;

    public Permissions(Settings settings) : base("globalcache:infra:Permissions", "permissions")
    {
        _settings = settings;
        MasterKey = SecretsKey("master");
        NodeKey = SecretsKey("node");
    }

    public Key MasterKey { get; }

    public Key NodeKey { get; }

    /// <summary>The master's, by its profile's name.</summary>
    public Output<string> MasterProfile { get; private set; } = null!;

    private CustomResourceOptions Child => new() { Parent = this };

    /// <summary>Roles, profiles and what the roles may; the names are whole as soon as the image is built.</summary>
    /// <param name="names">The stack's.</param>
    public void Grant(Output<CloudNames> names)
    {
        FleetPolicy fleet = _settings.Policy.Fleet;
        Role node = MachineRole("node", "Nodes of a cache grid", names.Apply(n => IamBoundary.Around(IamDocuments.Node(n)).Checked("the nodes' boundary")));
        Role master = MachineRole("master", "The master of a cache grid",
            names.Apply(n => IamBoundary.Around(IamDocuments.MasterFleet(fleet, n), IamDocuments.MasterState(n)).Checked("the master's boundary")));
        Attach("node", node, names.Apply(n => IamDocuments.Node(n).Checked("the nodes' permissions")));
        Attach("master-fleet", master, names.Apply(n => IamDocuments.MasterFleet(fleet, n).Checked("the master's permissions for machines")));
        Attach("master-state", master, names.Apply(n => IamDocuments.MasterState(n).Checked("the master's permissions for stored things")));
        _ = Profile("node", node);
        MasterProfile = Profile("master", master).Name;
        Use("master", MasterKey, Output.Tuple(names, master.Arn).Apply(t => KeyDocuments.Secrets(t.Item1, t.Item2).ToJson()));
        Use("node", NodeKey, Output.Tuple(names, node.Arn).Apply(t => KeyDocuments.Secrets(t.Item1, t.Item2).ToJson()));
        RegisterOutputs();
    }

    private Key SecretsKey(string whose)
    {
        var key = new Key(whose, new KeyArgs
        {
            Description = $"Secrets of the cache grid {_settings.Stack}: {whose}",
            EnableKeyRotation = true,
            DeletionWindowInDays = 30,
            Tags = _settings.Tags(whose),
        }, Child);
        _ = new Alias(whose, new AliasArgs { Name = $"alias/{_settings.NameOf(whose)}", TargetKeyId = key.KeyId }, Child);
        return key;
    }

    private Role MachineRole(string whose, string description, Output<string> boundary) => new(whose, new RoleArgs
    {
        Name = _settings.NameOf(whose),
        Description = description,
        AssumeRolePolicy = IamDocuments.MachinesTrust().ToJson(),
        PermissionsBoundary = Document($"{whose}-boundary", boundary).Arn,
        Tags = _settings.Tags(whose),
    }, Child);

    private void Attach(string name, Role role, Output<string> document) =>
        _ = new RolePolicyAttachment(name, new RolePolicyAttachmentArgs { Role = role.Name, PolicyArn = Document(name, document).Arn }, Child);

    private Pulumi.Aws.Iam.Policy Document(string name, Output<string> document) => new(name, new PolicyArgs
    {
        Name = _settings.NameOf(name),
        PolicyDocument = document,
        Tags = _settings.Tags(name),
    }, Child);

    private InstanceProfile Profile(string whose, Role role) =>
        new(whose, new InstanceProfileArgs { Name = _settings.NameOf(whose), Role = role.Name, Tags = _settings.Tags(whose) }, Child);

    private void Use(string whose, Key key, Output<string> document) => _ = new KeyPolicy(whose, new KeyPolicyArgs { KeyId = key.KeyId, Policy = document }, Child);
}

/// <summary>What a document must be before it is handed to AWS.</summary>
internal static class CheckedDocument
{
    /// <summary>As JSON.</summary>
    /// <exception cref="RunException">AWS would not take it: it is too long.</exception>
    public static string Checked(this IamDocument document, string what)
    {
        string json = document.ToJson();
        return json.Length <= IamDocument.MostCharacters ? json
            : throw new RunException($"globalcache:policy.fleet: {what} would have {json.Length} characters and AWS takes {IamDocument.MostCharacters}: name fewer types or zones.");
    }
}
