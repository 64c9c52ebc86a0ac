using GlobalCache.Master.Reconcile;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Reconcile;

/// <summary>One master at a time, by what each can prove of it.</summary>
public sealed class LeaseTests
{
    private static readonly LifePolicy s_life = new();
    private readonly SimulatedWorld _world = new(new ScalingPolicy());
    private readonly SimulatedStore _store;

    public LeaseTests() => _store = new SimulatedStore(_world);

    [Fact]
    public async Task The_second_waits_until_the_first_has_been_silent_for_a_whole_lease()
    {
        (Lease first, _) = Of("a");
        (Lease second, SimulatedClock clock) = Of("b");
        // Even a clock that is an hour ahead, which would take the lease for long run out.
        clock.Offset = TimeSpan.FromHours(1);
        Assert.True(await first.EnsureAsync(default));
        for (int i = 0; i < 12; i++)
        {
            Assert.False(await second.EnsureAsync(default));
            Assert.True(await first.EnsureAsync(default));
            _world.Advance(TimeSpan.FromSeconds(10));
        }

        Assert.False(await second.EnsureAsync(default));
        _world.Advance(TimeSpan.FromSeconds(29));
        Assert.False(await second.EnsureAsync(default));
        Assert.False(first.IsHeld);
        _world.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await second.EnsureAsync(default));
        Assert.Equal((1, 2), (first.Epoch, second.Epoch));
        Assert.False(await first.EnsureAsync(default));
        Assert.False(first.IsHeld);
    }

    [Fact]
    public async Task Who_cannot_renew_acts_while_fifteen_seconds_are_left_and_not_longer()
    {
        (Lease lease, _) = Of("a");
        Assert.True(await lease.EnsureAsync(default));
        _store.IsDown = () => true;
        _world.Advance(TimeSpan.FromSeconds(14));
        Assert.True(await lease.EnsureAsync(default));
        _world.Advance(TimeSpan.FromSeconds(2));
        Assert.False(await lease.EnsureAsync(default));
        _store.IsDown = () => false;
        Assert.True(await lease.EnsureAsync(default));
        Assert.Equal(1, lease.Epoch);
    }

    [Fact]
    public async Task What_is_left_is_counted_from_before_the_call_was_sent()
    {
        (Lease lease, _) = Of("a");
        _world.OnCall = (call, isAfter) =>
        {
            if (call == "put" && isAfter) _world.Advance(TimeSpan.FromSeconds(20));
            return Task.CompletedTask;
        };
        await lease.EnsureAsync(default);
        Assert.Equal(TimeSpan.FromSeconds(10), lease.Left);
        Assert.False(lease.IsHeld);
    }

    [Fact]
    public async Task What_was_ordered_is_handed_on_and_who_gives_up_is_followed_at_once()
    {
        (Lease first, _) = Of("a");
        (Lease second, _) = Of("b");
        await first.EnsureAsync(default);
        first.Slots[3] = new SlotUse(7, 2, SlotStage.Ordered);
        Assert.True(await first.SaveAsync(default));
        await first.ReleaseAsync(default);
        Assert.True(await second.EnsureAsync(default));
        Assert.Equal(new SlotUse(7, 2, SlotStage.Ordered), Assert.Single(second.Slots).Value);
        Assert.False(await first.SaveAsync(default));
    }

    private (Lease Lease, SimulatedClock Clock) Of(string owner)
    {
        var clock = new SimulatedClock(_world);
        return (new Lease(_store, owner, () => s_life, clock), clock);
    }
}
