using GlobalCache.Node.Quotas;
using GlobalCache.Office.Keys;

namespace GlobalCache.Node.Ingest;

/// <summary>
/// The branches that claim at this node. One batch of a branch is worked on at a time, so that its limits hold however many clients it has; its disputes are set
/// aside in its account, so that they hold however many nodes there are. At most <see cref="MostBranches"/>.
/// </summary>
internal sealed class BranchBook(GridKeys keys, BranchAccounts accounts)
{
    public const int MostBranches = 65_536;

    /// <summary>Batches of one branch that may wait for each other.</summary>
    public const int MostWaiting = 16;

    /// <summary>Disputes that are set aside together.</summary>
    private const int Portion = 8;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Page> _pages = [];

    /// <summary>One branch whose turn it is.</summary>
    internal sealed class Page(string branch)
    {
        public string Branch => branch;

        public SemaphoreSlim Turn { get; } = new(1);

        public int Waiting { get; set; }

        /// <summary>Disputes that may be raised before more have to be set aside.</summary>
        public int Disputes { get; set; }

        /// <summary>The branch's account as it stood when its turn came, or when disputes were last set aside.</summary>
        public BranchAccount Account { get; set; } = BranchAccount.Empty;
    }

    /// <summary>Waits for the branch's turn; null: too many of its batches wait already. To be given back by <see cref="Leave"/>.</summary>
    public async Task<Page?> EnterAsync(string branch, CancellationToken ct)
    {
        Page? page;
        lock (_gate)
        {
            if (!_pages.TryGetValue(branch, out page))
            {
                if (_pages.Count >= MostBranches) Forget();
                _pages[branch] = page = new Page(branch);
            }
            if (page.Waiting > MostWaiting) return null;
            page.Waiting++;
        }
        try
        {
            await page.Turn.WaitAsync(ct);
            return page;
        }
        catch (OperationCanceledException)
        {
            lock (_gate) page.Waiting--;
            throw;
        }
    }

    public void Leave(Page page)
    {
        accounts.ReturnDisputes(page.Branch, page.Disputes);
        page.Account = page.Account with { Disputes = page.Account.Disputes - page.Disputes };
        page.Disputes = 0;
        page.Turn.Release();
        lock (_gate) page.Waiting--;
    }

    /// <summary>How many public assets the branch may contradict before this has to be asked again; 0: no more today.</summary>
    /// <exception cref="Office.Stores.StoreTroubleException">Not known.</exception>
    public async Task<int> DisputesAsync(Page page, int perDay, CancellationToken ct)
    {
        if (page.Disputes > 0) return page.Disputes;
        (page.Disputes, page.Account) = await accounts.ReserveDisputesAsync(page.Branch, Portion, perDay, ct);
        return page.Disputes;
    }

    /// <summary>Those behind these tags of one asset have lost a contest, as far as they have claimed here.</summary>
    public void CountLosers(string name, IReadOnlyList<ulong> losers)
    {
        if (losers.Count == 0) return;
        string[] known;
        lock (_gate) known = [.. _pages.Keys];
        foreach (string branch in known.Where(b => losers.Contains(ClaimTags.OfBranch(keys, name, b)))) accounts.LostContest(branch);
    }

    // Whoever is not at it is forgotten: all that counts stands in the accounts.
    private void Forget()
    {
        foreach ((string branch, _) in _pages.Where(p => p.Value.Waiting == 0).Take(MostBranches / 2).ToList()) _pages.Remove(branch);
    }
}
