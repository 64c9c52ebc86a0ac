using Pulumi;
using Pulumi.Aws.Ssm;

namespace GlobalCache.Infra;

/// <summary>
/// What a running master follows without being restarted or replaced: the policy document, the image for the next nodes, and by what it knows the operator. None is a
/// secret, and the values are shown in the preview; secrets are parameters as well, but the master's and the nodes' own work, and never pass through here.
/// </summary>
internal sealed class Parameters : ComponentResource
{
    private readonly Settings _settings;

    public Parameters(Settings settings, Output<string> image) : base("globalcache:infra:Parameters", "parameters")
    {
        _settings = settings;
        Declare("policy", settings.Parameters.Policy, "All thresholds, where they differ from the defaults", settings.Policy.ToParameter());
        Declare("image", settings.Parameters.Image, "The image that new nodes are started from", image);
        Declare("admin", settings.Parameters.Admin, "SHA-256 of the admin code", settings.AdminCodeHash);
        RegisterOutputs();
    }

    private void Declare(string what, string name, string description, Input<string> value) => _ = new Parameter(what, new ParameterArgs
    {
        // An insecure value is one that the preview shows: that is wanted here.
        Name = name,
        Description = description,
        Type = "String",
        Tier = "Intelligent-Tiering",
        InsecureValue = value,
        Tags = _settings.Tags(what),
    }, new CustomResourceOptions { Parent = this });
}
