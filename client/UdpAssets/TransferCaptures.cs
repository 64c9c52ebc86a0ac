using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>Pieces together the assets a sim transfers on one circuit (PROTOCOL §6.1).</summary>
internal sealed class TransferCaptures(IUdpAssets assets, CaptureMemory memory, long ticksPerSecond)
{
    /// <summary>When <see cref="Tick"/> is wanted; <see cref="Circuit.Never"/>: nothing waits.</summary>
    public long Deadline { get; private set; } = Circuit.Never;

    /// <summary>A request for an asset has been forwarded to the sim.</summary>
    public void Asked(long now, in TransferRequest request) => _ = (assets, memory, ticksPerSecond);

    public void Info(long now, Guid transfer, TransferStatus status, int size) => Deadline = Circuit.Never;

    public void Packet(long now, Guid transfer, int packet, TransferStatus status, ReadOnlySpan<byte> data) => Deadline = Circuit.Never;

    public void Abort(Guid transfer) => Deadline = Circuit.Never;

    public void Tick(long now) => Deadline = Circuit.Never;
}
