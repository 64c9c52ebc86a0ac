using System.Buffers.Binary;
using System.Runtime.InteropServices;
using GlobalCache.Policy;

namespace GlobalCache.Node.Quotas;

/// <summary>An asset that was withheld from a branch as a check, or claimed by it before that was known here.</summary>
/// <param name="Asset">First eight bytes of its object name.</param>
/// <param name="Minute">Since when, in minutes since 1970.</param>
/// <param name="Claimed">The claim came first: it waits for the node that withheld to say so.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct OpenCheck(ulong Asset, uint Minute, bool Claimed);

/// <summary>What a branch may take before it has to be asked for again.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Portion(int Assets, long Bytes);

/// <summary>
/// What the whole grid knows of one branch (SECURITY §4, §5): what it has taken today, whether it answers the checks, its disputes and lost contests. It
/// lies in the store and is changed by compare-and-swap alone, so that it is the same for all nodes and outlives them. Immutable; every call says what time it is.
/// </summary>
internal sealed record BranchAccount
{
    /// <summary>Checks that are kept open; what is withheld beyond them is no check.</summary>
    public const int MostOpen = 192;

    /// <summary>How long an honest client may take to claim what was withheld from it: claims wait up to a quarter of an hour before they are sent.</summary>
    public static readonly TimeSpan CheckPatience = TimeSpan.FromHours(1);

    private const byte Format = 1;
    private const int HeaderBytes = 1 + 4 + 8 + 8 + 4 + 8 + (6 * 4) + 1, CheckBytes = 8 + 4 + 1, Throttle = 10;

    /// <summary>A branch nobody has seen yet.</summary>
    public static BranchAccount Empty { get; } = new();

    /// <summary>The day all of today is about, since 1970.</summary>
    public int Day { get; init; } = -1;

    /// <summary>What is left of the burst.</summary>
    public double Tokens { get; init; }

    /// <summary>When it was reckoned, in milliseconds since 1970.</summary>
    public long At { get; init; }

    /// <summary>Assets taken or set aside today.</summary>
    public int Assets { get; init; }

    /// <summary>Their bytes.</summary>
    public long Bytes { get; init; }

    /// <summary>Claims of today that said what is agreed on.</summary>
    public int Matches { get; init; }

    public int MatchesYesterday { get; init; }

    /// <summary>Disputes of today.</summary>
    public int Disputes { get; init; }

    /// <summary>Contests lost, ever.</summary>
    public int Lost { get; init; }

    /// <summary>Checks that were answered by a claim; half of what was is forgotten from time to time, so that a branch can make up for it.</summary>
    public int Answered { get; init; }

    /// <summary>Checks that were not.</summary>
    public int Unanswered { get; init; }

    public IReadOnlyList<OpenCheck> Open { get; init; } = [];

    /// <summary>Whether the branch has left most of its checks unanswered: it copies what it cannot see in the world.</summary>
    public bool IsFlagged(QuotaPolicy rules) => Answered + Unanswered >= rules.ChecksBeforeFlag && Answered * 2 < Answered + Unanswered;

    /// <summary>The account as it stands now: a new day begun, tokens refilled, checks that nobody answered counted.</summary>
    public BranchAccount AsOf(DateTimeOffset now, QuotaPolicy rules, bool throttled = false)
    {
        int day = DayOf(now);
        long at = now.ToUnixTimeMilliseconds();
        BranchAccount account = this;
        if (Day < 0) account = account with { Day = day, At = at, Tokens = Per(rules.Burst, rules, throttled) };
        // A clock that was set back begins no new day.
        else if (day > Day) account = account with { Day = day, Assets = 0, Bytes = 0, Disputes = 0, Matches = 0, MatchesYesterday = day == Day + 1 ? Matches : 0 };
        double refill = Math.Max(0, at - account.At) / 3_600_000.0 * Per(rules.PerHour, rules, throttled);
        account = account with { Tokens = Math.Min(Per(rules.Burst, rules, throttled), account.Tokens + refill), At = Math.Max(account.At, at) };
        uint over = MinuteOf(now - CheckPatience);
        if (!account.Open.Any(c => c.Minute <= over)) return account;
        return account with { Open = [.. account.Open.Where(c => c.Minute > over)] } is var expired
            ? expired.Count(answered: 0, account.Open.Count(c => c.Minute <= over && !c.Claimed), rules) : account;
    }

