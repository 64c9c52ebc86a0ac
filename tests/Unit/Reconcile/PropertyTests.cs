using GlobalCache.Policy;

namespace GlobalCache.Tests.Reconcile;

/// <summary>The properties of SCALING §5, on the simulated cloud.</summary>
public sealed class PropertyTests
{
    private static readonly ScalingPolicy s_policy = new() { Max = 6, LaunchesPerHour = 100, SpendPerHour = 100, SpendPerDay = 10_000, NodeHoursPerDay = 1000 };

    [Fact]
    public async Task A_grid_comes_up_grows_and_shrinks_and_nothing_is_lost()
    {
        var world = new SimulatedWorld(s_policy);
        int target = 2;
        var master = new SimulatedMaster(world, new SimulatedStore(world), "a", SimulatedMaster.Always(() => target));
        await master.RunAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(2, world.InForce.Count);
        target = 4;
        await master.RunAsync(TimeSpan.FromMinutes(30));
        Assert.Equal(4, world.InForce.Count);
        target = 1;
        await master.RunAsync(TimeSpan.FromMinutes(40));
        Assert.Equal(1, world.LiveCount);
        Assert.Equal(4, world.Launches);
        Assert.Equal(0, world.Lost);
        Assert.Empty(world.Broken);
    }
}
