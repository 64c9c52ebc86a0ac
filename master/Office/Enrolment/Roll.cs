using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>An invite that has been given out. Its code is known to who holds it, and to nobody else.</summary>
/// <param name="Hash">SHA-256 of the code, hex.</param>
/// <param name="Branch">The inviter's branch; null: the operator's invite, which begins one.</param>
/// <param name="Inviter">The client that invites; null: the operator.</param>
/// <param name="Expires">When it is no good any more.</param>
/// <param name="UsedBy">The client it has let in; null: nobody yet.</param>
internal sealed record Invite(string Hash, string? Branch, string? Inviter, DateTimeOffset Expires, string? UsedBy) : Kept;

/// <summary>An enrolled client.</summary>
/// <param name="Branch">Whom its quota and its word are counted for.</param>
/// <param name="PublicKey">SubjectPublicKeyInfo, base64.</param>
/// <param name="Since">When it was enrolled.</param>
/// <param name="Revoked">Since when it is shut out; null: it is not.</param>
/// <param name="Trusted">Its word alone decides what an asset is: the grid's own uploader, or a verifier.</param>
internal sealed record Member(string Branch, string PublicKey, DateTimeOffset Since, DateTimeOffset? Revoked, bool Trusted = false) : Kept;

/// <summary>One person and all they have invited.</summary>
internal sealed record Branch(DateTimeOffset Since, DateTimeOffset? Revoked) : Kept;

/// <summary>What a revocation found.</summary>
internal enum Revocation : byte
{
    Done,

    /// <summary>It was revoked before.</summary>
    Already,

    /// <summary>The invite has been used: the client it let in is to be revoked instead.</summary>
    Used,

    /// <summary>No such invite, client or branch; expired invites are forgotten.</summary>
    Unknown,
}

/// <summary>
/// Who belongs to the grid: invites, clients and branches by id, as one value that is replaced whole. So an invite is used and its client enrolled in one
/// step, and neither a race nor a kill can do the one without the other. Pure; ids begin with <c>i</c>, <c>c</c> or <c>b</c>.
/// </summary>
internal sealed record Roll : Kept
{
    /// <summary>Invites that are open or were used, and not expired: more are not given out.</summary>
    public const int MostInvites = 1024;

    /// <summary>Clients of a grid of one's own.</summary>
    public const int MostClients = 4096;

    /// <summary>How long an invite is good.</summary>
    public static readonly TimeSpan InviteLifetime = TimeSpan.FromDays(7);

    // Longer than any session lives, so that a client is not forgotten before its last one has ended.
    private static readonly TimeSpan RevokedKept = TimeSpan.FromDays(1);

    public static Roll Empty { get; } = new();

    /// <summary>Rises with every change: an older roll put in this one's place is noticed.</summary>
    public long Sequence { get; init; }

    public ImmutableDictionary<string, Invite> Invites { get; init; } = ImmutableDictionary<string, Invite>.Empty;

    public ImmutableDictionary<string, Member> Clients { get; init; } = ImmutableDictionary<string, Member>.Empty;

    public ImmutableDictionary<string, Branch> Branches { get; init; } = ImmutableDictionary<string, Branch>.Empty;

    /// <summary>By what an invite is named without telling its code.</summary>
    public static string InviteId(string code) => "i" + HashOf(code)[..16];

    /// <summary>Gives out an invite for <paramref name="code"/>, of the operator or below a client. Null: no such client, or too many invites are open.</summary>
    public Roll? WithInvite(string code, string? inviter, DateTimeOffset now)
    {
        Roll roll = Tidied(now);
        Member? member = null;
        if (inviter is not null && ((member = roll.Clients.GetValueOrDefault(inviter)) is null || roll.IsRevoked(inviter, member.Branch))) return null;
        if (roll.Invites.Count >= MostInvites || (inviter is not null && roll.Invites.Values.Count(i => i.Inviter == inviter) >= EnrolmentApi.MostOpenInvites)) return null;
        return roll with
        {
            Sequence = Sequence + 1,
            Invites = roll.Invites.SetItem(InviteId(code), new Invite(HashOf(code), member?.Branch, inviter, now + InviteLifetime, UsedBy: null)),
        };
    }