    /// <summary>Sets something aside, as far as there is anything; all of it counts as taken until it is given back. To be asked of an account as of now.</summary>
    /// <param name="wanted">At most so much; bytes in full or not at all.</param>
    /// <param name="rules">The grid's.</param>
    /// <param name="throttled">Whether the owner has throttled the branch.</param>
    /// <param name="retryAfter">When nothing is granted: when there may be something again.</param>
    public (BranchAccount Next, Portion Granted) Reserve(Portion wanted, QuotaPolicy rules, bool throttled, out TimeSpan retryAfter)
    {
        int assets = (int)Math.Min(Math.Min(wanted.Assets, PerDay(rules, throttled) - Assets), Tokens);
        retryAfter = TimeSpan.Zero;
        if (assets > 0 && Bytes + wanted.Bytes <= rules.BytesPerDay)
            return (this with { Assets = Assets + assets, Bytes = Bytes + wanted.Bytes, Tokens = Tokens - assets }, wanted with { Assets = assets });
        bool today = Assets < PerDay(rules, throttled) && Bytes + wanted.Bytes <= rules.BytesPerDay;
        retryAfter = today ? TimeSpan.FromHours((1 - Tokens) / Per(rules.PerHour, rules, throttled))
            : DateTimeOffset.UnixEpoch.AddDays(Day + 1) - DateTimeOffset.FromUnixTimeMilliseconds(At);
        return (this, default);
    }

    /// <summary>Books what was given out before it was set aside, or gives back (below zero) what was not needed.</summary>
    public BranchAccount Book(Portion spent, QuotaPolicy rules, bool throttled = false) => this with
    {
        Assets = Math.Max(0, Assets + spent.Assets),
        Bytes = Math.Max(0, Bytes + spent.Bytes),
        Tokens = Math.Min(Per(rules.Burst, rules, throttled), Tokens - spent.Assets),
    };

    /// <summary>Share of the day's assets and bytes that is neither taken nor set aside, 0 – 1.</summary>
    public double Left(QuotaPolicy rules, bool throttled = false) => Math.Clamp(Math.Min(
        1 - ((double)Assets / PerDay(rules, throttled)), 1 - ((double)Bytes / rules.BytesPerDay)), 0, 1);

    /// <summary>Most assets of a day: more for those who give.</summary>
    public int PerDay(QuotaPolicy rules, bool throttled = false)
    {
        if (throttled || IsFlagged(rules)) return Math.Max(1, rules.PerDayNew / Throttle);
        return (int)Math.Min(rules.PerDayMost, rules.PerDayNew + ((long)rules.PerMatchingClaim * MatchesYesterday));
    }

    /// <summary>An asset the branch would have been given has been withheld from it: it is expected to claim it. The same one twice is one check.</summary>
    public BranchAccount Asked(ulong asset, DateTimeOffset now, QuotaPolicy rules)
    {
        for (int i = 0; i < Open.Count; i++)
        {
            if (Open[i].Asset != asset) continue;
            return Open[i].Claimed ? (this with { Open = [.. Open.Where(c => c.Asset != asset)] }).Count(1, 0, rules) : this;
        }
        return Open.Count >= MostOpen ? this : this with { Open = [.. Open, new OpenCheck(asset, MinuteOf(now), Claimed: false)] };
    }

    /// <summary>The branch has claimed, rightly, what is withheld from it.</summary>
    public BranchAccount Claimed(ulong asset, DateTimeOffset now, QuotaPolicy rules)
    {
        for (int i = 0; i < Open.Count; i++)
        {
            if (Open[i].Asset != asset) continue;
            return Open[i].Claimed ? this : (this with { Open = [.. Open.Where(c => c.Asset != asset)] }).Count(1, 0, rules);
        }
        // Claims of what was never asked for must not take the places of checks.
        return Open.Count >= MostOpen / 2 ? this : this with { Open = [.. Open, new OpenCheck(asset, MinuteOf(now), Claimed: true)] };
    }

