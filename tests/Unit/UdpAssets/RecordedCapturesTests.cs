using GlobalCache.Client.Lludp;
using GlobalCache.Client.UdpAssets;
using GlobalCache.Policy.Assets;
using GlobalCache.Tests.Support;
using GlobalCache.Tests.TestGrid;

namespace GlobalCache.Tests.UdpAssets;

/// <summary>What a real simulator sent, losses and resends included, gives the very files it holds.</summary>
public sealed class RecordedCapturesTests
{
    private static readonly Dictionary<Guid, byte[]> s_files = Directory.GetFiles(Repository.Vector("assets"))
        .ToDictionary(f => Guid.Parse(Path.GetFileName(f)), File.ReadAllBytes);

    [Theory]
    [InlineData("02-assets-http-udp-nmv", 3, 4)]
    [InlineData("03-image-partial-cancel-nmv", 2, 0)]
    [InlineData("05-loss-resends-nmv", 3, 4)]
    [InlineData("06-image-not-in-database-nmv", 3, 4)]
    [InlineData("08-udp-appended-acks-lmv", 3, 4)]
    public void Every_asset_that_came_whole_is_caught_whole(string name, int textures, int others)
    {
        (CaughtAssets assets, CaptureMemory memory) = Replay(new Recording(name).Packets);
        Assert.All(assets.Whole, w => Assert.True(s_files[w.Id].AsSpan().SequenceEqual(w.Bytes)));
        Assert.Equal(textures, assets.Whole.Where(w => w.Type == AssetType.Texture).Select(w => w.Id).Distinct().Count());
        Assert.Equal(others, assets.Whole.Where(w => w.Type != AssetType.Texture).Select(w => w.Id).Distinct().Count());
        Assert.Equal(0, memory.Used);
    }

    [Fact]
    public void A_picture_that_came_coarse_then_finer_and_was_cancelled_is_one_part()
    {
        (CaughtAssets assets, _) = Replay(new Recording("03-image-partial-cancel-nmv").Packets);
        (Guid id, byte[] bytes, bool[] held) = Assert.Single(assets.Parts);
        Assert.Equal((new Guid("6c0ca000-0000-4000-8000-000000000003"), 98_052, 99), (id, bytes.Length, held.Length));
        // The viewer went on at packet 22 where the simulator had stopped at 20.
        Assert.Equal([.. Enumerable.Range(0, 99).Select(p => p is <= 60 and not 21)], held);
    }

    [Theory]
    [InlineData("05-loss-resends-nmv")]
    [InlineData("08-udp-appended-acks-lmv")]
    public void In_any_order_and_with_losses_nothing_wrong_is_caught(string name)
    {
        RecordedPacket[] packets = [.. new Recording(name).Packets];
        for (int seed = 0; seed < 20; seed++)
        {
            var random = new Random(seed);
            // Requests stay where they are; answers swap with near ones, and one in eight is lost.
            RecordedPacket[] shaken = [.. packets.Select((p, i) => (Packet: p, Place: i + (p.FromViewer ? 0 : random.Next(30))))
                .Where(p => p.Packet.FromViewer || random.Next(8) != 0).OrderBy(p => p.Place).Select(p => p.Packet)];
            (CaughtAssets assets, CaptureMemory memory) = Replay(shaken);
            Assert.All(assets.Whole, w => Assert.True(s_files[w.Id].AsSpan().SequenceEqual(w.Bytes)));
            foreach ((Guid id, byte[] bytes, bool[] held) in assets.Parts)
            {
                for (int packet = 0; packet < held.Length; packet++)
                {
                    (int start, int length) = ImagePackets.Extent(bytes.Length, packet);
                    Assert.True(!held[packet] || bytes.AsSpan(start, length).SequenceEqual(s_files[id].AsSpan(start, length)));
                }
            }

            Assert.Equal(0, memory.Used);
        }
    }

    /// <summary>First copies only, as the circuit shows them; at the end a minute passes.</summary>
    private static (CaughtAssets Assets, CaptureMemory Memory) Replay(IEnumerable<RecordedPacket> packets)
    {
        var assets = new CaughtAssets();
        var memory = new CaptureMemory(32 << 20);
        var images = new ImageCaptures(assets, memory, 1000);
        var transfers = new TransferCaptures(assets, memory, 1000);
        HashSet<(int, uint)> seen = [];
        byte[] scratch = new byte[ZeroCode.MaxExpanded];
        long now = 0;
        foreach (RecordedPacket packet in packets)
        {
            now = Math.Max(now, (long)packet.Time);
            Assert.True(Datagram.TryRead([.. packet.Wire], packet.Wire.Length, out Datagram datagram));
            if (datagram.TryOpen(scratch, out ReadOnlySpan<byte> body) && (packet.FromViewer || seen.Add((packet.Sim, datagram.Header.Sequence))))
            {
                Take(now, packet.FromViewer, datagram.Message, body, images, transfers);
            }
        }

        images.Tick(now + 60_000);
        transfers.Tick(now + 60_000);
        Assert.Equal((0, 0), (images.Count, transfers.Count));
        return (assets, memory);
    }

    private static void Take(long now, bool fromViewer, Message message, ReadOnlySpan<byte> body, ImageCaptures images, TransferCaptures transfers)
    {
        switch (message)
        {
            case Message.RequestImage when fromViewer:
                for (int i = 0; i < ImageMessages.RequestCount(body); i++)
                {
                    ImageRequest request = ImageMessages.RequestAt(body, i);
                    if (request.Cancels)
                    {
                        images.Cancelled(now, request.Id);
                    }
                    else
                    {
                        images.Asked(now, request);
                    }
                }

                break;
            case Message.TransferRequest when fromViewer && TransferMessages.TryReadAssetRequest(body, out TransferRequest asked):
                transfers.Asked(now, asked);
                break;
            case Message.ImageData when ImageMessages.TryReadHeader(body, out Guid id, out byte codec, out uint size, out ushort count, out ReadOnlySpan<byte> data):
                images.Header(now, id, codec, size, count, data);
                break;
            case Message.ImagePacket when ImageMessages.TryReadPacket(body, out Guid id, out ushort number, out ReadOnlySpan<byte> data):
                images.Packet(now, id, number, data);
                break;
            case Message.ImageNotInDatabase when ImageMessages.TryReadMissing(body, out Guid id):
                images.Missing(now, id);
                break;
            case Message.TransferInfo when TransferMessages.TryReadInfo(body, out Guid id, out TransferStatus status, out int size):
                transfers.Info(now, id, status, size);
                break;
            case Message.TransferPacket when TransferMessages.TryReadPacket(body, out Guid id, out int number, out TransferStatus status, out ReadOnlySpan<byte> data):
                transfers.Packet(now, id, number, status, data);
                break;
        }
    }
}
