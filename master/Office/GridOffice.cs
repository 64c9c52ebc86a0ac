using GlobalCache.Office.Control;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Office;

/// <summary>The office of a grid, kept by its master or by a node alone: it lets people in, gives out sessions, and keeps the control document.</summary>
internal sealed class GridOffice : IDisposable
{
    /// <param name="grid">Holds the keys.</param>
    /// <param name="store">Where roll and control document lie.</param>
    /// <param name="control">What the node itself goes by.</param>
    /// <param name="declared">The policy of this start; null: what was in force goes on.</param>
    /// <param name="time">Clock.</param>
    /// <param name="log">Of what happens underneath.</param>
    /// <param name="random">Keeps writers of one moment apart.</param>
    public GridOffice(KeptGrid grid, IObjectStore store, ControlFollower control, GridPolicy? declared, TimeProvider time, ILogger log, Random? random = null)
    {
        Grid = grid;
        Desks = GridDesks.Of(grid, store, control, time, log, random);
        Issuer = new SessionIssuer(control, time);
        Keeper = new ControlKeeper(control, Desks.Control, Desks.Enrolment, Issuer, grid.Office, declared, time, log);
    }

    public KeptGrid Grid { get; }

    /// <summary>What may be changed about the grid.</summary>
    public GridDesks Desks { get; }

    /// <summary>Signs sessions.</summary>
    public SessionIssuer Issuer { get; }

    /// <summary>Brings the control document up to date.</summary>
    public ControlKeeper Keeper { get; }

    public void Dispose() => Desks.Dispose();
}
