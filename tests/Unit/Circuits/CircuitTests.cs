using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Client.Lludp.PacketFlags;
using static GlobalCache.Tests.Circuits.LludpBytes;

namespace GlobalCache.Tests.Circuits;

public sealed class CircuitTests
{
    private static readonly byte[] s_image = [0x0A, 1, 2, 3];
    private static readonly byte[] s_request = [0x08, 1, 2, 3];

    [Fact]
    public void T07_Unknown_message_numbers_and_truncated_trailing_blocks_pass_unchanged()
    {
        var rig = new CircuitRig();
        uint sequence = 1;
        foreach (byte[] message in new byte[][]
        {
            [0xFE, 1, 2], [0xFF, 0xFE, 9], [0xFF, 0xFF, 0xEE, 0xEE, 5], [0xFF, 0xFF], [0x00], [0xFF, 0xFF, 0xFF, 0xFA],
            [0xFF, 0xFF, 0x00, 0x9E, 1, 2, 3], [0xFF, 0xFF, 0x00, 0x97, 1, 2, 3], [0x01, 7], [0xFF, 0xFF, 0x00, 0x45, .. new byte[40]],
        })
        {
            foreach (PacketFlags flags in new[] { None, Reliable, ZeroCoded, ZeroCoded | Reliable | Resent })
            {
                byte[] packet = Packet(flags, sequence++, message);
                Assert.Equal(packet, rig.Pass(ToViewer, packet));
            }
        }
    }

    [Fact]
    public void T05_A_packet_with_an_ack_count_beyond_it_is_dropped_and_counted()
    {
        var rig = new CircuitRig();
        Assert.Empty(rig.Receive(ToSim, [0x10, 0, 0, 0, 1, 0, 4, 200]));
        Assert.Empty(rig.Receive(ToSim, [0x40, 0, 0]));
        Assert.Equal(2, rig.Circuit.Counters.Malformed);
    }

