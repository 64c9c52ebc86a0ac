using System.Buffers.Text;
using System.Net;
using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Enrolment;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Master.Dashboard;

/// <summary>What became of a try to sign in.</summary>
/// <param name="Session">The cookie's value; null: refused.</param>
/// <param name="RetryAfter">Too many tries from that address: for how long to wait; null: it was heard.</param>
internal sealed record SignInAnswer(string? Session, TimeSpan? RetryAfter = null);

/// <summary>
/// Who is the operator (SECURITY §2, §3): whoever knew the admin code, of which the master has but the SHA-256, as the code is drawn at random and no word. Sessions
/// live in memory, as hashes, for 12 h without a call, and 16 of them: a master started anew knows none, nor does one with another code. Pure but for its tables, which are bounded.
/// </summary>
/// <param name="codeHash">SHA-256 of the code in force, in UTF-8; null: nobody can sign in.</param>
internal sealed class AdminSession(Func<byte[]>? codeHash)
{
    /// <summary>Tries a minute from an address.</summary>
    public const int MostTries = 5;

    private const int MostSessions = 16, MostAddresses = 4096, TokenBytes = 32;
    private static readonly TimeSpan s_idle = TimeSpan.FromHours(12), s_minute = TimeSpan.FromMinutes(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, DateTimeOffset> _seenAt = [];
    private byte[] _code = codeHash?.Invoke() ?? [];
    private readonly Dictionary<UInt128, Queue<DateTimeOffset>> _tries = [];

    /// <summary>There is a code.</summary>
    public bool CanSignIn => codeHash is not null;

    /// <summary>A try. A right code has to wait behind wrong ones too, but uses up no try: an operator's script signs in for every command.</summary>
    public SignInAnswer SignIn(string code, IPAddress? peer, DateTimeOffset now)
    {
        // An empty hash is no code's, and all of this takes as long for a wrong one.
        bool isRight = CryptographicOperations.FixedTimeEquals(SHA256.HashData(Encoding.UTF8.GetBytes(code)), codeHash?.Invoke() ?? []) && code.Length <= GridMac.MostCodeLength;
        lock (_lock)
        {
            if (Wait(AddressLimits.KeyOf(peer), counts: !isRight, now) is { } wait) return new(null, wait);
        }

        if (!isRight) return new(null);
        string session = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(TokenBytes));
        lock (_lock)
        {
            ForgetOtherCodes();
            foreach (string old in _seenAt.Where(s => IsOver(s.Value, now)).Select(s => s.Key).ToList()) _seenAt.Remove(old);
            if (_seenAt.Count >= MostSessions) _seenAt.Remove(_seenAt.MinBy(s => s.Value).Key);
            _seenAt[Hash(session)] = now;
        }

        return new(session);
    }

    /// <summary>Whether this is a session's cookie; a yes begins its 12 h anew.</summary>
    public bool Knows(string? session, DateTimeOffset now)
    {
        if (session is not { Length: > 0 and <= 64 }) return false;
        string hash = Hash(session);
        lock (_lock)
        {
            ForgetOtherCodes();
            if (!_seenAt.TryGetValue(hash, out DateTimeOffset at)) return false;
            if (IsOver(at, now))
            {
                _seenAt.Remove(hash);
                return false;
            }

            if (now > at) _seenAt[hash] = now;
            return true;
        }
    }

    /// <summary>Ends a session.</summary>
    public void SignOut(string session)
    {
        lock (_lock) _seenAt.Remove(Hash(session));
    }

    /// <summary>The word that a call by this session's own page knows, and another site's does not. It follows from the cookie, and the cookie not from it.</summary>
    public static string TokenOf(string session) => Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(session), "gc/admin/1"u8));

    /// <summary>Whether it is that word; in constant time.</summary>
    public static bool IsTokenOf(string session, string? token) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(TokenOf(session)), Encoding.UTF8.GetBytes(token ?? ""));

    // What a code opened that is no longer the code, is over.
    private void ForgetOtherCodes()
    {
        byte[] code = codeHash?.Invoke() ?? [];
        if (code.AsSpan().SequenceEqual(_code)) return;
        _code = code;
        _seenAt.Clear();
    }

    private static string Hash(string session) => Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(session)));

    private static bool IsOver(DateTimeOffset seen, DateTimeOffset now) => now - seen > s_idle;

    // Null: this try is heard.
    private TimeSpan? Wait(UInt128 who, bool counts, DateTimeOffset now)
    {
        if (!_tries.ContainsKey(who) && _tries.Count >= MostAddresses)
        {
            foreach (UInt128 rested in _tries.Where(t => t.Value.All(at => now - at >= s_minute)).Select(t => t.Key).ToList()) _tries.Remove(rested);
            // A table full of busy addresses: further ones share one place.
            if (_tries.Count >= MostAddresses) who = UInt128.MaxValue;
        }

        if (!_tries.TryGetValue(who, out Queue<DateTimeOffset>? tries)) _tries[who] = tries = new Queue<DateTimeOffset>(MostTries);
        if (tries.Count == MostTries)
        {
            TimeSpan since = now - tries.Peek();
            if (since >= TimeSpan.Zero && since < s_minute) return s_minute - since;
            tries.Dequeue();
        }

        if (counts) tries.Enqueue(now);
        return null;
    }
}
