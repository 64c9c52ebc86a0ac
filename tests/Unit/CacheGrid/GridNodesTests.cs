using System.Net;
using GlobalCache.Client.CacheGrid;

namespace GlobalCache.Tests.CacheGrid;

public sealed class GridNodesTests
{
    private static readonly IPEndPoint s_a = new(IPAddress.Loopback, 1), s_b = new(IPAddress.Loopback, 2);

    private readonly GridNodes _nodes = new(new Random(1));

    [Fact]
    public void One_node_is_kept_to_until_it_fails_and_comes_back_after_a_while()
    {
        _nodes.Update([s_a, s_b]);
        IPEndPoint first = _nodes.Choose(At(0))!, other = first.Equals(s_a) ? s_b : s_a;
        for (int i = 0; i < 20; i++) Assert.Equal(first, _nodes.Choose(At(0)));

        _nodes.Failed(first, At(0));
        Assert.Equal(other, _nodes.Choose(At(0)));
        _nodes.Failed(other, At(1));
        Assert.Null(_nodes.Choose(At(1)));
        Assert.Equal(first, _nodes.Choose(At(2.5)));
    }

    [Fact]
    public void A_node_that_goes_on_failing_is_left_alone_for_longer_each_time_and_never_for_good()
    {
        _nodes.Update([s_a]);
        double now = 0, last = 0;
        for (int i = 0; i < 12; i++)
        {
            Assert.NotNull(_nodes.Choose(At(now)));
            _nodes.Failed(s_a, At(now));
            double skipped = 0;
            while (_nodes.Choose(At(now)) is null) (now, skipped) = (now + 1, skipped + 1);
            Assert.InRange(skipped, last, GridNodes.LongestSkip.TotalSeconds);
            last = skipped;
        }
        Assert.Equal(GridNodes.LongestSkip.TotalSeconds, last);
        _nodes.Answered(s_a, draining: false);
        _nodes.Failed(s_a, At(now));
        Assert.NotNull(_nodes.Choose(At(now) + GridNodes.FirstSkip));
    }

    [Fact]
    public void A_draining_node_is_avoided_while_there_is_another_and_asked_when_there_is_none()
    {
        _nodes.Update([s_a, s_b]);
        IPEndPoint first = _nodes.Choose(At(0))!;
        _nodes.Answered(first, draining: true);
        IPEndPoint second = _nodes.Choose(At(0))!;
        Assert.NotEqual(first, second);
        _nodes.Failed(second, At(0));
        Assert.Equal(first, _nodes.Choose(At(0)));
    }

    [Fact]
    public void An_address_that_is_no_longer_named_is_not_asked()
    {
        _nodes.Update([s_a]);
        Assert.Equal(s_a, _nodes.Choose(At(0)));
        _nodes.Update([s_b]);
        Assert.Equal(s_b, _nodes.Choose(At(0)));
        _nodes.Failed(s_a, At(0));
        _nodes.Update([]);
        Assert.Null(_nodes.Choose(At(0)));
    }

    [Fact]
    public void The_breaker_opens_after_failures_in_a_row_and_one_probe_closes_it()
    {
        GridBreaker breaker = new();
        for (int i = 0; i < GridBreaker.Failures - 1; i++) breaker.Bad(At(0));
        breaker.Good();
        for (int i = 0; i < GridBreaker.Failures; i++)
        {
            Assert.True(breaker.TryEnter(At(0)));
            breaker.Bad(At(0));
        }
        Assert.False(breaker.TryEnter(At(1)));
        breaker.Bad(At(1));
        Assert.True(breaker.TryEnter(At(5)));
        Assert.False(breaker.TryEnter(At(5)));
        Assert.True(breaker.IsOpen(At(5)));
        breaker.Bad(At(5));
        Assert.False(breaker.TryEnter(At(14)));
        Assert.True(breaker.TryEnter(At(15)));
        breaker.Left();
        Assert.True(breaker.TryEnter(At(15)));
        breaker.Good();
        Assert.False(breaker.IsOpen(At(15)));
        Assert.True(breaker.TryEnter(At(15)));
    }

    [Fact]
    public void A_quota_that_is_used_up_is_a_pause_and_not_a_failure()
    {
        GridBreaker breaker = new();
        breaker.Pause(At(0), TimeSpan.FromSeconds(30));
        Assert.True(breaker.IsOpen(At(29)));
        Assert.False(breaker.TryEnter(At(29)));
        Assert.False(breaker.IsOpen(At(30)));
        Assert.True(breaker.TryEnter(At(30)));
        Assert.True(breaker.TryEnter(At(30)));
    }

    [Fact]
    public void Nothing_is_held_until_half_of_the_last_lookups_were_hits()
    {
        LookupHistory history = new(TimeSpan.FromMilliseconds(150));
        for (int i = 0; i < LookupHistory.AtLeast - 1; i++) history.Answered(true, Ms(10));
        Assert.Equal(TimeSpan.Zero, history.Hold(At(0)));
        history.Answered(true, Ms(10));
        Assert.Equal(Ms(10), history.Hold(At(0)));
        for (int i = 0; i < LookupHistory.AtLeast + 1; i++) history.Answered(false, Ms(1));
        Assert.Equal(TimeSpan.Zero, history.Hold(At(0)));
        // What lies further back than the last two hundred is forgotten.
        for (int i = 0; i < 3 * LookupHistory.Remembered; i++) history.Answered(false, Ms(1));
        for (int i = 0; i < LookupHistory.Remembered / 2; i++) history.Answered(true, Ms(10));
        Assert.Equal(Ms(10), history.Hold(At(0)));
    }

    [Fact]
    public void The_hold_is_what_three_of_four_hits_take_and_never_above_the_limit()
    {
        LookupHistory history = new(TimeSpan.FromMilliseconds(150));
        for (int i = 0; i < 64; i++) history.Answered(true, Ms(i % 4 == 3 ? 400 : 20 + i % 4));
        Assert.Equal(Ms(22), history.Hold(At(0)));
        for (int i = 0; i < 64; i++) history.Answered(true, Ms(400));
        Assert.Equal(Ms(150), history.Hold(At(0)));
    }

    [Fact]
    public void Holding_in_vain_ends_after_two_seconds_until_the_minute_is_over()
    {
        LookupHistory history = new(TimeSpan.FromMilliseconds(150));
        for (int i = 0; i < 64; i++) history.Answered(true, Ms(100));
        // Thirty at the same time cost the visitor one hold.
        for (int i = 0; i < 30; i++) history.InVain(At(0), At(0.1));
        Assert.Equal(Ms(100), history.Hold(At(0.1)));
        for (int i = 1; i < 20; i++) history.InVain(At(i), At(i + 0.1));
        Assert.Equal(TimeSpan.Zero, history.Hold(At(20)));
        Assert.Equal(Ms(100), history.Hold(At(60)));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static TimeSpan Ms(double milliseconds) => TimeSpan.FromMilliseconds(milliseconds);
}
