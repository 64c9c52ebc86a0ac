using GlobalCache.Policy;

namespace GlobalCache.Node.Quotas;

/// <summary>Whether an asset may be given out.</summary>
/// <param name="Allowed">It has been counted.</param>
/// <param name="RetryAfter">Else: when to come again.</param>
[System.Runtime.InteropServices.StructLayout(System.Runtime.InteropServices.LayoutKind.Auto)]
internal readonly record struct QuotaAnswer(bool Allowed, TimeSpan RetryAfter);

/// <summary>
/// What each branch may still take (SECURITY §5): distinct assets and their bytes, in bursts, an hour, a day; and whether it answers the checks, which
/// are assets withheld from it that it must then have fetched from the grid itself. An asset a branch has had today costs nothing more. Pure, in memory,
/// bounded; safe for concurrent use.
/// </summary>
/// <param name="policy">The rules, asked for anew each time.</param>
/// <param name="nodes">How many nodes there are: each enforces its share.</param>
internal sealed class BranchQuotas(Func<QuotaPolicy> policy, int nodes = 1)
{
    public const int MostBranches = 65_536;

    /// <summary>Assets remembered for all branches together, some 24 bytes each. Beyond them every one counts, also a second time.</summary>
    public const int MostRemembered = 2_000_000;

    /// <summary>How long an honest client may take to claim what was withheld from it: claims wait up to a quarter of an hour before they are sent.</summary>
    public static readonly TimeSpan CheckPatience = TimeSpan.FromHours(1);

    private const int MostChecks = 1024, MostMatches = 4096, Throttle = 10;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, Spent> _branches = [];
    private int _remembered;

    private sealed class Spent
    {
        public HashSet<ulong> Assets { get; } = [];

        /// <summary>Today's checks, and since when each waits; null: it has been answered or given up.</summary>
        public Dictionary<ulong, DateTimeOffset?> Checks { get; } = [];

        public double Tokens { get; set; }

        public DateTimeOffset At { get; set; }

        public long Day { get; set; }

        public int Count { get; set; }

        public long Bytes { get; set; }

        /// <summary>What it has claimed rightly today.</summary>
        public HashSet<ulong> Matches { get; } = [];

        public int MatchesYesterday { get; set; }

        public int Answered { get; set; }

        public int Unanswered { get; set; }
    }

    /// <summary>What names an asset here: the first eight bytes of its object name.</summary>
    public static ulong IdOf(string name) => Convert.ToUInt64(name[..16], 16);

    /// <summary>Takes an asset from the branch's quota.</summary>
    public QuotaAnswer Take(string branch, ulong asset, int bytes, DateTimeOffset now)
    {
        QuotaPolicy rules = policy();
        lock (_gate)
        {
            if (Find(branch, rules, now) is not { } spent) return new QuotaAnswer(false, TimeSpan.FromHours(1));
            if (spent.Assets.Contains(asset)) return new QuotaAnswer(true, default);
            int share = nodes * (IsFlagged(spent, rules) ? Throttle : 1);
            long perDay = IsFlagged(spent, rules) ? rules.PerDayNew : Math.Min(rules.PerDayMost, rules.PerDayNew + ((long)rules.PerMatchingClaim * spent.MatchesYesterday));
            double perSecond = rules.PerHour / 3600.0 / share;
            spent.Tokens = Math.Min((double)rules.Burst / share, spent.Tokens + (Math.Max(0, (now - spent.At).TotalSeconds) * perSecond));
            spent.At = now;
            if (spent.Count >= perDay / share || spent.Bytes >= rules.BytesPerDay / share)
                return new QuotaAnswer(false, DateTimeOffset.UnixEpoch.AddDays(spent.Day + 1) - now);
            if (spent.Tokens < 1) return new QuotaAnswer(false, TimeSpan.FromSeconds((1 - spent.Tokens) / perSecond));
            spent.Tokens--;
            spent.Count++;
            spent.Bytes += bytes;
            if (_remembered < MostRemembered && spent.Assets.Add(asset)) _remembered++;
            return new QuotaAnswer(true, default);
        }
    }

