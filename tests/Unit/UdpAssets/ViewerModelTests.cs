using GlobalCache.TestGrid.Lludp;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.TestGrid;
using Xunit.Sdk;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>The viewer's model itself: what a real grid sent breaks none of its rules, and what breaks one fails the test.</summary>
public sealed class ViewerModelTests
{
    private static readonly Guid s_id = new("6c0ca000-0000-4000-8000-000000000003");

    [Theory]
    [InlineData("01-session-nmv", 0, 0)]
    [InlineData("02-assets-http-udp-nmv", 3, 4)]
    [InlineData("03-image-partial-cancel-nmv", 2, 0)]
    [InlineData("05-loss-resends-nmv", 3, 4)]
    [InlineData("06-image-not-in-database-nmv", 3, 4)]
    [InlineData("07-multisim-teleport-lmv", 0, 0)]
    [InlineData("08-udp-appended-acks-lmv", 3, 4)]
    [InlineData("09-region-crossing-lmv", 0, 0)]
    public void What_a_recorded_grid_sent_breaks_no_rule(string name, int images, int transfers)
    {
        foreach (IGrouping<int, RecordedPacket> circuit in new Recording(name).Packets.GroupBy(p => p.Sim))
        {
            FirestormModel viewer = Feed(circuit);
            Assert.Equal(images, viewer.Images.Fetches.Values.Count(f => f.Whole));
            Assert.Equal(transfers, viewer.Transfers.All.Count(t => t.Outcome == 1));
            Assert.All(viewer.Images.Fetches.Values.Where(f => f.Whole), f => Assert.Equal(Repository.Asset($"{f.Id}"), f.Bytes()));
            Assert.All(viewer.Transfers.All.Where(t => t.Outcome == 1), t => Assert.Equal(Repository.Asset($"{t.Asset}"), t.Bytes));
            Assert.All(viewer.Transfers.All, t => Assert.NotNull(t.Outcome));
        }
    }

    [Fact]
    public void The_partial_image_grows_with_each_request()
    {
        FirestormModel viewer = Feed(new Recording("03-image-partial-cancel-nmv").Packets);
        byte[] whole = Repository.Asset($"{s_id}");
        // Discard 4, 2 and 0 of it were asked for, the last one cancelled on the way.
        byte[] held = viewer.Images.LastCancelled!.Bytes();
        Assert.InRange(held.Length, 20_000, whole.Length - 1);
        Assert.Equal(whole[..held.Length], held);
    }

    public static TheoryData<string, string> Broken => new()
    {
        { "ImageData of Size 0", "I 2 0 1 0" },
        { "599 of 1600 bytes", "I 2 1600 2 599" },
        { "601 of 1600 bytes", "I 2 1600 2 601" },
        { "all of 601 in 600", "I 2 601 1 600" },
        { "one packet too many", "I 2 1600 3 600" },
        { "another codec", "I 7 1600 2 600" },
        { "a middle packet of 999 bytes", "I 2 3600 4 600, P 1 999" },
        { "a middle packet of 1001 bytes", "I 2 3600 4 600, P 2 1001" },
        { "a last packet too short", "I 2 3000 4 600, P 3 399" },
        { "a packet beyond the last", "I 2 1600 2 600, P 2 1000" },
        { "a packet before the header", "P 1 1000" },
        { "a second header", "I 2 3600 4 600, I 2 3600 4 600" },
        { "a number used twice", "I 2 3600 4 600, P 1 1000 again" },
        { "a number used twice, flagged as resent, for something else", "I 2 3600 4 600, P 1 1000 resent" },
        { "an ack for what was never sent", "A 77" },
        { "OldestUnacked above what comes again", "I 2 3600 4 600, P 1 1000, O 2, I 2 3600 4 600 resent-first" },
        { "a transfer packet of 2049 bytes", "T 0 2049 1" },
        { "101 parked transfer packets", "T 1 10 101" },
    };

    [Theory]
    [MemberData(nameof(Broken))]
    public void A_sender_that_breaks_a_rule_fails_the_test(string what, string packets)
    {
        Assert.NotEmpty(what);
        Assert.ThrowsAny<XunitException>(() => Play(packets));
    }

    [Theory]
    [InlineData("I 2 1 1 1")]
    [InlineData("I 2 600 1 600")]
    [InlineData("I 2 3600 4 600, P 1 1000, P 3 1000, P 2 1000")]
    [InlineData("I 2 3600 4 600, O 1, I 2 3600 4 600 resent-first")]
    [InlineData("T 1 10 100")]
    public void A_sender_that_keeps_them_does_not(string packets) => Play(packets);

