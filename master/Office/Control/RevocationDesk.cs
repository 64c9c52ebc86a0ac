using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;

namespace GlobalCache.Office.Control;

/// <summary>Shuts out in both places: in the roll, so that no new session is given, and in the control document, so that no node takes the sessions there are.</summary>
internal sealed class RevocationDesk(EnrolmentDesk enrolment, ControlDesk control, OfficeKey key, TimeProvider time)
{
    /// <summary>Takes back an invite, or shuts out a client or a branch. What was cut off in between is made up for by repeating it, or by a running node.</summary>
    /// <exception cref="Stores.StoreTroubleException">Not known whether it stands; to be repeated.</exception>
    /// <exception cref="ControlRefusedException">The control document is full.</exception>
    public async Task<Revocation> RevokeAsync(string id, CancellationToken ct)
    {
        Revocation outcome = await enrolment.RevokeAsync(id, ct);
        if (outcome is Revocation.Done or Revocation.Already) await PublishAsync(ct);
        return outcome;
    }

    /// <summary>Brings the control document in line with the roll.</summary>
    public async Task PublishAsync(CancellationToken ct)
    {
        Roll roll = await enrolment.RefreshAsync(ct);
        await control.ChangeAsync(document => Revocations.Apply(document, roll, key, time.GetUtcNow()), ct);
    }
}
