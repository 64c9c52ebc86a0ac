using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Circuits;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Client.Lludp.PacketFlags;
using static GlobalCache.Tests.Circuits.LludpBytes;
using static GlobalCache.Tests.UdpAssets.AssetTapRig;

namespace GlobalCache.Tests.UdpAssets;

public sealed class AssetTapTests
{
    [Fact]
    public void T12_Acks_of_what_came_from_here_go_no_further_and_mixed_ones_are_trimmed()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(3000));
        List<Packet> parts = tap.Ack(tap.Ask(Want(id)));
        Assert.Equal([1, 2, 3], parts.Select(p => p.Index));
        Packet simsOwn = Assert.Single(tap.FromSim([0xFE, 3]));
        Packet forwarded = Assert.Single(tap.FromViewer(None, PacketAck(parts[0].Sequence, simsOwn.Sequence, parts[1].Sequence)));
        Assert.Equal((ToSim, Message.PacketAck), (forwarded.Direction, forwarded.Message));
        Assert.Equal([902u], forwarded.Acks);
        Assert.Empty(tap.FromViewer(None, PacketAck(parts[2].Sequence)));
        Assert.Equal(0, tap.Rig.Circuit.Unacked(ToViewer));
    }

    [Fact]
    public void T13_OldestUnacked_is_lowered_to_the_oldest_packet_of_an_answer()
    {
        var tap = new AssetTapRig();
        Guid id = tap.Hold(AssetType.Texture, Picture(600));
        Packet header = Assert.Single(tap.Ask(Want(id)));
        Assert.Equal(902u, header.Sequence);
        Packet later = Assert.Single(tap.FromSim([0xFE, 3]));
        Assert.Equal(903u, later.Sequence);
        Packet ping = Assert.Single(tap.FromSim([0x01, 5, 0x86, 0x03, 0, 0]));      // 902, which is 903 to the viewer
        Assert.Equal([5, 0x86, 0x03, 0, 0], ping.Body);
        tap.Ack(header);
        Assert.Equal([6, 0x87, 0x03, 0, 0], Assert.Single(tap.FromSim([0x01, 6, 0x86, 0x03, 0, 0])).Body);
    }

    [Fact]
    public void T14_A_packet_of_an_answer_that_is_lost_twice_comes_again_as_it_was_with_RESENT()
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(600);
        Guid id = tap.Hold(AssetType.Texture, file);
        Packet header = Assert.Single(tap.Ask(Want(id)));
        List<Packet> again = [.. tap.Wait(2500).Where(p => p.Direction == ToViewer && p.Reliable)];
        Assert.Equal(2, again.Count);
        Assert.All(again, p => Assert.Equal((header.Sequence, true, Message.ImageData), (p.Sequence, p.Resent, p.Message)));
        Assert.All(again, p => Assert.Equal(file, p.Data));
        tap.Ack(again[1]);
        Assert.Empty(tap.Wait(60_000));
        Assert.Equal(Circuit.Never, tap.Rig.Circuit.NextDeadline);
    }

    [Fact]
    public void An_answer_waits_for_a_sim_that_has_not_said_anything_yet()
    {
        var assets = new MemoryAssets();
        var id = Guid.Parse("89556747-24cb-43ed-920b-47caed15465f");
        assets.Held[(AssetType.Texture, id)] = Picture(600);
        var rig = new CircuitRig(new AssetTap(assets, new ViewerPace(1000), new CaptureMemory(1 << 20), Identity, static () => { }, 1000));
        rig.Receive(ToSim, UseCircuitCode(1));
        Assert.Empty(rig.Receive(ToSim, LludpBytes.Packet(Reliable, 2, RequestImage(Want(id)))));
        Assert.Empty(rig.Wait(1000));
        rig.Receive(ToViewer, LludpBytes.Packet(Reliable, 900, [0xFE, 1]));
        rig.Wait(20);
        Assert.Contains(rig.Sent, s => s.Direction == ToViewer && s.Bytes[6] == (byte)Message.ImageData);
    }

    [Fact]
    public void Whatever_comes_nothing_throws_and_all_is_let_go_in_the_end()
    {
        var random = new Random(5);
        byte[] numbers = [0x08, 0x08, 0x08, 0x09, 0x0A, 0x11, 0x0C, 0x0D, 0x0F, 0x1E];
        byte[] low = [0x99, 0x99, 0x9A, 0x9B, 0x56, 0x94];
        for (int round = 0; round < 60; round++)
        {
            var tap = new AssetTapRig();
            Guid[] ids = [.. Enumerable.Range(0, 12).Select(i => tap.Hold(AssetType.Texture, Picture(1 + random.Next(90_000)))), tap.Hold(AssetType.Sound, Picture(random.Next(90_000)))];
            for (int i = 0; i < 400; i++)
            {
                tap.Assets.How = (MemoryAssets.Reads)random.Next(3);
                byte[] message = Guess();
                PacketFlags flags = (PacketFlags)(random.Next(8) << 5);
                if (random.Next(3) > 0)
                {
                    flags &= ~ZeroCoded;
                }

                // The circuit's own numbers go on, so that most packets are first copies.
                var direction = (Direction)random.Next(2);
                uint[] acks = random.Next(3) > 0 ? [] : [.. Enumerable.Range(0, random.Next(1, 40)).Select(_ => 900 + (uint)random.Next(600))];
                tap.Rig.Receive(direction, LludpBytes.Packet(flags, (uint)((direction == ToSim ? 2 : 902) + i), message, acks));
                if (random.Next(4) == 0)
                {
                    tap.Assets.Finish(fail: random.Next(2) == 0);
                    tap.Wait(random.Next(50));
                }
            }

            tap.Wait(random.Next(2) == 0 ? 0 : 100_000);
            tap.Rig.Circuit.End();
            tap.Assets.Finish();
            tap.Wait(1000);
            Assert.Equal((0, 0), (tap.Assets.Open, tap.Pace.Unacked));
            Assert.Equal(Circuit.Never, tap.Rig.Circuit.NextDeadline);

            byte[] Guess()
            {
                switch (random.Next(4))
                {
                    case 0:
                        return RequestImage([.. Enumerable.Range(0, random.Next(6)).Select(_ => new ImageRequest(
                            ids[random.Next(ids.Length)], (sbyte)random.Next(-2, 7), random.Next(3) == 0 ? 0 : random.NextSingle(),
                            random.Next(2) == 0 ? 0 : (uint)random.Next(100), (byte)(random.Next(9) / 8)))]);
                    case 1:
                        byte[] cut = RequestImage(Want(ids[0]), Cancel(ids[1]), Want(ids[2]));
                        cut[33] = (byte)random.Next(256);
                        return cut[..random.Next(1, cut.Length)];
                    default:
                        byte[] message = new byte[random.Next(1, 120)];
                        random.NextBytes(message);
                        byte[] number = random.Next(2) == 0 ? [numbers[random.Next(numbers.Length)]] : [0xFF, 0xFF, 0x00, low[random.Next(low.Length)]];
                        number.AsSpan(0, Math.Min(number.Length, message.Length)).CopyTo(message);
                        return message;
                }
            }
        }
    }
}
