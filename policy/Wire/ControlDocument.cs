using System.Text.Json.Serialization;
using FluentValidation;

namespace GlobalCache.Policy.Wire;

/// <summary>
/// What holds for all nodes of a cache grid at this moment (SECURITY §3): the object <c>control/current</c> of the store, signed by the control key
/// (<see cref="ControlEnvelope"/>). Nodes read it every 15 s, refuse what is older, forged or invalid as a whole, and go on by the last good one. It names no asset
/// and no client: bans are object names, revoked clients the pseudonyms of the days in question.
/// </summary>
public sealed record ControlDocument
{
    /// <summary>Most bans. One more is refused where it is made.</summary>
    public const int MaxBans = 8192;

    /// <summary>Most entries of each of the other lists of branches and clients.</summary>
    public const int MaxEntries = 4096;

    /// <summary>Most session keys; each start of an issuer adds one that stays for some hours.</summary>
    public const int MaxSessionKeys = 256;

    /// <summary>Most denied certificates.</summary>
    public const int MaxSerials = 1024;

    /// <summary>Rises by at least one with every change; nodes refuse a lower one. ≥ 1.</summary>
    public required long Sequence { get; init; }

    /// <summary>When it was signed; for people.</summary>
    public required DateTimeOffset Issued { get; init; }

    /// <summary>What the owner has laid down.</summary>
    public GridPolicy Policy { get; init; } = new();

    /// <summary>
    /// Hex SHA-256 of the policy that was last declared where the grid is run (command line or stack): when it is declared anew unchanged, what has been set since
    /// stays. Empty: none was.
    /// </summary>
    public string Declared { get; init; } = "";

    /// <summary>Public halves of the keys sessions are signed with; at most <see cref="MaxSessionKeys"/>.</summary>
    public IReadOnlyList<SessionKeyEntry> SessionKeys { get; init; } = [];

    /// <summary>Branches whose sessions and claims count no more, for good; at most <see cref="MaxEntries"/> ids of 1 – 64 characters.</summary>
    public IReadOnlyList<string> RevokedBranches { get; init; } = [];

    /// <summary>Clients whose sessions are no good, until the last of them has expired; at most <see cref="MaxEntries"/>.</summary>
    public IReadOnlyList<RevokedSubject> RevokedClients { get; init; } = [];

    /// <summary>Assets that are neither claimed, stored nor served: object names, 64 hex digits; at most <see cref="MaxBans"/>.</summary>
    public IReadOnlyList<string> Bans { get; init; } = [];

    /// <summary>Branches that get a tenth of the quota; at most <see cref="MaxEntries"/>.</summary>
    public IReadOnlyList<string> ThrottledBranches { get; init; } = [];

    /// <summary>
    /// Node certificates that are good no more though their time is not over: of nodes that the operator has retired. Clients hear of them with every session
    /// (<see cref="Session.DeniedSerials"/>), and a node that finds its own here asks for another. At most <see cref="MaxSerials"/>.
    /// </summary>
    public IReadOnlyList<DeniedCertificate> DeniedSerials { get; init; } = [];

    /// <summary>The JSON it was read from, and goes back to the next one's writer by: what a later version has added there stays. Empty: it was made here.</summary>
    [JsonIgnore]
    public ReadOnlyMemory<byte> Read { get; init; }
}

/// <summary>The public half of a key that sessions are signed with.</summary>
public sealed record SessionKeyEntry
{
    /// <summary>The token's <c>kid</c>: the first 8 bytes of the key's SHA-256, hex.</summary>
    public required string Id { get; init; }

    /// <summary>SubjectPublicKeyInfo of a P-256 key, base64.</summary>
    public required string PublicKey { get; init; }

    /// <summary>Sessions signed with it are good until then at the longest.</summary>
    public required DateTimeOffset GoodUntil { get; init; }
}

/// <summary>A client that is shut out, by the pseudonym its sessions of one day bear.</summary>
public sealed record RevokedSubject
{
    /// <summary>The token's <c>sub</c>; 1 – 64 characters.</summary>
    public required string Subject { get; init; }

    /// <summary>When the last session that bears it has expired, and the entry can go.</summary>
    public required DateTimeOffset Until { get; init; }
}

/// <summary>A node's certificate that is good no more.</summary>
public sealed record DeniedCertificate
{
    /// <summary>Its serial number, upper-case hex of 2 – 64 digits.</summary>
    public required string Serial { get; init; }

    /// <summary>When it has expired anyway, and the entry can go.</summary>
    public required DateTimeOffset Until { get; init; }
}

/// <summary>The ranges stated on <see cref="ControlDocument"/> and its parts; all broken ones are reported together.</summary>
public sealed class ControlDocumentValidator : AbstractValidator<ControlDocument>
{
    private const int MaxId = 64;

    /// <summary>Builds the rules.</summary>
    public ControlDocumentValidator()
    {
        RuleFor(d => d.Sequence).GreaterThanOrEqualTo(1);
        RuleFor(d => d.Policy).NotNull().SetValidator(new GridPolicyValidator());
        RuleFor(d => d.Declared).NotNull().MaximumLength(64);
        Bounded(d => d.SessionKeys, ControlDocument.MaxSessionKeys, "session keys", k => k is { Id: { } id, PublicKey.Length: <= 256 } && IsHex(id, 16, 16));
        Bounded(d => d.RevokedBranches, ControlDocument.MaxEntries, "revoked branches", IsId);
        Bounded(d => d.RevokedClients, ControlDocument.MaxEntries, "revoked clients", c => c is not null && IsId(c.Subject));
        Bounded(d => d.Bans, ControlDocument.MaxBans, "bans", b => IsHex(b, 64, 64));
        Bounded(d => d.ThrottledBranches, ControlDocument.MaxEntries, "throttled branches", IsId);
        Bounded(d => d.DeniedSerials, ControlDocument.MaxSerials, "denied certificates", c => c is not null && IsHex(c.Serial, 2, 64, upper: true));
    }

    private void Bounded<T>(System.Linq.Expressions.Expression<Func<ControlDocument, IReadOnlyList<T>>> list, int most, string what, Func<T, bool> good) =>
        RuleFor(list).NotNull().Must(l => l.Count <= most).WithMessage($"There are more than {most} {what}.").Must(l => l.All(good)).WithMessage($"Not all {what} are what they should be.");

    private static bool IsId(string? id) => id is { Length: > 0 and <= MaxId };

    private static bool IsHex(string? text, int least, int most, bool upper = false) =>
        text is not null && text.Length >= least && text.Length <= most && text.All(c => char.IsAsciiDigit(c) || (upper ? c is >= 'A' and <= 'F' : c is >= 'a' and <= 'f'));
}
