using System.Net;

namespace GlobalCache.Client.Sessions;

/// <summary>What stands, on this machine, for a session's regions: every part that meets a sim's address or seed asks here.</summary>
internal interface IRegionDirectory
{
    /// <summary>Loopback endpoint that stands for this sim, bound and receiving when it returns; same sim → same port until logout. Null: leave the address as it is (limit reached).</summary>
    IPEndPoint? MapSim(IPEndPoint sim);

    /// <summary>Proxied seed URL; same real seed → same URL. Null: leave it.</summary>
    string? MapSeed(string realSeed, IPEndPoint sim);
}
