using System.Buffers.Binary;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Tests.Circuits;

/// <summary>Two ends that lose, reorder and resend, with a circuit between them whose tap does everything a tap may do.</summary>
public sealed class TwoEndsTests
{
    [Theory]
    [InlineData(1u, 1u, 11)]
    [InlineData(0u, 5u, 12)]
    public void T08_A_circuit_stays_consistent_for_both_ends(uint viewerStart, uint simStart, int seed) => Run(viewerStart, simStart, seed, pings: true);

    [Theory]
    [InlineData(0xFFFFFFu - 4000, 1u, 13)]
    [InlineData(0xFFFFFFu - 3000, 0x1000000u, 14)]
    public void T09_A_circuit_stays_consistent_across_the_24_bit_wrap_and_with_32_bits(uint viewerStart, uint simStart, int seed) =>
        Run(viewerStart, simStart, seed, pings: false);

    private static void Run(uint viewerStart, uint simStart, int seed, bool pings)
    {
        const int Packets = 16_000;
        var random = new Random(seed);
        var replay = new CircuitReplay(seed);
        var way = new PriorityQueue<(Direction Direction, byte[] Packet), long>();
        long[] next = [viewerStart, simStart];
        List<uint>[] recent = [[], []];
        long time = 0;
        for (int i = 0; i < Packets; i++)
        {
            time += random.Next(0, 6);
            var direction = (Direction)random.Next(2);
            int d = (int)direction;
            uint s = (uint)(next[d]++ & (d == 1 && simStart > 0xFFFFFF ? uint.MaxValue : 0xFFFFFF));
            bool reliable = random.Next(2) == 0;

            // A number of 0 in the middle is left out: what is outside the numbering has tests of its own.
            if (random.Next(100) < 5 || (s == 0 && i > 2))
            {
                continue;
            }

            byte[] message = random.Next(pings ? 40 : 39) == 39 ? Ping(recent[d], random) : [0x08, (byte)d, .. BitConverter.GetBytes(i), .. new byte[random.Next(60)]];
            uint[] acks = [.. Enumerable.Range(0, random.Next(4)).Where(_ => recent[1 - d].Count > 0).Select(_ => recent[1 - d][^random.Next(1, Math.Min(40, recent[1 - d].Count + 1))])];
            byte[] packet = random.Next(6) == 0 && acks.Length > 0
                ? LludpBytes.Packet(PacketFlags.None, s, LludpBytes.PacketAck(acks))
                : LludpBytes.Packet(reliable ? PacketFlags.Reliable : PacketFlags.None, s, message, acks);
            bool first = recent[d].Count == 0;
            recent[d].Add(s);
            way.Enqueue((direction, packet), first ? time : time + (random.Next(100) < 15 ? random.Next(120) : 0));
            if (reliable && packet[6] == 0x08 && random.Next(100) < 15)
            {
                byte[] resend = packet.ToArray();
                resend[0] |= (byte)PacketFlags.Resent;
                way.Enqueue((direction, resend), time + random.Next(200, 900));
            }

            // The road is as long as the longest delay: what must come before is there.
            while (way.TryPeek(out (Direction Direction, byte[] Packet) arriving, out long at) && at <= time - 1000)
            {
                way.Dequeue();
                replay.Receive(at, arriving.Direction, arriving.Packet);
            }
        }

        while (way.TryDequeue(out (Direction Direction, byte[] Packet) arriving, out long at))
        {
            replay.Receive(at, arriving.Direction, arriving.Packet);
        }

        replay.Finish();
        Assert.True(replay.Injected > 1000 && replay.Swallowed > 1000);
    }

    private static byte[] Ping(List<uint> recent, Random random)
    {
        byte[] message = [0x01, (byte)random.Next(256), 0, 0, 0, 0];
        BinaryPrimitives.WriteUInt32LittleEndian(message.AsSpan(2), recent.Count == 0 ? 0 : recent[Math.Max(0, recent.Count - random.Next(1, 50))]);
        return message;
    }
}
