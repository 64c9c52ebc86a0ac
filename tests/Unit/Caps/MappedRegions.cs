using System.Net;
using GlobalCache.Client.Sessions;

namespace GlobalCache.Tests.Caps;

/// <summary>A directory that maps every sim to a port above 12100 and every seed to a numbered URL, and remembers what it was asked.</summary>
internal sealed class MappedRegions : IRegionDirectory
{
    public Dictionary<IPEndPoint, IPEndPoint> Sims { get; } = [];

    public Dictionary<string, string> Seeds { get; } = [];

    public int Limit { get; init; } = int.MaxValue;

    public IPEndPoint? MapSim(IPEndPoint sim)
    {
        if (Sims.TryGetValue(sim, out IPEndPoint? mapped)) return mapped;
        if (Sims.Count >= Limit) return null;
        return Sims[sim] = new IPEndPoint(IPAddress.Loopback, 12101 + Sims.Count);
    }

    public string? MapSeed(string realSeed, IPEndPoint sim)
    {
        if (!Sims.ContainsKey(sim)) return null;
        if (!Seeds.TryGetValue(realSeed, out string? url)) Seeds[realSeed] = url = $"http://127.0.0.1:12080/s/{Seeds.Count + 1}";
        return url;
    }
}