    [Fact]
    public void A_full_socket_buffer_swallows_what_comes_between_two_frames()
    {
        var viewer = new FirestormModel(1, _ => { });
        for (uint n = 1; n <= 200; n++)
        {
            viewer.Arrive(Datagram.Write(0, n, new BodyWriter(Message.CoarseLocationUpdate).Raw(new byte[1020]).Plain, []), copy: false);
        }

        viewer.Frame(0);
        Assert.Equal(92, viewer.Received);
        Assert.Equal(108, viewer.Overflowed);
    }

    /// <summary>Small packets by script: I codec size packets length, P index length, A ack, O oldest, T first length count.</summary>
    private static void Play(string packets)
    {
        var viewer = new FirestormModel(1, _ => { });
        var transfer = new Guid("a0000000-0000-0000-0000-000000000001");
        viewer.Images.Want(0, s_id, 0, 1000);
        viewer.Transfers.Adopt(0, transfer, s_id, 1);
        uint number = 1;
        long now = 0;
        foreach (string[] words in packets.Split(", ").Select(p => p.Split(' ')))
        {
            int At(int index) => int.Parse(words[index], System.Globalization.CultureInfo.InvariantCulture);
            List<BodyWriter> messages = words[0] switch
            {
                "I" => [new BodyWriter(Message.ImageData).Id(s_id).U8((byte)At(1)).U32((uint)At(2)).U16((ushort)At(3)).Var2(new byte[At(4)])],
                "P" => [new BodyWriter(Message.ImagePacket).Id(s_id).U16((ushort)At(1)).Var2(new byte[At(2)])],
                "A" => [new BodyWriter(Message.PacketAck).U8(1).U32((uint)At(1))],
                "O" => [new BodyWriter(Message.StartPingCheck).U8(1).U32((uint)At(1))],
                _ => [.. Enumerable.Range(At(1), At(3)).Select(i => new BodyWriter(Message.TransferPacket).Id(transfer).S32(2).S32(i).S32(0).Var2(new byte[At(2)]))],
            };
            foreach (BodyWriter message in messages)
            {
                byte flags = words[^1].StartsWith("resent", StringComparison.Ordinal) ? (byte)(Datagram.Reliable | Datagram.Resent) : Datagram.Reliable;
                uint used = words[^1] switch { "again" or "resent" => number - 1, "resent-first" => 1, _ => number++ };
                viewer.Arrive(Datagram.Write(flags, used, message.Plain, []), copy: false);
                viewer.Frame(now += 20 * LludpManner.Millisecond);
            }
        }
    }

    private static FirestormModel Feed(IEnumerable<RecordedPacket> packets)
    {
        var viewer = new FirestormModel(1_000_000, _ => { }, (_, _) => int.MaxValue);
        // OpenSimulator begins with the header even if asked for a later packet; the recorded client does not mind.
        viewer.Images.Excused = (breach, fetch, _) => breach == ImageBreach.SecondHeader && fetch.FromDisk >= 0;
        long now = 0;
        foreach (RecordedPacket packet in packets)
        {
            for (; now < (long)(packet.Time * 1000); now += 20 * LludpManner.Millisecond)
            {
                viewer.Frame(now);
            }

            if (packet.FromViewer)
            {
                viewer.Frame(now);
                Follow(viewer, packet.Datagram, now);
            }
            else
            {
                viewer.Arrive(packet.Wire, copy: false);
            }
        }

        viewer.Frame(now);
        return viewer;
    }

    /// <summary>What the recorded client did, the model has done.</summary>
    private static void Follow(FirestormModel viewer, Datagram datagram, long now)
    {
        viewer.End.SentElsewhere(datagram.Sequence);
        var body = new BodyReader(datagram.Body);
        if (datagram.Message == Message.TransferRequest && !datagram.IsResent)
        {
            Guid transfer = body.Id();
            body.Skip(12);
            var parameters = new BodyReader(body.Var2());
            viewer.Transfers.Adopt(now, transfer, parameters.Id(), parameters.S32());
        }

        if (datagram.Message != Message.RequestImage)
        {
            return;
        }

        body.Skip(32);
        for (int n = body.U8(); n > 0; n--)
        {
            Guid id = body.Id();
            int discard = body.S8();
            float priority = body.F32();
            uint packet = body.U32();
            body.U8();
            if (discard == -1 && priority == 0)
            {
                viewer.Images.Cancel(id, keep: true);
                continue;
            }

            if (packet > 0)
            {
                viewer.Images.Retire(id);
            }

            ImageFetch fetch = viewer.Images.Want(now, id, discard, priority);
            // The recorded client names the packets itself, once one more than it holds.
            Assert.InRange(packet, (uint)(fetch.Last + 1), (uint)(fetch.Last + 2));
        }
    }
}
