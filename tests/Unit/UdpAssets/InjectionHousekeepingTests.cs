using GlobalCache.Client.Circuits;
using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>PROTOCOL §10, 12 to 14, with what the tap really injects: acks, OldestUnacked and resends between two models.</summary>
public sealed class InjectionHousekeepingTests
{
    private const long Second = LludpManner.Second;

    [Fact]
    public void T12_Acks_of_injected_packets_end_at_the_proxy_and_the_sims_own_go_on()
    {
        ModelSession session = New(out Guid id, size: 300_000);
        for (int n = 0; n < 5; n++)
        {
            session.After(Second + (n * 10 * LludpManner.Millisecond), () => session.Sim.Chat(session.Now, new byte[50], reliable: true));
        }

        session.Run(Second);
        session.Viewer.Images.Want(session.Now, id, 0, 1000);
        session.Run(3 * Second);
        Assert.True(session.Viewer.Images.Fetches[id].Whole);

        // Some 300 acks are ours; a false one would have failed in the sim's model, a missing one would have it resend.
        Assert.True(session.Tap!.AckedPackets > 300);
        Assert.Equal(0, session.Sim.End.Resends);
        Assert.Equal(0, session.Sim.End.Unacked);
        Assert.Equal(0, session.Circuit.Unacked(Direction.ToViewer));
        Assert.True(session.Circuit.Counters.Swallowed > 2, "PacketAcks of nothing but ours went on");
        Assert.Equal(0, session.Circuit.Counters.UnknownAcks);
    }

    [Fact]
    public void T13_OldestUnacked_never_passes_an_injected_packet_that_is_unacked()
    {
        ModelSession session = New(out Guid id, size: 20_000);
        session.Run(7 * Second / 2);
        session.Viewer.Images.Want(session.Now, id, 0, 1000);
        session.LoseToViewer(1);
        session.Run(Second);
        uint first = session.Pictures[0].Number;
        Assert.True(session.Circuit.Unacked(Direction.ToViewer) > 0, "nothing is unacked");

        // The sim's own oldest lies behind the injected ones.
        session.Sim.Chat(session.Now, new byte[50], reliable: true);
        int before = session.Pings.Count;
        session.Run(Second);
        Assert.True(session.Pings.Count > before, "no ping came");
        Assert.All(session.Pings[before..], oldest => Assert.Equal(first, oldest));

        session.LoseToViewer(0);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Whole && session.IsQuiet, 60 * Second), session.State);
        before = session.Pings.Count;
        session.Sim.Chat(session.Now, new byte[50], reliable: true);
        session.Run(6 * Second);
        Assert.All(session.Pings[before..], oldest => Assert.True(oldest == 0 || oldest > first));
    }

    [Fact]
    public void T14_An_injected_packet_lost_twice_comes_again_under_its_number_is_acked_and_forgotten()
    {
        ModelSession session = New(out Guid id, size: 600);
        session.Run(Second);
        session.LoseToViewer(1);
        session.Viewer.Images.Want(session.Now, id, 0, 1000);
        Assert.True(session.RunUntil(() => session.Pictures.Count == 2, 20 * Second), session.State);
        session.LoseToViewer(0);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Whole, 20 * Second), session.State);
        Assert.Equal([false, true, true], session.Pictures.Select(p => p.Resent));
        Assert.Single(session.Pictures.Select(p => p.Number).Distinct());
        session.Run(20 * Second);
        Assert.Equal(3, session.Pictures.Count);
        Assert.Equal(0, session.Circuit.Unacked(Direction.ToViewer));
        Assert.Equal(0, session.Lost);
    }

    [Fact]
    public void T14_One_lost_each_time_is_given_up_and_the_sim_asked_instead()
    {
        ModelSession session = New(out Guid id, size: 5000);
        session.Sim.Assets[id] = session.Store.Held[(AssetType.Texture, id)].Bytes;
        session.Run(Second);
        session.LoseToViewer(1);
        session.Viewer.Images.Want(session.Now, id, 0, 1000);
        Assert.True(session.RunUntil(() => session.Lost > 0, 60 * Second), session.State);
        session.LoseToViewer(0);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Whole && session.IsQuiet, 120 * Second), session.State);
        Assert.Contains(session.Sim.Asked, a => a.Id == id && a.Discard == 0);
        Assert.Equal(session.Sim.Assets[id], session.Viewer.Images.Fetches[id].Bytes());
    }

    private static ModelSession New(out Guid id, int size)
    {
        var session = new ModelSession(new Random(1), new ModelSessionOptions());
        id = session.Store.Hold(AssetType.Texture, SyntheticAssets.Texture(1, size, 512, 512));
        return session;
    }
}
