using CsCheck;
using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>Images pieced together from what a sim sends, however it comes.</summary>
public sealed class ImageCapturesTests
{
    private const long Second = 1000;
    private static readonly Guid s_id = new("89556747-24cb-43ed-920b-47caed15465f");

    private readonly CaughtAssets _assets = new();
    private readonly CaptureMemory _memory = new(32 << 20);
    private readonly ImageCaptures _captures;

    public ImageCapturesTests() => _captures = new ImageCaptures(_assets, _memory, Second);

    [Theory]
    [InlineData(1)]
    [InlineData(599)]
    [InlineData(600)]
    [InlineData(601)]
    [InlineData(1600)]
    [InlineData(1601)]
    [InlineData(98_052)]
    public void An_image_in_order_is_whole_with_its_last_packet(int size)
    {
        byte[] file = File(size);
        Ask();
        for (int packet = 0; packet < ImagePackets.Count(size); packet++)
        {
            Assert.Empty(_assets.Whole);
            Assert.True(_captures.IsUnderWay(s_id));
            Send(file, packet);
        }

        AssertCaught(file);
    }

    [Fact]
    public void Any_order_with_any_packet_doubled_gives_the_same_file() =>
        Gen.Select(Gen.Int[1, 63_000], Gen.Int).Sample((size, seed) =>
        {
            var test = new ImageCapturesTests();
            byte[] file = File(size);
            int[] order = [.. Enumerable.Range(0, ImagePackets.Count(size)), .. Enumerable.Range(0, ImagePackets.Count(size))];
            new Random(seed).Shuffle(order);
            test.Ask();
            foreach (int packet in order)
            {
                test.Send(file, packet);
            }

            test.AssertCaught(file);
        }, iter: 200);

    [Fact]
    public void Far_packets_before_the_header_are_missing_afterwards()
    {
        byte[] file = File(200_000);
        Ask();
        for (int packet = ImagePackets.Count(file.Length) - 1; packet >= 0; packet--)
        {
            Send(file, packet);
        }

        Assert.Empty(_assets.Whole);
        _captures.Tick(60 * Second);
        (_, byte[] bytes, bool[] held) = Assert.Single(_assets.Parts);
        Assert.Equal([.. Enumerable.Range(0, held.Length).Select(i => i < ImageCapture.EarlyPackets)], held);
        Assert.True(bytes.AsSpan(0, 63_600).SequenceEqual(file.AsSpan(0, 63_600)));
    }

    [Fact]
    public void A_file_that_is_whole_in_its_header_is_caught()
    {
        byte[] file = File(1000);
        Ask();
        _captures.Header(0, s_id, 2, 1000, 1, file);
        AssertCaught(file);
    }

    [Fact]
    public void What_was_not_asked_for_is_not_captured()
    {
        Send(File(2000), 0);
        Send(File(2000), 1);
        Assert.Equal((0, 0L, Circuit.Never), (_captures.Count, _memory.Used, _captures.Deadline));
    }

    [Fact]
    public void Another_size_begins_anew()
    {
        byte[] old = File(5000), file = File(2701);
        Ask();
        Send(old, 0);
        Send(old, 1);
        for (int packet = 0; packet < 4; packet++)
        {
            Send(file, packet);
        }

        AssertCaught(file);
    }

    [Theory]
    [InlineData(1, 2701u, 4, 600)]                  // RGB
    [InlineData(2, 0u, 1, 0)]
    [InlineData(2, (16u << 20) + 1, 16778, 600)]    // above the cap
    [InlineData(2, uint.MaxValue, 65535, 600)]
    [InlineData(2, 2701u, 5, 600)]                  // packets that do not fit the size
    [InlineData(2, 2701u, 4, 599)]
    [InlineData(2, 500u, 1, 499)]
    public void A_header_that_makes_no_sense_is_not_captured_and_costs_nothing(int codec, uint size, int packets, int first)
    {
        Ask();
        _captures.Header(0, s_id, (byte)codec, size, (ushort)packets, new byte[first]);
        Assert.Equal(0, _memory.Used);
        Assert.True(_captures.IsUnderWay(s_id));
        _captures.Tick(60 * Second);
        Assert.False(_captures.IsUnderWay(s_id));
        Assert.Empty(_assets.Whole);
        Assert.Empty(_assets.Parts);
    }

