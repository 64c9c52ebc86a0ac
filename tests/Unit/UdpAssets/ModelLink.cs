namespace GlobalCache.Tests.UdpAssets;

/// <summary>What a stretch of network does to datagrams: shares between 0 and 1, times in microseconds.</summary>
internal sealed record LinkQuality(double Loss = 0, double Copies = 0, double Overtaken = 0, long Delay = 50, long OvertakenBy = 20_000)
{
    public static LinkQuality Clean { get; } = new();
}

/// <summary>One way of it. Without disturbance the order is kept.</summary>
internal sealed class ModelLink(LinkQuality quality, Random random, Action<long, Action> after, Action<byte[], bool> arrive)
{
    public int Lost { get; private set; }

    public int Sent { get; private set; }

    public LinkQuality Quality { get; set; } = quality;

    /// <param name="datagram">What is sent.</param>
    /// <param name="mark">Notes what arrives of it: a copy the network made further up.</param>
    public void Send(ReadOnlySpan<byte> datagram, HashSet<byte[]>? mark = null)
    {
        Sent++;
        if (random.NextDouble() < Quality.Loss)
        {
            Lost++;
            return;
        }

        byte[] wire = datagram.ToArray();
        mark?.Add(wire);
        Deliver(wire, copy: false);
        if (random.NextDouble() < Quality.Copies)
        {
            Deliver([.. wire], copy: true);
        }
    }

    private void Deliver(byte[] wire, bool copy)
    {
        long late = copy || random.NextDouble() < Quality.Overtaken ? random.NextInt64(Quality.OvertakenBy) : 0;
        after(Quality.Delay + late, () => arrive(wire, copy));
    }
}
