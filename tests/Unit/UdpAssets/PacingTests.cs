using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Tests.Circuits.LludpBytes;
using static GlobalCache.Tests.UdpAssets.AssetTapRig;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>The pace against a viewer that reads once a frame and collects its acks (docs/adr/0005-pacing.md).</summary>
public sealed class PacingTests
{
    /// <summary>What 208 KiB hold of datagrams of 1 kB, by Linux' reckoning.</summary>
    private const int Buffer = 90;

    // A frame of the viewer, what it collects acks for; of 40 pictures, 10 MB, how many packets may be lost at first and then.
    [Theory]
    [InlineData(1, 0, 0, 0)]
    [InlineData(16, 0, 0, 0)]
    [InlineData(16, 100, 0, 0)]
    [InlineData(33, 100, 10, 10)]
    [InlineData(50, 100, 80, 10)]       // 2 MB/s is too much for it, which has to be learnt
    [InlineData(100, 100, 250, 10)]
    public void T46_Ten_megabytes_of_hits_pass_a_buffer_of_208_KiB(int frame, int ackDelay, int lostAtFirst, int lostThen)
    {
        var tap = new AssetTapRig();
        var viewer = new PacedViewer(tap, frame, ackDelay);
        foreach (int allowed in (int[])[lostAtFirst, lostThen])
        {
            Guid[] ids = [.. Enumerable.Range(0, 40).Select(i => tap.Hold(AssetType.Texture, Picture(250_000 + i)))];
            int before = viewer.Dropped;
            long started = tap.Rig.Now, parts = viewer.Parts + (40 * 251);
            viewer.Take(tap.Ask([.. ids.Select(id => Want(id))]));
            while (viewer.Parts < parts)
            {
                viewer.Step();
                Assert.True(tap.Rig.Now < started + 30_000, "it takes too long");
            }

            Assert.InRange(viewer.Dropped - before, 0, allowed);
        }

        Assert.Equal(viewer.Dropped, viewer.Resent);
        viewer.Step(200);
        Assert.Equal((0, 0), (tap.Assets.Open, tap.Pace.Unacked));
    }

    [Fact]
    public void Circuits_of_one_session_share_evenly_and_one_alone_has_it_all()
    {
        var pace = new ViewerPace(1000);
        AssetTapRig one = new(pace), other = new(pace);
        PacedViewer first = new(one, 16, 100), second = new(other, 16, 100);
        first.Take(one.Ask(Want(one.Hold(AssetType.Texture, Picture(8_000_000)))));
        first.Step(2000);
        int alone = first.Parts;
        other.Rig.Now = one.Rig.Now;
        second.Take(other.Ask(Want(other.Hold(AssetType.Texture, Picture(8_000_000)))));
        for (int i = 0; i < 2000; i++)
        {
            first.Step();
            second.Step();
        }

        int shared = first.Parts - alone;
        Assert.InRange(alone, 3500, 5000);
        Assert.InRange(shared, alone * 0.4, alone * 0.7);
        Assert.InRange(second.Parts, shared * 0.9, shared * 1.1);
    }

    [Fact]
    public void The_rate_halves_once_for_what_was_on_its_way_and_grows_by_a_tenth_in_a_clean_second_that_could_have_used_it()
    {
        var pace = new ViewerPace(1000);
        ViewerPace.Share share = pace.Join();
        Assert.Equal(0, Fill(share, 0));
        share.Resent(200, sent: 10);
        share.Resent(210, sent: 190);
        Assert.Equal(1_000_000, pace.Rate);
        share.Resent(1300, sent: 200);
        Assert.Equal(500_000, pace.Rate);

        // It was too much at a million, so from 850 000 on it grows slowly.
        for (long now = 1300; now < 8000; now += 1000)
        {
            Fill(share, now);
        }

        Assert.InRange(pace.Rate, 850_000, 935_000);
        int rate = pace.Rate;
        Fill(share, 9400);
        Fill(share, 10_401);
        Assert.InRange(pace.Rate, rate + 1, rate * 1.03);

        // Nothing to send: nothing learnt.
        rate = pace.Rate;
        share.Idle();
        share.Next(60_000);
        share.Next(62_000);
        Assert.InRange(pace.Rate, rate, rate * 1.011);
        for (int i = 0; i < 40; i++)
        {
            share.Resent(100_000 + (1000 * i), sent: 100_000 + (1000 * i));
        }

        Assert.Equal(ViewerPace.MinRate, pace.Rate);
    }

    [Fact]
    public void Sending_stops_when_too_much_is_unacked_and_leaving_gives_it_back()
    {
        var pace = new ViewerPace(1000);
        ViewerPace.Share share = pace.Join();
        long now = 0;
        for (; now < 5000; now++)
        {
            Fill(share, now, acked: false);
        }

        Assert.InRange(pace.Unacked, ViewerPace.MinWindow, 2 * ViewerPace.MinWindow);
        Assert.True(share.Next(now) > now);
        share.Leave();
        Assert.Equal(0, pace.Unacked);
    }

    /// <summary>Sends what may be sent at this moment; how much that was, if all is acked at once 0.</summary>
    private static int Fill(ViewerPace.Share share, long now, bool acked = true)
    {
        int sent = 0;
        for (; share.Next(now) <= now; sent++)
        {
            share.Sent(1000);
        }

        for (; acked && sent > 0; sent--)
        {
            share.Settled();
        }

        return sent;
    }

    private sealed class PacedViewer(AssetTapRig tap, int frame, int ackDelay)
    {
        private readonly Queue<Packet> _buffer = new();
        private readonly List<uint> _acks = [];
        private readonly HashSet<uint> _seen = [];
        private long _oldestAck;

        public int Parts => _seen.Count;

        public int Dropped { get; private set; }

        public int Resent { get; private set; }

        public void Take(List<Packet> packets)
        {
            foreach (Packet packet in packets.Where(p => p.Direction == ToViewer && p.Reliable))
            {
                Resent += packet.Resent ? 1 : 0;
                if (_buffer.Count == Buffer)
                {
                    Dropped++;
                }
                else
                {
                    _buffer.Enqueue(packet);
                }
            }
        }

        public void Step(int milliseconds)
        {
            for (; milliseconds > 0; milliseconds--)
            {
                Step();
            }
        }

        public void Step()
        {
            Take(tap.Wait(1));
            if (tap.Rig.Now % frame != 0)
            {
                return;
            }

            while (_buffer.TryDequeue(out Packet? packet))
            {
                _oldestAck = _acks.Count == 0 ? tap.Rig.Now : _oldestAck;
                _acks.Add(packet.Sequence);
                _seen.Add(packet.Sequence);
            }

            if (_acks.Count > 0 && tap.Rig.Now - _oldestAck >= ackDelay)
            {
                foreach (uint[] chunk in _acks.Chunk(250))
                {
                    Take(tap.FromViewer(PacketFlags.None, PacketAck(chunk)));
                }

                _acks.Clear();
            }
        }
    }
}
