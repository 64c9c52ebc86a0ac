using GlobalCache.Node.Quotas;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Node;

public sealed class BranchQuotasTests
{
    private readonly QuotaPolicy _policy = new() { Burst = 100, PerHour = 3600, PerDayNew = 200, PerMatchingClaim = 20, PerDayMost = 1000, BytesPerDay = 1_000_000 };
    private DateTimeOffset _now = new(2026, 3, 1, 0, 0, 0, TimeSpan.Zero);
    private ulong _asset;

    [Fact]
    public void A_burst_is_given_at_once_and_then_the_hourly_rate()
    {
        var quotas = new BranchQuotas(() => _policy);
        Assert.Equal(100, TakeAll(quotas, "b", 1000));
        QuotaAnswer refused = quotas.Take("b", ++_asset, 1, _now);
        Assert.False(refused.Allowed);
        Assert.Equal(1, refused.RetryAfter.TotalSeconds, 3);
        _now += refused.RetryAfter;
        Assert.Equal(1, TakeAll(quotas, "b", 10));
        Assert.Equal(100, TakeAll(quotas, "another", 1000));
    }

    [Fact]
    public void An_asset_costs_once_a_day_and_is_given_to_who_has_spent_all()
    {
        var quotas = new BranchQuotas(() => _policy);
        for (int i = 0; i < 1000; i++) Assert.True(quotas.Take("b", ulong.MaxValue, 1, _now).Allowed);
        Assert.Equal(99, TakeAll(quotas, "b", 1000));
        Assert.True(quotas.Take("b", ulong.MaxValue, 1, _now).Allowed);
    }

    [Fact]
    public void The_day_ends_it_until_midnight_and_yesterdays_matching_claims_earn_more()
    {
        var quotas = new BranchQuotas(() => _policy);
        Assert.Equal(200, TakeSlowly(quotas, "b", 400));
        QuotaAnswer refused = quotas.Take("b", ++_asset, 1, _now);
        Assert.Equal(new DateTimeOffset(2026, 3, 2, 0, 0, 0, TimeSpan.Zero), _now + refused.RetryAfter);
        // The same ones again earn nothing.
        for (ulong i = 0; i < 30; i++) quotas.Claimed("b", i % 10, matches: true, _now);
        for (ulong i = 0; i < 10; i++) quotas.Claimed("b", i, matches: false, _now);
        _now += refused.RetryAfter;
        Assert.Equal(400, TakeSlowly(quotas, "b", 800));
        _now = new DateTimeOffset(2026, 3, 3, 0, 0, 0, TimeSpan.Zero);
        Assert.Equal(200, TakeSlowly(quotas, "b", 800));
    }

    [Fact]
    public void Bytes_end_the_day_too()
    {
        var quotas = new BranchQuotas(() => _policy);
        for (int i = 0; i < 4; i++) Assert.True(quotas.Take("b", ++_asset, 250_000, _now).Allowed);
        Assert.False(quotas.Take("b", ++_asset, 1, _now).Allowed);
    }

    [Fact]
    public void Each_of_four_nodes_gives_a_quarter()
    {
        BranchQuotas[] nodes = [.. Enumerable.Range(0, 4).Select(_ => new BranchQuotas(() => _policy, nodes: 4))];
        Assert.InRange(nodes.Sum(n => TakeAll(n, "b", 1000)), 96, 100);
        for (int s = 0; s < 1000; s++)
        {
            _now += TimeSpan.FromSeconds(1);
            foreach (BranchQuotas node in nodes) node.Take("b", ++_asset, 1, _now);
        }
        Assert.All(nodes, n => Assert.False(n.Take("b", ++_asset, 1, _now).Allowed));
    }

    [Fact]
    public void Who_leaves_checks_unanswered_is_flagged_and_throttled_and_who_answers_is_not()
    {
        var quotas = new BranchQuotas(() => _policy with { ChecksBeforeFlag = 20 });
        for (ulong i = 0; i < 20; i++)
        {
            quotas.Withheld("scraper", i, _now);
            quotas.Withheld("honest", i, _now);
            // Asked for again and again, it is the same check.
            quotas.Withheld("honest", i, _now);
            if (i % 3 != 0) quotas.Claimed("honest", i, matches: true, _now + TimeSpan.FromMinutes(20));
        }
        Assert.False(quotas.IsFlagged("scraper", _now + TimeSpan.FromMinutes(59)));
        _now += BranchQuotas.CheckPatience;
        Assert.True(quotas.IsFlagged("scraper", _now));
        Assert.False(quotas.IsFlagged("honest", _now));
        Assert.Equal((2, 1), quotas.Sum());
        Assert.Equal(10, TakeAll(quotas, "scraper", 1000));
        Assert.Equal(100, TakeAll(quotas, "honest", 1000));
    }

    [Fact]
    public void A_clock_that_goes_back_gives_nothing()
    {
        var quotas = new BranchQuotas(() => _policy);
        _now += TimeSpan.FromHours(1);
        Assert.Equal(100, TakeAll(quotas, "b", 1000));
        _now -= TimeSpan.FromDays(2);
        Assert.Equal(0, TakeAll(quotas, "b", 10));
    }

    [Fact]
    public void An_asset_is_known_by_the_beginning_of_its_name() => Assert.Equal(0x0123456789abcdefUL, BranchQuotas.IdOf("0123456789abcdef" + new string('f', 48)));

    private int TakeAll(BranchQuotas quotas, string branch, int most) => Enumerable.Range(0, most).Count(_ => quotas.Take(branch, ++_asset, 1, _now).Allowed);

    private int TakeSlowly(BranchQuotas quotas, string branch, int most) => Enumerable.Range(0, most).Count(_ =>
    {
        _now += TimeSpan.FromSeconds(1);
        return quotas.Take(branch, ++_asset, 1, _now).Allowed;
    });
}
