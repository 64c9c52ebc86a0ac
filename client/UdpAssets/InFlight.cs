using GlobalCache.Client.Circuits;

namespace GlobalCache.Client.UdpAssets;

/// <summary>Packets of answers on their way to the viewer: by the number each was injected under, whose and which it is.</summary>
internal sealed class InFlight<TAnswer>
    where TAnswer : class
{
    private readonly Dictionary<long, (TAnswer Answer, int Packet)> _packets = [];

    public void Add(long number, TAnswer answer, int packet) => _packets.Add(number, (answer, packet));

    /// <summary>It has been acked or given up. False: none of these.</summary>
    public bool TryTake(long number, out (TAnswer Answer, int Packet) packet) => _packets.Remove(number, out packet);

    /// <summary>The lowest packet of this answer, or <paramref name="packet"/> if that is lower.</summary>
    public int Lowest(TAnswer answer, int packet)
    {
        foreach ((TAnswer other, int another) in _packets.Values)
        {
            packet = other == answer ? Math.Min(packet, another) : packet;
        }

        return packet;
    }

    /// <summary>What is lost of this answer stays lost.</summary>
    public void StopResending(TAnswer answer, Circuit circuit)
    {
        foreach ((long number, (TAnswer Answer, int Packet) packet) in _packets)
        {
            if (packet.Answer == answer)
            {
                circuit.StopResending(Direction.ToViewer, number);
            }
        }
    }

    public void Clear() => _packets.Clear();
}
