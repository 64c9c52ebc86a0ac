using GlobalCache.Node.Quotas;
using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;

namespace GlobalCache.Node.Serving;

/// <summary>
/// Whether a claim may be the answer to a check (SECURITY §4): the asset is one of those that are withheld from the branch. What is withheld follows from a key that all
/// nodes have, so the node that hears the claim can tell, whichever node it was that withheld.
/// </summary>
internal sealed class Checks(GridKeys keys, ServingRules rules)
{
    public bool IsOne(string branch, string name, VouchRecord record, DateTimeOffset now)
    {
        // As it stood when it was withheld: claims come up to an hour later, perhaps after midnight, and what was fresh then may be settled now.
        DateTimeOffset then = now - BranchAccount.CheckPatience;
        double share = Math.Max(rules.Withheld(record.StandingAt(now), 0), rules.Withheld(record.StandingAt(then), 0));
        int today = BranchAccount.DayOf(now), before = BranchAccount.DayOf(then);
        return share > 0 && (keys.Withholds(branch, name, today, share) || (before != today && keys.Withholds(branch, name, before, share)));
    }
}
