using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Client.Lludp.PacketFlags;
using static GlobalCache.Tests.Circuits.LludpBytes;
using static GlobalCache.Tests.UdpAssets.AssetTapRig;

namespace GlobalCache.Tests.UdpAssets;

public sealed class ImageAnswerTests
{
    private static readonly Guid s_foreign = new("89556747-24cb-43ed-920b-47caed15465f");

    [Theory]
    [InlineData(1)]
    [InlineData(599)]
    [InlineData(600)]
    [InlineData(601)]
    [InlineData(1600)]
    [InlineData(1601)]
    [InlineData(70_000)]
    [InlineData(1_000_000)]
    public void T42_A_held_image_comes_from_here_in_packets_of_600_and_1000_bytes(int length)
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(length);
        Guid id = tap.Hold(AssetType.Texture, file);
        List<Packet> sent = tap.Drain(tap.Ask(Want(id)));
        Assert.DoesNotContain(sent, p => p.Message == Message.RequestImage);

        List<Packet> parts = Parts(sent);
        Assert.Equal(ImagePackets.Count(length), parts.Count);
        Assert.Equal(Enumerable.Range(0, parts.Count), parts.Select(p => p.Index));
        Assert.Equal(Math.Min(length, 600), parts[0].Data.Length);
        Assert.All(parts[1..^Math.Min(1, parts.Count - 1)], p => Assert.Equal(1000, p.Data.Length));
        Assert.Equal(file, parts.SelectMany(p => p.Data));
        Assert.Equal(0, tap.Assets.Open);
        Assert.Equal(0, tap.Rig.Circuit.Unacked(ToViewer));
        Assert.Equal(0, tap.Pace.Unacked);
    }

    [Theory]
    [InlineData(ImagePackets.MaxSize, true)]
    [InlineData(ImagePackets.MaxSize + 1, false)]
    public void T42_What_65535_packets_cannot_hold_is_the_sims(int length, bool ours)
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, new byte[length]);
        Packet first = Assert.Single(tap.Ask(Want(id)));
        Assert.Equal(ours ? Message.ImageData : Message.RequestImage, first.Message);
        Assert.Equal(ours ? 1 : 0, tap.Assets.Open);
        Assert.True(!ours || first.Body.AsSpan(21, 2).SequenceEqual<byte>([0xFF, 0xFF]));
    }

    [Fact]
    public void No_packet_goes_before_the_header_is_acked()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(5000));
        Packet header = Assert.Single(tap.Ask(Want(id)));
        Assert.Equal(Message.ImageData, header.Message);
        Assert.All(tap.Wait(1100), p => Assert.False(p.Direction == ToViewer && p.Message == Message.ImagePacket));
        Assert.Equal([1, 2, 3, 4, 5], tap.Ack(header).Select(p => p.Index));
    }

    [Fact]
    public void T43_A_request_from_packet_5_gets_no_header_and_begins_with_packet_5()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(20_000));
        List<Packet> sent = tap.Drain(tap.Ask(Want(id, packet: 5)));
        Assert.Equal(Enumerable.Range(5, ImagePackets.Count(20_000) - 5), Parts(sent).Select(p => p.Index));
        Assert.DoesNotContain(sent, p => p.Message == Message.ImageData);
    }

    [Fact]
    public void T43_Nothing_is_sent_after_a_cancel_not_even_again()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(200_000));
        Packet header = Assert.Single(tap.Ask(Want(id)));
        Assert.InRange(Parts(tap.Ack(header)).Count, 20, 70);
        List<Packet> after = tap.Ask(Cancel(id));
        after.AddRange(tap.Wait(60_000));
        Assert.DoesNotContain(after, p => p.Direction == ToViewer && p.Message != Message.PacketAck);
        Assert.DoesNotContain(after, p => p.Direction == ToSim && p.Message == Message.RequestImage);
        Assert.Equal(0, tap.Assets.Open);
        Assert.Equal(0, tap.Pace.Unacked);
        Assert.Equal(Circuit.Never, tap.Rig.Circuit.NextDeadline);
    }

    [Fact]
    public void T43_A_coarse_level_stops_early_and_asking_on_gets_the_rest()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(400_000);
        Guid id = tap.Hold(AssetType.Texture, file);
        List<Packet> sent = Parts(tap.Drain(tap.Ask(Want(id, discard: 3))));
        int last = ImagePackets.Holding(DiscardLevels.Target(1024, 3) - 1);
        Assert.Equal(Enumerable.Range(0, last + 1), sent.Select(p => p.Index));

        // The same level asked for again: we had reckoned too low.
        sent.AddRange(Parts(tap.Drain(tap.Ask(Want(id, discard: 3, packet: (uint)last + 1)))));
        Assert.Equal(file, sent.SelectMany(p => p.Data));
    }

    [Fact]
    public void A_finer_level_asked_for_meanwhile_is_sent_on_to()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(400_000);
        Guid id = tap.Hold(AssetType.Texture, file);
        List<Packet> sent = tap.Ask(Want(id, discard: 4));
        sent.AddRange(tap.Ask(Want(id, discard: 0)));
        sent = tap.Drain(sent);
        Assert.Equal(file, Parts(sent).SelectMany(p => p.Data));
        Assert.Single(sent, p => p.Message == Message.ImageData);
        Assert.Single(tap.Assets.Asked);
    }

    [Fact]
    public void T44_A_mixed_request_is_split_and_acks_are_consistent()
    {
        var tap = new AssetTapRig();
        Guid hit = tap.Hold(AssetType.Texture, Picture(600)), cancelled = tap.Hold(AssetType.Texture, Picture(3000));
        tap.Ask(Want(cancelled));
        Guid asked = new("00000000-aaaa-0000-0000-000000000001");
        Assert.Single(tap.Ask(Want(asked)), p => p.Direction == ToSim);
        List<Packet> sent = tap.Ask(Want(hit), Want(s_foreign), Cancel(cancelled), Cancel(asked), Want(hit, discard: 1));
        Packet request = sent.Single(p => p.Direction == ToSim);
        Assert.Equal([Want(s_foreign), Cancel(asked)], request.Requests);
        Assert.True(request.Reliable);

        // The sim acks what it got; the viewer hears of it under the number it used.
        Packet acks = Assert.Single(tap.FromSim(PacketAck(request.Sequence)));
        Assert.Contains(tap.ViewerSequence, acks.Acks);
    }

    [Fact]
    public void T44_A_zero_coded_request_is_split_too()
    {
        var tap = new AssetTapRig();
        Guid hit = tap.Hold(AssetType.Texture, Picture(600));
        byte[] coded = new byte[512];
        Assert.True(ZeroCode.TryCompress(RequestImage(Want(hit), Want(s_foreign)), coded, out int length));
        List<Packet> sent = tap.FromViewer(Reliable | ZeroCoded, coded[..length]);
        Assert.Equal([Want(s_foreign)], sent.Single(p => p.Direction == ToSim).Requests);
        Assert.Equal(hit, sent.Single(p => p.Direction == ToViewer).Id);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void T44_A_request_that_waits_for_a_read_is_split_when_it_ends(bool fail)
    {
        var tap = new AssetTapRig();
        tap.Assets.How = MemoryAssets.Reads.Later;
        Guid late = tap.Hold(AssetType.Texture, Picture(600));
        Assert.Empty(tap.Ask(Want(late), Want(s_foreign)));
        Assert.Equal(1, tap.Assets.Finish(fail));
        Assert.Equal(1, tap.Wakes);
        List<Packet> sent = tap.Tick();
        Assert.Equal(fail ? [Want(late), Want(s_foreign)] : [Want(s_foreign)], sent.Single(p => p.Direction == ToSim).Requests);
        Assert.Equal(fail ? 0 : 1, sent.Count(p => p.Message == Message.ImageData));
        Assert.Equal(fail ? 0 : 1, tap.Assets.Open);
    }

    [Fact]
    public void A_read_that_takes_too_long_is_the_sims_to_answer_and_what_it_brings_later_is_let_go()
    {
        var tap = new AssetTapRig();
        tap.Assets.How = MemoryAssets.Reads.Later;
        Guid late = tap.Hold(AssetType.Texture, Picture(600));
        Assert.Empty(tap.Ask(Want(late)));
        Packet request = Assert.Single(tap.Wait(30));
        Assert.Equal([Want(late)], request.Requests);
        tap.Assets.Finish();
        Assert.Empty(tap.Tick());
        Assert.Equal(0, tap.Assets.Open);

        // Nor while the sim has it under way.
        tap.Assets.How = MemoryAssets.Reads.AtOnce;
        Assert.Equal([Want(late)], Assert.Single(tap.Ask(Want(late))).Requests);
    }

    [Fact]
    public void A_tick_that_comes_late_still_decides_here()
    {
        var tap = new AssetTapRig();
        tap.Assets.How = MemoryAssets.Reads.Later;
        Guid late = tap.Hold(AssetType.Texture, Picture(600));
        Assert.Empty(tap.Ask(Want(late)));
        tap.Assets.Finish();
        tap.Rig.Now += 200;
        Assert.Equal(Message.ImageData, Assert.Single(tap.Tick(), p => p.Direction == ToViewer && p.Reliable).Message);
        Assert.DoesNotContain(tap.Wait(100), p => p.Message == Message.RequestImage);
    }

    [Fact]
    public void What_is_cancelled_or_repeated_while_it_waits_is_neither_sent_nor_asked_for_twice()
    {
        var tap = new AssetTapRig();
        tap.Assets.How = MemoryAssets.Reads.Later;
        Guid first = tap.Hold(AssetType.Texture, Picture(600)), second = tap.Hold(AssetType.Texture, Picture(601));
        Assert.Empty(tap.Ask(Want(first), Want(second)));
        Assert.Empty(tap.Ask(Want(second, discard: 1), Cancel(first)));
        Assert.Equal(1, tap.Assets.Open);
        Assert.Equal(2, tap.Assets.Finish());
        List<Packet> sent = tap.Tick();
        Assert.Equal([second], sent.Where(p => p.Message == Message.ImageData).Select(p => p.Id));
        Assert.DoesNotContain(sent, p => p.Direction == ToSim);
        Assert.DoesNotContain(tap.Wait(40), p => p.Message == Message.RequestImage);
    }

    [Fact]
    public void T45_Bakes_and_excluded_textures_go_to_the_sim_untouched()
    {
        var tap = new AssetTapRig();
        Guid bake = tap.Hold(AssetType.Texture, Picture(600)), excluded = tap.Hold(AssetType.Texture, Picture(601));
        tap.Assets.Excluded.Add(excluded);
        byte[] message = RequestImage(Want(bake, type: 1), Want(excluded));
        Packet request = Assert.Single(tap.FromViewer(message));
        Assert.Equal(Circuits.LludpBytes.Packet(Reliable, tap.ViewerSequence, message), request.Bytes);
        Assert.Empty(tap.Assets.Asked);

        // Nor is what comes for them captured.
        byte[] file = Picture(600);
        byte[] part = new byte[700];
        tap.FromSim([9, .. part[..ImageMessages.WritePart(bake, file, 0, part)]]);
        tap.FromSim([9, .. part[..ImageMessages.WritePart(excluded, file, 0, part)]]);
        Assert.Empty(tap.Assets.Whole);
    }

    [Fact]
    public void A_repeat_that_crossed_the_header_gets_no_second_one()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(600));
        List<Packet> sent = tap.Ask(Want(id));
        uint crossing = tap.ViewerSequence + 1, ack = crossing + 1;
        sent.AddRange(tap.Rig.Receive(ToSim, Circuits.LludpBytes.Packet(None, ack, PacketAck(sent[0].Sequence))).ConvertAll(p => sent[0]));
        Assert.Empty(tap.Rig.Receive(ToSim, Circuits.LludpBytes.Packet(Reliable, crossing, RequestImage(Want(id)))));

        // Sent after the ack it is a wish to have it anew.
        tap.FromViewer([0xFE, 1]);
        tap.FromViewer([0xFE, 1]);
        Assert.Equal(Message.ImageData, Assert.Single(tap.Ask(Want(id)), p => p.Reliable).Message);
    }

    [Fact]
    public void A_request_that_carries_the_headers_ack_itself_is_answered_anew()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(600));
        Packet header = Assert.Single(tap.Ask(Want(id)));
        Packet again = Assert.Single(tap.FromViewer(RequestImage(Want(id)), header.Sequence), p => p.Reliable);
        Assert.Equal((Message.ImageData, false), (again.Message, again.Resent));
        Assert.NotEqual(header.Sequence, again.Sequence);
    }

    [Fact]
    public void An_image_asked_for_again_with_the_last_acks_is_begun_again_once()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(1500));
        Packet header = Assert.Single(Parts(tap.Ask(Want(id))));
        Packet rest = Assert.Single(Parts(tap.Ack(header)));
        tap.Ask(Want(id));
        tap.Assets.How = MemoryAssets.Reads.Later;
        tap.FromViewer(RequestImage(Want(id)), rest.Sequence);
        Assert.Equal(2, tap.Assets.Asked.Count);
        tap.Assets.Finish();
        List<Packet> again = tap.Drain(tap.Tick());
        Assert.Equal([0, 1], Parts(again).Select(p => p.Index));
        Assert.Equal((2, 0), (tap.Assets.Asked.Count, tap.Assets.Open));
    }

    [Fact]
    public void After_a_cancel_a_header_goes_again_only_when_the_first_has_been_heard_of()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(600));
        Packet header = Assert.Single(tap.Ask(Want(id)));
        tap.Ask(Cancel(id));
        Assert.DoesNotContain(tap.Ask(Want(id)), p => p.Reliable);
        Assert.DoesNotContain(tap.Ack(header), p => p.Reliable);
        Assert.Single(tap.Ask(Want(id)), p => p.Message == Message.ImageData);
    }

    [Fact]
    public void An_injection_that_is_given_up_is_asked_of_the_sim_from_the_first_packet_lacking_and_its_header_swallowed()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(5000);
        Guid id = tap.Hold(AssetType.Texture, file);
        List<Packet> parts = tap.Ack(tap.Ask(Want(id, discard: 2)));
        tap.Ack(parts.Where(p => p.Index is 1 or 2 or 5));
        Packet request = tap.Wait(60_000).Single(p => p.Direction == ToSim && p.Message == Message.RequestImage && !p.Resent);
        Assert.Equal([Want(id, discard: 2, packet: 3)], request.Requests);
        Assert.True(request.Reliable);
        Assert.Equal((Agent, Session), (new Guid(request.Body.AsSpan(0, 16), true), new Guid(request.Body.AsSpan(16, 16), true)));
        Assert.Equal(0, tap.Assets.Open);

        byte[] part = new byte[1100];
        Assert.DoesNotContain(tap.FromSim([9, .. part[..ImageMessages.WritePart(id, file, 0, part)]]), p => p.Direction == ToViewer);
        Assert.Single(tap.FromSim([10, .. part[..ImageMessages.WritePart(id, file, 3, part)]]), p => p.Direction == ToViewer);
        Assert.Single(tap.Ask(Want(id, packet: 4)), p => p.Direction == ToSim && p.Message == Message.RequestImage);
    }

    [Fact]
    public void A_header_nobody_acks_is_asked_of_the_sim_and_let_through()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(5000);
        Guid id = tap.Hold(AssetType.Texture, file);
        tap.Ask(Want(id));
        Packet request = tap.Wait(60_000).Single(p => p.Message == Message.RequestImage && !p.Resent);
        Assert.Equal([Want(id)], request.Requests);
        byte[] part = new byte[1100];
        Assert.Single(tap.FromSim([9, .. part[..ImageMessages.WritePart(id, file, 0, part)]]), p => p.Message == Message.ImageData);
    }

    [Fact]
    public void What_the_sim_still_sends_of_an_image_that_is_ours_now_is_swallowed()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(5000);
        Guid id = new(1, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8);
        tap.Ask(Want(id));
        tap.Ask(Cancel(id));
        Assert.Equal(id, tap.Hold(AssetType.Texture, file));
        Packet header = Assert.Single(tap.Ask(Want(id)), p => p.Message == Message.ImageData);
        byte[] part = new byte[1100];
        Assert.DoesNotContain(tap.FromSim([9, .. part[..ImageMessages.WritePart(id, file, 0, part)]]), p => p.Message == Message.ImageData);
        Assert.DoesNotContain(tap.FromSim([10, .. part[..ImageMessages.WritePart(id, file, 1, part)]]), p => p.Message == Message.ImagePacket);
        Assert.Equal(5, Parts(tap.Ack(header)).Count);
    }

    [Fact]
    public void A_request_that_may_have_crossed_the_sims_header_is_the_sims_though_the_image_is_held_by_now()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(600), part = new byte[700];
        Guid id = new(1, 7, 7, 1, 2, 3, 4, 5, 6, 7, 8);
        tap.Ask(Want(id));
        Assert.Single(tap.FromSim([9, .. part[..ImageMessages.WritePart(id, file, 0, part)]]), p => p.Message == Message.ImageData);
        Assert.Single(tap.Assets.Whole);
        tap.Hold(AssetType.Texture, file);
        Assert.Equal(Message.RequestImage, Assert.Single(tap.Ask(Want(id))).Message);
        Assert.Single(tap.FromSim([9, .. part[..ImageMessages.WritePart(id, file, 0, part)]]), p => p.Message == Message.ImageData);
        tap.Wait(100);
        Assert.Single(tap.Ask(Want(id)), p => p.Direction == ToViewer && p.Message == Message.ImageData);
    }

    [Fact]
    public void Higher_priorities_come_first_and_equals_in_the_order_they_were_asked_for()
    {
        var tap = new AssetTapRig();
        Guid[] ids = [.. Enumerable.Range(0, 4).Select(i => tap.Hold(AssetType.Texture, Picture(600 + i)))];
        List<Packet> sent = tap.Ask(Want(ids[0], priority: 5), Want(ids[1], priority: 7), Want(ids[2], priority: float.NaN), Want(ids[3], priority: 5));
        Assert.Equal([ids[1], ids[0], ids[3], ids[2]], sent.Select(p => p.Id));
    }

    [Fact]
    public void A_circuit_that_is_over_sends_nothing_more_and_lets_all_reads_go()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(50_000));
        tap.Ack(tap.Ask(Want(id)));
        tap.Assets.How = MemoryAssets.Reads.Later;
        tap.Ask(Want(tap.Hold(AssetType.Texture, Picture(601))));
        Assert.Equal(2, tap.Assets.Open);
        tap.FromViewer([0xFF, 0xFF, 0xFF, 0xFD]);
        tap.Assets.Finish();
        List<Packet> after = tap.Wait(60_000);
        Assert.DoesNotContain(after, p => p.Direction == ToViewer && p.Message != Message.PacketAck);
        Assert.Equal((0, 0, 0), (tap.Assets.Open, tap.Pace.Unacked, tap.Rig.Circuit.Unacked(ToViewer)));
        Assert.Equal(Circuit.Never, tap.Rig.Circuit.NextDeadline);
    }

    [Fact]
    public void More_images_than_are_remembered_are_the_sims()
    {
        var tap = new AssetTapRig();
        for (int i = 0; i < ImageAnswers.Capacity; i++)
        {
            tap.Hold(AssetType.Texture, Picture(600));
        }

        foreach (Guid[] some in tap.Assets.Held.Keys.Select(k => k.Id).Chunk(200))
        {
            Assert.DoesNotContain(tap.Ask([.. some.Select(id => Want(id))]), p => p.Direction == ToSim && p.Message == Message.RequestImage);
        }

        Guid more = tap.Hold(AssetType.Texture, Picture(600));
        Assert.Contains(tap.Ask(Want(more)), p => p.Direction == ToSim && p.Message == Message.RequestImage);
    }

    [Theory]
    [InlineData(1024u, 5, 16_792)]
    [InlineData(512u, 4, 49_560)]
    [InlineData(1024u, 3, 180_632)]
    [InlineData(1024u, 2, 704_920)]
    [InlineData(1024u, 1, 2_802_072)]
    [InlineData(2048u, 5, 18_840)]
    [InlineData(2048u, 3, 223_640)]
    [InlineData(2048u, 1, 3_500_440)]
    public void Levels_are_reckoned_as_viewers_do(uint side, int discard, int bytes) => Assert.Equal(bytes, DiscardLevels.Target(side, discard));

    [Theory]
    [InlineData(64 * 1024, 5, 65)]          // small: whole
    [InlineData(100_000, 0, 100)]
    [InlineData(100_000, 5, 17)]
    [InlineData(100_000, -1, 100)]
    [InlineData(180_632 + 1000, 3, 182)]    // one packet left: that too
    public void The_last_packet_of_a_level(int length, int discard, int last) => Assert.Equal(last, DiscardLevels.LastPacket(Picture(length), discard));

    [Fact]
    public void A_file_without_a_size_is_sent_whole() => Assert.Equal(100, DiscardLevels.LastPacket(new byte[100_000], 5));

    private static List<Packet> Parts(IEnumerable<Packet> sent) =>
        [.. sent.Where(p => p.Direction == ToViewer && !p.Resent && p.Message is Message.ImageData or Message.ImagePacket)];
}
