using GlobalCache.Policy.Assets;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.TestGrid.Synthetic;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>PROTOCOL §10, 42 to 46: images answered from the store, seen by a viewer's model.</summary>
public sealed class UdpImageTests
{
    private const long Millisecond = LludpManner.Millisecond, Second = LludpManner.Second;

    [Theory]
    [InlineData(1, 1)]
    [InlineData(599, 1)]
    [InlineData(600, 1)]
    [InlineData(601, 2)]
    [InlineData(1600, 2)]
    [InlineData(1601, 3)]
    [InlineData(98_052, 99)]
    public void T42_Header_and_packets_have_exactly_the_lengths_a_viewer_accepts(int size, int packets)
    {
        ModelSession session = New();
        Guid id = session.Store.Hold(AssetType.Texture, Bytes(size));
        Whole(session, id, 60 * Second);
        Assert.Equal(packets, session.Viewer.Images.Fetches[id].Total);
        Assert.Equal(packets, session.Pictures.Count(p => !p.Resent));
        Assert.Equal(Enumerable.Range(0, packets), session.Pictures.Select(p => p.Packet));
        Assert.Empty(session.Sim.Asked);
        Assert.Equal(0, session.Viewer.Images.Waste + session.Viewer.Images.Cancels);
    }

    [Fact]
    public void T42_A_file_of_65_535_packets_goes_through_and_one_byte_more_is_the_sims()
    {
        const int Largest = 65_534_600;
        ModelSession session = New();
        Guid id = session.Store.Hold(AssetType.Texture, Bytes(Largest)), larger = session.Store.Hold(AssetType.Texture, Bytes(Largest + 1));
        session.Sim.MayBeAsked = asked => asked == larger;
        session.Viewer.Images.Want(0, larger, 0, 2000);
        Whole(session, id, 300 * Second);
        Assert.Equal(65_535, session.Viewer.Images.Fetches[id].Total);
        Assert.Contains(session.Sim.Asked, a => a.Id == larger);
        Assert.DoesNotContain(session.Pictures, p => p.Id == larger && !p.FromSim);
        Assert.True(session.Viewer.Images.Fetches[larger].Missing);
    }

    [Fact]
    public void T43_From_packet_5_on_no_header_comes()
    {
        ModelSession session = New();
        byte[] bytes = Bytes(20_000);
        Guid id = session.Store.Hold(AssetType.Texture, bytes);
        session.Viewer.Images.OnDisk(id, bytes, packets: 5);
        Whole(session, id, 10 * Second);
        Assert.DoesNotContain(session.Pictures, p => p.Message == Message.ImageData);
        Assert.Equal(5, session.Pictures[0].Packet);
        Assert.Equal(0, session.Viewer.Images.Waste);
        Assert.Empty(session.Sim.Asked);
    }

