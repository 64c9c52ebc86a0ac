using System.Buffers.Binary;
using GlobalCache.Policy;

namespace GlobalCache.Node.Vouching;

/// <summary>What a claim has brought about.</summary>
internal enum Outcome : byte
{
    /// <summary>The record stays as it is.</summary>
    Unchanged,

    /// <summary>Too soon after the last one: nothing is noted, the claimant may come again.</summary>
    TooSoon,
    Noted,

    /// <summary>The asset has become public.</summary>
    Agreed,

    /// <summary>A public asset has been contradicted for the first time.</summary>
    Contested,

    /// <summary>A contest is over, and those who contradicted have lost it.</summary>
    Settled,

    /// <summary>A public asset is to be withdrawn.</summary>
    Withdrawn,
}

/// <summary>The record after a claim.</summary>
/// <param name="Record">Its revision is one higher unless nothing changed.</param>
/// <param name="Outcome">What happened.</param>
/// <param name="Losers">Branch tags of those who lost a contest just now.</param>
internal sealed record Folded(VouchRecord Record, Outcome Outcome, IReadOnlyList<ulong> Losers);

/// <summary>
/// What one more claim makes of a record (SECURITY §4): pure, so that any number of nodes may race and repeat it.
/// <code>
/// open       claim, lead of its hash ≥ k, origin rule kept        → agreed
/// agreed     another hash                                          → contested (one trusted verifier: withdrawn)
/// contested  ≥ WithdrawBranches deny, and more than confirm        → withdrawn
///            ≥ WithdrawBranches confirm, and more than deny        → agreed: the deniers have lost
/// withdrawn  nothing is folded before the tombstone is in place
/// </code>
/// One claim a branch, the first is final. Independent are claims of different branches in different networks of one
/// address family; at k = 1 of different branches.
/// </summary>
internal static class Fold
{
    private static readonly IReadOnlyList<ulong> s_nobody = [];

    /// <param name="record">What stands.</param>
    /// <param name="claim">What is said now.</param>
    /// <param name="policy">The grid's rules.</param>
    /// <param name="now">Wall clock.</param>
    /// <param name="revoked">Whether a branch tag belongs to a branch that has been revoked: its old claims count no more.</param>
    public static Folded Apply(VouchRecord record, Claim claim, VouchingPolicy policy, DateTimeOffset now, Predicate<ulong> revoked)
    {
        bool alone = policy.Lead == 1;
        if (record.State == VouchState.Withdrawn || claim.Weight == Weight.None || revoked(claim.Branch)) return Same(record);
        bool trusted = claim.Weight == Weight.Trusted;
        if (trusted && !record.IsPublic) return Publish(record, claim, now);
        if (trusted && !record.Agrees(claim.Hash.Span)) return Withdraw(record);
        if (record.State == VouchState.Agreed && record.Agrees(claim.Hash.Span) && record.Confirms >= policy.ConfirmationsKept) return Same(record);
        if ((claim.FromRegion && !policy.RegionServed && !trusted) || record.Claims.Any(c => c.Branch == claim.Branch)) return Same(record);
        if (!alone && !trusted && record.IsPublic && AddsNobody(record, claim)) return Same(record);
        if (!alone && !trusted && IsSpaced(record, claim) && Minute(now) < record.LastMinute + (uint)policy.ClaimSpacing.TotalMinutes)
            return new Folded(record, Outcome.TooSoon, s_nobody);

        List<KeptClaim> claims = [.. record.Claims.Where(c => !revoked(c.Branch))];
        if (claims.Count >= VouchRecord.MaxClaims) claims.RemoveAll(c => c.Marks.HasFlag(ClaimMarks.Past));
        if (claims.Count >= VouchRecord.MaxClaims) return Same(record);
        claims.Add(Keep(claim, now));
        VouchRecord noted = record with { Revision = record.Revision + 1, Claims = claims, LastMinute = Minute(now) };
        return !record.IsPublic ? Gather(noted, claim, policy, alone)
            : record.Agrees(claim.Hash.Span) ? Confirm(noted, policy, alone)
            : Contradict(noted, policy, alone);
    }

    /// <summary>The decision to withdraw: what was said about this epoch's bytes counts no more.</summary>
    public static Folded Withdraw(VouchRecord record) => new(
        record with { Revision = record.Revision + 1, Epoch = record.Epoch + 1, State = VouchState.Withdrawn, Hash = default, Claims = [], Confirms = 0, Denies = 0, PublicMinute = 0 },
        Outcome.Withdrawn, s_nobody);

    private static Folded Gather(VouchRecord noted, Claim claim, VouchingPolicy policy, bool alone)
    {
        ulong hash8 = Hash8(claim.Hash.Span);
        List<KeptClaim> mine = [.. noted.Claims.Where(c => c.Hash8 == hash8)];
        int needed = policy.Lead + Voices(noted.Claims.Where(c => c.Hash8 != hash8), alone);
        bool byAuthorities = Independent(mine.Where(c => !c.Marks.HasFlag(ClaimMarks.FromRegion)), alone) >= needed;
        bool byHosts = Independent(mine, alone) >= needed && mine.Select(c => c.Origin).Distinct().Count() >= policy.RegionHosts;
        if (!byAuthorities && !byHosts) return new Folded(noted, Outcome.Noted, s_nobody);
        return new Folded(
            noted with { State = VouchState.Agreed, Hash = claim.Hash.ToArray(), PublicMinute = noted.LastMinute, Claims = [.. noted.Claims.Select(Past)] }, Outcome.Agreed, s_nobody);
    }

