using System.Buffers.Binary;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Circuits;
using static GlobalCache.Client.Circuits.Direction;
using static GlobalCache.Client.Lludp.PacketFlags;
using static GlobalCache.Tests.Circuits.LludpBytes;
using static GlobalCache.Tests.UdpAssets.AssetTapRig;

namespace GlobalCache.Tests.UdpAssets;

[Collection("load")]
public sealed class AnswerAllocationTests
{
    [Fact]
    public void Answers_allocate_nothing_by_the_packet()
    {
        const int Packets = 16_000;
        var assets = new MemoryAssets();
        var sink = new Acking();
        var tap = new AssetTap(assets, new ViewerPace(1000), new CaptureMemory(1 << 20), Identity, static () => { }, 1000);
        var circuit = new Circuit(new CircuitScope(new CircuitRig(), new CircuitEvents(static _ => { }, static _ => { }), 1000), CircuitRig.Sim, tap);
        byte[] buffer = new byte[16384];
        long now = 1000;
        uint sequence = 0;
        var id = Guid.Parse("89556747-24cb-43ed-920b-47caed15465f");
        assets.Held[(AssetType.Texture, id)] = new byte[(Packets * 1000) - 400];

        void Pass(Direction direction, uint number, ReadOnlySpan<byte> packet)
        {
            packet.CopyTo(buffer);
            buffer[1] = 0;
            (buffer[2], buffer[3], buffer[4]) = ((byte)(number >> 16), (byte)(number >> 8), (byte)number);
            circuit.Receive(now, direction, buffer, packet.Length, sink);
        }

        byte[] acks = LludpBytes.Packet(None, 0, PacketAck(new uint[255]));
        void Ack()
        {
            int count = sink.TakeUnacked(acks.AsSpan(11), out int bytes);
            acks[10] = (byte)count;
            if (count > 0)
            {
                Pass(ToSim, ++sequence, acks.AsSpan(0, 11 + bytes));
            }

            now++;
            circuit.Tick(now, sink);
        }

        Pass(ToSim, ++sequence, UseCircuitCode(1));
        Pass(ToViewer, 1, LludpBytes.Packet(None, 0, [0xFE, 1]));
        Pass(ToSim, ++sequence, LludpBytes.Packet(Reliable, 0, RequestImage(Want(id))));
        while (sink.Parts < Packets / 2)
        {
            Ack();
        }

        // The quietest of a few rounds: a list inside may still grow, and a collection empties the pool of buffers.
        long least = long.MaxValue;
        for (int round = 0; round < 5; round++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();
            for (int parts = sink.Parts; sink.Parts < parts + 1400;)
            {
                Ack();
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        Assert.InRange(least, 0, 1000);
    }

    /// <summary>Counts image packets and remembers what is to be acked.</summary>
    private sealed class Acking : IDatagramSink
    {
        private readonly uint[] _unacked = new uint[2048];
        private int _count;

        public int Parts { get; private set; }

        public void Send(Direction direction, ReadOnlySpan<byte> datagram)
        {
            if (direction == ToViewer && (datagram[0] & (byte)Reliable) != 0)
            {
                Parts++;
                _unacked[_count++] = SequenceOf(datagram);
            }
        }

        public int TakeUnacked(Span<byte> ids, out int bytes)
        {
            int count = Math.Min(_count, 255);
            for (int i = 0; i < count; i++)
            {
                BinaryPrimitives.WriteUInt32LittleEndian(ids[(4 * i)..], _unacked[i]);
            }

            _unacked.AsSpan(count, _count - count).CopyTo(_unacked);
            _count -= count;
            bytes = 4 * count;
            return count;
        }
    }
}
