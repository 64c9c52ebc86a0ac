using GlobalCache.Node.Keys;
using GlobalCache.Policy;

namespace GlobalCache.Node.Ingest;

/// <summary>
/// What this node knows of the branches that claim here: contests they have lost, disputes they have raised today. One batch of a branch is
/// worked on at a time, so that its limits hold however many clients it has. Kept in memory; at most <see cref="MostBranches"/>.
/// </summary>
internal sealed class BranchBook(GridKeys keys, Func<VouchingPolicy> policy, TimeProvider time)
{
    public const int MostBranches = 65_536;

    /// <summary>Batches of one branch that may wait for each other.</summary>
    public const int MostWaiting = 16;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Page> _pages = [];

    /// <summary>One branch.</summary>
    internal sealed class Page
    {
        public SemaphoreSlim Turn { get; } = new(1);

        public int Waiting { get; set; }

        public int Lost { get; set; }

        public long Day { get; set; }

        public int Disputes { get; set; }
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
                _pages[branch] = page = new Page();
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
        page.Turn.Release();
        lock (_gate) page.Waiting--;
    }

    /// <summary>How many more public assets the branch may contradict today.</summary>
    public int DisputesLeft(Page page)
    {
        lock (_gate) return policy().DisputesPerDay - (page.Day == Today() ? page.Disputes : 0);
    }

    /// <summary>The branch has raised a dispute.</summary>
    public void CountDispute(Page page)
    {
        lock (_gate)
        {
            if (page.Day != Today()) (page.Day, page.Disputes) = (Today(), 0);
            page.Disputes++;
        }
    }

    /// <summary>Whether the branch has lost so often that its word is worth nothing.</summary>
    public bool IsDisbelieved(Page page)
    {
        lock (_gate) return page.Lost >= policy().LostContests;
    }

    /// <summary>Those behind these tags of one asset have lost a contest, as far as they are known here.</summary>
    public void CountLosers(string name, IReadOnlyList<ulong> losers)
    {
        if (losers.Count == 0) return;
        lock (_gate)
        {
            foreach ((string branch, Page page) in _pages)
            {
                if (losers.Contains(ClaimTags.OfBranch(keys, name, branch))) page.Lost++;
            }
        }
    }

    /// <summary>Seconds until the day is over: when disputes may be raised again.</summary>
    public int SecondsLeftOfDay() => (int)(86_400 - (time.GetUtcNow().ToUnixTimeSeconds() % 86_400));

    // Those of whom nothing is known go; if all have something against them, the least bad half.
    private void Forget()
    {
        long today = Today();
        foreach ((string branch, _) in _pages.Where(p => p.Value is { Waiting: 0, Lost: 0 } page && page.Day != today).ToList()) _pages.Remove(branch);
        if (_pages.Count < MostBranches) return;
        foreach ((string branch, _) in _pages.Where(p => p.Value.Waiting == 0).OrderBy(p => p.Value.Lost).Take(MostBranches / 2).ToList()) _pages.Remove(branch);
    }

    private long Today() => time.GetUtcNow().ToUnixTimeSeconds() / 86_400;
}
