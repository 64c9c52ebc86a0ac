using System.Collections.Frozen;
using System.Security.Cryptography;
using GlobalCache.Office.Sessions;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>A control document made ready for being asked at every request: sets in place of lists, keys in place of texts. Immutable; replaced whole.</summary>
internal sealed class ControlView
{
    private readonly FrozenDictionary<string, SessionKey> _keys;
    private readonly FrozenSet<string> _grids, _branches, _subjects, _throttled;

    public ControlView(ControlDocument document, ControlView? earlier)
    {
        Document = document;
        _grids = document.Policy.Grids.Select(g => g.Id).ToFrozenSet(StringComparer.Ordinal);
        _branches = document.RevokedBranches.ToFrozenSet(StringComparer.Ordinal);
        _subjects = document.RevokedClients.Select(c => c.Subject).ToFrozenSet(StringComparer.Ordinal);
        _throttled = document.ThrottledBranches.ToFrozenSet(StringComparer.Ordinal);
        Bans = Bans.OfNames(document.Bans);
        // Keys that stay are kept as they are: a session may be being checked with one.
        _keys = document.SessionKeys.Select(k => earlier?._keys.GetValueOrDefault(k.Id) is { } known ? known with { GoodUntil = k.GoodUntil } : Read(k))
            .OfType<SessionKey>().DistinctBy(k => k.Id).ToFrozenDictionary(k => k.Id, StringComparer.Ordinal);
    }

    public ControlDocument Document { get; }

    public GridPolicy Policy => Document.Policy;

    public Bans Bans { get; }

    /// <summary>Branches whose word counts no more.</summary>
    public IReadOnlyCollection<string> RevokedBranches => Document.RevokedBranches;

    /// <summary>Whether a virtual world is shared.</summary>
    public bool IsShared(string grid) => _grids.Contains(grid);

    /// <summary>Whether a branch is to get less.</summary>
    public bool IsThrottled(string branch) => _throttled.Contains(branch);

    /// <summary>Whether a session is no good though its token is.</summary>
    public bool IsRevoked(SessionIdentity who) => _branches.Contains(who.Branch) || _subjects.Contains(who.Subject);

    /// <summary>Whether a node's certificate is good no more.</summary>
    public bool Denies(string serial) => Document.DeniedSerials.Count > 0 && Document.DeniedSerials.Any(d => d.Serial == serial);

    /// <summary>A key that sessions may be signed with; null: unknown, or its time is over.</summary>
    public SessionKey? Key(string id, DateTimeOffset now) => _keys.TryGetValue(id, out SessionKey? key) && now < key.GoodUntil ? key : null;

    // A name that is not its key's would let one key stand for another.
    private static SessionKey? Read(SessionKeyEntry entry)
    {
        try
        {
            byte[] spki = Convert.FromBase64String(entry.PublicKey);
            ECDsa key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(spki, out int read);
            return read == spki.Length && key.KeySize == 256 && SessionKey.IdOf(spki) == entry.Id ? new SessionKey(entry.Id, key) { GoodUntil = entry.GoodUntil } : null;
        }
        catch (Exception e) when (e is FormatException or CryptographicException)
        {
            return null;
        }
    }
}
