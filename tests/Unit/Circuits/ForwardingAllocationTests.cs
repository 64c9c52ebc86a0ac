using System.Net;
using System.Net.Sockets;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Edge;
using GlobalCache.Client.Lludp;
using GlobalCache.Tests.UdpAssets;
using static GlobalCache.Tests.Circuits.LludpBytes;

namespace GlobalCache.Tests.Circuits;

[Collection("load")]
public sealed class ForwardingAllocationTests
{
    private static readonly byte[] s_image = Packet(PacketFlags.Reliable, 0, [0x0A, .. new byte[1020]]);
    private static readonly byte[] s_update = Packet(PacketFlags.ZeroCoded, 0, [0x04, 1, 2, 0, 90], 1, 2);

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [InlineData(true, true)]
    public void A_circuit_forwards_packets_of_every_kind_without_an_allocation(bool injecting, bool outlives = false)
    {
        var sink = new Nowhere();
        CircuitPage? page = outlives ? new PageMemory().Page : null;
        page?.Reset();
        var circuit = new Circuit(new CircuitScope(new CircuitRig(), new CircuitEvents(static _ => { }, static _ => { }), 1000), CircuitRig.Sim, page: page);
        byte[] appearance = Packet(PacketFlags.Reliable | PacketFlags.ZeroCoded, 0,
            [0xFF, 0xFF, 0x00, 0x01, 0x9E, .. Enumerable.Repeat((byte)7, 17), 0x22, 0, 1, .. Enumerable.Repeat((byte)9, 16), 0x82, 0, 1, .. Enumerable.Repeat((byte)5, 16), 0, 9]);
        byte[] ping = Packet(PacketFlags.None, 0, [0x01, 7, 0, 0, 0, 0]);
        byte[] acks = Packet(PacketFlags.None, 0, PacketAck(1, 2, 3));
        byte[] buffer = new byte[16384];
        uint toViewer = 0, toSim = 0;
        long now = 0;

        void Pass(Direction direction, byte[] packet, ref uint sequence)
        {
            packet.CopyTo(buffer, 0);
            sequence++;
            (buffer[1], buffer[2], buffer[3], buffer[4]) = ((byte)(sequence >> 24), (byte)(sequence >> 16), (byte)(sequence >> 8), (byte)sequence);
            circuit.Receive(now, direction, buffer, packet.Length, sink);
        }

        void Round()
        {
            now++;
            Pass(Direction.ToViewer, s_image, ref toViewer);
            Pass(Direction.ToViewer, appearance, ref toViewer);
            Pass(Direction.ToViewer, ping, ref toViewer);
            Pass(Direction.ToSim, acks, ref toSim);
            Pass(Direction.ToSim, s_update, ref toSim);
            if (injecting)
            {
                circuit.TryInject(now, Direction.ToViewer, Message.ImagePacket, s_image, reliable: false, sink, out _);
            }
        }

        // Long enough for the lists inside to reach the size they keep.
        for (int i = 0; i < 8000; i++)
        {
            Round();
        }

        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 8000; i++)
        {
            Round();
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
        // In time the acks' numbers are forgotten, and PacketAcks with nothing left go no further.
        Assert.InRange(circuit.Counters.Forwarded, injecting ? 64_000 : 80_000, 80_000);
    }

    [Fact]
    public async Task The_pump_forwards_datagrams_without_an_allocation()
    {
        await using var rig = new UdpPumpTests.Rig();
        using Socket sim = UdpSockets.Bind(IPAddress.Loopback), viewer = UdpSockets.Bind(IPAddress.Loopback);
        sim.ReceiveTimeout = viewer.ReceiveTimeout = 10_000;
        SocketAddress local = rig.Pump.Open((IPEndPoint)sim.LocalEndPoint!)!.Serialize(), upstream = UdpSockets.NewAddress();
        byte[] received = new byte[2048], image = s_image.ToArray(), update = s_update.ToArray();
        viewer.SendTo(UseCircuitCode(1), SocketFlags.None, local);
        sim.ReceiveFrom(received, SocketFlags.None, upstream);

        uint sequence = 1;
        long Exchange(int packets)
        {
            long before = GC.GetTotalAllocatedBytes(precise: true);
            for (int i = 0; i < packets; i++)
            {
                sequence++;
                (image[3], image[4], update[3], update[4]) = ((byte)(sequence >> 8), (byte)sequence, (byte)(sequence >> 8), (byte)sequence);
                sim.SendTo(image, SocketFlags.None, upstream);
                viewer.Receive(received);
                viewer.SendTo(update, SocketFlags.None, local);
                sim.Receive(received);
            }

            return GC.GetTotalAllocatedBytes(precise: true) - before;
        }

        Exchange(2000);

        // The whole process is counted, so that no thread of the pump escapes; what the runtime and the test platform do beside it comes now
        // and then, not by packet. The quietest of a few rounds shows the pump alone.
        long least = Enumerable.Range(0, 5).Min(_ => Exchange(2000));
        Assert.InRange(least, 0, 2000);
    }

    private sealed class Nowhere : IDatagramSink
    {
        public void Send(Direction direction, ReadOnlySpan<byte> datagram)
        {
        }
    }
}
