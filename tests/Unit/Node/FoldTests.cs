using GlobalCache.Node.Vouching;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Node;

/// <summary>What claims make of a record, one rule of SECURITY §4 a test.</summary>
public sealed class FoldTests
{
    private static readonly byte[] s_good = [.. Enumerable.Repeat((byte)1, 32)], s_bad = [.. Enumerable.Repeat((byte)2, 32)];
    private static readonly VouchingPolicy s_two = new();

    private DateTimeOffset _now = DateTimeOffset.UnixEpoch + TimeSpan.FromDays(20_000);

    private VouchRecord _record = VouchRecord.Empty;

    [Fact]
    public void Two_independent_claims_make_public()
    {
        Assert.Equal(Outcome.Noted, Say(1, s_good));
        Assert.Equal(Outcome.Agreed, Say(2, s_good));
        Assert.True(_record.Agrees(s_good));
    }

    [Fact]
    public void A_branch_has_one_word_and_its_first_is_final()
    {
        Say(1, s_good);
        Assert.Equal(Outcome.Unchanged, Say(1, s_good));
        Assert.Equal(Outcome.Unchanged, Say(1, s_bad));
        Assert.Single(_record.Claims);
    }

    [Fact]
    public void Branches_of_one_network_are_one()
    {
        Say(1, s_bad, net: 7);
        for (ulong branch = 2; branch < 12; branch++) Assert.Equal(Outcome.Noted, Say(branch, s_bad, net: 7));
        Assert.False(_record.IsPublic);
        Assert.Equal(Outcome.Agreed, Say(12, s_bad, net: 8));
    }

    [Fact]
    public void One_liar_only_asks_for_one_more_honest_claim()
    {
        Say(9, s_bad);
        Say(1, s_good);
        Assert.Equal(Outcome.Noted, Say(2, s_good));
        Assert.Equal(Outcome.Agreed, Say(3, s_good));
    }

    [Fact]
    public void Claims_close_together_do_not_count_twice()
    {
        Say(1, s_good);
        Folded soon = Apply(new Claim(2, 2, 2, FromRegion: false, s_good));
        Assert.Equal(Outcome.TooSoon, soon.Outcome);
        Assert.Same(_record, soon.Record);
    }

    [Fact]
    public void Among_friends_one_claim_suffices_at_once()
    {
        var friends = new VouchingPolicy { Lead = 1 };
        Assert.Equal(Outcome.Agreed, Say(1, s_good, policy: friends));
    }

    [Theory]
    [InlineData(false, 3, false)]
    [InlineData(true, 1, false)]
    [InlineData(true, 2, true)]
    public void Bytes_of_regions_need_several_hosts_and_a_grid_that_allows_them(bool allowed, int hosts, bool becomesPublic)
    {
        var policy = new VouchingPolicy { RegionServed = allowed };
        for (ulong branch = 1; branch <= 6; branch++) Say(branch, s_good, fromRegion: true, origin: branch % (ulong)hosts, policy: policy);
        Assert.Equal(becomesPublic, _record.IsPublic);
    }

    [Fact]
    public void A_trusted_uploader_decides_alone_and_a_trusted_verifier_withdraws_alone()
    {
        Say(1, s_bad);
        Assert.Equal(Outcome.Agreed, Say(5, s_good, weight: Weight.Trusted));
        Assert.Equal(Outcome.Withdrawn, Say(6, s_bad, weight: Weight.Trusted));
        Assert.Equal((1u, VouchState.Withdrawn, 0), (_record.Epoch, _record.State, _record.Claims.Count));
    }

    [Fact]
    public void One_contradiction_contests_and_two_withdraw()
    {
        Publish();
        Assert.Equal(Outcome.Contested, Say(3, s_bad));
        Assert.True(_record.Agrees(s_good));
        Assert.Equal(Outcome.Withdrawn, Say(4, s_bad));
        Assert.False(_record.IsPublic);
    }

    [Fact]
    public void More_confirmations_than_contradictions_settle_a_contest_and_the_losers_are_told()
    {
        Publish();
        Say(3, s_bad);
        Say(4, s_good);
        Folded settled = Apply(new Claim(5, 5, 5, FromRegion: false, s_good), _now += TimeSpan.FromMinutes(10));
        Assert.Equal(Outcome.Settled, settled.Outcome);
        Assert.Equal([3ul], settled.Losers);
        Assert.Equal(VouchState.Agreed, settled.Record.State);
    }

    [Fact]
    public void Two_contradictions_do_not_withdraw_what_as_many_confirm()
    {
        Publish();
        Say(3, s_bad);
        Say(4, s_good);
        Assert.Equal(Outcome.Noted, Say(5, s_good) is Outcome.Settled ? Outcome.Noted : Outcome.Unchanged);
        Assert.Equal(Outcome.Contested, Say(6, s_bad));
        Assert.True(_record.Agrees(s_good));
    }

