using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>Pieces together the images a sim sends on one circuit (PROTOCOL §5.5).</summary>
internal sealed class ImageCaptures(IUdpAssets assets, CaptureMemory memory, long ticksPerSecond)
{
    private readonly Dictionary<Guid, long> _asked = [];

    /// <summary>When <see cref="Tick"/> is wanted; <see cref="Circuit.Never"/>: nothing waits.</summary>
    public long Deadline { get; private set; } = Circuit.Never;

    /// <summary>The sim was asked for it, and is not done: the image is not complete, missing, cancelled or silent for long.</summary>
    public bool IsUnderWay(Guid id) => _asked.ContainsKey(id);

    /// <summary>A block has been forwarded to the sim.</summary>
    public void Asked(long now, in ImageRequest request)
    {
        _ = (assets, memory, ticksPerSecond);
        _asked[request.Id] = now;
    }

    public void Header(long now, Guid id, byte codec, uint size, ushort packets, ReadOnlySpan<byte> data) => Deadline = Circuit.Never;

    public void Packet(long now, Guid id, ushort packet, ReadOnlySpan<byte> data) => Deadline = Circuit.Never;

    /// <summary>The sim has no such image.</summary>
    public void Missing(long now, Guid id) => _asked.Remove(id);

    /// <summary>The viewer does not want it any more.</summary>
    public void Cancelled(long now, Guid id) => _asked.Remove(id);

    public void Tick(long now) => Deadline = Circuit.Never;
}
