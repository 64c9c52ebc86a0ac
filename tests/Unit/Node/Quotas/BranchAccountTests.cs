using GlobalCache.Node.Quotas;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Node.Quotas;

/// <summary>What becomes of one branch's account, one rule of SECURITY §5 a test.</summary>
public sealed class BranchAccountTests
{
    private static readonly QuotaPolicy s_rules = new() { Burst = 100, PerHour = 3600, PerDayNew = 1000, BytesPerDay = 1_000_000 };

    private DateTimeOffset _now = new(2026, 3, 1, 12, 0, 0, TimeSpan.Zero);
    private BranchAccount _account = BranchAccount.Empty;

    [Fact]
    public void T57_A_burst_then_so_many_an_hour_then_so_many_a_day()
    {
        Assert.Equal(100, Take(150));
        Assert.Equal(0, Take(1));
        _now += TimeSpan.FromSeconds(10);
        Assert.Equal(10, Take(150));
        for (int i = 0; i < 10; i++)
        {
            _now += TimeSpan.FromHours(1);
            Take(150);
        }
        Assert.Equal(1000, _account.Assets);
        Assert.Equal(0, Take(1, out TimeSpan retryAfter));
        Assert.Equal(_now.Date.AddDays(1) - _now.DateTime, retryAfter);
        _now += retryAfter;
        Assert.Equal(100, Take(150));
    }

    [Fact]
    public void T57_Who_comes_too_early_is_told_when_to_come_again_and_then_gets_something()
    {
        Take(100);
        Assert.Equal(0, Take(1, out TimeSpan retryAfter));
        Assert.Equal(1, retryAfter.TotalSeconds, 0.001);
        _now += retryAfter;
        Assert.Equal(1, Take(1));
    }

    [Fact]
    public void Bytes_are_granted_whole_or_not_at_all()
    {
        Assert.Equal(1, Take(1, out _, bytes: 600_000));
        Assert.Equal(0, Take(1, out TimeSpan retryAfter, bytes: 600_000));
        Assert.Equal(12, retryAfter.TotalHours);
        Assert.Equal(1, Take(1, out _, bytes: 400_000));
    }

    [Fact]
    public void What_was_set_aside_in_vain_comes_back()
    {
        Take(100);
        _account = _account.Book(new Portion(-40, -5), s_rules);
        Assert.Equal(40, Take(100));
    }

    [Fact]
    public void Matching_claims_of_yesterday_earn_quota_for_today_only()
    {
        _account = _account.AsOf(_now, s_rules) with { Matches = 10 };
        Assert.Equal(1000, _account.PerDay(s_rules));
        Assert.Equal(1200, _account.AsOf(_now += TimeSpan.FromDays(1), s_rules).PerDay(s_rules));
        Assert.Equal(1000, _account.AsOf(_now + TimeSpan.FromDays(1), s_rules).PerDay(s_rules));
        Assert.Equal(60_000, (_account with { MatchesYesterday = 1_000_000 }).PerDay(s_rules));
    }

    [Fact]
    public void A_check_is_answered_whichever_is_known_first_the_check_or_the_claim()
    {
        _account = _account.AsOf(_now, s_rules).Asked(1, _now, s_rules).Asked(1, _now, s_rules).Claimed(2, _now, s_rules);
        Assert.Equal(2, _account.Open.Count);
        _account = _account.Claimed(1, _now, s_rules).Asked(2, _now, s_rules);
        Assert.Equal((2, 0, 0), (_account.Answered, _account.Unanswered, _account.Open.Count));
    }

    [Fact]
    public void A_check_that_nobody_answers_for_an_hour_counts_and_a_claim_without_one_does_not()
    {
        _account = _account.AsOf(_now, s_rules).Asked(1, _now, s_rules).Claimed(2, _now, s_rules);
        _account = _account.AsOf(_now + BranchAccount.CheckPatience + TimeSpan.FromMinutes(1), s_rules);
        Assert.Equal((0, 1, 0), (_account.Answered, _account.Unanswered, _account.Open.Count));
    }

    [Fact]
    public void Who_leaves_most_checks_unanswered_is_flagged_and_throttled_and_can_make_up_for_it()
    {
        for (ulong i = 0; i < 20; i++) _account = _account.Asked(i, _now, s_rules);
        _account = _account.AsOf(_now += TimeSpan.FromHours(2), s_rules);
        Assert.True(_account.IsFlagged(s_rules));
        Assert.Equal(100, _account.PerDay(s_rules));
        for (ulong i = 100; i < 125; i++) _account = _account.Asked(i, _now, s_rules).Claimed(i, _now, s_rules);
        Assert.False(_account.IsFlagged(s_rules));
    }

    [Fact]
    public void The_owner_can_throttle_a_branch()
    {
        Assert.Equal(10, Take(150, throttled: true));
        Assert.Equal(100, _account.PerDay(s_rules, throttled: true));
    }

    [Fact]
    public void A_clock_that_was_set_back_gives_nothing()
    {
        Take(100);
        _now -= TimeSpan.FromDays(2);
        Assert.Equal(0, Take(1));
    }

    [Fact]
    public void It_is_written_and_read_and_stays_small()
    {
        Take(7);
        for (ulong i = 0; i < 1000; i++) _account = _account.Claimed(2 * i, _now, s_rules).Asked((2 * i) + 1, _now, s_rules);
        _account = _account with { Matches = 1, MatchesYesterday = 2, Disputes = 3, Lost = 4, Answered = 5, Unanswered = 6 };
        byte[] bytes = _account.Encode();
        Assert.InRange(bytes.Length, 1000, 4096 - 64);
        Assert.True(BranchAccount.TryDecode(bytes, out BranchAccount again));
        Assert.Equal(_account.Open, again.Open);
        Assert.Equal(_account with { Open = [] }, again with { Open = [] });
        for (int cut = 0; cut < bytes.Length; cut++) Assert.False(BranchAccount.TryDecode(bytes.AsSpan(0, cut), out _));
    }

    private int Take(int assets, bool throttled = false) => Take(assets, out _, throttled);

    private int Take(int assets, out TimeSpan retryAfter, bool throttled = false, long bytes = 1)
    {
        (_account, Portion granted) = _account.AsOf(_now, s_rules, throttled).Reserve(new Portion(assets, bytes), s_rules, throttled, out retryAfter);
        return granted.Assets;
    }
}
