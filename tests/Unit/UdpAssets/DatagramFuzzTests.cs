using System.Diagnostics;
using System.Globalization;
using GlobalCache.Client.Circuits;
using GlobalCache.TestGrid.Lludp;
using GlobalCache.Tests.Fuzz;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.TestGrid;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>
/// Damaged and random datagrams against the whole datagram path. <c>FUZZ_INPUTS=10000000</c> or <c>FUZZ_SECONDS=3600</c> feeds more of them than the few seconds of every run;
/// what once broke something lies in <c>Corpus</c> and is fed again each time.
/// </summary>
[Collection("load")]      // it measures the heap of the whole process
public sealed class DatagramFuzzTests(ITestOutputHelper output)
{
    private static readonly Guid[] s_ids = [.. Enumerable.Range(1, 24).Select(n => new Guid(n, 0, 0x4000, 0x80, 0, 0, 0, 0, 0, 0, 1))];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void No_datagram_throws_or_makes_memory_grow(int part)
    {
        long inputs = long.TryParse(Environment.GetEnvironmentVariable("FUZZ_INPUTS"), CultureInfo.InvariantCulture, out long wanted) ? wanted / 2 : 0;
        int first = int.TryParse(Environment.GetEnvironmentVariable("FUZZ_SEED"), CultureInfo.InvariantCulture, out int seed) ? seed : 1;
        List<(Direction Direction, byte[] Bytes)> seeds = Seeds();
        LongRun? run = inputs == 0 && double.TryParse(Environment.GetEnvironmentVariable("FUZZ_SECONDS"), CultureInfo.InvariantCulture, out double seconds) ? new LongRun($"datagrams, part {part}", seconds / 2) { Pool = [] } : null;
        long began = Stopwatch.GetTimestamp(), heap = 0;
        var fuzz = new DatagramFuzz((2 * first) + part, seeds, s_ids);
        try
        {
            while (inputs > 0 ? fuzz.Fed < inputs : run?.GoesOn(fuzz.Fed) ?? Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(2.5))
            {
                fuzz.Step();
                if (fuzz.Fed == 100_000)
                {
                    heap = GC.GetTotalMemory(forceFullCollection: true);
                }
            }
        }
        catch (Exception e)
        {
            run?.Tell(fuzz.Fed, fuzz.Sent, e);
            Assert.Fail($"FUZZ_SEED={first}, part {part}, input {fuzz.Fed}: {fuzz.Last}{Environment.NewLine}{e}");
        }

        long grown = heap == 0 ? 0 : GC.GetTotalMemory(forceFullCollection: true) - heap;
        output.WriteLine($"{fuzz.Fed} inputs in {Stopwatch.GetElapsedTime(began).TotalSeconds:0} s over {fuzz.Circuits} circuits: {fuzz.Sent} sent, {fuzz.ReadsBegun} reads, {fuzz.Captured} captured, {fuzz.Hinted} hints, at most {fuzz.MostUnacked} unacked; heap grew by {grown / 1024} KiB");
        run?.Tell(fuzz.Fed, fuzz.Sent, null);
        Assert.True(fuzz.Captured > 0 && fuzz.Hinted > 0 && fuzz.ReadsBegun > 0 && fuzz.Sent > fuzz.Fed / 20, "the inputs do not reach what they are meant for");
        Assert.InRange(grown, long.MinValue, 64 << 20);
    }

    [Fact]
    public void Nothing_of_the_corpus_throws()
    {
        foreach (string file in Directory.GetFiles(CorpusFolder, "*.txt"))
        {
            // Alone and after one another, to a fresh circuit and to one that has seen a session.
            foreach (bool warmed in new[] { false, true })
            {
                var fuzz = new DatagramFuzz(1, Seeds(), s_ids);
                for (int i = 0; warmed && i < 500; i++)
                {
                    fuzz.Step();
                }

                foreach (string line in File.ReadLines(file).Where(l => l.Length > 0 && l[0] != '#'))
                {
                    string[] words = line.Split(' ');
                    fuzz.Feed(Enum.Parse<Direction>(words[0]), Convert.FromHexString(words[1]));
                }
            }
        }
    }

    private static string CorpusFolder => Path.Combine(Repository.Root, "tests", "Unit", "UdpAssets", "Corpus");

