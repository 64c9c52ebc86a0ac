using CsCheck;
using GlobalCache.Client.Circuits;

namespace GlobalCache.Tests.Circuits;

public sealed class SequenceMapTests
{
    private static readonly uint[] s_starts = [0, 1, 2, 100, 0xFFFF80, 0xFFFFF0, 0xFFFFFE, 0x1000000, 0x7FFFFFF0];

    [Fact]
    public void The_protocols_own_example()
    {
        var map = new SequenceMap();
        Assert.Equal(500u, Pass(map, 500));
        Assert.Equal(501, map.Inject());
        Assert.Equal(502u, Pass(map, 501));
        Assert.Equal((Origin.Sender, 500u), Invert(map, 500));
        Assert.Equal(Origin.Injected, Invert(map, 501).Origin);
        Assert.Equal((Origin.Sender, 501u), Invert(map, 502));
        Assert.Equal(Origin.Unknown, Invert(map, 503).Origin);

        Assert.Equal(Fate.Forwarded, map.Observe(501));
        Assert.Equal(502u, map.Forward(501));
        Assert.Equal(502u, map.ForwardOldestUnacked(501, oldestInjected: null));
        Assert.Equal(501u, map.ForwardOldestUnacked(501, oldestInjected: 501));
        Assert.Equal(0u, map.ForwardOldestUnacked(0, oldestInjected: 501));
    }

    [Fact]
    public void A_swallowed_newest_packet_gives_its_number_to_the_next()
    {
        var map = new SequenceMap();
        Pass(map, 10);
        map.Observe(11);
        map.Swallow(11);
        Assert.Equal(Fate.Swallowed, map.Observe(11));
        Assert.Equal(11u, Pass(map, 12));
        Assert.Equal((Origin.Sender, 12u), Invert(map, 11));
    }

    [Fact]
    public void A_packet_swallowed_late_leaves_a_hole_and_issues_no_number_twice()
    {
        var map = new SequenceMap();
        Pass(map, 10);
        map.Observe(11);
        map.Hold(11);
        Assert.Equal(Fate.Held, map.Observe(11));
        Assert.Equal(12, map.Inject());             // takes the breakpoint at 11
        Assert.Equal(13u, Pass(map, 12));
        map.Swallow(11);
        Assert.Equal(14u, Pass(map, 13));
        Assert.Equal((Origin.Sender, 13u), Invert(map, 14));
        Assert.NotEqual(Origin.Sender, Invert(map, 11).Origin);
    }

    [Fact]
    public void A_packet_held_while_an_injection_comes_is_swallowed_without_a_number_twice()
    {
        var map = new SequenceMap();
        map.Observe(11);
        map.Hold(11);
        Assert.Equal(12, map.Inject());
        map.Swallow(11);
        Assert.Equal(13u, Pass(map, 12));
    }

    [Theory]
    [InlineData(new uint[] { 0, 1, 2 })]            // node-metaverse: the first packet is 0
    [InlineData(new uint[] { 5, 6, 7, 0 })]         // LibreMetaverse: CloseCircuit is 0
    [InlineData(new uint[] { 1, 2, 0, 3, 0, 4 })]   // OpenSim: acks of UseCircuitCode are 0
    public void A_packet_numbered_0_outside_the_numbering_stays_0_and_moves_nothing(uint[] sequences)
    {
        var map = new SequenceMap();
        uint last = 0;
        foreach (uint sequence in sequences)
        {
            if (last != 0)
            {
                map.Inject();
            }

            uint n = Pass(map, sequence);
            Assert.Equal(sequence == 0, n == 0);
            Assert.True(sequence == 0 || n > last || last == 0);
            last = Math.Max(last, n);
        }

        Assert.Equal((Origin.Sender, 0u), Invert(map, 0));
    }

    [Fact]
    public void A_second_packet_numbered_0_is_decided_for_itself()
    {
        var map = new SequenceMap();
        Assert.Equal(Fate.Unseen, map.Observe(0));
        map.Swallow(0);
        Assert.Equal(Fate.Outside, map.Observe(0));
        Assert.Equal(0u, map.Forward(0));
        Assert.Equal(1u, Pass(map, 1));
    }

