using System.Buffers.Binary;
using System.Net;
using System.Text;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Tests.Lludp;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Client.Lludp.PacketFlags;
using static GlobalCache.Tests.Circuits.LludpBytes;

namespace GlobalCache.Tests.Circuits;

public sealed class CircuitEventsTests
{
    private static readonly IPEndPoint s_real = new(IPAddress.Parse("203.0.113.7"), 13005);

    [Theory]
    [InlineData(0xFC, false, nameof(SessionEnd.LogoutRequest))]
    [InlineData(0xFD, true, nameof(SessionEnd.LogoutReply))]
    [InlineData(0xA3, true, nameof(SessionEnd.KickUser))]
    public void A_session_ends_by_request_reply_or_kick_in_its_own_direction_only(byte number, bool toViewer, string end)
    {
        var rig = new CircuitRig();
        byte[] message = [0xFF, 0xFF, 0, 1, number, .. new byte[8]];
        rig.Pass(toViewer ? ToSim : ToViewer, Packet(ZeroCoded, 1, message));
        Assert.Empty(rig.Ends);
        rig.Pass(toViewer ? ToViewer : ToSim, Packet(ZeroCoded, 2, message));
        Assert.Equal([Enum.Parse<SessionEnd>(end)], rig.Ends);
    }

    [Fact]
    public void A_session_ends_when_its_root_circuit_is_closed_and_not_when_another_is()
    {
        byte[] close = Packet(None, 9, [0xFF, 0xFF, 0xFF, 0xFD]), moved = Packet(Reliable, 2, [0xFF, 0xFF, 0x00, 0xF9, .. new byte[36]]);
        var rig = new CircuitRig();
        var neighbour = new Circuit(rig.Scope, new IPEndPoint(IPAddress.Parse("203.0.113.8"), 13005));
        neighbour.Receive(0, ToSim, close.ToArray(), close.Length, rig);
        Assert.Empty(rig.Ends);

        rig.Pass(ToSim, UseCircuitCode(1));
        Assert.Equal(CircuitRig.Sim, rig.Scope.Root);
        neighbour.Receive(0, ToSim, moved.ToArray(), moved.Length, rig);
        rig.Pass(ToSim, close);
        Assert.Empty(rig.Ends);
        Assert.True(rig.Circuit.Closed);

        close[4]++;
        neighbour.Receive(0, ToViewer, close.ToArray(), close.Length, rig);
        Assert.Equal([SessionEnd.CloseCircuit], rig.Ends);
    }

    [Fact]
    public void Baked_textures_are_told_and_their_packets_pass()
    {
        var rig = new CircuitRig();
        var id = Guid.Parse("00112233-4455-6677-8899-aabbccddeeff");
        byte[] rebake = Packet(Reliable, 1, [0xFF, 0xFF, 0x00, 0x57, .. id.ToByteArray(bigEndian: true)]);
        Assert.Equal(rebake, rig.Pass(ToViewer, rebake));
        Assert.Equal([id], rig.Baked);
    }

    [Fact]
    public void The_twins_get_the_loopback_address_and_the_proxied_seed()
    {
        var rig = new CircuitRig { Map = sim => sim.Equals(s_real) ? new IPEndPoint(IPAddress.Loopback, 0x32CD) : null };
        byte[] enable = Samples.All["EnableSimulator"].Bytes;
        byte[] expected = enable.ToArray();
        new byte[] { 127, 0, 0, 1 }.CopyTo(expected, expected.Length - 6);
        Assert.Equal(expected, rig.Pass(ToViewer, enable));
        byte[] coded = new byte[64];
        enable.AsSpan(0, 6).CopyTo(coded);
        coded[0] |= (byte)ZeroCoded;
        Assert.True(ZeroCode.TryCompress(enable.AsSpan(6), coded.AsSpan(6), out int length));
        Assert.Equal(expected, rig.Pass(ToViewer, coded[..(6 + length)]));

        byte[] local = Samples.All["TeleportFinish"].Bytes;
        Assert.Equal(local, rig.Pass(ToViewer, TeleportFinish("https://sim.example:12043/cap/0123456789abcdef\0")));
        rig.Pass(ToSim, UseCircuitCode(9));
        byte[] acking = [.. local, 0, 0, 0, 9, 1];
        acking[0] |= (byte)Acks;
        Assert.Equal(acking, rig.Pass(ToViewer, [.. TeleportFinish("http://x\0", Acks), 0, 0, 0, 9, 1]));
    }

    [Fact]
    public void A_crossing_keeps_what_follows_its_seed()
    {
        var rig = new CircuitRig();
        byte[] tail = [.. Enumerable.Range(1, 24).Select(i => (byte)i)];
        byte[] crossed = Packet(Reliable, 3, [0xFF, 0x07, .. new byte[32], 203, 0, 113, 7, 0x32, 0xCD, .. new byte[8], .. Var2("https://real/seed\0"), .. tail]);
        byte[] expected = Packet(Reliable, 3, [0xFF, 0x07, .. new byte[32], 127, 0, 0, 1, 0x2F, 0x46, .. new byte[8], .. Var2("http://127.0.0.1:12080/s/1\0"), .. tail]);
        Assert.Equal(expected, rig.Pass(ToViewer, crossed));
    }

    [Fact]
    public void An_address_that_cannot_be_mapped_stays()
    {
        var rig = new CircuitRig { Map = _ => null };
        byte[] finish = TeleportFinish("https://real/seed\0"), enable = Samples.All["EnableSimulator"].Bytes;
        Assert.Equal(finish, rig.Pass(ToViewer, finish));
        Assert.Equal(enable, rig.Pass(ToViewer, enable));
        Assert.Equal(enable, new CircuitRig().Pass(ToSim, enable));
        byte[] noPort = [.. enable[..^2], 0, 0];
        Assert.Equal(noPort, new CircuitRig().Pass(ToViewer, noPort));
        byte[] left = TeleportFinish("https://leave");
        byte[] expected = left.ToArray();
        new byte[] { 127, 0, 0, 1, 0x2F, 0x46 }.CopyTo(expected, 30);
        Assert.Equal(expected, new CircuitRig().Pass(ToViewer, left));
    }

    private static byte[] TeleportFinish(string seed, PacketFlags more = None)
    {
        byte[] sample = Samples.All["TeleportFinish"].Bytes;
        byte[] packet = [.. sample[..30], 203, 0, 113, 7, .. sample[34..44], .. Var2(seed), .. sample[^5..]];
        packet[0] |= (byte)more;
        return packet;
    }

    private static byte[] Var2(string text)
    {
        byte[] bytes = [0, 0, .. Encoding.ASCII.GetBytes(text)];
        BinaryPrimitives.WriteUInt16LittleEndian(bytes, (ushort)text.Length);
        return bytes;
    }
}
