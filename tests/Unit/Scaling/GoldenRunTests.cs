using GlobalCache.Master.Scaling;

namespace GlobalCache.Tests.Scaling;

/// <summary>SCALING §5, property 13: the decisions of the reference model, from its own observations, without one that differs.</summary>
public sealed class GoldenRunTests
{
    [Theory]
    [InlineData("sunday-evening", 60_474)]
    [InlineData("event-evening", 60_474)]
    [InlineData("flash-crowd", 17_279)]
    public void The_reference_models_runs_are_reproduced_tick_by_tick(string trace, int ticks)
    {
        ScalingState state = new();
        state.Seed(GoldenRuns.Start.AddDays(-14), GoldenRuns.History(trace), GoldenRuns.Reference);
        List<string> differing = [];
        int count = 0;
        foreach (GoldenRuns.Row row in GoldenRuns.Read(trace))
        {
            Plan plan = Decide.Next(state, row.Seen, GoldenRuns.Reference, row.At);
            int? want = plan.Kind == PlanKind.Stay ? null : plan.Target;
            if (want != row.Want) differing.Add($"{row.At:d HH:mm:ss} {row.Seen}: {row.Want?.ToString() ?? "-"} wanted, but {plan}");
            count++;
        }

        Assert.Equal(ticks, count);
        Assert.True(differing.Count == 0, $"{differing.Count} differ, the first: {string.Join('\n', differing.Take(5))}");
    }
}
