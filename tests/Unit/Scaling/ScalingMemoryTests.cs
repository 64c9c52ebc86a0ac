using CsCheck;
using GlobalCache.Master.Scaling;
using GlobalCache.Policy;

namespace GlobalCache.Tests.Scaling;

/// <summary>What a new master is told by the last one of demand.</summary>
public sealed class ScalingMemoryTests
{
    private static readonly ScalingPolicy s_policy = GoldenRuns.Reference;

    [Theory]
    [InlineData("sunday-evening", 26_040)]
    [InlineData("event-evening", 40_020)]
    public void A_new_master_decides_as_the_old_one_once_it_has_seen_an_hour(string trace, int until)
    {
        ScalingState state = new();
        state.Seed(GoldenRuns.Start.AddDays(-14), GoldenRuns.History(trace), s_policy);
        int tick = 0, decisions = 0;
        foreach (GoldenRuns.Row row in GoldenRuns.Read(trace).Take(until + 20_000))
        {
            if (tick++ == until)
            {
                byte[] saved = ScalingMemory.Save(state);
                Assert.True(saved.Length < 60_000, $"{saved.Length} bytes");
                Assert.True(ScalingMemory.TryRestore(saved, s_policy, out state));
            }

            Plan plan = Decide.Next(state, row.Seen, s_policy, row.At);
            if (tick < until + 360) continue;
            Assert.Equal(row.Want, plan.Kind == PlanKind.Stay ? null : plan.Target);
            if (row.Want is not null) decisions++;
        }

        Assert.True(decisions > 0);
    }

    [Fact]
    public void What_is_saved_is_what_was_restored()
    {
        byte[] saved = Learned();
        Assert.True(ScalingMemory.TryRestore(saved, s_policy, out ScalingState again));
        Assert.Equal(saved, ScalingMemory.Save(again));
    }

    [Fact]
    public void What_is_damaged_is_refused_and_all_works_without_it()
    {
        byte[] saved = Learned();
        Assert.False(ScalingMemory.TryRestore([], s_policy, out _));
        Assert.False(ScalingMemory.TryRestore(saved[..^1], s_policy, out _));
        Assert.False(ScalingMemory.TryRestore([.. saved, 0], s_policy, out _));
        Gen.Select(Gen.Int[0, saved.Length - 1], Gen.Byte, Gen.Int[0, 3]).Sample((at, value, kind) =>
        {
            byte[] bytes = [.. saved];
            bytes[at] = value;
            if (kind == 0) bytes = bytes[..at];
            ScalingMemory.TryRestore(bytes, s_policy, out ScalingState state);
            Plan plan = Decide.Next(state, new(100, 1, 0, 0, 55, 0), s_policy, GoldenRuns.Start);
            return plan.Kind == PlanKind.Out;
        }, iter: 300);
    }

    private static byte[] Learned()
    {
        SimpleFleet fleet = new(s_policy);
        fleet.State.Seed(GoldenRuns.Start.AddDays(-14), GoldenRuns.History("sunday-evening"), s_policy);
        fleet.Now = GoldenRuns.Start;
        fleet.Run(TimeSpan.FromHours(3), SimpleFleet.Noisy(_ => 45, 5));
        return ScalingMemory.Save(fleet.State);
    }
}
