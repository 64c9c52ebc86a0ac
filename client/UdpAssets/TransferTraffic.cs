using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;
using GlobalCache.Policy.Assets;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// One circuit's transfer messages: requests for assets by UUID are answered from here or followed on their way to the sim. Transfers of other
/// sources are permission-checked and of other types private: nothing here looks at them (PROTOCOL §6.1, §7.4).
/// </summary>
internal sealed class TransferTraffic(IUdpAssets assets, CaptureMemory memory, Action wake, long ticksPerSecond)
{
    private readonly TransferCaptures _captures = new(assets, memory, ticksPerSecond);

    public TransferAnswers Answers { get; } = new(assets, wake, ticksPerSecond);

    public long Deadline => Math.Min(_captures.Deadline, Answers.Deadline);

    public Verdict Request(long now, uint sequence, ReadOnlySpan<byte> body)
    {
        if (!TransferMessages.TryReadAssetRequest(body, out TransferRequest request) || !IsCached(request))
        {
            return Verdict.Forward;
        }

        switch (Answers.Ask(now, sequence, request))
        {
            case Claim.Ours:
                return Verdict.Swallow;
            case Claim.Reading:
                return Verdict.Hold;
            default:
                _captures.Asked(now, request);
                return Verdict.Forward;
        }
    }

    public Verdict Abort(long now, Direction direction, ReadOnlySpan<byte> body, Circuit circuit, IDatagramSink sink)
    {
        if (!TransferMessages.TryReadAbort(body, out Guid transfer))
        {
            return Verdict.Forward;
        }

        if (direction == Direction.ToSim && Answers.TryAbort(now, transfer, circuit, sink))
        {
            return Verdict.Swallow;
        }

        _captures.Abort(transfer);
        return Verdict.Forward;
    }

    public void FromSim(long now, Message message, ReadOnlySpan<byte> body)
    {
        if (message == Message.TransferInfo && TransferMessages.TryReadInfo(body, out Guid transfer, out TransferStatus status, out int size))
        {
            _captures.Info(now, transfer, status, size);
        }
        else if (message == Message.TransferPacket
            && TransferMessages.TryReadPacket(body, out transfer, out int packet, out status, out ReadOnlySpan<byte> data))
        {
            _captures.Packet(now, transfer, packet, status, data);
        }
    }

    /// <summary>Decides what waited for a read, and tells the viewer of transfers that have failed: it will ask anew. False: that could not be sent yet.</summary>
    public bool Tick(long now, Circuit circuit, IDatagramSink sink)
    {
        Answers.FinishReads(now, circuit, _captures, sink);
        _captures.Tick(now);
        Span<byte> body = stackalloc byte[32];
        while (Answers.Failed is [var failed, ..])
        {
            int length = TransferMessages.WriteAbort(failed.Request, body);
            if (!circuit.TryInject(now, Direction.ToViewer, Message.TransferAbort, body[..length], reliable: true, sink, out _))
            {
                return false;
            }

            Answers.Told(failed, circuit);
        }

        return true;
    }

    /// <summary>Sends the next packet of this transfer; its length, 0 if the circuit takes none.</summary>
    public int Send(long now, TransferAnswer answer, Circuit circuit, IDatagramSink sink)
    {
        Span<byte> body = stackalloc byte[TransferMessages.PacketOverhead + TransferMessages.PacketBytes];
        bool info = answer.Next == TransferAnswer.Info;
        int length = info
            ? TransferMessages.WriteInfo(answer.Request, answer.File.Length, body)
            : TransferMessages.WritePart(answer.Request, answer.File, answer.Next, body);
        Message message = info ? Message.TransferInfo : Message.TransferPacket;
        if (!circuit.TryInject(now, Direction.ToViewer, message, body[..length], reliable: true, sink, out long number))
        {
            return 0;
        }

        Answers.Sent(answer, number);
        return length;
    }

    public void End()
    {
        Answers.End();
        _captures.Close();
    }

    private bool IsCached(in TransferRequest request) => request.Channel == TransferMessages.AssetChannel && (AssetType)request.AssetType switch
    {
        AssetType.Texture => request.AssetType == 0 && !assets.IsExcluded(request.Asset),
        AssetType.Sound => request.AssetType == (int)AssetType.Sound,
        AssetType.Animation => request.AssetType == (int)AssetType.Animation,
        AssetType.Mesh => request.AssetType == (int)AssetType.Mesh,
        _ => false,
    };
}
