using CsCheck;
using GlobalCache.Client.Lludp;
using static GlobalCache.Tests.Circuits.LludpBytes;

namespace GlobalCache.Tests.Lludp;

public sealed class CodecTests
{
    public static TheoryData<string> SampleNames => [.. Samples.All.Keys];

    [Theory]
    [MemberData(nameof(SampleNames))]
    public void T01_Every_complete_sample_decodes_and_encodes_to_the_same_bytes(string name)
    {
        (byte[] bytes, uint number, int bodyLength) = Samples.All[name];
        Assert.True(Datagram.TryRead(bytes.ToArray(), bytes.Length, out Datagram datagram));
        Assert.Equal((Message)number, datagram.Message);
        Assert.True(datagram.TryOpen(new byte[ZeroCode.MaxExpanded], out ReadOnlySpan<byte> body));
        Assert.Equal(bodyLength, body.Length);
        Assert.Equal(bytes, Samples.Reencode(bytes));
    }

    [Fact]
    public void T01_The_documents_two_forms_of_AgentThrottle_are_one_message()
    {
        byte[] plain = Samples.All["AgentThrottle plain"].Bytes, coded = Samples.All["AgentThrottle coded"].Bytes;
        Assert.Equal((79, 52), (plain.Length, coded.Length));
        byte[] expanded = new byte[ZeroCode.MaxExpanded];
        Assert.True(ZeroCode.TryExpand(coded.AsSpan(6), expanded, out int length));
        Assert.Equal(plain[6..], expanded[..length]);
        Assert.Equal([16u, 17u], Acks(Samples.All["CompletePingCheck with acks"].Bytes));
    }

    [Fact]
    public void T02_Random_bodies_round_trip_through_zero_coding() =>
        Gen.Select(Gen.Byte, Gen.Int[0, 3]).Select((value, kind) => kind == 0 ? value : (byte)0).Array[0, 4000].Sample(body =>
        {
            byte[] coded = new byte[2 * body.Length], back = new byte[body.Length];
            return ZeroCode.TryCompress(body, coded, out int codedLength)
                && ZeroCode.TryExpand(coded.AsSpan(0, codedLength), back, out int length)
                && length == body.Length && back.SequenceEqual(body);
        });

    [Theory]
    [InlineData(254, "00FE")]
    [InlineData(255, "00FF")]
    [InlineData(256, "00FF0001")]
    [InlineData(511, "00FF00FF0001")]
    public void T02_Runs_of_zeros_are_cut_at_255(int zeros, string coded)
    {
        byte[] written = new byte[16];
        Assert.True(ZeroCode.TryCompress(new byte[zeros], written, out int length));
        Assert.Equal(coded, Convert.ToHexString(written, 0, length));
        Assert.Equal(new byte[zeros], Expand(coded));
    }

    [Theory]
    [InlineData("0105", 2)]
    [InlineData("010003", 4)]
    [InlineData("0100", 2)]             // truncated after 00: it stands for itself
    [InlineData("01000005", 1 + 261)]   // wrap form: 256 + 5
    [InlineData("0100000005", 1 + 517)]
    [InlineData("010000", 1 + 257)]
    [InlineData("01000100", 3)]
    public void T02_Odd_runs_are_read_as_viewers_read_them(string coded, int length) => Assert.Equal(length, Expand(coded).Length);

    [Fact]
    public void T02_An_expansion_bomb_is_refused_at_8_KiB()
    {
        byte[] bomb = [.. Enumerable.Repeat(new byte[] { 0, 255 }, 33).SelectMany(b => b)];
        Assert.False(ZeroCode.TryExpand(bomb, new byte[65536], out int written));
        Assert.Equal(ZeroCode.MaxExpanded, written);
        Assert.True(ZeroCode.TryExpand(bomb.AsSpan(0, 64), new byte[65536], out written));
        Assert.Equal(32 * 255, written);
        Assert.False(ZeroCode.TryExpand(new byte[1000], new byte[65536], out _));
        Assert.False(ZeroCode.TryCompress([1, 0, 0], new byte[2], out _));
        byte[] datagram = Packet(PacketFlags.ZeroCoded, 1, [0xFF, 0xFF, 0, 1, 0x9E, .. bomb]);
        Assert.True(Datagram.TryRead(datagram, datagram.Length, out Datagram read));
        Assert.Equal(Message.AvatarAppearance, read.Message);
        Assert.False(read.TryOpen(new byte[ZeroCode.MaxExpanded], out _));
    }

