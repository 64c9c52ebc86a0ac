using FluentValidation;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// What the operator may have a master do, beside <see cref="MasterApi.Invites"/>: on both listeners, with the admin session, and with its token unless it is a
/// <c>GET</c>. All of it is kept in the store, so that it outlives the master, and reaches running nodes within 30 s. Answers are an <see cref="AdminAnswer"/> where no
/// other is named: 200 it stands; 400 the body is not what it should be; 404 there is no such thing; 409 it cannot be so; 503 with Retry-After, not known whether it
/// stands: to be repeated, which does no harm.
/// </summary>
public static class AdminApi
{
    /// <summary><c>GET</c>: 200 with <see cref="AdminMembers"/>.</summary>
    public const string Members = "/v1/admin/members";

    /// <summary><c>POST</c> of an <see cref="AdminRevocation"/>: takes back an invite, or shuts out a client or a branch. 409: the invite was used; the answer names the client.</summary>
    public const string Revocations = "/v1/admin/revocations";

    /// <summary><c>POST</c> of an <see cref="AdminBan"/>: takes an asset out of the cache, or lets it in again. 503 too when no node answers, since nodes alone know what its object is called.</summary>
    public const string Bans = "/v1/admin/bans";

    /// <summary><c>POST</c> of an <see cref="AdminTrust"/>: a client's word alone decides from its next session on (within 2 h), or no longer does. 404: there is no such client, or it is revoked.</summary>
    public const string Trust = "/v1/admin/trust";

    /// <summary><c>POST</c> of an <see cref="AdminThrottle"/>: a branch gets a tenth of its quota, or all of it again. 404: there is no such branch.</summary>
    public const string Throttles = "/v1/admin/throttles";

    /// <summary><c>GET</c>: 200 with <see cref="AdminLimits"/>. <c>PATCH</c> with one: what it names is changed, the rest stays; 200 with all, or 400 and nothing is changed.</summary>
    public const string Limits = "/v1/admin/limits";

    /// <summary><c>DELETE</c>: all sessions are over, whatever key they are signed with, and a new key is made; clients get new sessions by themselves.</summary>
    public const string SessionKeys = "/v1/admin/session-keys";

    /// <summary><c>POST</c> of an <see cref="AdminRetirement"/>: a node goes for good, once its traffic has ended, and another takes its place if one is needed. 404: no such node runs.</summary>
    public const string Retirements = "/v1/admin/retirements";

    /// <summary>
    /// <c>PUT</c>, no body: all nodes go, each once its traffic has ended, and none is opened, whoever is master, until it is lifted. <c>DELETE</c>: the fleet runs again.
    /// 409 where nodes run on machines of one's own.
    /// </summary>
    public const string Hold = "/v1/admin/hold";
}

/// <summary>What came of a call.</summary>
public sealed record AdminAnswer
{
    /// <summary>One sentence, for the operator.</summary>
    public required string Said { get; init; }
}

/// <summary>Who belongs to the grid. Ids are made up by the grid: they tell of no person.</summary>
public sealed record AdminMembers
{
    /// <summary>The oldest first.</summary>
    public required IReadOnlyList<AdminClient> Clients { get; init; }

    /// <summary>The oldest first.</summary>
    public required IReadOnlyList<AdminInvite> Invites { get; init; }
}

/// <summary>A client.</summary>
public sealed record AdminClient
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Those who were invited by the same one, directly or not, share it.</summary>
    public required string Branch { get; init; }

    /// <summary>When it joined.</summary>
    public required DateTimeOffset Since { get; init; }

    /// <summary>Its word alone decides.</summary>
    public bool IsTrusted { get; init; }

    /// <summary>It, or its branch, is shut out.</summary>
    public bool IsRevoked { get; init; }
}

/// <summary>An invite; the code itself is kept nowhere.</summary>
public sealed record AdminInvite
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Until when it is good.</summary>
    public required DateTimeOffset Until { get; init; }

    /// <summary>Who has come in by it; null: nobody yet.</summary>
    public string? UsedBy { get; init; }
}

/// <summary>Who is to be shut out.</summary>
public sealed record AdminRevocation
{
    /// <summary>An invite's, a client's or a branch's id, 1 – 64 characters.</summary>
    public required string Id { get; init; }
}

/// <summary>An asset that is to go, or may be again.</summary>
public sealed record AdminBan
{
    /// <summary>The virtual world's id as in <c>grid.json</c>, 1 – 253 characters.</summary>
    public required string Grid { get; init; }

    /// <summary>texture, sound, animation or mesh.</summary>
    public required string Type { get; init; }

    /// <summary>The asset.</summary>
    public required Guid Id { get; init; }

    /// <summary>True, the default: no node serves, takes or stores it any more. False: it may be shared again once people have received it anew.</summary>
    public bool Banned { get; init; } = true;
}