    [Theory]
    [InlineData(1, 999)]
    [InlineData(3, 102)]
    [InlineData(4, 1000)]
    public void A_packet_of_another_file_spoils_the_capture(int packet, int length)
    {
        byte[] file = File(2701);
        Ask();
        Send(file, 0);
        _captures.Packet(0, s_id, (ushort)packet, new byte[length]);
        for (int i = 1; i < 4; i++)
        {
            Send(file, i);
        }

        _captures.Tick(60 * Second);
        Assert.Empty(_assets.Whole);
        Assert.Empty(_assets.Parts);
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public void Two_packets_under_one_number_that_differ_spoil_the_capture()
    {
        byte[] file = File(2701);
        Ask();
        Send(file, 0);
        Send(file, 1);
        _captures.Packet(0, s_id, 1, new byte[1000]);
        Send(file, 2);
        Send(file, 3);
        Assert.Empty(_assets.Whole);
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public void Memory_is_taken_before_the_first_byte_and_refused_beyond_the_budget()
    {
        var memory = new CaptureMemory(100_000);
        var captures = new ImageCaptures(_assets, memory, Second);
        byte[] file = File(60_000);
        Guid other = new("89556747-24cb-43ed-920b-47caed154660");
        captures.Asked(0, new ImageRequest(s_id, 0, 1, 0, 0));
        captures.Asked(0, new ImageRequest(other, 0, 1, 0, 0));
        captures.Header(0, s_id, 2, 60_000, (ushort)ImagePackets.Count(60_000), file.AsSpan(0, 600));
        Assert.InRange(memory.Used, 60_000, 61_000);
        captures.Header(0, other, 2, 60_000, (ushort)ImagePackets.Count(60_000), file.AsSpan(0, 600));
        Assert.InRange(memory.Used, 60_000, 61_000);
        captures.Close();
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void After_a_minute_without_a_packet_the_part_is_handed_on()
    {
        byte[] file = File(5000);
        Ask();
        Send(file, 0, now: 10 * Second);
        Send(file, 2, now: 50 * Second);
        _captures.Tick(109 * Second);
        Assert.Empty(_assets.Parts);
        Assert.InRange(_captures.Deadline, 109 * Second, 110 * Second);
        _captures.Tick(110 * Second);
        (Guid id, byte[] bytes, bool[] held) = Assert.Single(_assets.Parts);
        Assert.Equal(s_id, id);
        Assert.Equal([true, false, true, false, false, false], held);
        Assert.Equal(file[..600], bytes[..600]);
        Assert.Equal(file[1600..2600], bytes[1600..2600]);
        Assert.Equal((0, 0L, Circuit.Never), (_captures.Count, _memory.Used, _captures.Deadline));
    }

    [Fact]
    public void A_sim_that_never_answers_is_not_waited_for_longer_because_the_viewer_repeats_itself()
    {
        for (int second = 0; second < 60; second += 10)
        {
            Ask(second * Second);
        }

        _captures.Tick(60 * Second);
        Assert.False(_captures.IsUnderWay(s_id));
    }

    [Fact]
    public void A_cancelled_image_is_not_the_sim_s_any_more_but_takes_what_is_on_its_way()
    {
        byte[] file = File(2701);
        Ask();
        Send(file, 0);
        _captures.Cancelled(0, s_id);
        Assert.False(_captures.IsUnderWay(s_id));
        for (int i = 1; i < 4; i++)
        {
            Send(file, i);
        }

        AssertCaught(file);
    }

    [Fact]
    public void A_cancelled_part_is_handed_on_after_a_moment_unless_it_is_asked_for_again()
    {
        byte[] file = File(5000);
        Ask();
        Send(file, 0);
        _captures.Cancelled(0, s_id);
        Ask(9 * Second);
        _captures.Tick(10 * Second);
        Assert.Empty(_assets.Parts);
        Assert.True(_captures.IsUnderWay(s_id));
        _captures.Cancelled(20 * Second, s_id);
        _captures.Tick(30 * Second);
        Assert.Single(_assets.Parts);
    }

    [Fact]
    public void A_missing_image_is_done()
    {
        Ask();
        Send(File(2000), 0);
        _captures.Missing(0, s_id);
        Assert.False(_captures.IsUnderWay(s_id));
        Assert.Equal(0, _memory.Used);
    }

    [Fact]
    public void Beyond_the_table_every_image_is_the_sim_s()
    {
        for (int i = 0; i < ImageCaptures.Capacity + 10; i++)
        {
            _captures.Asked(0, new ImageRequest(new Guid(i + 1, 0, 0, new byte[8]), 0, 1, 0, 0));
        }

        Assert.Equal(ImageCaptures.Capacity, _captures.Count);
        Assert.True(_captures.IsUnderWay(s_id));
        _captures.Tick(60 * Second);
        Assert.False(_captures.IsUnderWay(s_id));
        Assert.Equal(0, _captures.Count);
    }

    [Fact]
    public void Packets_allocate_nothing_beside_the_asset()
    {
        byte[] file = File(500_000);
        Ask();
        Send(file, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int packet = 1; packet < 400; packet++)
        {
            Send(file, packet, packet);
        }

        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);
    }

    private static byte[] File(int size)
    {
        byte[] file = new byte[size];
        new Random(size).NextBytes(file);
        return file;
    }

    private void Ask(long now = 0) => _captures.Asked(now, new ImageRequest(s_id, 0, 1_015_000, 0, 0));

    private void Send(byte[] file, int packet, long now = 0)
    {
        (int start, int length) = ImagePackets.Extent(file.Length, packet);
        if (packet == 0)
        {
            _captures.Header(now, s_id, 2, (uint)file.Length, (ushort)ImagePackets.Count(file.Length), file.AsSpan(0, length));
        }
        else
        {
            _captures.Packet(now, s_id, (ushort)packet, file.AsSpan(start, length));
        }
    }

    private void AssertCaught(byte[] file)
    {
        (AssetType type, Guid id, byte[] bytes) = Assert.Single(_assets.Whole);
        Assert.Equal((AssetType.Texture, s_id), (type, id));
        Assert.True(bytes.AsSpan().SequenceEqual(file));
        Assert.False(_captures.IsUnderWay(s_id));
        Assert.Equal(0, _memory.Used);
    }
}
