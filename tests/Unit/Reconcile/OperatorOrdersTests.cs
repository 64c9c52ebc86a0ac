using GlobalCache.Master.Fleets;
using GlobalCache.Master.Reconcile;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Reconcile;

/// <summary>What the operator orders stands above demand and outlives the master; nobody loses a request by it.</summary>
public sealed class OperatorOrdersTests
{
    private static readonly ScalingPolicy s_policy = new() { Max = 4, LaunchesPerHour = 100, SpendPerHour = 100, SpendPerDay = 10_000, NodeHoursPerDay = 1000 };

    [Fact]
    public async Task Retired_as_a_whole_the_fleet_drains_to_nothing_stays_so_under_a_new_master_and_comes_back_when_it_may()
    {
        var world = new SimulatedWorld(s_policy) { MayBeEmpty = true };
        var store = new SimulatedStore(world);
        SimulatedMaster master = Master(world, store, 3);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(3, world.InForce.Count);

        await master.Orders.ChangeAsync(o => o with { IsHeld = true }, default);
        await master.RunAsync(TimeSpan.FromMinutes(1));
        Assert.Empty(world.Published);
        Assert.Equal(3, world.LiveCount);
        await master.RunAsync(TimeSpan.FromMinutes(35));
        Assert.Equal(0, world.LiveCount);
        Assert.Equal(3, world.Launches);
        Assert.Contains(master.Reconciler.History.Newest(), e => e is { What: "order", Reason: "The operator retires all nodes: they go, and none is opened." });

        SimulatedMaster next = Master(world, store, 3, "b");
        await next.RunAsync(TimeSpan.FromHours(2));
        Assert.Equal((0, 3), (world.LiveCount, world.Launches));
        Assert.True(next.Reconciler.Snapshot.Orders.IsHeld);

        await next.Orders.ChangeAsync(o => o with { IsHeld = false }, default);
        await next.RunAsync(TimeSpan.FromMinutes(10));
        Assert.Equal((3, 3), (world.LiveCount, world.InForce.Count));
        Assert.Equal(0, world.Lost);
        Assert.Empty(world.Broken);
    }

    [Fact]
    public async Task Retired_while_nodes_are_on_their_way_none_of_them_serves()
    {
        var world = new SimulatedWorld(s_policy) { MayBeEmpty = true, Hidden = TimeSpan.FromSeconds(60) };
        SimulatedMaster master = Master(world, new SimulatedStore(world), 3);
        await master.RunAsync(TimeSpan.FromSeconds(20));
        await master.Orders.ChangeAsync(o => o with { IsHeld = true }, default);
        await master.RunAsync(TimeSpan.FromMinutes(20));
        Assert.Equal((0, false), (world.LiveCount, world.WasEverPublished));
        Assert.Empty(world.Broken);
    }

    [Fact]
    public async Task A_retired_node_is_replaced_and_never_called_back()
    {
        var world = new SimulatedWorld(s_policy);
        int target = 2;
        SimulatedMaster master = Master(world, new SimulatedStore(world), () => target);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        SimulatedNode gone = world.Nodes[0];
        await master.Orders.ChangeAsync(o => o.Retiring($"{gone.Order.Slot}.{gone.Order.Generation}"), default);
        await master.RunAsync(TimeSpan.FromMinutes(3));
        Assert.DoesNotContain(gone.Address, world.InForce);
        // Wanted more than ever, and well.
        target = 4;
        await master.RunAsync(TimeSpan.FromMinutes(40));
        Assert.True(gone.IsEnded);
        Assert.Equal([gone.Id], master.Denied);
        Assert.Equal((4, 5), (world.LiveCount, world.Launches));
        Assert.Equal(0, world.Lost);
        Assert.Empty(world.Broken);
    }

    [Fact]
    public async Task The_only_node_stays_until_another_serves()
    {
        var world = new SimulatedWorld(s_policy);
        SimulatedMaster master = Master(world, new SimulatedStore(world), 1);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        SimulatedNode only = world.Nodes.Single();
        await master.Orders.ChangeAsync(o => o.Retiring($"{only.Order.Slot}.{only.Order.Generation}"), default);
        await master.RunAsync(TimeSpan.FromMinutes(40), () =>
        {
            Assert.NotEmpty(world.InForce);
            // Told that it goes, it would send away whom nobody else serves.
            if (world.Published.Contains(only.Address)) Assert.Equal(Intent.Serve, only.Told);
        });
        Assert.True(only.IsEnded);
        Assert.Equal((1, 2), (world.LiveCount, world.Launches));
        Assert.Equal(0, world.Lost);
        Assert.Empty(world.Broken);
    }

