using System.Runtime.InteropServices;
using GlobalCache.Policy;

namespace GlobalCache.Node.Quotas;

/// <summary>Whether an asset may be given out.</summary>
/// <param name="Allowed">It has been counted.</param>
/// <param name="RetryAfter">Else: when to come again; zero: as soon as the account has been asked.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct QuotaAnswer(bool Allowed, TimeSpan RetryAfter);

/// <summary>What has happened to a branch at one node and is not in its account yet.</summary>
internal sealed record Happened
{
    public static Happened Nothing { get; } = new();

    /// <summary>Given out before it was set aside; below zero: set aside and not needed.</summary>
    public Portion Spent { get; init; }

    public IReadOnlyList<ulong> Asked { get; init; } = [];

    public IReadOnlyList<ulong> Claimed { get; init; } = [];

    public int Matches { get; init; }

    public int Disputes { get; init; }

    public int Lost { get; init; }

    /// <summary>The account with all of it booked.</summary>
    public BranchAccount BookInto(BranchAccount account, QuotaPolicy rules, bool throttled, DateTimeOffset now)
    {
        foreach (ulong asset in Asked) account = account.Asked(asset, now, rules);
        foreach (ulong asset in Claimed) account = account.Claimed(asset, now, rules);
        return account.Book(Spent, rules, throttled) with
        {
            Matches = account.Matches + Matches,
            Disputes = Math.Max(0, account.Disputes + Disputes),
            Lost = account.Lost + Lost,
        };
    }
}

/// <summary>
/// What one node has in hand for one branch: a portion of its quota that was set aside in the account, which assets it has had today, and
/// what is still to be booked. No I/O; locked by its owner.
/// </summary>
internal sealed class Wallet
{
    /// <summary>Share of the burst that a branch may take at a node that has not read its account yet: nobody waits for that.</summary>
    private const int Credit = 100;

    private const int MostMatches = 4096, MostPending = 512;

    private readonly HashSet<ulong> _had = [], _matched = [];
    private readonly List<ulong> _asked = [], _claimed = [];
    private Portion _left, _granted, _owed;
    private int _matches, _disputes, _lost, _day;

    public Wallet(DateTimeOffset now) => (_day, LastUse) = (BranchAccount.DayOf(now), now);

    /// <summary>Held while anything of it is looked at.</summary>
    public Lock Gate { get; } = new();

    /// <summary>As it was last read.</summary>
    public BranchAccount Account { get; private set; } = BranchAccount.Empty;

    public bool IsKnown => Account.Day >= 0;

    public DateTimeOffset LastUse { get; private set; }

    public DateTimeOffset LastBooked { get; private set; }

    /// <summary>The store could not be asked; until then it is not asked again.</summary>
    public DateTimeOffset TroubleUntil { get; private set; } = DateTimeOffset.MinValue;

    /// <summary>There was nothing left; until then there is not.</summary>
    public DateTimeOffset RefusedUntil { get; private set; } = DateTimeOffset.MinValue;

    /// <summary>Asks the account now, or waits for it.</summary>
    public Task? Booking { get; set; }

    public int Remembered => _had.Count;

    /// <summary>Nothing of it would be lost with it.</summary>
    public bool IsIdle(DateTimeOffset now) => _day < BranchAccount.DayOf(now) && !HasNews && Booking is null;

    public bool HasNews => _owed != default || _asked.Count > 0 || _claimed.Count > 0 || _matches > 0 || _disputes != 0 || _lost > 0;

    public bool HasLeft => _left.Assets > 0;

    /// <summary>Half of the portion is spent: time to ask for the next.</summary>
    public bool IsRunningOut => _left.Assets * 2 < _granted.Assets || _left.Bytes * 2 < _granted.Bytes;

