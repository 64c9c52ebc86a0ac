using GlobalCache.Client.CacheGrid;
using GlobalCache.Client.Edge;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace GlobalCache.Client.Commands;

/// <summary>
/// <c>globalcache invite</c>: a member lets a friend into the cache grid. Whoever comes in by it is of the member's own branch: quota, and what happens to those who lie, are shared (SECURITY §4).
/// </summary>
internal sealed class MemberInvite(ClientOptions options, IAnsiConsole console, TimeProvider time)
{
    public const string Command = "invite";

    private static readonly TimeSpan s_finding = TimeSpan.FromSeconds(5);

    /// <exception cref="CannotStartException">With one sentence: there is no cache grid, no membership, or no invite to be had.</exception>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        if (options.Grid is not { } grid) throw new CannotStartException("invite: no cache grid is named: say --grid FILE, or put it into the configuration file.");
        using GridIdentity? identity = File.Exists(GridIdentity.PathOf(options.ConfigFolder, grid.Host)) ? GridIdentity.Load(options.ConfigFolder, grid.Host) : null;
        if (identity?.ClientId is null) throw new CannotStartException("invite: only members invite, and this client is none: ask somebody who is for an invite, and type: globalcache join INVITE");
        using var connections = new NodeConnections(grid);
        var nodes = new GridNodes(new Random());
        await using var addresses = new NodeAddresses(
            grid, nodes, connections, new NodeNames(grid, Reach.SystemAsync, NullLogger.Instance), NodeAddresses.LastFileOf(options.ConfigFolder, grid.Host), time, NullLogger.Instance);
        if (NodeConnections.IsMasterAtNodes(grid)) await Task.WhenAny(addresses.FoundAsync(stop), Task.Delay(s_finding, time, stop));
        await using var session = new GridSession(identity, nodes, connections, time, new GridTroubles(time, NullLogger.Instance));
        string invite = await session.InviteAsync(stop);
        console.Profile.Out.Writer.WriteLine(invite);
        console.WriteLine("It lets in one person, within seven days. They type: globalcache join INVITE. They are of your branch: you share a quota, and answer for each other.");
        return 0;
    }
}