    [Fact]
    public void What_two_people_contradict_is_withdrawn_without_waiting()
    {
        Publish();
        DateTimeOffset at = _now + TimeSpan.FromMinutes(1);
        _record = Apply(new Claim(3, 3, 3, FromRegion: false, s_bad), at).Record;
        Assert.Equal(Outcome.Withdrawn, Apply(new Claim(4, 4, 4, FromRegion: false, s_bad), at).Outcome);
        // Nor do those wait who stand by it.
        Assert.Equal(Outcome.Noted, Apply(new Claim(5, 5, 5, FromRegion: false, s_good), at).Outcome);
    }

    [Fact]
    public void A_household_confirms_and_contradicts_once()
    {
        Publish();
        for (ulong branch = 10; branch < 60; branch++) Say(branch, s_good, net: 7);
        Assert.Equal(1, _record.Confirms);
        for (ulong branch = 60; branch < 110; branch++) Say(branch, s_bad, net: 8);
        Assert.Equal((VouchState.Contested, 0, 1), (_record.State, _record.Confirms, _record.Denies));
        for (ulong branch = 110; branch < 160; branch++) Say(branch, s_good, net: 9);
        Assert.Equal((VouchState.Contested, 1), (_record.State, _record.Confirms));
        Assert.Equal(Outcome.Settled, Say(200, s_good));
    }

    [Fact]
    public void Confirmations_of_before_a_contest_do_not_count_in_it()
    {
        Publish();
        for (ulong branch = 10; branch < 13; branch++) Say(branch, s_good);
        Say(20, s_bad);
        Assert.Equal(Outcome.Noted, Say(21, s_good));
        Assert.Equal(1, _record.Confirms);
    }

    [Fact]
    public void It_is_known_since_when_an_asset_is_public()
    {
        Publish();
        uint since = _record.LastMinute;
        Say(3, s_good);
        Assert.Equal((since, true), (_record.PublicMinute, _record.LastMinute > since));
        Say(4, s_bad);
        Say(5, s_bad);
        Assert.Equal(0u, _record.PublicMinute);
    }

    [Fact]
    public void Claims_of_before_do_not_contradict_afterwards()
    {
        Say(9, s_bad);
        Say(1, s_good);
        Say(2, s_good);
        Say(3, s_good);
        Assert.Equal(Outcome.Contested, Say(8, s_bad));
        Assert.Equal(1, _record.Denies);
    }

    [Fact]
    public void After_five_confirmations_nobody_is_remembered_and_nothing_is_written_any_more()
    {
        Publish();
        for (ulong branch = 10; branch < 15; branch++) Say(branch, s_good);
        Assert.Empty(_record.Claims);
        Assert.Equal(Outcome.Unchanged, Say(20, s_good));
    }

    [Fact]
    public void New_and_revoked_branches_count_nothing_and_old_claims_of_revoked_ones_go()
    {
        Assert.Equal(Outcome.Unchanged, Say(1, s_good, weight: Weight.None));
        Say(2, s_bad);
        Say(3, s_good);
        Folded folded = Fold.Apply(_record, new Claim(4, 4, 4, FromRegion: false, s_good), s_two, _now += TimeSpan.FromHours(1), tag => tag == 2);
        Assert.Equal(Outcome.Agreed, folded.Outcome);
    }

    [Fact]
    public void A_record_is_written_and_read_and_stays_small()
    {
        for (ulong branch = 1; branch <= 40; branch++) Say(branch, branch % 2 == 0 ? s_good : s_bad);
        Assert.Equal(VouchRecord.MaxClaims, _record.Claims.Count);
        byte[] bytes = _record.Encode();
        Assert.InRange(bytes.Length, 1, 4096 - 64);
        Assert.True(VouchRecord.TryDecode(bytes, out VouchRecord again));
        Assert.Equal(_record.Claims, again.Claims);
        Assert.Equal(_record with { Claims = [] }, again with { Claims = [] });
        for (int cut = 0; cut < bytes.Length; cut++) Assert.False(VouchRecord.TryDecode(bytes.AsSpan(0, cut), out _));
    }

    private void Publish()
    {
        Say(1, s_good);
        Say(2, s_good);
    }

    private Outcome Say(
        ulong branch, byte[] hash, ulong? net = null, ulong? origin = null, bool fromRegion = false, Weight weight = Weight.Ordinary, VouchingPolicy? policy = null)
    {
        Folded folded = Apply(new Claim(branch, net ?? branch, origin ?? branch, fromRegion, hash, weight), _now += TimeSpan.FromMinutes(10), policy);
        Assert.Equal(folded.Outcome is Outcome.Unchanged or Outcome.TooSoon, folded.Record == _record);
        _record = folded.Record;
        return folded.Outcome;
    }

    private Folded Apply(Claim claim, DateTimeOffset? now = null, VouchingPolicy? policy = null) =>
        Fold.Apply(_record, claim, policy ?? s_two, now ?? _now, static _ => false);
}