    /// <summary>Takes an asset out of what is in hand.</summary>
    /// <param name="asset">First eight bytes of its object name.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="rules">The grid's.</param>
    /// <param name="nodes">How many nodes there are.</param>
    /// <param name="remember">Whether there is memory for one more asset.</param>
    /// <param name="now">Wall clock.</param>
    /// <returns>Not allowed with zero: ask the account first.</returns>
    public QuotaAnswer Take(ulong asset, int bytes, QuotaPolicy rules, int nodes, bool remember, DateTimeOffset now)
    {
        LastUse = now;
        BeginDay(now);
        if (_had.Contains(asset)) return new QuotaAnswer(true, default);
        if (_left.Assets >= 1 && _left.Bytes >= bytes) _left = new Portion(_left.Assets - 1, _left.Bytes - bytes);
        else if (now < TroubleUntil || !IsKnown)
        {
            // While the account cannot be asked this node's own share holds; it is booked later.
            int most = now < TroubleUntil ? Math.Max(1, rules.Burst / nodes) : Math.Max(1, rules.Burst / Credit);
            if (_owed.Assets >= most || _owed.Bytes >= rules.BytesPerDay / Credit) return new QuotaAnswer(false, now < TroubleUntil ? TimeSpan.FromSeconds(5) : TimeSpan.Zero);
            _owed = new Portion(_owed.Assets + 1, _owed.Bytes + bytes);
        }
        else return new QuotaAnswer(false, now < RefusedUntil ? RefusedUntil - now : TimeSpan.Zero);
        if (remember) _had.Add(asset);
        return new QuotaAnswer(true, default);
    }

    /// <summary>An asset was withheld.</summary>
    public void Asked(ulong asset)
    {
        if (_asked.Count < MostPending) _asked.Add(asset);
    }

    /// <summary>An asset was claimed rightly.</summary>
    /// <param name="asset">First eight bytes of its object name.</param>
    /// <param name="withheld">It is one of those that are withheld from this branch.</param>
    /// <param name="now">Wall clock.</param>
    public void Claimed(ulong asset, bool withheld, DateTimeOffset now)
    {
        BeginDay(now);
        if (_matched.Count < MostMatches && _matched.Add(asset)) _matches++;
        if (withheld && _claimed.Count < MostPending) _claimed.Add(asset);
    }

    public void ReturnDisputes(int unused) => _disputes -= unused;

    public void LostContest() => _lost++;

    /// <summary>Takes out what is to be booked; with <paramref name="all"/> what is in hand goes back too.</summary>
    public Happened TakeNews(bool all)
    {
        var news = new Happened
        {
            Spent = all ? new Portion(_owed.Assets - _left.Assets, _owed.Bytes - _left.Bytes) : _owed,
            Asked = [.. _asked],
            Claimed = [.. _claimed],
            Matches = _matches,
            Disputes = _disputes,
            Lost = _lost,
        };
        if (all) (_left, _granted) = (default, default);
        _asked.Clear();
        _claimed.Clear();
        (_owed, _matches, _disputes, _lost) = (default, 0, 0, 0);
        return news;
    }

    /// <summary>It could not be booked.</summary>
    public void PutBack(Happened news, DateTimeOffset troubleUntil)
    {
        _owed = new Portion(_owed.Assets + news.Spent.Assets, _owed.Bytes + news.Spent.Bytes);
        _asked.InsertRange(0, news.Asked.Take(MostPending - _asked.Count));
        _claimed.InsertRange(0, news.Claimed.Take(MostPending - _claimed.Count));
        (_matches, _disputes, _lost) = (_matches + news.Matches, _disputes + news.Disputes, _lost + news.Lost);
        TroubleUntil = troubleUntil;
    }

    /// <summary>It is booked, and so much was set aside.</summary>
    public void Booked(BranchAccount account, Portion granted, TimeSpan refusedFor, DateTimeOffset now)
    {
        BeginDay(now);
        Account = account;
        if (granted.Assets > 0) _left = _granted = new Portion(_left.Assets + granted.Assets, _left.Bytes + granted.Bytes);
        RefusedUntil = refusedFor > TimeSpan.Zero ? now + (refusedFor > TimeSpan.FromSeconds(1) ? refusedFor : TimeSpan.FromSeconds(1)) : DateTimeOffset.MinValue;
        (LastBooked, TroubleUntil) = (now, DateTimeOffset.MinValue);
    }

    // What was set aside yesterday is yesterday's.
    private void BeginDay(DateTimeOffset now)
    {
        int day = BranchAccount.DayOf(now);
        if (day <= _day) return;
        _day = day;
        _had.Clear();
        _had.TrimExcess();
        _matched.Clear();
        (_left, _granted, RefusedUntil) = (default, default, DateTimeOffset.MinValue);
    }
}