    [Fact]
    public void T03_A_low_message_below_256_is_recognised_when_zero_coded()
    {
        Assert.Equal(Message.TransferRequest, MessageId.Read([0xFF, 0xFF, 0x00, 0x01, 0x99], zeroCoded: true));
        Assert.Equal(Message.TransferRequest, MessageId.Read([0xFF, 0xFF, 0x00, 0x99], zeroCoded: false));
        Assert.Equal(Message.CrossedRegion, MessageId.Read([0xFF, 0x07], zeroCoded: false));
        Assert.Equal(Message.PacketAck, MessageId.Read([0xFF, 0xFF, 0xFF, 0xFB], zeroCoded: true));
        Assert.Equal(Message.None, MessageId.Read([0xFF, 0xFF, 0x00], zeroCoded: false));
        Assert.Equal(Message.None, MessageId.Read([0xFF], zeroCoded: false));
    }

    [Fact]
    public void T04_The_zero_coded_flag_is_honoured_on_a_message_the_template_calls_unencoded()
    {
        byte[] plain = Samples.All["ImageData"].Bytes;
        byte[] coded = new byte[2 * plain.Length];
        plain.AsSpan(0, 6).CopyTo(coded);
        coded[0] |= (byte)PacketFlags.ZeroCoded;
        Assert.True(ZeroCode.TryCompress(plain.AsSpan(6), coded.AsSpan(6), out int length));
        Assert.True(Datagram.TryRead(coded, 6 + length, out Datagram datagram));
        Assert.Equal(Message.ImageData, datagram.Message);
        Assert.True(datagram.TryOpen(new byte[ZeroCode.MaxExpanded], out ReadOnlySpan<byte> body));
        Assert.Equal(plain.AsSpan(7), body);
    }

    [Fact]
    public void T05_Appended_acks_are_big_endian_and_PacketAck_ids_little_endian()
    {
        Assert.Equal([0x10u, 0x11u], Acks(Packet(PacketFlags.None, 1, [2, 7], 0x10, 0x11)));
        ReadOnlySpan<byte> body = PacketAck(0x10, 0x01020304).AsSpan(4);
        Assert.Equal(2, Housekeeping.AckCount(body));
        Assert.Equal((0x10u, 0x01020304u), (Housekeeping.AckAt(body, 0), Housekeeping.AckAt(body, 1)));
        byte[] rewritten = new byte[body.Length];
        Assert.Equal(body.Length, Housekeeping.WriteAcks([0x10, 0x01020304], rewritten));
        Assert.Equal(body, rewritten);
    }

