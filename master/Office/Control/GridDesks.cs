using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Stores;

namespace GlobalCache.Office.Control;

/// <summary>What may be changed about a grid of one's own, by the running node and by the commands beside it alike.</summary>
/// <param name="Enrolment">Invites, and who belongs to the grid.</param>
/// <param name="Control">The control document.</param>
/// <param name="Revocations">Shuts out in both.</param>
internal sealed record GridDesks(EnrolmentDesk Enrolment, ControlDesk Control, RevocationDesk Revocations) : IDisposable
{
    /// <param name="grid">Holds the keys.</param>
    /// <param name="store">Where it all lies.</param>
    /// <param name="follower">The running node's; null: there is none here.</param>
    /// <param name="time">Wall clock.</param>
    /// <param name="log">Of what happens underneath.</param>
    /// <param name="random">Keeps writers of one moment apart.</param>
    public static GridDesks Of(KeptGrid grid, IObjectStore store, ControlFollower? follower, TimeProvider time, ILogger log, Random? random = null)
    {
        var enrolment = new EnrolmentDesk(store, grid.Office, time, log, random);
        var control = new ControlDesk(store, grid.ControlKey(), follower, time, random);
        return new GridDesks(enrolment, control, new RevocationDesk(enrolment, control, grid.Office, time));
    }

    public void Dispose() => Control.Dispose();
}
