using GlobalCache.Node.Ingest;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Control;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;
using static GlobalCache.Tests.Node.Ingest.IngestRig;

namespace GlobalCache.Tests.Node.Ingest;

/// <summary>Liars and honest people at a grid of k = 2, over both kinds of store (SECURITY §4).</summary>
public sealed class VouchingScenarioTests
{
    [Theory, InlineData(false), InlineData(true)]
    public async Task T52_Two_strangers_make_an_asset_public_and_the_second_sends_it(bool folder)
    {
        using var rig = new IngestRig(folder);
        Assert.Equal(ClaimVerdict.Noted, await rig.VisitAsync(rig.Stranger(1), 1, Good(1)));
        Assert.Null(await rig.ServedAsync(1));
        Assert.Equal(ClaimVerdict.Wanted, await rig.VisitAsync(rig.Stranger(2), 1, Good(1)));
        Assert.Equal(Good(1), await rig.ServedAsync(1));
        Assert.Equal(ClaimVerdict.Noted, await rig.VisitAsync(rig.Stranger(3), 1, Good(1)));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task T52_Poison_by_one_is_never_served_and_three_honest_people_overrule_it(bool folder)
    {
        using var rig = new IngestRig(folder);
        for (int i = 0; i < 5; i++) Assert.Equal(ClaimVerdict.Noted, await rig.VisitAsync(rig.Stranger(9), 1, Bad(1)));
        Assert.Equal(Upload.NotAgreed, (await rig.Uploads.PutAsync(Key(1), Bad(1), default)).Upload);
        for (int i = 1; i <= 2; i++) await rig.VisitAsync(rig.Stranger(i), 1, Good(1));
        Assert.Null(await rig.ServedAsync(1));
        await rig.VisitAsync(rig.Stranger(3), 1, Good(1));
        Assert.Equal(Good(1), await rig.ServedAsync(1));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Poison_by_one_with_fifty_keys_is_never_served(bool folder)
    {
        using var rig = new IngestRig(folder);
        // Enrolled by one invite: one branch, from wherever they call.
        for (int i = 0; i < 50; i++) await rig.VisitAsync(rig.Person("liar", $"203.0.{i}.1"), 1, Bad(1));
        Assert.Equal(Upload.NotAgreed, (await rig.Uploads.PutAsync(Key(1), Bad(1), default)).Upload);
        Assert.Null(await rig.ServedAsync(1));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Poison_by_a_household_with_two_protocols_and_two_invites_is_never_served(bool folder)
    {
        using var rig = new IngestRig(folder);
        string[] ways = ["203.0.113.4", "203.0.113.200", "2001:db8:7:1::1", "2001:db8:7:2::2", "::ffff:203.0.113.5", "2002:cb00:7106::1", "64:ff9b::203.0.113.7"];
        for (int i = 0; i < ways.Length; i++) await rig.VisitAsync(rig.Person($"of the house {i % 2}", ways[i]), 1, Bad(1));
        for (int i = 0; i < ways.Length; i++) await rig.VisitAsync(rig.Person($"of the house {i}", ways[^(i + 1)]), 1, Bad(1));
        Assert.Equal(Upload.NotAgreed, (await rig.Uploads.PutAsync(Key(1), Bad(1), default)).Upload);
        Assert.Null(await rig.ServedAsync(1));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task An_evil_region_does_not_poison_through_honest_visitors(bool folder)
    {
        using var rig = new IngestRig(folder);
        for (int i = 1; i <= 5; i++) await rig.VisitAsync(rig.Stranger(i), 1, Bad(1), "sim.evil.example.net");
        Assert.Null(await rig.ServedAsync(1));

        // Where regions are believed, one operator's many hosts are one.
        rig.Policy = new VouchingPolicy { RegionServed = true };
        for (int i = 1; i <= 5; i++) await rig.VisitAsync(rig.Stranger(i), 2, Bad(2), $"sim{i}.evil-regions.net");
        Assert.Null(await rig.ServedAsync(2));
        await rig.VisitAsync(rig.Stranger(6), 2, Bad(2), "sim.example.com");
        Assert.Equal(Bad(2), await rig.ServedAsync(2));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task T52_A_true_poison_is_gone_when_two_honest_people_report_it_and_the_right_bytes_come_after(bool folder)
    {
        using var rig = new IngestRig(folder);
        for (int i = 8; i <= 9; i++) await rig.VisitAsync(rig.Stranger(i), 1, Bad(1));
        Assert.Equal(Bad(1), await rig.ServedAsync(1));
        // At once, and in the same second: within a minute it is out of every node's memory too.
        Assert.True(await rig.DisputeAsync(rig.Stranger(1), Line(1, Good(1))));
        Assert.Equal(Bad(1), await rig.ServedAsync(1));
        Assert.True(await rig.DisputeAsync(rig.Stranger(2), Line(1, Good(1))));
        Assert.Null(await rig.ServedAsync(1));
        Assert.Equal(Upload.NotAgreed, (await rig.Uploads.PutAsync(Key(1), Bad(1), default)).Upload);
        for (int i = 3; i <= 4; i++) await rig.VisitAsync(rig.Stranger(i), 1, Good(1));
        Assert.Equal(Good(1), await rig.ServedAsync(1));
    }

    [Fact]
    public async Task T52_A_liar_with_ten_thousand_disputes_costs_less_than_a_point_of_hits()
    {
        const int assets = 1000;
        using var rig = new IngestRig();
        await rig.PublishAsync(assets);
        rig.Time.Advance(TimeSpan.FromHours(1));
        QuotaPolicy quotas = new();
        int Hits(IReadOnlyList<VouchState> states) => states.Where((s, i) => !Keys.Withholds(
            "stranger 1", Keys.NameOf(Key(i)), 1, s == VouchState.Contested ? quotas.WithheldContested : quotas.Withheld)).Count();
        int before = Hits([.. Enumerable.Repeat(VouchState.Agreed, assets)]);

        Caller liar = rig.Stranger(9);
        ClaimLine[] lies = [.. Enumerable.Range(0, assets).Select(i => Line(i, Bad(i)))];
        bool taken = true;
        for (int i = 0; i < 10; i++)
        {
            foreach (ClaimLine[] batch in lies.Chunk(ClaimBatch.MaxLines))
            {
                taken = await rig.DisputeAsync(liar, batch);
                ClaimAnswers answers = await rig.ClaimAsync(liar, batch);
                Assert.All(answers.Lines, l => Assert.NotEqual(ClaimVerdict.Wanted, l));
            }
        }
        Assert.False(taken);

        var states = new VouchState[assets];
        for (int i = 0; i < assets; i++)
        {
            states[i] = await rig.StateAsync(i);
            Assert.NotNull(await rig.ServedAsync(i));
        }
        Assert.Equal(rig.Policy.DisputesPerDay, states.Count(s => s == VouchState.Contested));
        Assert.InRange(before - Hits(states), 0, assets / 100 - 1);

        // Honest claims are still taken from everyone else, and the liar's again tomorrow.
        Assert.Equal(ClaimVerdict.Again, (await rig.ClaimAsync(liar, Line(5000, Good(5000)))).Lines[0]);
        Assert.Equal(ClaimVerdict.Noted, (await rig.ClaimAsync(rig.Stranger(2), Line(5000, Good(5000)))).Lines[0]);
        rig.Time.Advance(TimeSpan.FromDays(1));
        Assert.Equal(ClaimVerdict.Noted, (await rig.ClaimAsync(liar, Line(5001, Good(5001)))).Lines[0]);
    }

    [Fact]
    public async Task A_liar_by_claims_alone_cannot_contest_more_than_the_days_disputes()
    {
        using var rig = new IngestRig();
        await rig.PublishAsync(60);
        rig.Time.Advance(TimeSpan.FromHours(1));
        ClaimLine[] lies = [.. Enumerable.Range(0, 60).Select(i => Line(i, Bad(i)))];
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i => rig.ClaimAsync(rig.Person("liar", $"203.0.{i}.1"), lies)));
        int contested = 0;
        for (int i = 0; i < 60; i++) contested += await rig.StateAsync(i) == VouchState.Contested ? 1 : 0;
        Assert.Equal(rig.Policy.DisputesPerDay, contested);
    }

    [Fact]
    public async Task Who_has_lost_three_contests_is_not_believed_any_more()
    {
        using var rig = new IngestRig();
        await rig.PublishAsync(4);
        Caller liar = rig.Stranger(9);
        for (int i = 0; i < 3; i++)
        {
            await rig.VisitAsync(liar, i, Bad(i));
            Assert.Equal(VouchState.Contested, await rig.StateAsync(i));
            for (int honest = 1; honest <= 2; honest++) await rig.VisitAsync(rig.Stranger(honest), i, Good(i));
            Assert.Equal(VouchState.Agreed, await rig.StateAsync(i));
        }
        await rig.VisitAsync(liar, 3, Bad(3));
        Assert.Equal(VouchState.Agreed, await rig.StateAsync(3));
    }

    [Fact]
    public async Task Nothing_is_claimed_for_a_grid_without_an_entry()
    {
        var store = new MemoryStore();
        using var rig = new IngestRig(store: store);
        for (int i = 1; i <= 5; i++)
        {
            ClaimAnswers answers = await rig.ClaimAsync(rig.Stranger(i), Line(1, Good(1), "sim.elsewhere.net", "elsewhere.net:8002"));
            Assert.Equal([ClaimVerdict.Noted], answers.Lines);
            rig.Time.Advance(TimeSpan.FromMinutes(10));
        }
        Assert.Equal(Upload.NotAgreed, (await rig.Uploads.PutAsync(Key(1) with { GridId = "elsewhere.net:8002" }, Good(1), default)).Upload);
        Assert.DoesNotContain(store.Touched, n => !n.StartsWith("q/", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_young_or_revoked_branch_changes_nothing_and_an_uploader_decides_alone()
    {
        using var rig = new IngestRig();
        Caller young = rig.Stranger(1) with { BranchSince = rig.Time.GetUtcNow().AddHours(-71) };
        ClaimAnswers answers = await rig.ClaimAsync(young, Line(1, Good(1)));
        Assert.Equal((ClaimVerdict.Again, 3600), (answers.Lines[0], answers.AgainAfterSeconds));
        rig.Revoked.Add("stranger 2");
        Assert.Equal(ClaimVerdict.Noted, await rig.VisitAsync(rig.Stranger(2), 1, Good(1)));
        Assert.Equal(ClaimVerdict.Noted, await rig.VisitAsync(rig.Stranger(3), 1, Good(1)));
        Assert.Null(await rig.ServedAsync(1));
        Assert.Equal(ClaimVerdict.Wanted, await rig.VisitAsync(rig.Stranger(4) with { Uploader = true }, 1, Good(1)));
        Assert.Equal(Good(1), await rig.ServedAsync(1));
    }

    [Fact]
    public async Task What_is_taken_down_is_gone_and_stays_away()
    {
        using var rig = new IngestRig();
        await rig.PublishAsync(2);
        rig.Bans = Bans.Of(Keys, [Key(1)]);
        for (int i = 0; i < 2; i++) await rig.Ledger.WithdrawAsync(rig.Bans.Names.Single(), default);
        for (int i = 1; i <= 4; i++) Assert.Equal(ClaimVerdict.Noted, await rig.VisitAsync(rig.Stranger(i), 1, Good(1)));
        Assert.Equal(Upload.NotAgreed, (await rig.Uploads.PutAsync(Key(1), Good(1), default)).Upload);
        Assert.Null(await rig.ServedAsync(1));
        Assert.NotNull(await rig.ServedAsync(0));
    }

    [Fact]
    public async Task With_a_lead_of_one_a_first_claim_is_enough_whatever_its_age()
    {
        using var rig = new IngestRig { Policy = new VouchingPolicy { Lead = 1 } };
        Caller friend = rig.Stranger(1) with { BranchSince = rig.Time.GetUtcNow() };
        Assert.Equal(ClaimVerdict.Wanted, await rig.VisitAsync(friend, 1, Good(1)));
        Assert.Equal(Good(1), await rig.ServedAsync(1));
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task Two_nodes_that_race_and_repeat_everything_store_one_object_and_say_so(bool folder)
    {
        using var one = new IngestRig(folder, clock: TimeProvider.System) { Policy = new VouchingPolicy { ClaimSpacing = TimeSpan.Zero } };
        using var two = new IngestRig(store: one.Store, clock: TimeProvider.System) { Policy = one.Policy };
        await Task.WhenAll(Enumerable.Range(0, 40).Select(async i =>
        {
            IngestRig node = i % 2 == 0 ? one : two;
            int asset = i / 2 % 4;
            await Task.Yield();
            for (int again = 0; again < 3; again++)
            {
                await node.ClaimAsync(node.Stranger(i), Line(asset, Good(asset)));
                await node.Uploads.PutAsync(Key(asset), Good(asset), default);
            }
        }));
        for (int asset = 0; asset < 4; asset++)
        {
            Assert.Equal(Good(asset), await one.ServedAsync(asset));
            Upload[] uploads = [.. (await Task.WhenAll(one.Uploads.PutAsync(Key(asset), Good(asset), default), two.Uploads.PutAsync(Key(asset), Good(asset), default))).Select(r => r.Upload)];
            Assert.Equal([Upload.Stored, Upload.Stored], uploads);
        }
    }
}
