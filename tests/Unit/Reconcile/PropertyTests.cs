using System.Net;
using CsCheck;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Reconcile;

/// <summary>The properties of SCALING §5, on the simulated cloud. The world itself watches over the first two, at every call of every test.</summary>
public sealed class PropertyTests
{
    private static readonly string[] s_writes = ["launch", "mark", "publish", "tell", "retire", "terminate"];
    private static readonly ScalingPolicy s_policy = new() { Max = 6, LaunchesPerHour = 100, SpendPerHour = 100, SpendPerDay = 10_000, NodeHoursPerDay = 1000 };
    private static readonly Gen<int> s_seeds = Gen.Int[1, 1_000_000];

    [Fact]
    public async Task A_grid_comes_up_grows_and_shrinks_and_nothing_is_lost()
    {
        var world = new SimulatedWorld(s_policy);
        int target = 2;
        SimulatedMaster master = Master(world, () => target);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(2, world.InForce.Count);
        target = 4;
        await master.RunAsync(TimeSpan.FromMinutes(30));
        Assert.Equal(4, world.InForce.Count);
        target = 1;
        await master.RunAsync(TimeSpan.FromMinutes(40));
        Assert.Equal(1, world.LiveCount);
        Assert.Equal(4, world.Launches);
        NothingBroken(world);
        Assert.Equal(0, world.Lost);
        Assert.All(master.Reconciler.History.Newest(), e => Assert.EndsWith(".", e.Reason));
    }

    [Fact]
    public Task P1_The_fleet_stays_within_its_bounds_and_the_DNS_is_never_empty_whatever_is_wanted_and_whatever_fails() => s_seeds.SampleAsync(async seed =>
    {
        var random = new Random(seed);
        var world = new SimulatedWorld(s_policy, seed);
        int target = 3;
        SimulatedMaster master = Master(world, () => target);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        for (int i = 0; i < 20; i++)
        {
            target = random.Next(0, 20);
            await master.RunAsync(TimeSpan.FromSeconds(random.Next(10, 600)));
            foreach (SimulatedNode node in world.Nodes.ToList())
                if (!node.IsEnded && random.Next(6) == 0) world.Fail(node, hangs: random.Next(2) == 0);
        }

        target = 3;
        await master.RunAsync(TimeSpan.FromMinutes(90));
        NothingBroken(world);
        Assert.Equal((3, 3), (world.LiveCount, world.InForce.Count));
        Assert.All(world.Nodes.Where(n => !n.IsEnded), n => Assert.Contains(n.Address, world.InForce));
    }, iter: 30, threads: 1);

    [Fact]
    public async Task P1_When_no_node_is_well_all_are_named_and_those_that_come_back_serve()
    {
        var world = new SimulatedWorld(s_policy);
        SimulatedMaster master = Master(world, () => 3);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        HashSet<IPAddress> before = world.InForce;
        world.NoCapacity = 1;
        foreach (SimulatedNode node in world.Nodes) world.Fail(node, hangs: true);
        await master.RunAsync(TimeSpan.FromMinutes(60), () => Assert.Subset(world.Published, before));
        foreach (SimulatedNode node in world.Nodes) node.Hangs = false;
        await master.RunAsync(TimeSpan.FromMinutes(5));
        Assert.Equal(before, world.InForce);
        Assert.Equal(3, world.LiveCount);
        NothingBroken(world);
    }

    [Fact]
    public async Task P1_When_the_last_node_is_lost_those_lost_before_it_are_named_again()
    {
        var world = new SimulatedWorld(s_policy);
        SimulatedMaster master = Master(world, () => 3);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        HashSet<IPAddress> all = world.InForce;
        world.NoCapacity = 1;
        foreach (SimulatedNode node in world.Nodes[..2]) world.Fail(node, hangs: true);
        await master.RunAsync(TimeSpan.FromSeconds(80));
        Assert.Single(world.Published);
        world.Fail(world.Nodes[2], hangs: true);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        Assert.Equal(all, world.Published);
        NothingBroken(world);
    }

