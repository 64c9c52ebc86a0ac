using System.Net;
using GlobalCache.Master.Fleets;
using GlobalCache.Master.Nodes;
using GlobalCache.Master.Reconcile;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Reconcile;

/// <summary>One step, from what is seen to what is done.</summary>
public sealed class StepTests
{
    private static readonly ScalingPolicy s_policy = new();
    private static readonly DateTimeOffset s_now = new(2026, 1, 11, 16, 0, 0, TimeSpan.Zero);

    [Fact]
    public void A_silent_node_counts_with_its_last_figure_and_is_told_of_as_silent()
    {
        Observation seen = Step.Observe([Node(0, NodeState.InService, 40), Node(1, NodeState.InService, 30) with { Look = null }], new Memory(default), s_policy);
        Assert.Equal((70, 2, 1), (seen.RequestsPerSecond, seen.Serving, seen.Silent));
    }

    [Fact]
    public void What_draining_nodes_still_serve_is_demand_and_what_is_nobodys_is_not_a_figure()
    {
        Assert.Equal(45, Step.Observe([Node(0, NodeState.InService, 40), Node(1, NodeState.Draining, 5)], new Memory(default), s_policy).RequestsPerSecond);
        Assert.True(double.IsNaN(Step.Observe([Node(0, NodeState.InService, double.NaN)], new Memory(default), s_policy).RequestsPerSecond));
        Assert.True(double.IsNaN(Step.Observe([Node(0, NodeState.Gone, 7), Node(0, NodeState.Foreign, 7)], new Memory(default), s_policy).RequestsPerSecond));
    }

    [Fact]
    public void The_newest_drained_is_called_back_before_anything_is_launched_and_its_mark_comes_first()
    {
        NodeView older = Draining(1, s_now - TimeSpan.FromMinutes(9)), newer = Draining(2, s_now - TimeSpan.FromMinutes(2));
        IReadOnlyList<Effect> effects = Next([Node(0, NodeState.InService, 50), older, newer], new Plan(2, PlanKind.Out, "More is needed."));
        var mark = Assert.IsType<MarkEffect>(effects[0]);
        Assert.Equal((newer.Instance.Id, Intent.Serve), (mark.On.Instance.Id, mark.Marks.Intent));
        Assert.IsType<PublishEffect>(effects[1]);
        Assert.IsType<TellEffect>(effects[2]);
        Assert.Equal(3, effects.Count);
    }

    [Fact]
    public void The_node_with_the_least_traffic_is_closed_marked_then_unpublished_then_told()
    {
        IReadOnlyList<Effect> effects = Next([Node(0, NodeState.InService, 20), Node(1, NodeState.InService, 10), Node(2, NodeState.InService, 30)], new Plan(2, PlanKind.In, "Two suffice."));
        Assert.Equal(["MarkEffect node 1.1", "PublishEffect the DNS", "TellEffect node 1.1"], effects.Select(e => $"{e.GetType().Name} {e.Node}"));
        Assert.DoesNotContain(Address(1), ((PublishEffect)effects[1]).Addresses);
    }

    [Fact]
    public void Nothing_is_closed_within_a_full_window_of_the_masters_start_and_the_last_that_serves_never_is()
    {
        NodeView[] two = [Node(0, NodeState.InService, 20), Node(1, NodeState.InService, 10)];
        Assert.Empty(Next(two, new Plan(1, PlanKind.In, "One suffices."), s_policy.Calm - TimeSpan.FromSeconds(1)));
        Assert.NotEmpty(Next(two, new Plan(1, PlanKind.In, "One suffices."), s_policy.Calm));
        Assert.Empty(Next([two[0]], new Plan(0, PlanKind.In, "None suffices.")));
    }

    [Fact]
    public void The_same_input_leads_to_the_same_effects()
    {
        NodeView[] nodes = [Node(0, NodeState.InService, 20), Draining(1, s_now), Node(2, NodeState.Lost, 0)];
        var plan = new Plan(4, PlanKind.Out, "More is needed.");
        Assert.Equal(Next(nodes, plan).Select(Text), Next(nodes, plan).Select(Text));

        static string Text(Effect e) => $"{e.GetType().Name} {e.Node} {e.Reason}";
    }

    [Fact]
    public void Machines_of_ones_own_are_published_while_they_are_well_and_neither_opened_nor_closed()
    {
        NodeView[] nodes = [Node(0, NodeState.InService, 20), Node(1, NodeState.Lost, 0) with { For = TimeSpan.FromHours(1), InDns = true }];
        IReadOnlyList<Effect> effects = Next(nodes, new Plan(5, PlanKind.Out, "More is needed."), isFixed: true);
        Assert.Equal([Address(0)], Assert.IsType<PublishEffect>(Assert.Single(effects)).Addresses);
    }

    private static IReadOnlyList<Effect> Next(IReadOnlyList<NodeView> nodes, Plan plan, TimeSpan? clock = null, bool isFixed = false) => Step.Next(new StepInput
    {
        Nodes = nodes,
        View = new FleetView
        {
            Instances = [.. nodes.Select(n => n.Instance)],
            Published = nodes.Where(n => n.InDns).Select(n => n.Instance.Address!).ToHashSet(),
            Looks = new Dictionary<string, NodeLook>(),
            Now = s_now,
            Clock = clock ?? TimeSpan.FromHours(1),
        },
        Memory = new Memory(default),
        Plan = plan,
        Usage = default,
        Policy = s_policy,
        Epoch = 1,
        IsFixed = isFixed,
    });

    private static IPAddress Address(int slot) => new([10, 0, 0, (byte)slot]);

    private static NodeView Draining(int slot, DateTimeOffset since)
    {
        NodeView node = Node(slot, NodeState.Draining, 1);
        return node with { Instance = node.Instance with { Marks = new Marks(Intent.Drain, 1, since, since) }, Look = node.Look! with { Intent = Intent.Drain }, Told = Intent.Drain, InDns = false };
    }

    private static NodeView Node(int slot, NodeState state, double rate) => new()
    {
        Instance = new Instance
        {
            Id = $"i-{slot}",
            Slot = slot,
            Generation = 1,
            State = InstanceState.Running,
            Address = Address(slot),
            Launched = s_now,
            Marks = new Marks(Intent.Serve, 1),
        },
        State = state,
        For = TimeSpan.FromMinutes(1),
        Look = state == NodeState.Lost ? null : new NodeLook { At = s_now, Ready = true, RequestsPerSecond = rate, Quiet = TimeSpan.Zero },
        InDns = state == NodeState.InService,
        IsReady = state != NodeState.Lost,
        IsProven = state != NodeState.Lost,
        RequestsPerSecond = rate,
        Capacity = 55,
        Told = Intent.Serve,
    };
}
