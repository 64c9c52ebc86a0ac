using CsCheck;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>Transfers pieced together from what a sim sends, however it comes.</summary>
public sealed class TransferCapturesTests
{
    private const long Second = 1000;
    private static readonly Guid s_transfer = new("0f0e0d0c-0b0a-0908-0706-050403020100");
    private static readonly Guid s_asset = new("89556747-24cb-43ed-920b-47caed15465f");

    private readonly CaughtAssets _assets = new();
    private readonly CaptureMemory _memory = new(32 << 20);
    private readonly TransferCaptures _captures;

    public TransferCapturesTests() => _captures = new TransferCaptures(_assets, _memory, Second);

    [Theory]
    [InlineData(1, 600)]
    [InlineData(1000, 1000)]
    [InlineData(1600, 1000)]
    [InlineData(28_429, 600)]
    [InlineData(28_429, 2048)]
    public void A_transfer_in_order_is_whole_with_its_last_packet(int size, int packetBytes)
    {
        byte[] file = File(size);
        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, size);
        foreach (int packet in Packets(file, packetBytes))
        {
            Assert.Empty(_assets.Whole);
            Send(file, packet, packetBytes);
        }

        AssertCaught(AssetType.Sound, file);
    }

    [Fact]
    public void Any_order_with_any_packet_doubled_gives_the_same_file() =>
        Gen.Select(Gen.Int[1, 60_000], Gen.Int[500, 2048], Gen.Int).Sample((size, packetBytes, seed) =>
        {
            var test = new TransferCapturesTests();
            byte[] file = File(size);
            int[] order = [-1, .. Packets(file, packetBytes), .. Packets(file, packetBytes), -1];
            new Random(seed).Shuffle(order);
            test.Ask(AssetType.Animation);
            foreach (int packet in order)
            {
                if (packet < 0)
                {
                    test._captures.Info(0, s_transfer, TransferStatus.Ok, size);
                }
                else
                {
                    test.Send(file, packet, packetBytes);
                }
            }

            test.AssertCaught(AssetType.Animation, file);
        }, iter: 200);

    [Theory]
    [InlineData(3, 2)]                              // a landmark
    [InlineData(7, 2)]                              // a notecard
    [InlineData(1, 1)]                              // not the asset channel
    public void Other_types_and_channels_are_not_captured(int type, int channel)
    {
        _captures.Asked(0, new TransferRequest(s_transfer, channel, 101, s_asset, type));
        Assert.Equal(0, _captures.Count);
    }

    [Fact]
    public void An_excluded_texture_is_not_captured()
    {
        _assets.Excluded.Add(s_asset);
        Ask(AssetType.Texture);
        Assert.Equal(0, _captures.Count);
    }

    [Theory]
    [InlineData(-2, 0)]
    [InlineData(1, 1000)]
    [InlineData(0, 0)]
    [InlineData(0, -1)]
    [InlineData(0, (1 << 20) + 1)]
    public void An_announcement_that_brings_nothing_we_may_keep_ends_it(int status, int size)
    {
        Ask(AssetType.Animation);
        _captures.Info(0, s_transfer, (TransferStatus)status, size);
        Assert.Equal((0, 0L), (_captures.Count, _memory.Used));
    }

    [Theory]
    [InlineData(999)]
    [InlineData(1001)]
    public void A_length_that_is_not_the_size_is_dropped(int size)
    {
        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, size);
        Send(File(1000), 0, 1000);
        _captures.Tick(60 * Second);
        Assert.Empty(_assets.Whole);
        Assert.Equal((0, 0L), (_captures.Count, _memory.Used));
    }

    [Theory]
    [InlineData(-1, 0, 100)]                        // no packet has a number below 0
    [InlineData(int.MaxValue, 0, 100)]
    [InlineData(0, 0, 0)]
    [InlineData(0, 0, 2049)]
    [InlineData(1, -1, 100)]                        // the sim reports an error
    [InlineData(1, 3, 100)]
    public void A_packet_that_makes_no_sense_ends_it(int packet, int status, int length)
    {
        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, 100_000);
        _captures.Packet(0, s_transfer, packet, (TransferStatus)status, new byte[length]);
        Assert.Equal((0, 0L), (_captures.Count, _memory.Used));
    }

    [Fact]
    public void A_last_packet_before_one_already_here_ends_it()
    {
        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, 300);
        _captures.Packet(0, s_transfer, 0, TransferStatus.Ok, new byte[100]);
        _captures.Packet(0, s_transfer, 5, TransferStatus.Ok, new byte[100]);
        _captures.Packet(0, s_transfer, 2, TransferStatus.Done, new byte[100]);
        Assert.Empty(_assets.Whole);
        Assert.Equal(0, _captures.Count);
    }

    [Fact]
    public void Two_packets_under_one_number_that_differ_end_it()
    {
        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, 2000);
        _captures.Packet(0, s_transfer, 0, TransferStatus.Ok, new byte[1000]);
        _captures.Packet(0, s_transfer, 0, TransferStatus.Ok, File(1000));
        Assert.Equal((0, 0L), (_captures.Count, _memory.Used));
    }

    [Fact]
    public void Memory_is_refused_beyond_the_budget()
    {
        var captures = new TransferCaptures(_assets, new CaptureMemory(50_000), Second);
        captures.Asked(0, new TransferRequest(s_transfer, 2, 101, s_asset, 1));
        captures.Info(0, s_transfer, TransferStatus.Ok, 60_000);
        Assert.Equal(0, captures.Count);
    }

    [Fact]
    public void After_a_minute_without_a_packet_or_an_abort_nothing_is_left()
    {
        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, 2000);
        Send(File(2000), 0, 1000, now: 30 * Second);
        _captures.Tick(89 * Second);
        Assert.Equal(1, _captures.Count);
        _captures.Tick(90 * Second);
        Assert.Equal((0, 0L, Circuit.Never), (_captures.Count, _memory.Used, _captures.Deadline));

        Ask(AssetType.Sound);
        _captures.Info(0, s_transfer, TransferStatus.Ok, 2000);
        _captures.Abort(s_transfer);
        Assert.Equal((0, 0L), (_captures.Count, _memory.Used));
    }

    private static byte[] File(int size)
    {
        byte[] file = new byte[size];
        new Random(size).NextBytes(file);
        return file;
    }

    private static IEnumerable<int> Packets(byte[] file, int packetBytes) => Enumerable.Range(0, (file.Length + packetBytes - 1) / packetBytes);

    private void Ask(AssetType type) => _captures.Asked(0, new TransferRequest(s_transfer, 2, 101, s_asset, (int)type));

    private void Send(byte[] file, int packet, int packetBytes, long now = 0)
    {
        ReadOnlySpan<byte> data = file.AsSpan(packet * packetBytes);
        bool last = data.Length <= packetBytes;
        _captures.Packet(now, s_transfer, packet, last ? TransferStatus.Done : TransferStatus.Ok, last ? data : data[..packetBytes]);
    }

    private void AssertCaught(AssetType type, byte[] file)
    {
        (AssetType caught, Guid id, byte[] bytes) = Assert.Single(_assets.Whole);
        Assert.Equal((type, s_asset), (caught, id));
        Assert.True(bytes.AsSpan().SequenceEqual(file));
        Assert.Equal((0, 0L), (_captures.Count, _memory.Used));
    }
}
