namespace GlobalCache.Policy.Cloud;

/// <summary>
/// What a stack's parameters in SSM are called, and under which key each is: by the stack's name alone, so that neither user data nor settings have to say it. The first three are plain and
/// declared by <c>pulumi up</c>; the others are secrets (SecureString) that nobody declares: whoever of master and nodes first finds one missing writes it, and it is never overwritten.
/// </summary>
/// <param name="Stack">See <see cref="CloudNames.Stack"/>.</param>
public sealed record StackParameters(string Stack)
{
    /// <summary>The policy document (<see cref="GridPolicy"/>), where it differs from the defaults; read by the master every 15 s.</summary>
    public string Policy => Of("policy");

    /// <summary>The image that nodes are started from, such as <c>ami-0123456789abcdef0</c>; read by the master every 15 s.</summary>
    public string Image => Of("image");

    /// <summary>SHA-256 of the admin code, 64 hex digits; read by the master every 15 s.</summary>
    public string Admin => Of("admin");

    /// <summary>What the master alone knows (authority, control key, office), under <see cref="CloudNames.MasterKey"/>.</summary>
    public string Office => Of("office");

    /// <summary>What the nodes alone know (seal, names, claims), under <see cref="CloudNames.NodeKey"/>.</summary>
    public string NodeKeys => Of("node-keys");

    /// <summary>What master and nodes sign to each other with, under <see cref="CloudNames.StoreKey"/>, which both may use.</summary>
    public string Report => Of("report");

    /// <summary>All that <c>pulumi up</c> declares: <see cref="CloudNames.Settings"/>.</summary>
    public IReadOnlyList<string> Settings => [Policy, Image, Admin];

    private string Of(string what) => $"/globalcache/{Stack}/{what}";
}

/// <summary>Where node and master listen in the cloud; security groups and machines agree on it by this.</summary>
public static class CloudPorts
{
    /// <summary>For clients: assets, claims, enrolment, sessions.</summary>
    public const int Public = 443;

    /// <summary>A node's, for the master.</summary>
    public const int NodePrivate = 12444;

    /// <summary>The master's, for nodes and the operator.</summary>
    public const int MasterPrivate = 12441;
}