    [Fact]
    public Task P2_Nothing_is_ended_in_the_DNS_nor_soon_after_nor_with_traffic_and_no_request_is_lost() => s_seeds.SampleAsync(async seed =>
    {
        var random = new Random(seed);
        var world = new SimulatedWorld(s_policy, seed) { Demand = t => 60 + (40 * Math.Sin(t.TotalSeconds / 700)) };
        int target = 2;
        SimulatedMaster master = Master(world, () => target);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        for (int i = 0; i < 25; i++)
        {
            target = random.Next(1, 7);
            await master.RunAsync(TimeSpan.FromSeconds(random.Next(5, 1500)));
        }

        NothingBroken(world);
        Assert.Equal(0, world.Lost);
    }, iter: 20, threads: 1);

    [Fact]
    public async Task P3_Constant_noisy_demand_leads_to_two_actions_a_day_at_most()
    {
        foreach (double demand in new[] { 30.0, 80, 130 })
        {
            var world = new SimulatedWorld(s_policy) { Demand = Noisy(demand, 0.03) };
            var master = new SimulatedMaster(world, new SimulatedStore(world), "a");
            await master.RunAsync(TimeSpan.FromHours(2));
            int before = Actions(master);
            await master.RunAsync(TimeSpan.FromHours(24));
            Assert.InRange(Actions(master) - before, 0, 2);
            NothingBroken(world);
            Assert.Equal(0, world.ToEnded);
        }
    }

    [Fact]
    public async Task P4_Demand_and_capacity_64_times_as_large_lead_to_the_same_steps()
    {
        List<string>[] steps = new List<string>[2];
        for (int i = 0; i < 2; i++)
        {
            double factor = i == 0 ? 1 : 64;
            ScalingPolicy policy = s_policy with { Capacity = 55 * factor };
            var world = new SimulatedWorld(policy) { Capacity = 55 * factor, Demand = t => factor * (60 + (50 * Math.Sin(t.TotalHours))) };
            var master = new SimulatedMaster(world, new SimulatedStore(world), "a");
            await master.RunAsync(TimeSpan.FromHours(12));
            steps[i] = [.. master.Reconciler.History.Newest().Where(e => e.What is "launch" or "mark" or "end").Select(e => $"{e.At:T} {e.Node} {e.What}")];
            NothingBroken(world);
        }

        Assert.NotEmpty(steps[0]);
        Assert.Equal(steps[0], steps[1]);
    }

    [Theory]
    [InlineData(3, 100, 1000, 1000)]
    [InlineData(100, 0.20, 1000, 1000)]
    [InlineData(100, 100, 60, 1000)]
    [InlineData(100, 100, 1000, 2.4)]
    public Task P5_Launches_spend_and_hours_stay_within_their_limits_whatever_is_asked_for(int launchesAnHour, double spendAnHour, double hoursADay, double spendADay) => s_seeds.SampleAsync(async seed =>
    {
        const double Price = 0.04;
        var random = new Random(seed);
        ScalingPolicy policy = s_policy with
        {
            Max = 20,
            LaunchesPerHour = launchesAnHour,
            SpendPerHour = (decimal)spendAnHour,
            NodeHoursPerDay = hoursADay,
            SpendPerDay = (decimal)spendADay,
        };
        var world = new SimulatedWorld(policy, seed);
        List<TimeSpan> launches = [];
        List<string> over = [];
        world.OnCall = (call, isAfter) =>
        {
            if (call != "launch" || !isAfter) return Task.CompletedTask;
            launches.Add(world.Now);
            if (launches.Count(l => world.Now - l < TimeSpan.FromHours(1)) > launchesAnHour) over.Add($"{world.Now}: launches");
            if (world.LiveCount * Price > spendAnHour) over.Add($"{world.Now}: spend");
            return Task.CompletedTask;
        };
        int target = 1;
        SimulatedMaster master = Master(world, () => target);
        Queue<double> hours = new();
        for (int i = 0; i < 36; i++)
        {
            // Demand that wants everything for half an hour, then nothing for a while.
            double before = world.NodeHours;
            target = i % 3 == 0 ? random.Next(5, 50) : 1;
            await master.RunAsync(TimeSpan.FromMinutes(30));
            target = 1;
            await master.RunAsync(TimeSpan.FromMinutes(30));
            hours.Enqueue(world.NodeHours - before);
            if (hours.Count > 24) hours.Dequeue();
            if (hours.Sum() > hoursADay || hours.Sum() * Price > spendADay) over.Add($"{world.Now}: {hours.Sum()} hours");
        }

        Assert.True(over.Count == 0, string.Join("; ", over.Take(5)));
        Assert.Contains(master.Reconciler.History.Newest(), e => e.What == "alarm");
        NothingBroken(world);
    }, iter: 3, threads: 1);

