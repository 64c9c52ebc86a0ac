using GlobalCache.Client.CacheGrid;
using Microsoft.Extensions.Logging.Abstractions;

namespace GlobalCache.Client.Edge;

/// <summary>What a member's command needs to talk to its cache grid: its identity, where the nodes are, and a session that has not begun yet.</summary>
internal sealed class MemberLine : IAsyncDisposable
{
    private static readonly TimeSpan s_finding = TimeSpan.FromSeconds(5);

    private readonly GridIdentity _identity;
    private readonly NodeAddresses _addresses;

    private MemberLine(GridIdentity identity, NodeConnections connections, GridNodes nodes, NodeAddresses addresses, GridSession session, GridTroubles troubles) =>
        (_identity, Connections, Nodes, _addresses, Session, Troubles) = (identity, connections, nodes, addresses, session, troubles);

    public GridSession Session { get; }

    public GridNodes Nodes { get; }

    public NodeConnections Connections { get; }

    /// <summary>Why there is no session.</summary>
    public GridTroubles Troubles { get; }

    /// <param name="command">What the user has typed, for the sentence that says what is wrong.</param>
    /// <param name="verb">What only members do.</param>
    /// <param name="options">The cache grid, and where the keys lie.</param>
    /// <param name="time">The clock.</param>
    /// <param name="stop">Gives up.</param>
    /// <exception cref="CannotStartException">There is no cache grid, or no membership. Nothing was made.</exception>
    public static async Task<MemberLine> OpenAsync(string command, string verb, ClientOptions options, TimeProvider time, CancellationToken stop)
    {
        if (options.Grid is not { } grid) throw new CannotStartException($"{command}: no cache grid is named: say --grid FILE, or put it into the configuration file.");
        GridIdentity? identity = File.Exists(GridIdentity.PathOf(options.ConfigFolder, grid.Host)) ? GridIdentity.Load(options.ConfigFolder, grid.Host) : null;
        if (identity?.ClientId is null)
        {
            identity?.Dispose();
            throw new CannotStartException($"{command}: only members {verb}, and this client is none: ask somebody who is for an invite, and type: globalcache join INVITE");
        }
        var connections = new NodeConnections(grid);
        var nodes = new GridNodes(new Random());
        var addresses = new NodeAddresses(
            grid, nodes, connections, new NodeNames(grid, Reach.SystemAsync, NullLogger.Instance), NodeAddresses.LastFileOf(options.ConfigFolder, grid.Host), time, NullLogger.Instance);
        var troubles = new GridTroubles(time, NullLogger.Instance);
        var line = new MemberLine(identity, connections, nodes, addresses, new GridSession(identity, nodes, connections, time, troubles), troubles);
        try
        {
            if (NodeConnections.IsMasterAtNodes(grid)) await Task.WhenAny(addresses.FoundAsync(stop), Task.Delay(s_finding, time, stop));
            return line;
        }
        catch
        {
            await line.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Session.DisposeAsync();
        await _addresses.DisposeAsync();
        Connections.Dispose();
        _identity.Dispose();
    }
}
