using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>PROTOCOL §10, 48: transfers answered from the store, seen by a viewer's model.</summary>
public sealed class UdpTransferTests
{
    private const long Second = LludpManner.Second;

    [Theory]
    [InlineData(1)]
    [InlineData(999)]
    [InlineData(1000)]
    [InlineData(1001)]
    [InlineData(80_000)]
    [InlineData(80_001)]
    [InlineData(400_000)]
    public void T48_An_asset_is_announced_sent_in_order_and_ended_with_status_1(int size)
    {
        var session = new ModelSession(new Random(1), new ModelSessionOptions());
        byte[] bytes = Bytes(size);
        TransferFetch fetch = Whole(session, bytes);
        int packets = (size + 999) / 1000;
        Assert.Equal(bytes, fetch.Bytes);
        Assert.Equal(1, fetch.Attempts);
        Assert.Equal(Message.TransferInfo, session.Parts[0].Message);
        Assert.Equal(Enumerable.Range(0, packets), session.Parts.Skip(1).Select(p => p.Packet));
        Assert.All(session.Parts.Skip(1).SkipLast(1), p => Assert.Equal(0, p.Status));
        Assert.Equal(1, session.Parts[^1].Status);
        Assert.Empty(session.Sim.TransfersAsked);
        if (packets > 80)
        {
            // A frame and the viewer's 0.1 s of collecting acks lie between.
            Assert.True(session.Parts[1].Time - session.Parts[0].Time >= 100 * LludpManner.Millisecond, "packets did not wait for the Info's ack");
        }
        else
        {
            Assert.True(session.Parts[1].Time - session.Parts[0].Time < 50 * LludpManner.Millisecond, "packets waited");
        }

        Assert.True(session.RunUntil(() => session.IsQuiet, 60 * Second), session.State);
    }

    [Fact]
    public void T48_An_abort_stops_it_and_goes_no_further()
    {
        var session = new ModelSession(new Random(1), new ModelSessionOptions());
        Guid id = session.Store.Hold(AssetType.Sound, Bytes(2_000_000));
        TransferFetch fetch = session.Viewer.Transfers.Want(id, 1);
        Assert.True(session.RunUntil(() => fetch.Next > 100, 20 * Second), session.State);
        session.Viewer.Transfers.Abort(fetch);
        session.Run(100 * LludpManner.Millisecond);
        int sent = session.Parts.Count(p => !p.Resent);
        session.Run(20 * Second);
        Assert.Equal(sent, session.Parts.Count(p => !p.Resent));
        Assert.Empty(session.Sim.Aborts);
        Assert.True(session.IsQuiet, session.State);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4)]
    public void T48_Other_sources_are_the_sims_and_are_never_captured(int source)
    {
        var session = new ModelSession(new Random(1), new ModelSessionOptions());
        byte[] bytes = Bytes(5000);
        Guid id = session.Store.Hold(AssetType.Sound, bytes);
        session.Sim.Assets[id] = session.Sim.Assets[Guid.Empty] = bytes;
        TransferFetch fetch = session.Viewer.Transfers.Want(id, 1, source);
        Assert.True(session.RunUntil(() => fetch.Outcome is not null, 20 * Second), session.State);
        Assert.Equal(bytes, fetch.Bytes);
        Assert.Equal(source, Assert.Single(session.Sim.TransfersAsked).Source);
        Assert.All(session.Parts, p => Assert.True(p.FromSim));
        session.Run(70 * Second);
        Assert.Equal(0, session.Store.Reads);
        Assert.Empty(session.Store.CapturedAssets);
    }

    [Fact]
    public void T48_What_is_not_held_is_the_sims_and_is_captured()
    {
        var session = new ModelSession(new Random(1), new ModelSessionOptions());
        var id = ModelStore.NewId(session.Random);
        session.Sim.Assets[id] = Bytes(5000);
        TransferFetch fetch = session.Viewer.Transfers.Want(id, 20);
        Assert.True(session.RunUntil(() => fetch.Outcome == 1, 20 * Second), session.State);
        session.Run(2 * Second);
        (AssetType type, Guid captured, byte[] bytes) = Assert.Single(session.Store.CapturedAssets);
        Assert.Equal((AssetType.Animation, id), (type, captured));
        Assert.Equal(session.Sim.Assets[id], bytes);
        Assert.All(session.Parts, p => Assert.True(p.FromSim));
    }

    private static TransferFetch Whole(ModelSession session, byte[] bytes)
    {
        Guid id = session.Store.Hold(AssetType.Sound, bytes);
        TransferFetch fetch = session.Viewer.Transfers.Want(id, 1);
        Assert.True(session.RunUntil(() => fetch.Outcome is not null, 60 * Second), session.State);
        Assert.Equal(1, fetch.Outcome);
        return fetch;
    }

    private static byte[] Bytes(int size)
    {
        byte[] bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }
}
