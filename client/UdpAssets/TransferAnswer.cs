using GlobalCache.Client.Circuits;
using GlobalCache.Client.Lludp;

namespace GlobalCache.Client.UdpAssets;

/// <summary>
/// One transfer as one viewer gets it from us (PROTOCOL §6.1). A viewer parks what comes before its turn, a hundred packets at most, and
/// breaks the transfer off beyond that. So no packet goes that is more than <see cref="Ahead"/> before the oldest unacked one, and of a longer
/// transfer none before the TransferInfo is acked.
/// </summary>
internal sealed class TransferAnswer(TransferRequest request, uint sequence)
{
    public const int Ahead = 80;

    /// <summary>Stands for the TransferInfo among the packets' indices.</summary>
    public const int Info = -1;

    private UInt128 _landed;
    private int _oldest;
    private bool _infoLanded;

    public TransferRequest Request => request;

    /// <summary>The number of the packet that asked, which waits while <see cref="Read"/> is not done.</summary>
    public uint Sequence => sequence;

    public AssetRead? Read { get; set; }

    /// <summary>When the sim is to be asked instead; <see cref="Circuit.Never"/>: it is answered from here.</summary>
    public long ReadUntil { get; set; } = Circuit.Never;

    public int Packets { get; private set; }

    /// <summary>The next to be sent, <see cref="Info"/> first.</summary>
    public int Next { get; private set; } = Info;

    public ReadOnlySpan<byte> File => Read?.Bytes;

    /// <summary>A packet can be sent now.</summary>
    public bool Ready => Next < Packets && Packets > 0 && (Next == Info || ((_infoLanded || Packets <= Ahead) && Next - _oldest < Ahead));

    /// <summary>All of it has arrived.</summary>
    public bool Finished => _infoLanded && _oldest == Packets;

    /// <summary>The file is here. False: there is none.</summary>
    public bool TryStart()
    {
        Packets = File.IsEmpty ? 0 : TransferMessages.Packets(File.Length);
        ReadUntil = Circuit.Never;
        return Packets > 0;
    }

    public void Sent() => Next++;

    public void Acked(int packet)
    {
        if (packet == Info)
        {
            _infoLanded = true;
            return;
        }

        _landed |= UInt128.One << (packet - _oldest);
        while ((_landed & UInt128.One) != UInt128.Zero)
        {
            _landed >>= 1;
            _oldest++;
        }
    }
}
