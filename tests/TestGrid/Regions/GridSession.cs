using System.Collections.Concurrent;
using System.Net;
using System.Security.Cryptography;

namespace GlobalCache.TestGrid.Regions;

/// <summary>One login: the ids every region of the visit knows it by, and where it is present.</summary>
internal sealed class GridSession(GridUser user)
{
    public GridUser User { get; } = user;

    public Guid AgentId => User.AgentId;

    public Guid SessionId { get; init; } = Guid.NewGuid();

    public Guid SecureSessionId { get; init; } = Guid.NewGuid();

    /// <summary>Above 2³¹ as often as below: it is unsigned.</summary>
    public uint CircuitCode { get; init; } = (uint)RandomNumberGenerator.GetInt32(1, int.MaxValue);

    /// <summary>The address of the agent's circuit, once it has one.</summary>
    public IPAddress? Address { get; set; }

    public ConcurrentDictionary<Region, Presence> Presences { get; } = new();

    /// <summary>The region the agent stands in; the others only show it their edge.</summary>
    public Region? Root { get; set; }

    /// <summary>For a visitor from another grid: lets go of the session there, once he has arrived.</summary>
    public Action? LeaveOrigin { get; set; }
}
