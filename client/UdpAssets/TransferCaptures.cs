using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// Pieces together the assets a sim transfers on one circuit, from first copies only (PROTOCOL §6.1): those of the four types that were asked
/// for by their UUID, whole from the first byte to the last. What does not come whole is dropped.
/// </summary>
internal sealed class TransferCaptures(IUdpAssets assets, CaptureMemory memory, long ticksPerSecond)
{
    /// <summary>Transfers of one circuit; those beyond it are not captured.</summary>
    public const int Capacity = 1024;

    private readonly long _patience = (long)(memory.Patience.TotalSeconds * ticksPerSecond);
    private readonly Dictionary<Guid, TransferCapture> _transfers = [];
    private readonly List<Guid> _due = [];
    private readonly CaptureClock _clock = new(ticksPerSecond);

    /// <summary>When <see cref="Tick"/> is wanted; <see cref="Circuit.Never"/>: nothing waits.</summary>
    public long Deadline => _clock.Deadline;

    /// <summary>Transfers being pieced together or waited for.</summary>
    public int Count => _transfers.Count;

    /// <summary>A request for an asset has been forwarded to the sim.</summary>
    public void Asked(long now, in TransferRequest request)
    {
        var type = (AssetType)request.AssetType;
        if (request.AssetType is not ((int)AssetType.Texture or (int)AssetType.Sound or (int)AssetType.Animation or (int)AssetType.Mesh)
            || request.Channel != TransferMessages.AssetChannel || request.Asset == Guid.Empty
            || _transfers.Count >= Capacity || _transfers.ContainsKey(request.TransferId)
            || (type == AssetType.Texture && assets.IsExcluded(request.Asset)))
        {
            return;
        }

        var transfer = new TransferCapture(type, request.Asset);
        _transfers.Add(request.TransferId, transfer);
        PutOff(transfer, now);
    }

    public void Info(long now, Guid transfer, TransferStatus status, int size)
    {
        if (_transfers.TryGetValue(transfer, out TransferCapture? capture))
        {
            PutOff(capture, now);
            byte[]? whole = null;
            End(transfer, capture, status == TransferStatus.Ok && capture.TryAnnounce(size, memory, out whole), whole);
        }
    }

    public void Packet(long now, Guid transfer, int packet, TransferStatus status, ReadOnlySpan<byte> data)
    {
        if (_transfers.TryGetValue(transfer, out TransferCapture? capture))
        {
            PutOff(capture, now);
            byte[]? whole = null;
            End(transfer, capture, status is TransferStatus.Ok or TransferStatus.Done
                && capture.TryFill(packet, status == TransferStatus.Done, data, memory, out whole), whole);
        }
    }

    /// <summary>Either end has broken it off.</summary>
    public void Abort(Guid transfer)
    {
        if (_transfers.Remove(transfer, out TransferCapture? capture))
        {
            capture.Close(memory);
        }
    }

    /// <summary>Gives up what has waited long enough. Extra calls are harmless.</summary>
    public void Tick(long now)
    {
        if (now < Deadline)
        {
            return;
        }

        long next = Circuit.Never;
        foreach ((Guid id, TransferCapture capture) in _transfers)
        {
            if (capture.Due <= now)
            {
                _due.Add(id);
            }
            else
            {
                next = Math.Min(next, capture.Due);
            }
        }

        _clock.Begin(now, next);
        foreach (Guid id in _due)
        {
            Abort(id);
        }

        _due.Clear();
    }

    /// <summary>The circuit is over: its memory is the others' again.</summary>
    public void Close()
    {
        foreach (TransferCapture capture in _transfers.Values)
        {
            capture.Close(memory);
        }

        _transfers.Clear();
        _clock.Begin(0, Circuit.Never);
    }

    private void PutOff(TransferCapture capture, long now) => _clock.Expect(capture.Due = now + _patience);

    private void End(Guid transfer, TransferCapture capture, bool goesOn, byte[]? whole)
    {
        if (goesOn && whole is null)
        {
            return;
        }

        Abort(transfer);
        if (whole is not null)
        {
            assets.Captured(capture.Type, capture.Asset, whole);
        }
    }
}
