using System.Security.Cryptography;
using GlobalCache.Office.Sessions;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>
/// The key this process signs sessions with: born in memory at its start and anew every day, never written anywhere; its public half stands in the control document,
/// for as long as its sessions last and prolonged while it is in use. So the keys of a process that is gone are gone some hours later, without anybody striking them
/// off; and one that has been struck off is followed by a new one. To be used by one caller at a time; <see cref="Signs"/> by any.
/// </summary>
internal sealed class SessionIssuer(ControlFollower control, TimeProvider time)
{
    public static readonly TimeSpan RotateEvery = TimeSpan.FromDays(1);

    // From five hours before its end a key is prolonged: the session it may just have signed lasts four and the skew.
    private static readonly TimeSpan Ahead = TimeSpan.FromHours(6), RenewBelow = TimeSpan.FromHours(5);

    private volatile Born? _key;

    private sealed record Born(SessionKey Key, string PublicKey, DateTimeOffset At);

    /// <summary>The key for new sessions, as far as all nodes can know it; null: it is not published.</summary>
    public SessionKey? Signs() => _key is { } key && control.Current?.Key(key.Key.Id, time.GetUtcNow()) is { } published ? key.Key with { GoodUntil = published.GoodUntil } : null;

    /// <summary>Makes the key, when there is none yet, a day has passed, or it was published and is no longer.</summary>
    public void Prepare(ControlDocument document, DateTimeOffset now)
    {
        if (_key is { } key && now < key.At + RotateEvery && (_published != key.Key.Id || document.SessionKeys.Any(k => k.Id == key.Key.Id))) return;
        ECDsa made = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        byte[] spki = made.ExportSubjectPublicKeyInfo();
        // The one before may be signing at this moment: it is left to the collector.
        _key = new Born(new SessionKey(SessionKey.IdOf(spki), made), Convert.ToBase64String(spki), now);
    }

    /// <summary>The document with this key in it, long enough, and without those whose time is over; the same one where nothing changes.</summary>
    public ControlDocument Apply(ControlDocument document, DateTimeOffset now)
    {
        if (_key is not { } key) return document;
        SessionKeyEntry? mine = document.SessionKeys.FirstOrDefault(k => k.Id == key.Key.Id);
        if (mine is not null && mine.GoodUntil >= now + RenewBelow) return document;
        return document with
        {
            SessionKeys =
            [
                new SessionKeyEntry { Id = key.Key.Id, PublicKey = key.PublicKey, GoodUntil = now + Ahead },
                .. document.SessionKeys.Where(k => k.Id != key.Key.Id && now < k.GoodUntil).OrderByDescending(k => k.GoodUntil).Take(ControlDocument.MaxSessionKeys - 1),
            ],
        };
    }

    /// <summary>What was prepared stands in the store.</summary>
    public void Published() => _published = _key?.Key.Id;

    private string? _published;
}