    [Fact]
    public void T10_A_resend_of_a_forwarded_packet_keeps_its_number_and_the_RESENT_flag()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 10, s_image));
        Inject(rig, ToViewer, out _);
        byte[] first = rig.Pass(ToViewer, Packet(Reliable, 11, s_image));
        Inject(rig, ToViewer, out _);

        // Even if the answer has become known meanwhile.
        tap.OnPacket = (Direction _, ref Datagram _, Circuit _) => Verdict.Swallow;
        byte[] resend = rig.Pass(ToViewer, Packet(Reliable | Resent, 11, s_image));
        Assert.Equal(12u, SequenceOf(first));
        Assert.Equal(Packet(Reliable | Resent, 12, s_image), resend);
        Assert.Equal([10u, 11u], tap.Inspected);
    }

    [Fact]
    public void T11_A_swallowed_reliable_packet_is_acked_for_every_copy_and_its_acks_still_reach_the_far_end()
    {
        var tap = new TestTap { OnPacket = (Direction d, ref Datagram m, Circuit _) => m.Message == Message.RequestImage ? Verdict.Swallow : Verdict.Forward };
        var rig = new CircuitRig(tap);
        rig.Pass(ToSim, UseCircuitCode(1));
        rig.Pass(ToViewer, Packet(Reliable, 900, s_image));
        Assert.Empty(rig.Receive(ToSim, Packet(Reliable, 2, s_request, 900)));
        List<(Direction Direction, byte[] Bytes)> sent = rig.Wait(60);
        Assert.Equal(2, sent.Count);
        Assert.Equal(Packet(None, 2, PacketAck(900)), sent.Single(s => s.Direction == ToSim).Bytes);
        Assert.Equal(Packet(None, 901, PacketAck(2)), sent.Single(s => s.Direction == ToViewer).Bytes);

        Assert.Empty(rig.Receive(ToSim, Packet(Reliable | Resent, 2, s_request)));
        Assert.Equal(Packet(None, 902, PacketAck(2)), Assert.Single(rig.Wait(60)).Bytes);
        Assert.Equal([1u, 900u, 2u], tap.Inspected);
    }

    [Fact]
    public void Acks_owed_ride_on_the_next_packet_that_has_room()
    {
        var rig = new CircuitRig(new TestTap { OnPacket = (Direction _, ref Datagram m, Circuit _) => m.Message == Message.RequestImage ? Verdict.Swallow : Verdict.Forward });
        rig.Pass(ToViewer, Packet(Reliable, 7, s_image));
        rig.Pass(ToSim, UseCircuitCode(1));
        rig.Receive(ToSim, Packet(Reliable, 2, s_request));
        rig.Receive(ToSim, Packet(Reliable, 3, s_request));
        byte[] full = Packet(Reliable, 8, new byte[1194]);
        Assert.Equal(full, rig.Pass(ToViewer, full));
        Assert.Equal(Packet(Reliable, 9, s_image, 1, 2, 3), rig.Pass(ToViewer, Packet(Reliable, 9, s_image, 1)));
        Assert.Empty(rig.Wait(1000));
    }

    [Fact]
    public void T12_A_PacketAck_of_only_injected_acks_is_not_forwarded_and_a_mixed_one_is_trimmed()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        long a = Inject(rig, ToViewer, out _), b = Inject(rig, ToViewer, out _);
        Assert.Equal((501, 502), (a, b));
        Assert.Equal(503u, SequenceOf(rig.Pass(ToViewer, Packet(Reliable, 501, s_image))));

        rig.Pass(ToSim, UseCircuitCode(1));
        Assert.Empty(rig.Receive(ToSim, Packet(None, 2, PacketAck(501))));
        Assert.Equal(Packet(None, 2, PacketAck(500, 501)), rig.Pass(ToSim, Packet(None, 3, PacketAck(500, 502, 503))));
        Assert.Equal([501, 502], tap.AckedNumbers);
        Assert.Equal(0, rig.Circuit.Unacked(ToViewer));
        Assert.Equal(0, rig.Circuit.Counters.UnknownAcks);
    }

    [Fact]
    public void T12_The_same_holds_for_zero_coded_PacketAcks_and_appended_acks()
    {
        var rig = new CircuitRig();
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        Inject(rig, ToViewer, out _);
        rig.Pass(ToViewer, Packet(Reliable, 501, s_image));
        rig.Pass(ToSim, UseCircuitCode(1));
        byte[] coded = new byte[64];
        Assert.True(ZeroCode.TryCompress(PacketAck(501, 502), coded, out int length));
        Assert.Equal(Packet(None, 2, PacketAck(501)), rig.Pass(ToSim, Packet(ZeroCoded, 2, coded.AsSpan(0, length))));
        Assert.Equal(Packet(ZeroCoded, 3, [4, 0, 5], 500, 501), rig.Pass(ToSim, Packet(ZeroCoded, 3, [4, 0, 5], 500, 501, 502)));
        Assert.Equal(Packet(Reliable, 4, [4, 5]), rig.Pass(ToSim, Packet(Reliable, 4, [4, 5], 501)));
    }

    [Fact]
    public void An_ack_for_what_nobody_sent_is_dropped_and_counted()
    {
        var rig = new CircuitRig();
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        Assert.Equal(Packet(None, 1, PacketAck(500)), rig.Pass(ToSim, Packet(None, 1, PacketAck(500, 777))));
        Assert.Equal(1, rig.Circuit.Counters.UnknownAcks);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void T13_OldestUnacked_is_translated_and_lowered_to_our_oldest_unacked_injection(bool coded)
    {
        var rig = new CircuitRig();
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        long injected = Inject(rig, ToViewer, out _);
        rig.Pass(ToViewer, Packet(Reliable, 501, s_image));
        Assert.Equal(501u, Oldest(502, 501));
        rig.Receive(ToSim, Packet(None, 1, PacketAck((uint)injected)));
        Assert.Equal(502u, Oldest(503, 501));
        Assert.Equal(0u, Oldest(504, 0));

        uint Oldest(uint sequence, uint oldest)
        {
            byte[] message = [0x01, 7, (byte)oldest, (byte)(oldest >> 8), 0, 0], onWire = new byte[32];
            int length = message.Length;
            message.CopyTo(onWire, 0);
            Assert.True(!coded || ZeroCode.TryCompress(message, onWire, out length));
            byte[] passed = rig.Pass(ToViewer, Packet(coded ? ZeroCoded : None, sequence, onWire.AsSpan(0, length)));
            Assert.True(Datagram.TryRead(passed, passed.Length, out Datagram datagram));
            Assert.True(datagram.TryOpen(new byte[8192], out ReadOnlySpan<byte> body));
            Assert.True(Housekeeping.TryReadStartPing(body, out byte ping, out uint translated));
            Assert.Equal(7, ping);
            return translated;
        }
    }

    [Fact]
    public void T14_An_injected_reliable_packet_lost_twice_is_resent_then_acked_then_forgotten()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        long number = Inject(rig, ToViewer, out byte[] first);
        Assert.Equal(Packet(Reliable, 501, [0x0A, 9, 9]), first);
        List<(Direction Direction, byte[] Bytes)> resends = rig.Wait(2500);
        Assert.Equal(2, resends.Count);
        Assert.All(resends, r => Assert.Equal(Packet(Reliable | Resent, 501, [0x0A, 9, 9]), r.Bytes));
        rig.Receive(ToSim, Packet(None, 1, PacketAck((uint)number)));
        Assert.Equal([number], tap.AckedNumbers);
        Assert.Empty(rig.Wait(60_000));
        Assert.Equal(Circuit.Never, rig.Circuit.NextDeadline);
    }

    [Fact]
    public void A_packet_is_sent_again_soon_and_but_once_so_when_one_sent_32_later_is_acked()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        long[] numbers = [.. Enumerable.Range(0, 40).Select(_ => Inject(rig, ToViewer, out byte[] _))];
        rig.Now += 10;
        rig.Receive(ToSim, Packet(None, 1, PacketAck([.. numbers[3..34].Select(n => (uint)n)])));
        Assert.Empty(rig.Wait(139));
        Assert.Equal([(uint)numbers[0], (uint)numbers[1]], rig.Wait(1).Select(s => SequenceOf(s.Bytes)));
        Assert.Equal([numbers[0], numbers[1]], tap.ResentNumbers);
        rig.Receive(ToSim, Packet(None, 2, PacketAck((uint)numbers[34], (uint)numbers[0])));
        Assert.Equal((uint)numbers[2], SequenceOf(Assert.Single(rig.Wait(0)).Bytes));

        // After that it waits as long as any other.
        Assert.DoesNotContain(rig.Wait(840), s => SequenceOf(s.Bytes) <= numbers[2]);
        Assert.Contains(rig.Wait(200), s => SequenceOf(s.Bytes) == numbers[1]);
    }

    [Fact]
    public void What_is_lost_together_is_not_sent_again_all_at_once()
    {
        var rig = new CircuitRig(new TestTap());
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        for (int i = 0; i < 100; i++)
        {
            Inject(rig, ToViewer, out _);
        }

        Assert.Empty(rig.Wait(999));
        Assert.InRange(rig.Wait(1).Count, 1, 20);
        Assert.InRange(rig.Wait(9).Count, 0, 0);
        Assert.Equal(100, rig.Sent.Count(s => (s.Bytes[0] & (byte)Resent) != 0) + rig.Wait(100).Count);
    }

    [Fact]
    public void A_packet_that_is_not_to_be_resent_is_acked_or_lost_in_time()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        long first = Inject(rig, ToViewer, out _), second = Inject(rig, ToViewer, out _);
        rig.Circuit.StopResending(ToViewer, first);
        rig.Circuit.StopResending(ToViewer, second);
        rig.Receive(ToSim, Packet(None, 1, PacketAck((uint)first)));
        Assert.Empty(rig.Wait(60_000));
        Assert.Equal([first], tap.AckedNumbers);
        Assert.Equal([second], tap.LostNumbers);
        Assert.Equal(Circuit.Never, rig.Circuit.NextDeadline);
    }

    [Fact]
    public void A_circuit_that_is_over_resends_nothing_and_takes_nothing_more()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        Inject(rig, ToViewer, out _);
        rig.Pass(ToViewer, Packet(Reliable, 501, [0xFF, 0xFF, 0x00, 0x98]));
        Assert.True(tap.Ended);
        Assert.False(rig.Circuit.TryInject(0, ToViewer, Message.ImagePacket, [1], reliable: true, rig, out _));
        Assert.Empty(rig.Wait(60_000));
        Assert.Equal(502u, SequenceOf(rig.Pass(ToViewer, Packet(Reliable | Resent, 501, [0xFF, 0xFF, 0x00, 0x98]))));
    }

    [Fact]
    public void An_injected_packet_nobody_acks_is_given_up_and_the_tap_told()
    {
        var tap = new TestTap();
        var rig = new CircuitRig(tap);
        rig.Pass(ToViewer, Packet(Reliable, 500, s_image));
        long number = Inject(rig, ToViewer, out _);
        Assert.Equal(ReliablePackets.MaxSends - 1, rig.Wait(60_000).Count);
        Assert.Equal([number], tap.LostNumbers);
        Assert.Equal(0, rig.Circuit.Unacked(ToViewer));
        Assert.Equal(Circuit.Never, rig.Circuit.NextDeadline);
    }

    [Fact]
    public void Resends_wait_five_round_trips()
    {
        var rig = new CircuitRig();
        rig.Pass(ToViewer, Packet(None, 1, [0x01, 3, 0, 0, 0, 0]));
        rig.Now += 400;
        rig.Pass(ToSim, Packet(None, 1, [0x02, 3]));
        Inject(rig, ToViewer, out _);
        Assert.Empty(rig.Wait(1999));
        Assert.Single(rig.Wait(1));
    }

    [Fact]
    public void Nothing_is_injected_before_a_directions_first_packet()
    {
        var rig = new CircuitRig();
        rig.Pass(ToSim, UseCircuitCode(1));
        Assert.False(rig.Circuit.TryInject(0, ToViewer, Message.ImagePacket, [1], reliable: true, rig, out _));
        Assert.False(rig.Circuit.TryInject(0, ToSim, Message.ImagePacket, new byte[9000], reliable: true, rig, out _));
        Assert.True(rig.Circuit.TryInject(0, ToSim, Message.ImagePacket, [1], reliable: false, rig, out _));
    }

    [Fact]
    public void A_held_packet_goes_on_after_30_ms_if_nobody_decides()
    {
        var rig = new CircuitRig(new TestTap { OnPacket = (Direction _, ref Datagram _, Circuit _) => Verdict.Hold });
        byte[] packet = Packet(Reliable, 5, s_request);
        Assert.Empty(rig.Receive(ToSim, packet));
        Assert.Empty(rig.Receive(ToSim, Packet(Reliable | Resent, 5, s_request)));
        Assert.Empty(rig.Wait(29));
        Assert.Equal(packet, Assert.Single(rig.Wait(1)).Bytes);
        Assert.False(rig.Circuit.TryDecide(rig.Now, ToSim, 5, Verdict.Swallow, default, rig));
    }

    [Fact]
    public void A_held_packet_can_go_on_with_another_body()
    {
        var rig = new CircuitRig(new TestTap { OnPacket = (Direction _, ref Datagram _, Circuit _) => Verdict.Hold });
        Assert.Empty(rig.Receive(ToSim, Packet(Reliable, 5, s_request)));
        Assert.True(rig.Circuit.TryDecide(rig.Now, ToSim, 5, Verdict.Forward, [8, 8, 8, 8, 8], rig));
        Assert.Equal(Packet(Reliable, 5, [0x08, 8, 8, 8, 8, 8]), Assert.Single(rig.Sent).Bytes);
        Assert.Equal(Circuit.Never, rig.Circuit.NextDeadline);
    }

    [Fact]
    public void OpenCircuit_goes_no_further()
    {
        var rig = new CircuitRig();
        rig.Pass(ToViewer, Packet(None, 1, s_image));
        Assert.Empty(rig.Receive(ToViewer, Packet(None, 2, [0xFF, 0xFF, 0xFF, 0xFC, 203, 0, 113, 7, 0x32, 0xCD])));
        Assert.Equal(2u, SequenceOf(rig.Pass(ToViewer, Packet(None, 3, s_image))));
    }

    [Fact]
    public void Random_datagrams_never_throw()
    {
        var random = new Random(15);
        var tap = new TestTap { OnPacket = (Direction _, ref Datagram _, Circuit _) => (Verdict)random.Next(3) };
        var rig = new CircuitRig(tap);
        byte[][] numbers = [[1], [2], [8], [9], [0xFF, 7], [0xFF, 0xFF, 0, 3], [0xFF, 0xFF, 0, 0x45], [0xFF, 0xFF, 0, 0x9E], [0xFF, 0xFF, 0, 1, 0x9E], [0xFF, 0xFF, 0xFF, 0xFB]];
        for (int i = 0; i < 50_000; i++)
        {
            byte[] message = new byte[random.Next(1, 80)];
            random.NextBytes(message);
            byte[] number = numbers[random.Next(numbers.Length)];
            number.AsSpan(0, Math.Min(number.Length, message.Length)).CopyTo(message);
            byte[] packet = Packet((PacketFlags)random.Next(256), random.Next(4) == 0 ? (uint)random.Next() : (uint)i, message);
            packet[5] = (byte)(random.Next(10) == 0 ? random.Next(256) : 0);
            rig.Receive((Direction)random.Next(2), packet);
            rig.Sent.Clear();
            if (random.Next(20) == 0)
            {
                Inject(rig, (Direction)random.Next(2), out _);
                rig.Wait(random.Next(40));
            }
        }

        Assert.True(rig.Circuit.Counters.Forwarded > 10_000);
    }

    private static long Inject(CircuitRig rig, Direction direction, out byte[] datagram)
    {
        int before = rig.Sent.Count;
        rig.Circuit.TryInject(rig.Now, direction, Message.ImagePacket, [9, 9], reliable: true, rig, out long number);
        datagram = rig.Sent.Count > before ? rig.Sent[before].Bytes : [];
        return number;
    }
}
