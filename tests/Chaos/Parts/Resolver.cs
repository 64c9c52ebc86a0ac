using System.Net;
using System.Net.Sockets;
using GlobalCache.Chaos.World;

namespace GlobalCache.Chaos.Parts;

/// <summary>The nodes' name as clients see it: a caching resolver before the zone, which may be silent, or late by more than the TTL allows.</summary>
/// <param name="world">Where it is.</param>
/// <param name="zone">What the zone's servers say now.</param>
internal sealed class Resolver(Simulation world, Func<IReadOnlySet<IPAddress>> zone)
{
    private readonly Random _dice = world.Dice("resolver");
    private IPAddress[] _kept = [];
    private TimeSpan _until;

    /// <summary>Nobody is answered.</summary>
    public bool IsSilent { get; set; }

    public TimeSpan Ttl { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>What a program of this life is told.</summary>
    public async Task<IPAddress[]> AskAsync(Life life, CancellationToken ct)
    {
        await Task.Delay(IsSilent ? TimeSpan.FromSeconds(5) : TimeSpan.FromMilliseconds(1 + (30 * _dice.NextDouble())), life.Clock, ct);
        if (IsSilent) throw new SocketException((int)SocketError.TryAgain);
        if (world.Now >= _until)
        {
            _kept = [.. zone().OrderBy(a => a.ToString(), StringComparer.Ordinal)];
            _until = world.Now + Ttl;
        }
        return _kept.Length > 0 ? _kept : throw new SocketException((int)SocketError.HostNotFound);
    }
}
