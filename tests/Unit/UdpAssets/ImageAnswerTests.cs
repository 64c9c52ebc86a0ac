using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;
using static GlobalCache.Tests.UdpAssets.AssetTapRig;

namespace GlobalCache.Tests.UdpAssets;

public sealed class ImageAnswerTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(599)]
    [InlineData(600)]
    [InlineData(601)]
    [InlineData(1600)]
    [InlineData(1601)]
    [InlineData(70_000)]
    [InlineData(1_000_000)]
    public void T42_A_held_image_comes_from_here_in_packets_of_600_and_1000_bytes(int length)
    {
        var tap = new AssetTapRig();
        byte[] file = Picture(length);
        Guid id = tap.Hold(AssetType.Texture, file);
        List<Packet> sent = tap.Drain(tap.Ask(Want(id)));
        Assert.DoesNotContain(sent, p => p.Message == Message.RequestImage);

        List<Packet> parts = [.. sent.Where(p => p.Direction == Direction.ToViewer && p.Message is Message.ImageData or Message.ImagePacket)];
        Assert.Equal(ImagePackets.Count(length), parts.Count);
        Assert.Equal(Enumerable.Range(0, parts.Count), parts.Select(p => p.Index));
        Assert.Equal(Math.Min(length, 600), parts[0].Data.Length);
        Assert.All(parts[1..^Math.Min(1, parts.Count - 1)], p => Assert.Equal(1000, p.Data.Length));
        Assert.Equal(file, parts.SelectMany(p => p.Data));
        Assert.Equal(0, tap.Assets.Open);
        Assert.Equal(0, tap.Rig.Circuit.Unacked(Direction.ToViewer));
    }
}