    [Fact]
    public async Task P5_A_new_master_counts_the_launches_of_the_one_before()
    {
        ScalingPolicy policy = s_policy with { LaunchesPerHour = 3 };
        var world = new SimulatedWorld(policy);
        var store = new SimulatedStore(world);
        await Master(world, () => 3, store).RunAsync(TimeSpan.FromMinutes(10));
        SimulatedMaster next = Master(world, () => 5, store, "b");
        await next.RunAsync(TimeSpan.FromMinutes(40));
        Assert.Equal(3, world.Launches);
        Assert.Equal(3, next.Reconciler.Snapshot.Usage.LaunchesLastHour);
        await next.RunAsync(TimeSpan.FromMinutes(40));
        Assert.Equal(5, world.Launches);
    }

    [Fact]
    public async Task P5_A_day_is_given_once_however_often_its_master_is_another()
    {
        ScalingPolicy policy = s_policy with { Max = 8, NodeHoursPerDay = 50 };
        var world = new SimulatedWorld(policy);
        var store = new SimulatedStore(world);
        int target = 1;
        bool isDenied = false;
        for (int i = 0; i < 24; i++)
        {
            SimulatedMaster master = Master(world, () => target, store, $"m{i}");
            target = 8;
            await master.RunAsync(TimeSpan.FromMinutes(25));
            target = 1;
            await master.RunAsync(TimeSpan.FromMinutes(35));
            isDenied |= master.Reconciler.History.Newest().Any(e => e.What == "alarm" && e.Reason.Contains("hours of nodes", StringComparison.Ordinal));
        }

        Assert.InRange(world.NodeHours, 30, policy.NodeHoursPerDay);
        Assert.True(isDenied);
        NothingBroken(world);
    }