    [Fact]
    public void Zero_after_the_24_bit_maximum_is_the_wrap()
    {
        var map = new SequenceMap();
        Pass(map, 0xFFFFFE);
        Assert.Equal(0xFFFFFF, map.Inject());
        Assert.Equal(0u, Pass(map, 0xFFFFFF));
        Assert.Equal(1u, Pass(map, 0));
        Assert.Equal(2u, Pass(map, 1));
        Assert.Equal((Origin.Sender, 0xFFFFFFu), Invert(map, 0));
        Assert.Equal((Origin.Sender, 0u), Invert(map, 1));
        Assert.Equal(Fate.Forwarded, map.Observe(0));
    }

    [Fact]
    public void T09_A_32_bit_side_does_not_wrap_and_keeps_the_numbers_it_gave_before_it_showed()
    {
        var map = new SequenceMap();
        Pass(map, 0xFFFFFD);
        map.Inject();
        map.Inject();
        Assert.Equal(0u, Pass(map, 0xFFFFFE));      // 24 bits as far as anyone can know
        Assert.Equal(1u, Pass(map, 0xFFFFFF));
        Assert.Equal(0x1000002u, Pass(map, 0x1000000));
        Assert.Equal(0x1000003u, Pass(map, 0x1000001));
        Assert.Equal((Origin.Sender, 0xFFFFFEu), Invert(map, 0));
        Assert.Equal((Origin.Sender, 0xFFFFFFu), Invert(map, 1));
        Assert.Equal((Origin.Sender, 0x1000001u), Invert(map, 0x1000003));
        Assert.Equal(1u, Pass(map, 0xFFFFFF));
    }

    [Fact]
    public void Breakpoints_are_pruned_and_what_lies_beyond_gets_no_false_number()
    {
        var map = new SequenceMap();
        for (uint s = 1; s <= 200_000; s++)
        {
            Pass(map, s);
            map.Inject();
        }

        Assert.InRange(map.Breakpoints, SequenceMap.Window, 3 * SequenceMap.Window);
        Assert.Equal(Fate.Forgotten, map.Observe(5));
        Assert.Equal(Origin.Unknown, Invert(map, 9).Origin);
        Assert.Equal((Origin.Sender, 200_000u), Invert(map, 399_999));
    }

    [Fact]
    public void What_the_sender_reports_as_unacked_is_kept_beyond_the_window()
    {
        var map = new SequenceMap();
        Pass(map, 1);
        map.Inject();
        uint n = Pass(map, 2);
        map.ForwardOldestUnacked(2, null);
        for (uint s = 3; s <= SequenceMap.Window + 1000; s++)
        {
            Pass(map, s);
            map.Inject();
        }

        Assert.Equal((Origin.Sender, 2u), Invert(map, n));
        Assert.Equal(n, Pass(map, 2));
    }

    [Theory]
    [InlineData(1u, 1)]
    [InlineData(0u, 2)]
    [InlineData(77_777u, 3)]
    public void T08_100_000_packets_with_loss_reordering_injections_and_swallows(uint start, int seed) =>
        Assert.True(new SequenceMapCourse(start, 100_000, new Random(seed), thirtyTwoBit: false).Run() > 50_000);

    [Theory]
    [InlineData(0xFFFFFFu - 50_000, 4, false)]
    [InlineData(0x1000000u, 5, true)]
    [InlineData(0xFFFF0000u - 110_000, 6, true)]
    public void T09_The_same_across_the_24_bit_wrap_and_with_32_bits(uint start, int seed, bool thirtyTwoBit) =>
        Assert.True(new SequenceMapCourse(start, 100_000, new Random(seed), thirtyTwoBit).Run() > 50_000);

    [Fact]
    public void T08_Any_course_of_events_keeps_the_numbering_consistent() =>
        Gen.Select(Gen.Int[0, int.MaxValue], Gen.Int[0, s_starts.Length - 1], Gen.Int[1, 600])
            .Sample((seed, start, count) => new SequenceMapCourse(s_starts[start], count, new Random(seed), s_starts[start] > 0xFFFFFF).Run() >= 0, iter: 400);

    private static uint Pass(SequenceMap map, uint sequence)
    {
        map.Observe(sequence);
        return map.Forward(sequence);
    }

    private static (Origin Origin, uint Sequence) Invert(SequenceMap map, uint number)
    {
        Origin origin = map.Invert(number, out uint sequence);
        return (origin, sequence);
    }
}