/// <summary>Whose word counts.</summary>
public sealed record AdminTrust
{
    /// <summary>The client's id, 1 – 64 characters.</summary>
    public required string Client { get; init; }

    /// <summary>True, the default: its word alone decides. False: it is one of many.</summary>
    public bool Trusted { get; init; } = true;
}

/// <summary>Who gets less.</summary>
public sealed record AdminThrottle
{
    /// <summary>The branch's id, 1 – 64 characters.</summary>
    public required string Branch { get; init; }

    /// <summary>True, the default: a tenth of the quota. False: all of it.</summary>
    public bool Throttled { get; init; } = true;
}

/// <summary>What the fleet may be and cost at most (<see cref="ScalingPolicy"/>, which has ranges and defaults). Null: as it is.</summary>
public sealed record AdminLimits
{
    /// <summary><see cref="ScalingPolicy.Min"/>: nodes at least.</summary>
    public int? Min { get; init; }

    /// <summary><see cref="ScalingPolicy.Max"/>: nodes at once.</summary>
    public int? Max { get; init; }

    /// <summary><see cref="ScalingPolicy.LaunchesPerHour"/>.</summary>
    public int? LaunchesPerHour { get; init; }

    /// <summary><see cref="ScalingPolicy.NodeHoursPerDay"/>.</summary>
    public double? NodeHoursPerDay { get; init; }

    /// <summary><see cref="ScalingPolicy.SpendPerHour"/>, in the price table's currency.</summary>
    public decimal? SpendPerHour { get; init; }

    /// <summary><see cref="ScalingPolicy.SpendPerDay"/>, likewise.</summary>
    public decimal? SpendPerDay { get; init; }

    /// <summary>A policy's limits.</summary>
    public static AdminLimits Of(ScalingPolicy policy) => new()
    {
        Min = policy.Min,
        Max = policy.Max,
        LaunchesPerHour = policy.LaunchesPerHour,
        NodeHoursPerDay = policy.NodeHoursPerDay,
        SpendPerHour = policy.SpendPerHour,
        SpendPerDay = policy.SpendPerDay,
    };

    /// <summary>The policy with these limits.</summary>
    public ScalingPolicy In(ScalingPolicy policy) => policy with
    {
        Min = Min ?? policy.Min,
        Max = Max ?? policy.Max,
        LaunchesPerHour = LaunchesPerHour ?? policy.LaunchesPerHour,
        NodeHoursPerDay = NodeHoursPerDay ?? policy.NodeHoursPerDay,
        SpendPerHour = SpendPerHour ?? policy.SpendPerHour,
        SpendPerDay = SpendPerDay ?? policy.SpendPerDay,
    };
}

/// <summary>A node that is to go.</summary>
public sealed record AdminRetirement
{
    /// <summary>As the dashboard names it: <c>SLOT.GENERATION</c>, with or without “node ” before it.</summary>
    public required string Node { get; init; }
}

/// <summary>The ranges stated on <see cref="AdminRevocation"/>.</summary>
public sealed class AdminRevocationValidator : AbstractValidator<AdminRevocation>
{
    /// <summary>Builds the rules.</summary>
    public AdminRevocationValidator() => RuleFor(r => r.Id).Must(id => id is { Length: >= 1 and <= 64 }).WithMessage("Name an invite, a client or a branch by its id.");
}

/// <summary>The ranges stated on <see cref="AdminTrust"/>.</summary>
public sealed class AdminTrustValidator : AbstractValidator<AdminTrust>
{
    /// <summary>Builds the rules.</summary>
    public AdminTrustValidator() => RuleFor(t => t.Client).Must(id => id is { Length: >= 1 and <= 64 }).WithMessage("Name a client by its id.");
}

/// <summary>The ranges stated on <see cref="AdminThrottle"/>.</summary>
public sealed class AdminThrottleValidator : AbstractValidator<AdminThrottle>
{
    /// <summary>Builds the rules.</summary>
    public AdminThrottleValidator() => RuleFor(t => t.Branch).Must(id => id is { Length: >= 1 and <= 64 }).WithMessage("Name a branch by its id.");
}

/// <summary>The ranges stated on <see cref="AdminBan"/>.</summary>
public sealed class AdminBanValidator : AbstractValidator<AdminBan>
{
    /// <summary>Builds the rules.</summary>
    public AdminBanValidator()
    {
        RuleFor(b => b.Grid).Must(g => g is { Length: >= 1 and <= 253 }).WithMessage("Name the virtual world as grid.json does: agni, or a login host.");
        RuleFor(b => b.Type).Must(t => AssetTypes.TryParseName(t, out _)).WithMessage("The type is texture, sound, animation or mesh.");
    }
}