    /// <summary>A wrong clock makes a day seem longer ago, a new master makes an hour seem younger: neither may add up.</summary>
    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(3)]
    public void P5_A_day_is_a_day_though_its_masters_live_ten_minutes_and_one_of_them_lives_days_off(double daysOff)
    {
        DateTimeOffset begin = new(2026, 1, 11, 16, 0, 0, TimeSpan.Zero);
        DayUse? kept = null;
        for (int m = 0; m < 72 * 6; m++)
        {
            // Two nodes, one for every other master.
            var limits = new Limits(kept);
            TimeSpan off = m == 30 * 6 ? TimeSpan.FromDays(daysOff) : TimeSpan.Zero;
            Usage use = default;
            for (int i = 0; i <= 10; i++)
            {
                DateTimeOffset now = begin + TimeSpan.FromMinutes((m * 10) + i) + off;
                NodeView[] nodes = [.. Enumerable.Range(0, 1 + (m % 2)).Select(n => new NodeView { For = TimeSpan.Zero, Instance = new Instance { Id = $"i-{n}", State = InstanceState.Running, Launched = n == 0 ? begin : now, Type = "small", Marks = new Marks(Intent.Serve, 1) }, State = NodeState.InService })];
                use = limits.Take(nodes, new Dictionary<int, OpenOrder>(), new FleetView { Clock = TimeSpan.FromMinutes(i), Now = now, Instances = [], Published = null, Looks = new Dictionary<string, NodeLook>() }, _ => 0.1m);
                kept = limits.Kept(now);
            }

            double truth = 1.5 * Math.Min(24, (m + 1) / 6.0);
            // An hour of use at its younger end, and once what a node may have run in a day that nobody saw.
            double more = 1.5 + (daysOff != 0 && m >= 30 * 6 && m < 56 * 6 ? 24 : 0);
            Assert.True(use.NodeHoursLastDay >= truth - 0.2 && use.NodeHoursLastDay <= truth + more, $"{use.NodeHoursLastDay:0.00} instead of {truth:0.00} after {m} masters");
            Assert.InRange((double)use.SpendLastDay, 0.1 * (truth - 0.2), 0.1 * (truth + more));
        }
    }

    [Fact]
    public void P5_What_one_master_has_counted_the_next_one_counts_on()
    {
        DateTimeOffset now = new(2026, 1, 11, 16, 0, 0, TimeSpan.Zero);
        NodeView[] nodes = [new NodeView { For = TimeSpan.Zero, Instance = new Instance { Id = "i-1", State = InstanceState.Running, Launched = now, Type = "small", Marks = new Marks(Intent.Serve, 1) }, State = NodeState.InService }];
        var one = new Limits();
        Usage last = default;
        for (int m = 0; m <= 600; m++) last = one.Take(nodes, new Dictionary<int, OpenOrder>(), View(m), _ => 0.1m);
        Assert.Equal(10, last.NodeHoursLastDay, 2);
        Assert.Equal(14, last.HoursAhead, 2);

        // Ten minutes without a master; the node of the first ten hours is no more.
        DayUse kept = one.Kept(now.AddHours(10))!;
        Assert.True(kept.IsSound);
        var next = new Limits(kept);
        Usage first = next.Take([], new Dictionary<int, OpenOrder>(), View(0, 610), _ => 0.1m);
        Assert.InRange(first.NodeHoursLastDay, 9.99, 10.01);
        Assert.InRange((double)first.SpendLastDay, 0.999, 1.001);
        Assert.InRange(first.HoursAhead, 13.99, 14.01);
        // A day later it is forgotten.
        Usage later = default;
        for (int m = 0; m <= 24 * 60; m += 5) later = next.Take([], new Dictionary<int, OpenOrder>(), View(m, 610), _ => 0.1m);
        Assert.InRange(later.NodeHoursLastDay, 0, 0.01);

        FleetView View(int minute, int before = 0) => new()
        {
            Clock = TimeSpan.FromMinutes(minute),
            Now = now.AddMinutes(before + minute),
            Instances = [],
            Published = null,
            Looks = new Dictionary<string, NodeLook>(),
        };
    }

    [Fact]
    public async Task P6_Metrics_that_are_missing_stale_repeated_zero_or_no_figures_never_close_a_node()
    {
        DateTimeOffset old = default;
        (string Name, Func<NodeLook, NodeLook?> Says)[] faults =
        [
            ("missing", _ => null),
            ("stale", look => look with { At = old }),
            ("no figure", look => look with { RequestsPerSecond = double.NaN, Load = double.NaN }),
            ("infinite", look => look with { RequestsPerSecond = double.PositiveInfinity }),
            ("negative", look => look with { RequestsPerSecond = -5 }),
            ("zero", look => look with { RequestsPerSecond = 0, Load = 0, InFlight = 0 }),
        ];
        foreach ((string name, Func<NodeLook, NodeLook?> says) in faults)
        {
            var world = new SimulatedWorld(s_policy with { Max = 20 }) { Demand = _ => 130 };
            var state = new ScalingState();
            List<PlanKind> kinds = [];
            var master = new SimulatedMaster(world, new SimulatedStore(world), "a", (seen, policy, now) =>
            {
                Plan plan = Decide.Next(state, seen, policy, now);
                kinds.Add(plan.Kind);
                return plan;
            });
            await master.RunAsync(TimeSpan.FromHours(1));
            int serving = world.InForce.Count;
            (old, kinds) = (master.Clock.GetUtcNow(), []);
            master.Nodes.Says = says;
            await master.RunAsync(TimeSpan.FromHours(1));
            Assert.True(serving >= 3 && !kinds.Contains(PlanKind.In), name);
            Assert.True(world.InForce.Count >= serving, name);
            NothingBroken(world);
        }
    }

    [Fact]
    public async Task P7_Where_all_is_as_it_should_be_nothing_is_done()
    {
        var world = new SimulatedWorld(s_policy) { Demand = _ => 130 };
        SimulatedMaster master = Master(world, () => 3);
        await master.RunAsync(TimeSpan.FromMinutes(30));
        List<string> calls = [];
        world.OnCall = (call, _) =>
        {
            calls.Add(call);
            return Task.CompletedTask;
        };
        await master.RunAsync(TimeSpan.FromHours(1));
        Assert.Equal(["describe", "get", "put", "read"], calls.Distinct().Order());
    }

    [Fact]
    public Task P7_What_is_heard_twice_is_done_once() => s_seeds.SampleAsync(async seed =>
    {
        // Half of all answers are lost, so nearly everything is asked for again.
        var random = new Random(seed);
        var world = new SimulatedWorld(s_policy, seed) { Throttled = 0.5 };
        int target = 2;
        SimulatedMaster master = Master(world, () => target);
        for (int i = 0; i < 4; i++)
        {
            await master.RunAsync(TimeSpan.FromMinutes(60));
            Assert.Equal((target, target), (world.LiveCount, world.InForce.Count));
            target = random.Next(1, 6);
        }

        NothingBroken(world);
        Assert.Equal(0, world.Lost);
    }, iter: 10, threads: 1);

    [Fact]
    public async Task P8_A_master_that_dies_after_any_call_leaves_nothing_that_the_next_does_not_finish()
    {
        int calls = 0;
        List<string> names = [];
        await ScenarioAsync(-1, name =>
        {
            calls++;
            names.Add(name);
        });
        // Every call that changes something, and every 29th that only looks.
        int[] at = [.. Enumerable.Range(0, calls).Where(i => s_writes.Contains(names[i]) || i % 29 == 0)];
        Assert.InRange(at.Count(i => s_writes.Contains(names[i])), 18, 500);
        foreach (int i in at)
        {
            (SimulatedWorld world, int launches) = await ScenarioAsync(i, _ => { });
            Assert.True(world.Broken.Count == 0, $"after call {i} ({names[i]}): {string.Join("; ", world.Broken)}");
            Assert.True((world.LiveCount, world.InForce.Count, launches) == (1, 1, 3), $"after call {i} ({names[i]}): {world.LiveCount} live, {world.InForce.Count} named, {launches} launched");
            Assert.True(world.Lost == 0, $"after call {i} ({names[i]}): {world.Lost} lost");
        }
    }

    [Fact]
    public Task P9_Two_masters_in_any_interleaving_break_no_rule() => s_seeds.SampleAsync(async seed =>
    {
        var random = new Random(seed);
        var world = new SimulatedWorld(s_policy, seed) { Hidden = TimeSpan.FromSeconds(20) };
        var store = new SimulatedStore(world);
        int target = 2;
        SimulatedMaster[] masters = [Master(world, () => target, store, "a"), Master(world, () => target, store, "b")];
        masters[1].Clock.Offset = TimeSpan.FromMinutes(random.Next(-60, 60));
        int active = 0;
        bool isNested = false;
        world.OnCall = async (call, _) =>
        {
            // The one is stopped in the middle of a call, for a moment or for longer than its lease lasts; the other goes on.
            if (isNested || random.Next(call is "describe" or "read" ? 60 : 6) != 0) return;
            isNested = true;
            await masters[1 - active].RunAsync(TimeSpan.FromSeconds(random.Next(3) == 0 ? random.Next(1, 90) : random.Next(1, 12)));
            isNested = false;
        };
        for (int i = 0; i < 40; i++)
        {
            if (i % 4 == 0) target = random.Next(1, 7);
            active = random.Next(2);
            await masters[active].RunAsync(TimeSpan.FromSeconds(random.Next(20, 400)));
        }

        world.OnCall = null;
        target = 2;
        for (int i = 0; i < 1500; i++)
        {
            await masters[0].PassAsync();
            await masters[1].PassAsync();
            world.Advance(TimeSpan.FromSeconds(2));
        }

        NothingBroken(world);
        Assert.Equal((2, 2), (world.LiveCount, world.InForce.Count));
        Assert.Equal(1, masters.Count(m => m.Lease.IsHeld));
    }, iter: 40, threads: 1);

    [Fact]
    public async Task P10_A_node_that_the_cloud_hides_for_a_minute_is_not_launched_twice_also_not_by_the_next_master()
    {
        for (int crash = 0; crash < 4; crash++)
        {
            var world = new SimulatedWorld(s_policy) { Hidden = TimeSpan.FromSeconds(60), NoCapacity = crash == 3 ? 0.6 : 0 };
            var store = new SimulatedStore(world);
            int launched = 0, dies = crash;
            world.OnCall = (call, isAfter) => call == "launch" && isAfter && ++launched == dies ? throw new CrashException() : Task.CompletedTask;
            SimulatedMaster master = Master(world, () => 3, store);
            try
            {
                await master.RunAsync(TimeSpan.FromMinutes(20));
            }
            catch (CrashException)
            {
                master = Master(world, () => 3, store, "b");
                await master.RunAsync(TimeSpan.FromMinutes(20));
            }

            Assert.True((world.Launches, world.InForce.Count) == (3, 3), $"{crash}: {string.Join("\n", master.Reconciler.History.Newest())}");
            NothingBroken(world);
        }
    }

    [Fact]
    public Task P11_Clocks_that_jump_by_an_hour_throttling_and_want_of_room_only_cost_time() => s_seeds.SampleAsync(async seed =>
    {
        var random = new Random(seed);
        var world = new SimulatedWorld(s_policy, seed) { Throttled = 0.1, NoCapacity = 0.5 };
        int target = 2;
        SimulatedMaster master = Master(world, () => target);
        for (int i = 0; i < 60; i++)
        {
            if (i % 10 == 0) target = random.Next(1, 6);
            master.Clock.Offset = TimeSpan.FromMinutes(random.Next(3) switch { 0 => -60, 1 => 60, _ => 0 });
            await master.RunAsync(TimeSpan.FromSeconds(random.Next(30, 400)));
        }

        await master.RunAsync(TimeSpan.FromMinutes(60));
        NothingBroken(world);
        Assert.Equal(0, world.Lost);
        Assert.Equal((target, target), (world.LiveCount, world.InForce.Count));
    }, iter: 15, threads: 1);

    [Fact]
    public async Task P12_Foreign_instances_and_their_records_are_never_touched_and_orphans_go_unless_they_are_the_last()
    {
        var world = new SimulatedWorld(s_policy);
        IPAddress foreign = IPAddress.Parse("10.9.9.9"), orphan = IPAddress.Parse("10.8.8.8");
        world.Foreign.Add(new Instance { Id = "i-foreign", Slot = 0, Generation = 99, State = InstanceState.Running, Address = foreign, Launched = default });
        world.Intrude(orphan);
        SimulatedMaster master = Master(world, () => 2);
        await master.RunAsync(TimeSpan.FromSeconds(40));
        Assert.Contains(orphan, world.Published);
        world.Intrude(foreign);
        await master.RunAsync(TimeSpan.FromMinutes(10));
        Assert.Contains(foreign, world.Published);
        Assert.DoesNotContain(orphan, world.Published);
        Assert.Equal(3, world.Published.Count);
        Assert.Single(master.Reconciler.History.Newest(), e => e is { What: "alarm", Node: "i-foreign" });
        NothingBroken(world);
    }

    // Up from one node to three and down again; the master dies at one of its calls, and another takes its place.
    private static async Task<(SimulatedWorld World, int Launches)> ScenarioAsync(int dieAt, Action<string> count)
    {
        var world = new SimulatedWorld(s_policy) { Hidden = TimeSpan.FromSeconds(10) };
        var store = new SimulatedStore(world);
        int calls = 0;
        world.OnCall = (call, isAfter) =>
        {
            if (!isAfter) return Task.CompletedTask;
            count(call);
            return calls++ == dieAt ? throw new CrashException() : Task.CompletedTask;
        };
        SimulatedMaster master = Master(world, Target, store);
        try
        {
            await master.RunAsync(TimeSpan.FromMinutes(75));
        }
        catch (CrashException)
        {
            master = Master(world, Target, store, "b");
            await master.RunAsync(TimeSpan.FromMinutes(75) - world.Now);
        }

        return (world, world.Launches);

        int Target() => world.Now.TotalMinutes is > 5 and < 25 ? 3 : 1;
    }

    private static SimulatedMaster Master(SimulatedWorld world, Func<int> target, SimulatedStore? store = null, string owner = "a") =>
        new(world, store ?? new SimulatedStore(world), owner, SimulatedMaster.Always(target));

    private static void NothingBroken(SimulatedWorld world) => Assert.True(world.Broken.Count == 0, string.Join("; ", world.Broken.Take(5)));

    private static int Actions(SimulatedMaster master) => master.Reconciler.History.Newest().Count(e => e.What == "launch" || (e.What == "mark" && e.Reason.Contains("requests/s", StringComparison.Ordinal)));

    /// <summary>About a mean, never the same from one tick to the next, and the same in every run.</summary>
    internal static Func<TimeSpan, double> Noisy(double mean, double share) => t =>
    {
        var random = new Random((int)(t.TotalSeconds / 10));
        return mean * (1 + (share * (random.NextDouble() + random.NextDouble() + random.NextDouble() - 1.5) * 2));
    };
}