    /// <summary>At most 4 KiB.</summary>
    public byte[] Encode()
    {
        byte[] bytes = new byte[HeaderBytes + (Open.Count * CheckBytes)];
        Span<byte> at = bytes;
        at[0] = Format;
        BinaryPrimitives.WriteInt32LittleEndian(at[1..], Day);
        BinaryPrimitives.WriteDoubleLittleEndian(at[5..], Tokens);
        BinaryPrimitives.WriteInt64LittleEndian(at[13..], At);
        BinaryPrimitives.WriteInt32LittleEndian(at[21..], Assets);
        BinaryPrimitives.WriteInt64LittleEndian(at[25..], Bytes);
        int[] counts = [Matches, MatchesYesterday, Disputes, Lost, Answered, Unanswered];
        for (int i = 0; i < counts.Length; i++) BinaryPrimitives.WriteInt32LittleEndian(at[(33 + (4 * i))..], counts[i]);
        at[57] = (byte)Open.Count;
        at = at[HeaderBytes..];
        foreach (OpenCheck check in Open)
        {
            BinaryPrimitives.WriteUInt64LittleEndian(at, check.Asset);
            BinaryPrimitives.WriteUInt32LittleEndian(at[8..], check.Minute);
            at[12] = check.Claimed ? (byte)1 : (byte)0;
            at = at[CheckBytes..];
        }
        return bytes;
    }

    /// <summary>False: another format, or not as long as it says.</summary>
    public static bool TryDecode(ReadOnlySpan<byte> bytes, out BranchAccount account)
    {
        account = Empty;
        if (bytes.Length < HeaderBytes || bytes[0] != Format || bytes[57] > MostOpen || bytes.Length != HeaderBytes + (bytes[57] * CheckBytes)) return false;
        var open = new OpenCheck[bytes[57]];
        ReadOnlySpan<byte> at = bytes[HeaderBytes..];
        for (int i = 0; i < open.Length; i++, at = at[CheckBytes..])
            open[i] = new OpenCheck(BinaryPrimitives.ReadUInt64LittleEndian(at), BinaryPrimitives.ReadUInt32LittleEndian(at[8..]), at[12] != 0);
        Span<int> counts = stackalloc int[6];
        for (int i = 0; i < counts.Length; i++) counts[i] = BinaryPrimitives.ReadInt32LittleEndian(bytes[(33 + (4 * i))..]);
        account = new BranchAccount
        {
            Day = BinaryPrimitives.ReadInt32LittleEndian(bytes[1..]),
            Tokens = BinaryPrimitives.ReadDoubleLittleEndian(bytes[5..]),
            At = BinaryPrimitives.ReadInt64LittleEndian(bytes[13..]),
            Assets = BinaryPrimitives.ReadInt32LittleEndian(bytes[21..]),
            Bytes = BinaryPrimitives.ReadInt64LittleEndian(bytes[25..]),
            Matches = counts[0],
            MatchesYesterday = counts[1],
            Disputes = counts[2],
            Lost = counts[3],
            Answered = counts[4],
            Unanswered = counts[5],
            Open = open,
        };
        return true;
    }

    public static int DayOf(DateTimeOffset now) => (int)(now.ToUnixTimeSeconds() / 86_400);

    private static uint MinuteOf(DateTimeOffset now) => (uint)Math.Max(0, now.ToUnixTimeSeconds() / 60);

    private double Per(int figure, QuotaPolicy rules, bool throttled) => throttled || IsFlagged(rules) ? (double)figure / Throttle : figure;

    private BranchAccount Count(int answered, int unanswered, QuotaPolicy rules)
    {
        (answered, unanswered) = (Answered + answered, Unanswered + unanswered);
        if (answered + unanswered >= 4 * rules.ChecksBeforeFlag) (answered, unanswered) = (answered / 2, unanswered / 2);
        return this with { Answered = answered, Unanswered = unanswered };
    }
}
