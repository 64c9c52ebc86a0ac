using System.Text.Json;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Tests.Lludp;
using GlobalCache.Tests.Support;

namespace GlobalCache.Tests.Circuits;

/// <summary>Every recorded datagram, through the codec and through a circuit.</summary>
public sealed class RecordedTrafficTests
{
    public static TheoryData<string> Files =>
        [.. Directory.GetFiles(Repository.Vector(""), "*.udp.jsonl").Select(f => Path.GetFileName(f)!).Order()];

    [Fact]
    public void The_recordings_are_all_here() =>
        Assert.Equal(2759, Files.Sum(f => Read(f.Data).Count));

    [Theory]
    [MemberData(nameof(Files))]
    public void T01_Every_recorded_datagram_is_parsed_and_encoded_to_the_same_bytes(string file)
    {
        foreach (Line line in Read(file))
        {
            Assert.True(PacketHeader.TryRead(line.Bytes, out PacketHeader header));
            Assert.Equal(line.Sequence, header.Sequence);
            Assert.Equal(line.Flags, Letters(header.Flags));
            Assert.Equal(line.Acks.Length, header.AckCount);
            Assert.Equal(line.Bytes, Samples.Reencode(line.Bytes));
        }
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void A_circuit_without_a_tap_forwards_every_recorded_datagram_unchanged(string file)
    {
        // An ack for a datagram that was taken out of the recording (their README), not yet followed by a later one, is not fed: to a circuit it is
        // an ack for what nobody has sent.
        int unplaced = 0;
        foreach (IGrouping<(int, int), Line> lines in Read(file).GroupBy(l => l.Circuit))
        {
            var rig = new CircuitRig { Map = _ => null };
            uint[] highest = [0, 0];
            foreach (Line line in lines)
            {
                rig.Now = line.Time;
                highest[(int)line.Direction] = Math.Max(highest[(int)line.Direction], line.Sequence);
                if (line.Acks.Concat(line.AckIds).Any(id => id > highest[1 - (int)line.Direction]))
                {
                    unplaced++;
                    continue;
                }

                (Direction direction, byte[] bytes) = Assert.Single(rig.Receive(line.Direction, line.Bytes));
                Assert.Equal(line.Direction, direction);
                Assert.Equal(line.Bytes, bytes);
            }

            Assert.Equal(0, rig.Circuit.Counters.UnknownAcks);
            Assert.Equal(Circuit.Never, rig.Circuit.NextDeadline);
        }

        Assert.InRange(unplaced, 0, 1);
    }

    [Theory]
    [MemberData(nameof(Files))]
    public void Recorded_circuits_stay_consistent_with_injections_swallows_and_decisions_up_to_30_ms_late(string file)
    {
        int injected = 0, swallowed = 0;
        foreach (IGrouping<(int, int), Line> lines in Read(file).GroupBy(l => l.Circuit))
        {
            for (int seed = 0; seed < 5; seed++)
            {
                var replay = new CircuitReplay(seed);
                foreach (Line line in lines)
                {
                    replay.Receive(line.Time, line.Direction, line.Bytes);
                }

                replay.Finish();
                injected += replay.Injected;
                swallowed += replay.Swallowed;
            }
        }

        Assert.True(injected > 50 && swallowed > 30);
    }

    internal sealed record Line(long Time, Direction Direction, (int Sim, int Client) Circuit, byte[] Bytes, string Flags, uint Sequence, uint[] Acks, uint[] AckIds);

    internal static List<Line> Read(string file) =>
    [
        .. File.ReadLines(Repository.Vector(file)).Select(text =>
        {
            using var json = JsonDocument.Parse(text);
            JsonElement line = json.RootElement;
            return new Line(
                (long)line.GetProperty("t").GetDouble(),
                line.GetProperty("dir").GetString() == "C2S" ? Direction.ToSim : Direction.ToViewer,
                (line.GetProperty("sim").GetInt32(), line.GetProperty("client").GetInt32()),
                Convert.FromHexString(line.GetProperty("hex").GetString()!),
                line.GetProperty("flags").GetString()!,
                line.GetProperty("seq").GetUInt32(),
                Numbers(line, "acks"),
                Numbers(line, "ackIds"));
        }),
    ];

    private static uint[] Numbers(JsonElement line, string name) =>
        line.TryGetProperty(name, out JsonElement numbers) ? [.. numbers.EnumerateArray().Select(a => a.GetUInt32())] : [];

    private static string Letters(PacketFlags flags) => string.Concat(
        flags.HasFlag(PacketFlags.ZeroCoded) ? "Z" : "", flags.HasFlag(PacketFlags.Reliable) ? "R" : "",
        flags.HasFlag(PacketFlags.Resent) ? "S" : "", flags.HasFlag(PacketFlags.Acks) ? "A" : "");
}