    /// <summary>
    /// Enrols the holder of a key. The same key with the same code is answered as before, since an answer may have been lost; nobody else can use it again.
    /// </summary>
    /// <param name="code">The invite's.</param>
    /// <param name="publicKey">SubjectPublicKeyInfo in base64, of which there is one form only.</param>
    /// <param name="newClient">Its id, if it becomes one.</param>
    /// <param name="newBranch">Id of its branch, if it begins one.</param>
    /// <param name="now">Decides what has expired.</param>
    /// <returns>Null for the client: unknown, used, expired, revoked, or the grid is full.</returns>
    public (Roll Next, string? Client) Enrol(string code, string publicKey, string newClient, string newBranch, DateTimeOffset now)
    {
        if (!Invites.TryGetValue(InviteId(code), out Invite? invite) || invite.Hash != HashOf(code) || invite.Expires <= now) return (this, null);
        if (invite.UsedBy is { } user)
        {
            return Clients.TryGetValue(user, out Member? there) && there.PublicKey == publicKey && !IsRevoked(user, there.Branch) ? (this, user) : (this, null);
        }
        if (invite.Branch is { } above && (!Branches.TryGetValue(above, out Branch? of) || of.Revoked is not null)) return (this, null);
        Roll roll = Tidied(now);
        if (roll.Clients.Count >= MostClients) return (this, null);
        string branch = invite.Branch ?? newBranch;
        return (roll with
        {
            Sequence = Sequence + 1,
            Invites = roll.Invites.SetItem(InviteId(code), invite with { UsedBy = newClient }),
            Clients = roll.Clients.Add(newClient, new Member(branch, publicKey, now, Revoked: null)),
            Branches = roll.Branches.ContainsKey(branch) ? roll.Branches : roll.Branches.Add(branch, new Branch(now, Revoked: null)),
        }, newClient);
    }

    /// <summary>Trusts a client, or no more, from its next session on. The same roll: it was so already; null: no such client.</summary>
    public Roll? Trusting(string client, bool trusted)
    {
        if (!Clients.TryGetValue(client, out Member? member) || IsRevoked(client, member.Branch)) return null;
        return member.Trusted == trusted ? this : this with { Sequence = Sequence + 1, Clients = Clients.SetItem(client, member with { Trusted = trusted }) };
    }

    /// <summary>Takes back an invite, or shuts out a client with the invites it gave, or a branch with all who belong to it.</summary>
    public (Roll Next, Revocation Outcome) Revoke(string id, DateTimeOffset now)
    {
        Roll roll = Tidied(now) with { Sequence = Sequence + 1 };
        if (roll.Invites.TryGetValue(id, out Invite? invite))
            return invite.UsedBy is null ? (roll with { Invites = roll.Invites.Remove(id) }, Revocation.Done) : (this, Revocation.Used);
        if (roll.Clients.TryGetValue(id, out Member? member))
        {
            if (member.Revoked is not null) return (this, Revocation.Already);
            roll = roll with
            {
                Clients = roll.Clients.SetItem(id, member with { Revoked = now }),
                Invites = roll.Invites.RemoveRange(roll.Invites.Where(i => i.Value.Inviter == id && i.Value.UsedBy is null).Select(i => i.Key)),
            };
            // Nobody is left and nobody can join it any more: then what it has claimed counts no more either.
            bool last = !roll.Clients.Values.Any(c => c.Branch == member.Branch && c.Revoked is null);
            return (last && roll.Branches.TryGetValue(member.Branch, out Branch? left) && left.Revoked is null
                ? roll with { Branches = roll.Branches.SetItem(member.Branch, left with { Revoked = now }) } : roll, Revocation.Done);
        }
        if (roll.Branches.TryGetValue(id, out Branch? branch))
        {
            return branch.Revoked is not null ? (this, Revocation.Already) : (roll with
            {
                Branches = roll.Branches.SetItem(id, branch with { Revoked = now }),
                Clients = roll.Clients.SetItems(roll.Clients.Where(c => c.Value.Branch == id)
                    .Select(c => KeyValuePair.Create(c.Key, c.Value with { Revoked = c.Value.Revoked ?? now }))),
                Invites = roll.Invites.RemoveRange(roll.Invites.Where(i => i.Value.Branch == id && i.Value.UsedBy is null).Select(i => i.Key)),
            }, Revocation.Done);
        }
        return (this, Revocation.Unknown);
    }

    /// <summary>
    /// Whether a session of this client and branch is no good any more. A client that is not in the roll is not revoked: it may have been enrolled by another
    /// node a moment ago, and nobody but the grid can have made its session.
    /// </summary>
    public bool IsRevoked(string client, string branch) =>
        Clients.TryGetValue(client, out Member? member) && member.Revoked is not null || Branches.TryGetValue(branch, out Branch? of) && of.Revoked is not null;

    private static string HashOf(string code) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("gc/invite/1" + code)));

    // Branches stay: a revoked one's word is never counted again.
    private Roll Tidied(DateTimeOffset now) => this with
    {
        Invites = Invites.RemoveRange(Invites.Where(i => i.Value.Expires <= now).Select(i => i.Key)),
        Clients = Clients.RemoveRange(Clients.Where(c => c.Value.Revoked + RevokedKept <= now).Select(c => c.Key)),
    };
}
