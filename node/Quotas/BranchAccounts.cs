using System.Collections.Concurrent;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Node.Keys;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;

namespace GlobalCache.Node.Quotas;

/// <summary>
/// The accounts of all branches as one node works with them (SECURITY §5): quotas are the grid's, however many nodes there are and whether or not there is a
/// master. A node sets a portion aside in the account before it gives anything out, so that nothing is counted twice nor forgotten by a restart, and asks for the
/// next when half is spent, so that a request waits for the store only when somebody is faster than that. Safe for concurrent use; bounded.
/// </summary>
/// <param name="store">Where accounts lie, as <c>q/…</c>.</param>
/// <param name="keys">The grid's secrets: nobody who reads the store can tell whose account it is.</param>
/// <param name="policy">The rules, asked for anew each time.</param>
/// <param name="nodes">How many nodes there are; the more, the smaller the portions.</param>
/// <param name="throttled">Branches the owner has throttled.</param>
/// <param name="time">Wall clock.</param>
/// <param name="random">Keeps nodes that write at the same moment apart.</param>
internal sealed class BranchAccounts(
    IObjectStore store, GridKeys keys, Func<QuotaPolicy> policy, Func<int> nodes, Predicate<string> throttled, TimeProvider time, Random? random = null) : IAsyncDisposable
{
    public const int MostBranches = 65_536;

    /// <summary>Assets remembered for all branches together, some 24 bytes each. Beyond them every one counts, also a second time.</summary>
    public const int MostRemembered = 2_000_000;

    private const int Attempts = 8, PortionsLeft = 16, LeastAssets = 16, LeastBytes = 8 << 20, AtOnce = 16;
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10), s_trouble = TimeSpan.FromSeconds(5), s_wait = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_news = TimeSpan.FromMinutes(2), s_idle = TimeSpan.FromMinutes(10), s_tick = TimeSpan.FromSeconds(10), s_last = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, Wallet> _wallets = new(StringComparer.Ordinal);
    private readonly ObjectSeal _seal = new(keys, "gc/account/1");
    private int _remembered;

    /// <summary>What names an asset here: the first eight bytes of its object name.</summary>
    public static ulong IdOf(string name) => Convert.ToUInt64(name[..16], 16);

    /// <summary>Takes an asset from the branch's quota. Completes at once as a rule.</summary>
    public ValueTask<QuotaAnswer> TakeAsync(string branch, ulong asset, int bytes)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (Find(branch, now) is not { } wallet) return new(new QuotaAnswer(false, TimeSpan.FromHours(1)));
        QuotaAnswer answer;
        Task? booking = null;
        lock (wallet.Gate)
        {
            answer = TakeFrom(wallet, asset, bytes, now);
            if (wallet.Booking is null && now >= wallet.TroubleUntil && (answer.Allowed ? wallet.IsRunningOut || !wallet.IsKnown : answer.RetryAfter == TimeSpan.Zero) && now >= wallet.RefusedUntil)
                booking = Begin(branch, wallet, bytes);
            booking ??= wallet.Booking;
        }
        return answer.Allowed || answer.RetryAfter > TimeSpan.Zero ? new(answer) : TakeLaterAsync(branch, wallet, booking ?? Task.CompletedTask, asset, bytes);
    }

    /// <summary>Share of the day's quota that is left, as far as it is known here.</summary>
    public double Left(string branch)
    {
        if (!_wallets.TryGetValue(branch, out Wallet? wallet)) return 1;
        lock (wallet.Gate) return wallet.IsKnown ? wallet.Account.Left(policy(), throttled(branch)) : 1;
    }

    /// <summary>An asset the branch would have been given has been withheld from it: it is expected to claim it.</summary>
    public void Withheld(string branch, ulong asset)
    {
        if (Find(branch, time.GetUtcNow()) is not { } wallet) return;
        lock (wallet.Gate) wallet.Asked(asset);
    }

    /// <summary>The branch has claimed an asset. Claims that <paramref name="matches"/> what is agreed on earn quota for tomorrow, and answer a check.</summary>
    /// <param name="branch">Whose claim it is.</param>
    /// <param name="asset">First eight bytes of the object name.</param>
    /// <param name="matches">It says what is agreed on.</param>
    /// <param name="withheld">The asset is one of those that are withheld from this branch.</param>
    public void Claimed(string branch, ulong asset, bool matches, bool withheld)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (!matches || Find(branch, now) is not { } wallet) return;
        lock (wallet.Gate) wallet.Claimed(asset, withheld, now);
    }

    /// <summary>Sets disputes of the day aside, so that a branch has no more of them at several nodes than at one. Says how many, and how the branch stands.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public async Task<(int Granted, BranchAccount Account)> ReserveDisputesAsync(string branch, int wanted, int perDay, CancellationToken ct)
    {
        DateTimeOffset now = time.GetUtcNow();
        if (Find(branch, now) is not { } wallet) throw new StoreTroubleException("Too many branches are here at once.");
        Task? underWay;
        lock (wallet.Gate) underWay = wallet.Booking;
        if (underWay is not null) await underWay.WaitAsync(ct);
        int granted = 0;
        BranchAccount account = await ChangeAsync(branch, a =>
        {
            granted = Math.Clamp(perDay - a.Disputes, 0, wanted);
            return a with { Disputes = a.Disputes + granted };
        }, ct);
        return (granted, account);
    }

    /// <summary>Gives back disputes that were not raised.</summary>
    public void ReturnDisputes(string branch, int unused)
    {
        if (unused == 0 || Find(branch, time.GetUtcNow()) is not { } wallet) return;
        lock (wallet.Gate)
        {
            wallet.ReturnDisputes(unused);
            if (wallet.Booking is null) _ = Begin(branch, wallet, bytes: -1);
        }
    }

    /// <summary>The branch has lost a contest.</summary>
    public void LostContest(string branch)
    {
        if (Find(branch, time.GetUtcNow()) is not { } wallet) return;
        lock (wallet.Gate)
        {
            wallet.LostContest();
            if (wallet.Booking is null) _ = Begin(branch, wallet, bytes: -1);
        }
    }

    /// <summary>How many branches are known here, and how many of them are flagged.</summary>
    public (int Known, int Flagged) Sum()
    {
        QuotaPolicy rules = policy();
        return (_wallets.Count, _wallets.Count(w => w.Value.Account.IsFlagged(rules)));
    }

    /// <summary>Books what has happened, gives back what is not needed, forgets yesterday, until <paramref name="ct"/>.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(s_tick, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct)) await TidyAsync(all: false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    /// <summary>Gives back all that is in hand, for a few seconds at most: what remains counts as taken.</summary>
    public async ValueTask DisposeAsync() => await Task.WhenAny(TidyAsync(all: true), Task.Delay(s_last, time));

    /// <summary>Ends when nothing is being booked.</summary>
    internal Task SettledAsync() => Task.WhenAll(_wallets.Values.Select(w => w.Booking ?? Task.CompletedTask));

    internal Task TidyAsync(bool all)
    {
        DateTimeOffset now = time.GetUtcNow();
        List<(string Branch, Wallet Wallet, bool Return)> due = [];
        foreach ((string branch, Wallet wallet) in _wallets)
        {
            lock (wallet.Gate)
            {
                if (wallet.IsIdle(now) && _wallets.TryRemove(branch, out _)) Interlocked.Add(ref _remembered, -wallet.Remembered);
                else if (all || (wallet.HasLeft && now - wallet.LastUse > s_idle)) due.Add((branch, wallet, true));
                else if (wallet.HasNews && now - wallet.LastBooked > s_news && now >= wallet.TroubleUntil) due.Add((branch, wallet, false));
            }
        }
        return Parallel.ForEachAsync(due, new ParallelOptions { MaxDegreeOfParallelism = AtOnce }, async (one, _) =>
        {
            Task booking;
            lock (one.Wallet.Gate) booking = one.Wallet.Booking ?? Begin(one.Branch, one.Wallet, bytes: -1, one.Return);
            await booking;
        });
    }

    private async ValueTask<QuotaAnswer> TakeLaterAsync(string branch, Wallet wallet, Task booking, ulong asset, int bytes)
    {
        await Task.WhenAny(booking, Task.Delay(s_wait, time));
        // All that waited go on beside each other, not one after the other where the booking ended.
        await Task.Yield();
        DateTimeOffset now = time.GetUtcNow();
        lock (wallet.Gate)
        {
            QuotaAnswer answer = TakeFrom(wallet, asset, bytes, now);
            if (!answer.Allowed && wallet.Booking is null && answer.RetryAfter == TimeSpan.Zero && now >= wallet.TroubleUntil) _ = Begin(branch, wallet, bytes);
            return answer.Allowed || answer.RetryAfter > TimeSpan.Zero ? answer : new QuotaAnswer(false, s_wait);
        }
    }

    private QuotaAnswer TakeFrom(Wallet wallet, ulong asset, int bytes, DateTimeOffset now)
    {
        int before = wallet.Remembered;
        QuotaAnswer answer = wallet.Take(asset, bytes, policy(), Math.Max(1, nodes()), Volatile.Read(ref _remembered) < MostRemembered, now);
        if (wallet.Remembered != before) Interlocked.Add(ref _remembered, wallet.Remembered - before);
        return answer;
    }

    /// <summary>Begins to book; the wallet is locked. With <paramref name="bytes"/> below zero no new portion is wanted.</summary>
    private Task Begin(string branch, Wallet wallet, int bytes, bool giveBack = false)
    {
        Happened news = wallet.TakeNews(giveBack);
        var done = new TaskCompletionSource();
        wallet.Booking = done.Task;
        _ = BookAsync(branch, wallet, news, bytes, done);
        return done.Task;
    }

    private async Task BookAsync(string branch, Wallet wallet, Happened news, int bytes, TaskCompletionSource done)
    {
        // Nothing of it under the wallet's lock.
        await Task.Yield();
        try
        {
            QuotaPolicy rules = policy();
            bool slowed = throttled(branch);
            Portion granted = default;
            TimeSpan refused = TimeSpan.Zero;
            BranchAccount account = await ChangeAsync(branch, a =>
            {
                a = news.BookInto(a, rules, slowed, time.GetUtcNow());
                if (bytes < 0) return a;
                (a, granted) = a.Reserve(PortionOf(a, rules, slowed, bytes), rules, slowed, out refused);
                return a;
            }, CancellationToken.None);
            lock (wallet.Gate)
            {
                wallet.Booked(account, granted, refused, time.GetUtcNow());
                wallet.Booking = null;
            }
        }
        catch (StoreTroubleException)
        {
            lock (wallet.Gate)
            {
                wallet.PutBack(news, time.GetUtcNow() + s_trouble);
                wallet.Booking = null;
            }
        }
        finally
        {
            done.SetResult();
        }
    }

    private Portion PortionOf(BranchAccount account, QuotaPolicy rules, bool slowed, int bytes)
    {
        int share = PortionsLeft * Math.Max(1, nodes());
        int left = (int)Math.Max(0, Math.Min(account.PerDay(rules, slowed) - account.Assets, account.Tokens));
        long leftBytes = Math.Max(0, rules.BytesPerDay - account.Bytes);
        long wanted = Math.Max(bytes, Math.Max(leftBytes / share, LeastBytes));
        // The last of the bytes go out whole.
        return new Portion(Math.Max(LeastAssets, left / share), wanted > leftBytes && bytes <= leftBytes ? leftBytes : wanted);
    }

    /// <summary>Reads the account, changes it and writes it back, until nobody came between.</summary>
    private async Task<BranchAccount> ChangeAsync(string branch, Func<BranchAccount, BranchAccount> change, CancellationToken ct)
    {
        string name = NameOf(branch);
        for (int i = 0; i < Attempts; i++)
        {
            StoredObject? there = await store.GetAsync(name, ct);
            BranchAccount before = BranchAccount.Empty;
            // To begin anew over damage would give a quota away.
            if (there is not null && !(_seal.TryOpen(name, there.Bytes.Span, out byte[]? plain) && BranchAccount.TryDecode(plain, out before)))
                throw new StoreTroubleException("A branch's account cannot be opened.");
            BranchAccount today = before.AsOf(time.GetUtcNow(), policy(), throttled(branch)), next = change(today);
            if (next == today && there is not null) return next;
            if (await store.PutAsync(name, _seal.Seal(name, next.Encode()), there?.ETag, ct) == PutResult.Written) return next;
            await Task.Delay(s_pause * (i + (random ?? Random.Shared).NextDouble()), time, ct);
        }
        throw new StoreTroubleException("A branch's account changes faster than it can be written.");
    }

    private string NameOf(string branch) => "q/" + Convert.ToHexStringLower(HMACSHA256.HashData(keys.Claim, Encoding.UTF8.GetBytes("gc/account/1" + branch)));

    /// <summary>Null: there are too many.</summary>
    private Wallet? Find(string branch, DateTimeOffset now)
    {
        if (_wallets.TryGetValue(branch, out Wallet? wallet)) return wallet;
        return _wallets.Count >= MostBranches ? null : _wallets.GetOrAdd(branch, static (_, at) => new Wallet(at), now);
    }
}