    /// <summary>An asset the branch would have been given has been withheld from it: it is expected to claim it.</summary>
    public void Withheld(string branch, ulong asset, DateTimeOffset now)
    {
        QuotaPolicy rules = policy();
        lock (_gate)
        {
            if (Find(branch, rules, now) is not { } spent || spent.Checks.Count >= MostChecks) return;
            spent.Checks.TryAdd(asset, now);
        }
    }

    /// <summary>The branch has claimed an asset. Claims that <paramref name="matches"/> what is agreed on earn quota for tomorrow, and answer a check.</summary>
    public void Claimed(string branch, ulong asset, bool matches, DateTimeOffset now)
    {
        QuotaPolicy rules = policy();
        lock (_gate)
        {
            if (!matches || Find(branch, rules, now) is not { } spent) return;
            if (spent.Matches.Count < MostMatches) spent.Matches.Add(asset);
            if (!spent.Checks.TryGetValue(asset, out DateTimeOffset? waiting) || waiting is null) return;
            spent.Checks[asset] = null;
            spent.Answered++;
            Age(spent, rules);
        }
    }

    /// <summary>Whether the branch has left most of its checks unanswered: it copies what it cannot see in the world.</summary>
    public bool IsFlagged(string branch, DateTimeOffset now)
    {
        QuotaPolicy rules = policy();
        lock (_gate) return _branches.ContainsKey(branch) && Find(branch, rules, now) is { } spent && IsFlagged(spent, rules);
    }

    /// <summary>How many branches are known, and how many of them are flagged.</summary>
    public (int Known, int Flagged) Sum()
    {
        QuotaPolicy rules = policy();
        lock (_gate) return (_branches.Count, _branches.Values.Count(s => IsFlagged(s, rules)));
    }

    private static bool IsFlagged(Spent spent, QuotaPolicy rules) =>
        spent.Answered + spent.Unanswered >= rules.ChecksBeforeFlag && spent.Answered * 2 < spent.Answered + spent.Unanswered;

    // Half of what was counts no more, so that a branch can make up for it.
    private static void Age(Spent spent, QuotaPolicy rules)
    {
        if (spent.Answered + spent.Unanswered < 4 * rules.ChecksBeforeFlag) return;
        spent.Answered /= 2;
        spent.Unanswered /= 2;
    }

    /// <summary>The branch as it stands today. Null: there are too many.</summary>
    private Spent? Find(string branch, QuotaPolicy rules, DateTimeOffset now)
    {
        long day = now.ToUnixTimeSeconds() / 86_400;
        if (!_branches.TryGetValue(branch, out Spent? spent))
        {
            if (_branches.Count >= MostBranches && !Tidy(day)) return null;
            _branches[branch] = spent = new Spent { Tokens = (double)rules.Burst / nodes, At = now, Day = day };
        }
        if (spent.Checks.Count > 0) Expire(spent, rules, now);
        // A clock that was set back begins no new day.
        if (day > spent.Day) BeginDay(spent, day);
        return spent;
    }

    private static void Expire(Spent spent, QuotaPolicy rules, DateTimeOffset now)
    {
        foreach ((ulong asset, DateTimeOffset? waiting) in spent.Checks)
        {
            if (waiting is null || now - waiting < CheckPatience) continue;
            spent.Checks[asset] = null;
            spent.Unanswered++;
            Age(spent, rules);
        }
    }

    // Checks that still wait at midnight are given up: the same assets are not withheld tomorrow.
    private void BeginDay(Spent spent, long day)
    {
        _remembered -= spent.Assets.Count;
        spent.Assets.Clear();
        spent.Assets.TrimExcess();
        spent.Checks.Clear();
        spent.MatchesYesterday = day == spent.Day + 1 ? spent.Matches.Count : 0;
        spent.Matches.Clear();
        spent.Matches.TrimExcess();
        (spent.Day, spent.Count, spent.Bytes) = (day, 0, 0);
    }

    /// <summary>Forgets who was last here before today, with nothing against them.</summary>
    private bool Tidy(long day)
    {
        foreach ((string branch, Spent spent) in _branches.Where(b => b.Value.Day < day && b.Value.Answered + b.Value.Unanswered == 0).ToList())
        {
            _remembered -= spent.Assets.Count;
            _branches.Remove(branch);
        }
        return _branches.Count < MostBranches;
    }
}
