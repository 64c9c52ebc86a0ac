using GlobalCache.Node.Vouching;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Assets;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Node.Ingest;

/// <summary>
/// Turns what clients say into claims for the ledger (SECURITY §4): who is who, what the word is worth, whether the origin is an authority.
/// A public asset that is contradicted counts as a dispute by whatever way it was said; when a branch's disputes of the day are spent, its
/// claims wait until tomorrow, so that no liar can make much of the cache contested.
/// </summary>
internal sealed class ClaimIntake(GridKeys keys, Ledger ledger, BranchBook branches, IngestRules rules, TimeProvider time)
{
    // Store calls of one branch at a time: no branch is slow to serve because of another.
    private const int AtOnce = 8;

    /// <summary>Claims a valid batch, line by line. Null: too many of the branch's batches wait already.</summary>
    public async Task<ClaimAnswers?> ClaimAsync(Caller caller, ClaimBatch batch, CancellationToken ct)
    {
        if (await branches.EnterAsync(caller.Branch, ct) is not { } page) return null;
        try
        {
            var verdicts = new ClaimVerdict[batch.Lines.Count];
            Array.Fill(verdicts, ClaimVerdict.Again);
            Weight weight = Weight.None;
            for (int at = 0; at < verdicts.Length;)
            {
                int left = await LeftAsync(page, ct);
                // Whether it is believed at all stands in its account.
                weight = WeightOf(caller, page);
                // Each of those under way may turn out a dispute.
                int count = Math.Min(AtOnce, verdicts.Length - at);
                if (weight == Weight.Ordinary) count = Math.Min(count, left);
                if (count <= 0) break;
                Said[] said = await Task.WhenAll(batch.Lines.Skip(at).Take(count).Select(line => SayAsync(caller, line, weight)));
                for (int i = 0; i < count; i++)
                {
                    verdicts[at + i] = said[i].Verdict;
                    if (weight == Weight.Ordinary && said[i].Outcome == Outcome.Contested) page.Disputes--;
                }
                at += count;
            }
            return new ClaimAnswers { Lines = verdicts, AgainAfterSeconds = AgainAfter(caller, page, weight) };
        }
        finally
        {
            branches.Leave(page);
        }
    }

    /// <summary>Claims what differed from what this cache served. False: beyond the day's disputes, or too much at once; what came before it is noted.</summary>
    /// <exception cref="StoreTroubleException">Not all could be noted; to be repeated.</exception>
    public async Task<bool> DisputeAsync(Caller caller, ClaimBatch batch, CancellationToken ct)
    {
        if (await branches.EnterAsync(caller.Branch, ct) is not { } page) return false;
        try
        {
            bool troubled = false;
            foreach (ClaimLine line in batch.Lines)
            {
                int left = await branches.DisputesAsync(page, rules.Policy().DisputesPerDay, ct);
                Weight weight = WeightOf(caller, page);
                if (weight != Weight.Trusted && left <= 0) return false;
                Said said = await SayAsync(caller, line, weight);
                troubled |= said.Outcome is null;
                // One that changes nothing, such as a repeated one, costs nothing.
                if (weight != Weight.Trusted && said.Outcome is Outcome.Noted or Outcome.Contested or Outcome.Withdrawn) page.Disputes--;
            }
            return troubled ? throw new StoreTroubleException("Not every dispute could be noted.") : true;
        }
        finally
        {
            branches.Leave(page);
        }
    }

    /// <summary>How many disputes are left; an account that cannot be asked has none.</summary>
    private async Task<int> LeftAsync(BranchBook.Page page, CancellationToken ct)
    {
        try
        {
            return await branches.DisputesAsync(page, rules.Policy().DisputesPerDay, ct);
        }
        catch (StoreTroubleException)
        {
            return 0;
        }
    }

    private async Task<Said> SayAsync(Caller caller, ClaimLine line, Weight weight)
    {
        // Nothing is shared of a grid without an entry: where a Hypergrid teleport leads is nobody's business here.
        if (rules.Grid(line.Grid) is not { } grid || !AssetTypes.TryParseName(line.Type, out AssetType type)) return new Said(ClaimVerdict.Noted, Outcome.Unchanged);
        string name = keys.NameOf(new AssetKey(grid.Id, type, line.Id));
        if (rules.Bans().Contains(name)) return new Said(ClaimVerdict.Noted, Outcome.Unchanged);
        var claim = new Claim(
            ClaimTags.OfBranch(keys, name, caller.Branch), ClaimTags.OfNetwork(keys, name, caller.Address), ClaimTags.OfOperator(keys, name, line.Origin),
            FromRegion: !grid.Authorities.Contains(line.Origin), Convert.FromHexString(line.Sha256), weight, ClaimTags.IsIpv6(caller.Address));
        try
        {
            ClaimAnswer answer = await ledger.ClaimAsync(name, claim);
            branches.CountLosers(name, answer.Losers);
            rules.Claimed(caller.Branch, name, answer);
            bool later = answer.Outcome == Outcome.TooSoon || (weight == Weight.None && IsYoung(caller));
            return new Said(answer.Wanted ? ClaimVerdict.Wanted : later ? ClaimVerdict.Again : ClaimVerdict.Noted, answer.Outcome);
        }
        catch (StoreTroubleException)
        {
            return new Said(ClaimVerdict.Again, Outcome: null);
        }
    }

    private Weight WeightOf(Caller caller, BranchBook.Page page) =>
        rules.Revoked().Contains(caller.Branch) ? Weight.None
        : caller.Uploader ? Weight.Trusted
        : IsYoung(caller) || page.Account.Lost >= rules.Policy().LostContests ? Weight.None
        : Weight.Ordinary;

    private bool IsYoung(Caller caller) => rules.Policy() is { Lead: > 1 } policy && time.GetUtcNow() < caller.BranchSince + policy.NewBranchAge;

    private int AgainAfter(Caller caller, BranchBook.Page page, Weight weight)
    {
        VouchingPolicy policy = rules.Policy();
        double seconds = weight == Weight.None && IsYoung(caller) ? (caller.BranchSince + policy.NewBranchAge - time.GetUtcNow()).TotalSeconds
            : weight == Weight.Ordinary && page.Disputes <= 0 && page.Account.Disputes >= policy.DisputesPerDay ? 86_400 - (time.GetUtcNow().ToUnixTimeSeconds() % 86_400)
            : Math.Max(policy.Lead == 1 ? 0 : policy.ClaimSpacing.TotalSeconds, 60);
        return (int)Math.Clamp(Math.Ceiling(seconds), 1, 86_400);
    }

    /// <param name="Verdict">What the client is told.</param>
    /// <param name="Outcome">What it has brought about; null: the store is in trouble.</param>
    private sealed record Said(ClaimVerdict Verdict, Outcome? Outcome);
}
