using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Sessions;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>
/// Brings what the roll says of revocations into the control document. A client is listed under the pseudonyms that its sessions may bear which are still good,
/// and only until the last of them has expired; a branch for good. So a kill between the two objects is made up for by whoever next compares them. Pure.
/// </summary>
internal static class Revocations
{
    // Whoever gives out sessions may have read the roll just before the revocation, by a clock that differs.
    private static readonly TimeSpan Late = SessionTokens.Skew;

    /// <summary>The document with all revocations of the roll, and without those that are over; the same one where nothing changes.</summary>
    public static ControlDocument Apply(ControlDocument document, Roll roll, OfficeKey key, DateTimeOffset now)
    {
        HashSet<string> branches = [.. document.RevokedBranches];
        Dictionary<string, RevokedSubject> clients = document.RevokedClients.Where(c => now < c.Until).ToDictionary(c => c.Subject, StringComparer.Ordinal);
        bool changed = clients.Count != document.RevokedClients.Count;
        foreach ((string id, Branch branch) in roll.Branches)
        {
            if (branch.Revoked is not null) changed |= branches.Add(id);
        }
        foreach ((string id, Member member) in roll.Clients)
        {
            // Its branch shuts it out already.
            if (member.Revoked is not { } at || branches.Contains(member.Branch)) continue;
            DateTimeOffset until = at + Late + SessionTokens.Lifetime + (2 * SessionTokens.Skew);
            if (until <= now) continue;
            for (DateTimeOffset day = at - SessionTokens.Lifetime - (2 * SessionTokens.Skew); day.UtcDateTime.Date <= (at + Late).UtcDateTime.Date; day = day.AddDays(1))
            {
                string subject = Pseudonyms.Of(key, id, day);
                changed |= clients.TryAdd(subject, new RevokedSubject { Subject = subject, Until = until });
            }
        }
        return changed ? document with { RevokedBranches = [.. branches.Order(StringComparer.Ordinal)], RevokedClients = [.. clients.Values.OrderBy(c => c.Subject, StringComparer.Ordinal)] } : document;
    }
}