    private static Folded Publish(VouchRecord record, Claim claim, DateTimeOffset now) => new(
        record with
        {
            Revision = record.Revision + 1,
            State = VouchState.Agreed,
            Hash = claim.Hash.ToArray(),
            LastMinute = Minute(now),
            PublicMinute = Minute(now),
            Claims = [.. record.Claims.TakeLast(VouchRecord.MaxClaims - 1).Where(c => c.Branch != claim.Branch).Select(Past), Past(Keep(claim, now))],
        },
        Outcome.Agreed, s_nobody);

    private static Folded Confirm(VouchRecord noted, VouchingPolicy policy, bool alone)
    {
        ulong hash8 = Hash8(noted.Hash.Span);
        noted = noted with { Confirms = Independent(noted.Claims.Where(c => c.Hash8 == hash8 && !c.Marks.HasFlag(ClaimMarks.Past)), alone) };
        if (noted.State == VouchState.Contested)
        {
            if (noted.Confirms < policy.WithdrawBranches || noted.Confirms <= noted.Denies) return new Folded(noted, Outcome.Noted, s_nobody);
            ulong[] losers = [.. noted.Claims.Where(c => c.Hash8 != hash8 && !c.Marks.HasFlag(ClaimMarks.Past)).Select(c => c.Branch)];
            return new Folded(noted with { State = VouchState.Agreed, Denies = 0, Claims = [.. noted.Claims.Select(Past)] }, Outcome.Settled, losers);
        }
        // Enough is known: who they were is nobody's business any more.
        return new Folded(noted.Confirms >= policy.ConfirmationsKept ? noted with { Claims = [] } : noted, Outcome.Noted, s_nobody);
    }

    private static Folded Contradict(VouchRecord noted, VouchingPolicy policy, bool alone)
    {
        bool first = noted.State == VouchState.Agreed;
        ulong hash8 = Hash8(noted.Hash.Span);
        int denies = Independent(noted.Claims.Where(c => c.Hash8 != hash8 && !c.Marks.HasFlag(ClaimMarks.Past)), alone);
        noted = noted with { State = VouchState.Contested, Denies = denies };
        // Who confirmed before the contest has not been heard about it.
        if (first) noted = noted with { Confirms = 0, Claims = [.. noted.Claims.Select(c => c.Hash8 == hash8 ? Past(c) : c)] };
        return denies >= policy.WithdrawBranches && denies > noted.Confirms ? Withdraw(noted)
            : new Folded(noted, first ? Outcome.Contested : Outcome.Noted, s_nobody);
    }

    /// <summary>
    /// Spacing keeps a crowd from making something public, or settled, in one go. It does not hold up those who contradict what is public, nor those who stand by it
    /// then: a poison that two people have met is gone at once.
    /// </summary>
    private static bool IsSpaced(VouchRecord record, Claim claim) =>
        record.State == VouchState.Open || (record.State == VouchState.Agreed && record.Agrees(claim.Hash.Span));

    /// <summary>Somebody of the same network has said the same about what is public: a household cannot fill the record, so that nobody else's word fits in.</summary>
    private static bool AddsNobody(VouchRecord record, Claim claim)
    {
        ulong hash8 = Hash8(record.Hash.Span);
        bool agrees = record.Agrees(claim.Hash.Span);
        return record.Claims.Any(c => c.Net == claim.Net && (c.Hash8 == hash8) == agrees && !c.Marks.HasFlag(ClaimMarks.Past));
    }

    /// <summary>How many people it is at least. Nobody can tell whether networks of IPv4 and of IPv6 are one household's two ways out: they are not added up.</summary>
    private static int Independent(IEnumerable<KeptClaim> claims, bool alone) => alone
        ? Voices(claims, alone)
        : claims.GroupBy(c => c.Marks.HasFlag(ClaimMarks.OverIpv6)).Select(family => Voices(family, alone)).DefaultIfEmpty().Max();

    /// <summary>How many people it is at most.</summary>
    private static int Voices(IEnumerable<KeptClaim> claims, bool alone) => claims.Select(c => alone ? c.Branch : c.Net).Distinct().Count();

    private static Folded Same(VouchRecord record) => new(record, Outcome.Unchanged, s_nobody);

    private static KeptClaim Keep(Claim claim, DateTimeOffset now) => new(
        claim.Branch, claim.Net, claim.Origin, Hash8(claim.Hash.Span), (ushort)(now.ToUnixTimeSeconds() / 86_400),
        (claim.FromRegion ? ClaimMarks.FromRegion : ClaimMarks.None) | (claim.OverIpv6 ? ClaimMarks.OverIpv6 : ClaimMarks.None));

    private static KeptClaim Past(KeptClaim claim) => claim with { Marks = claim.Marks | ClaimMarks.Past };

    private static ulong Hash8(ReadOnlySpan<byte> hash) => BinaryPrimitives.ReadUInt64BigEndian(hash);

    private static uint Minute(DateTimeOffset now) => (uint)(now.ToUnixTimeSeconds() / 60);
}