    [Fact]
    public async Task A_master_that_cannot_read_what_was_ordered_opens_nothing_and_one_that_has_read_it_goes_on_by_it()
    {
        var world = new SimulatedWorld(s_policy) { MayBeEmpty = true };
        var store = new SimulatedStore(world);
        await store.PutAsync("m/orders", "no orders"u8.ToArray(), null, default);
        SimulatedMaster master = Master(world, store, 2);
        await master.RunAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(0, world.Launches);
        Assert.Contains(master.Reconciler.History.Newest(), e => e.What == "trouble" && e.Reason.StartsWith("What the operator has ordered is not known", StringComparison.Ordinal));

        await store.PutAsync("m/orders", "{\"isHeld\":false,\"retired\":[]}"u8.ToArray(), (await store.GetAsync("m/orders", default))!.ETag, default);
        await master.RunAsync(TimeSpan.FromMinutes(5));
        await store.PutAsync("m/orders", "null"u8.ToArray(), (await store.GetAsync("m/orders", default))!.ETag, default);
        await master.RunAsync(TimeSpan.FromMinutes(5));
        Assert.Equal((2, 2), (world.Launches, world.InForce.Count));
    }

    [Fact]
    public async Task A_master_that_dies_at_any_call_of_a_retirement_leaves_it_to_the_next()
    {
        for (int dies = 1; dies < 200; dies += 3)
        {
            var world = new SimulatedWorld(s_policy) { MayBeEmpty = true };
            var store = new SimulatedStore(world);
            SimulatedMaster master = Master(world, store, 2);
            await master.RunAsync(TimeSpan.FromMinutes(6));
            await master.Orders.ChangeAsync(o => o with { IsHeld = true }, default);
            int calls = 0;
            world.OnCall = (_, _) => ++calls == dies ? throw new CrashException() : Task.CompletedTask;
            try
            {
                await master.RunAsync(TimeSpan.FromMinutes(5));
            }
            catch (CrashException)
            {
                world.OnCall = null;
            }

            await Master(world, store, 2, "b").RunAsync(TimeSpan.FromMinutes(45));
            Assert.True((world.LiveCount, world.Launches, world.Lost, world.Broken.Count) == (0, 2, 0, 0), $"after call {dies}: {world.LiveCount} live, {world.Launches} launched, {world.Lost} lost, {string.Join("; ", world.Broken)}");
        }
    }

    [Fact]
    public async Task Two_orders_at_once_both_stand_and_too_many_forget_the_oldest()
    {
        var store = new SimulatedStore(new SimulatedWorld(s_policy));
        var desk = new OrderDesk(store, TimeProvider.System);
        await desk.ChangeAsync(o =>
        {
            if (o.Retired.Count == 0) desk.ChangeAsync(b => b.Retiring("1.1"), default).Wait();
            return o.Retiring("0.1");
        }, default);
        Assert.Equal(["1.1", "0.1"], (await desk.ReadAsync(default)).Retired);
        OperatorOrders many = OperatorOrders.None;
        for (int i = 0; i < 300; i++) many = many.Retiring($"0.{i}").Retiring($"0.{i}");
        Assert.Equal((OperatorOrders.MostRetired, "0.299"), (many.Retired.Count, many.Retired[^1]));
    }

    [Theory]
    [InlineData("0.3", "0.3")]
    [InlineData("node 12.1", "12.1")]
    [InlineData(" Node 007.1 ", "7.1")]
    [InlineData("0", null)]
    [InlineData("0.-1", null)]
    [InlineData("a.b", null)]
    [InlineData("0.3.1", null)]
    [InlineData("99999999999.1", null)]
    [InlineData(null, null)]
    public void A_node_is_named_as_the_dashboard_does(string? said, string? meant) => Assert.Equal(meant, OperatorOrders.Parse(said));

    private static SimulatedMaster Master(SimulatedWorld world, SimulatedStore store, int target, string owner = "a") => Master(world, store, () => target, owner);

    private static SimulatedMaster Master(SimulatedWorld world, SimulatedStore store, Func<int> target, string owner = "a") => new(world, store, owner, SimulatedMaster.Always(target));
}
