using System.Security.Cryptography;
using CsCheck;
using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Tests.Node.Control;

/// <summary>Who is shut out, by names that tell nothing.</summary>
public sealed class RevocationsTests
{
    private static readonly DateTimeOffset Start = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private readonly OfficeKey _keys = OfficeKey.Create();

    [Fact]
    public void Every_session_that_is_still_good_is_shut_out_at_whatever_hour_and_nobody_elses() =>
        Gen.Select(Gen.Int[0, 86_399], Gen.Int[-4 * 3600, 120]).Sample((revokedSecond, issuedBefore) =>
        {
            DateTimeOffset at = Start.AddSeconds(revokedSecond), issued = at.AddSeconds(issuedBefore);
            (Roll roll, string ann, string bob) = TwoClients(at);
            ControlDocument document = Revocations.Apply(Empty, roll.Revoke(ann, at).Next, _keys, at.AddSeconds(15));
            var view = new ControlView(document, earlier: null);
            return view.IsRevoked(Session(ann, issued)) && !view.IsRevoked(Session(bob, issued)) && document.RevokedBranches.Count == 0;
        }, iter: 500);

    [Fact]
    public void Entries_go_when_the_last_session_has_expired_and_those_of_branches_stay()
    {
        (Roll roll, string ann, string bob) = TwoClients(Start);
        roll = roll.Revoke(ann, Start).Next;
        roll = roll.Revoke(roll.Clients[bob].Branch, Start).Next;
        ControlDocument document = Revocations.Apply(Empty, roll, _keys, Start);
        Assert.Equal([roll.Clients[bob].Branch], document.RevokedBranches);
        Assert.InRange(document.RevokedClients.Count, 1, 2);
        Assert.Same(document, Revocations.Apply(document, roll, _keys, Start.AddHours(4)));
        ControlDocument later = Revocations.Apply(document, roll, _keys, Start.AddHours(5));
        Assert.Empty(later.RevokedClients);
        Assert.Equal(document.RevokedBranches, later.RevokedBranches);
        // Also by a roll in which it cannot be read any more.
        Assert.Equal(document.RevokedBranches, Revocations.Apply(later, Roll.Empty, _keys, Start.AddHours(5)).RevokedBranches);
    }

    [Fact]
    public void With_its_last_client_a_branch_is_revoked_so_that_its_claims_count_no_more()
    {
        (Roll roll, string ann, _) = TwoClients(Start);
        roll = roll.Revoke(ann, Start).Next;
        Assert.Empty(Revocations.Apply(Empty, roll, _keys, Start).RevokedBranches);
        roll = roll.Revoke("c-friend-of-ann", Start).Next;
        Assert.Equal(["b-ann"], Revocations.Apply(Empty, roll, _keys, Start).RevokedBranches);
    }

    [Fact]
    public void The_document_names_no_client_and_a_pseudonym_lasts_a_day()
    {
        (Roll roll, string ann, _) = TwoClients(Start);
        ControlDocument document = Revocations.Apply(Empty with { Sequence = 1 }, roll.Revoke(ann, Start).Next, _keys, Start);
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        Assert.DoesNotContain(ann, System.Text.Encoding.UTF8.GetString(ControlEnvelope.TrySign(document, key, out _)!), StringComparison.Ordinal);
        Assert.Equal(Pseudonyms.Of(_keys, ann, Start), Pseudonyms.Of(_keys, ann, Start.AddHours(23)));
        Assert.NotEqual(Pseudonyms.Of(_keys, ann, Start), Pseudonyms.Of(_keys, ann, Start.AddHours(24)));
    }

    private static ControlDocument Empty => new() { Sequence = 0, Issued = Start };

    private SessionIdentity Session(string client, DateTimeOffset issued) => new(Pseudonyms.Of(_keys, client, issued), "b", Start, "key");

    private static (Roll Roll, string Ann, string Bob) TwoClients(DateTimeOffset now)
    {
        Roll roll = Roll.Empty;
        foreach (string who in (string[])["ann", "bob"])
        {
            string code = InviteText.NewCode();
            roll = roll.WithInvite(code, inviter: null, now)!.Enrol(code, "key of " + who, "c-" + who, "b-" + who, now).Next;
            // Somebody else in the branch: else it would go with its only client.
            code = InviteText.NewCode();
            roll = roll.WithInvite(code, "c-" + who, now)!.Enrol(code, "key of a friend of " + who, "c-friend-of-" + who, "", now).Next;
        }
        return (roll, "c-ann", "c-bob");
    }
}