    [Fact]
    public void T05_255_acks_are_read_and_a_count_beyond_the_packet_drops_it()
    {
        uint[] ids = [.. Enumerable.Range(1, 255).Select(i => (uint)i << 12)];
        byte[] packet = Packet(PacketFlags.None, 1, [2, 7], ids);
        Assert.Equal(ids, Acks(packet));
        packet[^1] = 0;
        Assert.True(PacketHeader.TryRead(packet, out PacketHeader header));
        Assert.Equal(0, header.AckCount);
        Assert.False(PacketHeader.TryRead([0x10, 0, 0, 0, 1, 0, 2, 7, 3], out _));
        Assert.False(PacketHeader.TryRead([0x10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1], out _));
        Assert.False(PacketHeader.TryRead([0x00, 0, 0, 0, 1, 0], out _));
        Assert.True(PacketHeader.TryRead([0x00, 0, 0, 0, 1, 0, 2], out _));
        Assert.Equal(1, Housekeeping.AckCount([9, 1, 0, 0, 0, 2, 0]));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void T06_The_body_lies_after_the_message_number_and_three_extra_bytes(bool coded)
    {
        byte[] message = [0x01, 0xEE, 0x00, 0xEE, 7, 0x10, 0, 0, 0];
        byte[] onWire = new byte[32];
        int length = message.Length;
        message.CopyTo(onWire, 0);
        Assert.True(!coded || ZeroCode.TryCompress(message, onWire, out length));
        byte[] packet = Packet(coded ? PacketFlags.ZeroCoded : PacketFlags.None, 9, onWire.AsSpan(0, length), 77);
        packet[5] = 3;
        byte[] buffer = [.. packet, .. new byte[64]];
        Assert.True(Datagram.TryRead(buffer, packet.Length, out Datagram datagram));
        Assert.Equal(Message.StartPingCheck, datagram.Message);
        Assert.True(datagram.TryOpen(new byte[ZeroCode.MaxExpanded], out ReadOnlySpan<byte> body));
        Assert.True(Housekeeping.TryReadStartPing(body, out byte ping, out uint oldest));
        Assert.Equal((7, 0x10u), (ping, oldest));

        Assert.True(datagram.TryReplaceBody([8, 0x11, 0, 0, 0]));
        byte[] expected = Packet(PacketFlags.None, 9, [0x01, 0xEE, 0x00, 0xEE, 8, 0x11, 0, 0, 0], 77);
        expected[5] = 3;
        Assert.Equal(expected, datagram.Bytes);
    }

    [Fact]
    public void A_body_that_does_not_fit_replaces_nothing()
    {
        byte[] packet = Packet(PacketFlags.None, 9, [2, 7], 77);
        byte[] buffer = packet.ToArray();
        Assert.True(Datagram.TryRead(buffer, packet.Length, out Datagram datagram));
        Assert.False(datagram.TryReplaceBody(new byte[2]));
        Assert.Equal(packet, datagram.Bytes);
    }

    [Fact]
    public void Random_and_truncated_datagrams_never_throw()
    {
        Gen.Byte.Array[0, 80].Sample(Take, iter: 20_000);
        foreach ((byte[] bytes, _, _) in Samples.All.Values)
        {
            for (int length = 0; length <= Math.Min(bytes.Length, 120); length++)
            {
                Take(bytes[..length]);
            }
        }

        static void Take(byte[] bytes)
        {
            byte[] buffer = new byte[bytes.Length + 16];
            bytes.CopyTo(buffer, 0);
            if (!Datagram.TryRead(buffer, bytes.Length, out Datagram datagram))
            {
                return;
            }

            Assert.Equal(bytes, datagram.Bytes);
            if (datagram.TryOpen(new byte[ZeroCode.MaxExpanded], out ReadOnlySpan<byte> body))
            {
                BakedTextures.Find(datagram.Message, body, _ => { });
                AddressMessages.TryRead(datagram.Message, body, out _, out _);
                Housekeeping.TryReadUseCircuitCode(body, out _, out _, out _);
                Housekeeping.AckCount(body);
            }

            datagram.TryReplaceBody([1, 2, 3]);
        }
    }

    private static byte[] Expand(string coded)
    {
        byte[] expanded = new byte[ZeroCode.MaxExpanded];
        Assert.True(ZeroCode.TryExpand(Convert.FromHexString(coded), expanded, out int length));
        return expanded[..length];
    }

    private static uint[] Acks(byte[] packet)
    {
        Assert.True(Datagram.TryRead(packet, packet.Length, out Datagram datagram));
        uint[] ids = new uint[datagram.Header.AckCount];
        for (int i = 0; i < ids.Length; i++)
        {
            ids[i] = datagram.AckAt(i);
        }

        return ids;
    }
}