    [Fact]
    public void T43_A_cancel_stops_within_10_ms()
    {
        ModelSession session = New();
        Guid id = session.Store.Hold(AssetType.Texture, Bytes(2_000_000));
        session.Viewer.Images.Want(0, id, 0, 1000);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Last > 50, 10 * Second));
        session.Viewer.Images.Cancel(id, keep: false);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Cancels > 0, Second));
        long cancelled = session.Now;
        session.Run(20 * Second);
        Assert.DoesNotContain(session.Pictures, p => !p.Resent && p.Time > cancelled + (10 * Millisecond));
        Assert.Empty(session.Sim.Asked);
        Assert.True(session.IsQuiet, session.State);

        // And wanted again it begins with the header once more, once.
        int before = session.Pictures.Count;
        Whole(session, id, 60 * Second);
        Assert.Single(session.Pictures[before..], p => p.Message == Message.ImageData);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    public void T43_A_coarser_discard_stops_early_and_a_finer_one_goes_on(int discard)
    {
        ModelSession session = New();
        Guid id = session.Store.Hold(AssetType.Texture, SyntheticAssets.Texture(1, 4_000_000, 1024, 1024));
        session.Viewer.Images.Want(0, id, discard, 1000);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Done, 30 * Second), session.State);
        session.Run(20 * Second);
        Assert.True(session.Pictures.Count < 3900, "everything was sent for a coarse level");
        // What came after the viewer had enough it has thrown away.
        int sent = session.Pictures.Count, held = session.Viewer.Images.Fetches[id].Last + 1, wasted = session.Viewer.Images.Waste;
        session.Viewer.Images.Want(session.Now, id, 0, 1000);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Whole, 30 * Second), session.State);
        Assert.Equal(held, session.Pictures[sent].Packet);
        Assert.Equal(session.Viewer.Images.Fetches[id].Total + wasted, session.Pictures.Count(p => !p.Resent));
        Assert.Single(session.Pictures, p => p.Message == Message.ImageData);
        Assert.Empty(session.Sim.Asked);
    }

    [Fact]
    public void T43_The_same_level_asked_for_again_goes_on_to_the_end()
    {
        // A viewer whose own estimate lies above ours.
        var options = new ModelSessionOptions { BytesNeeded = (_, _) => int.MaxValue };
        var session = new ModelSession(new Random(1), options);
        byte[] bytes = SyntheticAssets.Texture(1, 800_000, 256, 256);
        Guid id = session.Store.Hold(AssetType.Texture, bytes);
        session.Viewer.Images.Want(0, id, 5, 1000);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Whole, 60 * Second), session.State);
        Assert.Equal(bytes, session.Viewer.Images.Fetches[id].Bytes());
        Assert.Single(session.Pictures, p => p.Message == Message.ImageData);
        Assert.Empty(session.Sim.Asked);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void T44_A_request_of_hit_miss_and_cancel_is_split(bool readTakesTime)
    {
        ReadManner manner = readTakesTime ? ReadManner.Soon : ReadManner.AtOnce;
        ModelSession session = New();
        byte[] hit = Bytes(5000), miss = Bytes(7000), other = Bytes(300_000);
        Guid held = session.Store.Hold(AssetType.Texture, hit, manner), there = ModelStore.NewId(session.Random), cancelled = ModelStore.NewId(session.Random);
        session.Sim.Assets[there] = miss;
        session.Sim.Assets[cancelled] = other;
        session.Viewer.Images.Want(0, cancelled, 0, 10);
        session.Run(Second);
        Assert.Equal([cancelled], session.Sim.Asked.Select(a => a.Id));

        session.Viewer.Images.Want(session.Now, held, 0, 1000);
        session.Viewer.Images.Want(session.Now, there, 0, 1000);
        session.Viewer.Images.Cancel(cancelled, keep: false);
        int requests = 0;
        session.Sim.Took = d => requests += d.Message == Message.RequestImage ? 1 : 0;
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[held].Whole && session.Viewer.Images.Fetches[there].Whole, 20 * Second), session.State);
        Assert.Equal(1, requests);
        Assert.Equal([(there, 0), (cancelled, -1)], session.Sim.Asked.Skip(1).Select(a => (a.Id, (int)a.Discard)));
        Assert.Equal(hit, session.Viewer.Images.Fetches[held].Bytes());
        Assert.Equal(miss, session.Viewer.Images.Fetches[there].Bytes());
        Assert.True(session.RunUntil(() => session.IsQuiet, 120 * Second), session.State);
        Assert.Equal(0, session.Circuit.Counters.UnknownAcks);
    }

    [Fact]
    public void T45_Bakes_and_excluded_textures_go_to_the_sim_untouched()
    {
        ModelSession session = New();
        byte[] bytes = Bytes(9000);
        Guid bake = session.Store.Hold(AssetType.Texture, bytes), excluded = session.Store.Hold(AssetType.Texture, bytes);
        session.Store.Excluded.Add(excluded);
        session.Sim.MayBeAsked = _ => true;
        (session.Sim.Assets[bake], session.Sim.Assets[excluded]) = (bytes, bytes);
        session.Viewer.Images.Want(0, bake, 0, 1000, type: 1);
        session.Viewer.Images.Want(0, excluded, 0, 999);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches.Values.All(f => f.Whole), 20 * Second), session.State);
        Assert.Equal([(bake, (byte)1), (excluded, (byte)0)], session.Sim.Asked.Select(a => (a.Id, a.Type)));
        Assert.All(session.Pictures, p => Assert.True(p.FromSim));
        Assert.Equal(0, session.Store.Reads);
        Assert.Empty(session.Store.CapturedAssets);
        Assert.Equal(0, session.Store.CapturedParts);
    }

    [Theory]
    [InlineData(16)]
    [InlineData(33)]
    public void T46_Ten_megabytes_of_hits_pass_a_208_KiB_buffer_without_loss(int frame)
    {
        var options = new ModelSessionOptions { Frame = (frame * Millisecond, frame * Millisecond) };
        var session = new ModelSession(new Random(1), options);
        List<Guid> ids = [.. Enumerable.Range(0, 20).Select(n => session.Store.Hold(AssetType.Texture, SyntheticAssets.Texture(n, 500_000, 512, 512)))];
        ids.ForEach(id => session.Viewer.Images.Want(0, id, 0, 1000));
        bool complete = session.RunUntil(() => ids.All(id => session.Viewer.Images.Fetches[id].Whole), 120 * Second);
        TestContext.Current.TestOutputHelper!.WriteLine(
            $"frames of {frame} ms: 10 MB in {session.Now / Millisecond} ms, {session.Viewer.Overflowed} lost of {session.Viewer.Received}, {session.Viewer.End.ResentSeen} resent, at most {session.MostUnacked} unacked");
        Assert.True(complete, session.State);
        Assert.True(session.Viewer.Overflowed * 1000 < session.Viewer.Received, $"{session.Viewer.Overflowed} of {session.Viewer.Received} lost");
        Assert.True(session.Viewer.End.LongestSilence < 20 * Second && session.Sim.End.LongestSilence < 20 * Second, "one end heard nothing for long");
        Assert.Equal(0, session.Viewer.Images.Waste + session.Viewer.Images.Cancels);
    }

    private static ModelSession New() => new(new Random(1), new ModelSessionOptions());

    private static byte[] Bytes(int size)
    {
        byte[] bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private static void Whole(ModelSession session, Guid id, long within)
    {
        session.Viewer.Images.Want(session.Now, id, 0, 1000);
        Assert.True(session.RunUntil(() => session.Viewer.Images.Fetches[id].Whole, within), session.State);
        Assert.Equal(session.Store.Held[(AssetType.Texture, id)].Bytes, session.Viewer.Images.Fetches[id].Bytes());
    }
}
