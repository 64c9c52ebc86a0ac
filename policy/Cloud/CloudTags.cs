namespace GlobalCache.Policy.Cloud;

/// <summary>The tags of a node, by which permissions know it and a new master finds its way (SCALING §4, INFRA §3).</summary>
public static class CloudTags
{
    /// <summary>What it is; <see cref="Node"/> for a node.</summary>
    public const string Role = "globalcache:role";

    /// <summary>Value of <see cref="Role"/>.</summary>
    public const string Node = "node";

    /// <summary>Whose it is: <see cref="CloudNames.Stack"/>.</summary>
    public const string Stack = "globalcache:stack";

    /// <summary>The fleet; a stack has one, of the stack's name.</summary>
    public const string Fleet = "gc:fleet";

    /// <summary>Its place, a number from 0.</summary>
    public const string Slot = "gc:slot";

    /// <summary>How many had its place before it.</summary>
    public const string Generation = "gc:gen";

    /// <summary><c>Serve</c> or <c>Drain</c>. This and what follows changes during its life.</summary>
    public const string Intent = "gc:intent";

    /// <summary>When it was told to go, ISO 8601; empty: it was not.</summary>
    public const string DrainSince = "gc:drain-since";

    /// <summary>When its leaving the DNS was in force, ISO 8601; empty: it is not.</summary>
    public const string DnsRemovedAt = "gc:dns-removed-at";

    /// <summary>Epoch of the lease under which the tags were written last.</summary>
    public const string Epoch = "gc:epoch";

    /// <summary>Tags given at launch; no other may be.</summary>
    public static IReadOnlyList<string> AtLaunch { get; } = [Role, Stack, Fleet, Slot, Generation, Intent, Epoch];

    /// <summary>Tags written later; no other may be.</summary>
    public static IReadOnlyList<string> Later { get; } = [Intent, DrainSince, DnsRemovedAt, Epoch];
}