    /// <summary>Recorded datagrams of every message and direction, those about assets above all, and the messages no recording holds.</summary>
    private static List<(Direction Direction, byte[] Bytes)> Seeds()
    {
        List<(Direction Direction, byte[] Bytes)> seeds = [];
        foreach (string name in new[] { "02-assets-http-udp-nmv", "03-image-partial-cancel-nmv", "06-image-not-in-database-nmv", "07-multisim-teleport-lmv", "08-udp-appended-acks-lmv" })
        {
            var count = new Dictionary<(bool, Message), int>();
            foreach (RecordedPacket packet in new Recording(name).Packets)
            {
                int seen = count[(packet.FromViewer, packet.Datagram.Message)] = count.GetValueOrDefault((packet.FromViewer, packet.Datagram.Message)) + 1;
                if (seen <= 6)
                {
                    seeds.Add((packet.FromViewer ? Direction.ToSim : Direction.ToViewer, packet.Wire));
                }
            }
        }

        seeds.AddRange(Written());
        return seeds;
    }

    private static IEnumerable<(Direction Direction, byte[] Bytes)> Written()
    {
        (Direction, byte[]) Packet(Direction direction, BodyWriter message, byte flags = Datagram.Reliable) => (direction, Datagram.Write(flags, 1, message.Plain, []));
        foreach (Guid id in s_ids)
        {
            for (uint from = 0; from < 3; from++)
            {
                BodyWriter request = new BodyWriter(Message.RequestImage).Id(FirestormModel.Agent).Id(FirestormModel.Session).U8(2);
                request.Id(id).U8((byte)from).F32(1000 * from).U32(from).U8(0).Id(s_ids[0]).U8(0xFF).F32(0).U32(0).U8(0);
                yield return Packet(Direction.ToSim, request);
            }

            byte[] parameters = [.. new BodyWriter(Message.TransferRequest).Id(id).S32(1).Plain[4..]];
            yield return Packet(Direction.ToSim, new BodyWriter(Message.TransferRequest).Id(id).S32(2).S32(2).F32(101).Var2(parameters), Datagram.Reliable | Datagram.ZeroCoded);
            yield return Packet(Direction.ToSim, new BodyWriter(Message.TransferRequest).Id(id).S32(2).S32(2).F32(101).Var2(parameters));
            yield return Packet(Direction.ToSim, new BodyWriter(Message.TransferAbort).Id(id).S32(2));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.TransferInfo).Id(id).S32(2).S32(0).S32(0).S32(1000).Var2(parameters));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.TransferPacket).Id(id).S32(2).S32(0).S32(0).Var2(new byte[600]));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.TransferPacket).Id(id).S32(2).S32(1).S32(1).Var2(new byte[400]));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.ImageData).Id(id).U8(2).U32(1500).U16(2).Var2(new byte[600]));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.ImagePacket).Id(id).U16(1).Var2(new byte[900]));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.ImageData).Id(id).U8(2).U32(90).U16(1).Var2(new byte[90]));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.ImageData).Id(id).U8(2).U32(65_534_600).U16(65_535).Var2(new byte[600]));
            yield return Packet(Direction.ToViewer, new BodyWriter(Message.ImageNotInDatabase).Id(id));
        }

        // Acks for numbers of either side's, hints in the messages that name assets.
        yield return Packet(Direction.ToSim, new BodyWriter(Message.PacketAck).U8(4).U32(2).U32(3).U32(4).U32(5), 0);
        yield return Packet(Direction.ToViewer, new BodyWriter((Message)0xFF0F).U8(1).Id(s_ids[0]).Id(s_ids[1]).Id(s_ids[2]));
        yield return Packet(Direction.ToViewer, new BodyWriter((Message)0x1D).Id(s_ids[0]).Id(s_ids[1]).Id(s_ids[2]).Raw(new byte[60]));
        yield return Packet(Direction.ToViewer, new BodyWriter((Message)0xFF0D).Id(s_ids[0]).Id(s_ids[1]).Id(s_ids[2]).F32(1).U8(0));
        yield return Packet(Direction.ToViewer, new BodyWriter((Message)0x1E).Id(s_ids[0]).U8(1).Id(s_ids[1]).S32(1));
    }
}
