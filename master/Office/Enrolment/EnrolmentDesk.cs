using System.Security.Cryptography;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Enrolment;

/// <summary>
/// Keeps the <see cref="Roll"/> in the store, as the one object <c>m/roll</c> that is only ever replaced conditionally: of two uses of an invite at once one
/// wins, and after a kill it is either done or not. Every process that has the store and the keys may change it.
/// That a revocation holds for sessions that are there is the control document's business (<see cref="Control.RevocationDesk"/>).
/// </summary>
internal sealed class EnrolmentDesk(IObjectStore store, OfficeKey key, TimeProvider time, ILogger log, Random? random = null)
{
    private const string Name = "m/roll";
    private const int Attempts = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly RollSeal _seal = new(key);
    private readonly Lock _gate = new();
    private Roll _roll = Roll.Empty;

    /// <summary>As it was last read or written.</summary>
    public Roll Roll
    {
        get
        {
            lock (_gate) return _roll;
        }
    }

    /// <summary>The roll as it lies in the store now.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public async Task<Roll> RefreshAsync(CancellationToken ct) => (await ReadAsync(ct)).Roll;

    /// <summary>A new invite's code, of the operator or below a client. Null: no such client, or too many invites are open.</summary>
    /// <exception cref="StoreTroubleException">Not known whether it exists; another may be made.</exception>
    public async Task<string?> InviteAsync(string? inviter, CancellationToken ct)
    {
        string code = InviteText.NewCode();
        bool given = await ChangeAsync(roll => roll.WithInvite(code, inviter, time.GetUtcNow()) is { } next ? (next, true) : (roll, false), ct);
        return given ? code : null;
    }

    /// <summary>The client's id, or null when it is not let in.</summary>
    /// <exception cref="StoreTroubleException">Not known whether it is; to be repeated with the same key, which does no harm.</exception>
    public async Task<string?> EnrolAsync(string code, string publicKey, CancellationToken ct)
    {
        string client = NewId('c'), branch = NewId('b');
        string? enrolled = await ChangeAsync(roll => roll.Enrol(code, publicKey, client, branch, time.GetUtcNow()), ct);
        if (enrolled == client) log.Enrolled(client);
        return enrolled;
    }

    /// <summary>Takes back an invite, or shuts out a client or a branch.</summary>
    /// <exception cref="StoreTroubleException">Not known whether it stands; to be repeated.</exception>
    public Task<Revocation> RevokeAsync(string id, CancellationToken ct) => ChangeAsync(roll => roll.Revoke(id, time.GetUtcNow()), ct);

    /// <summary>A client that may have a session, with its branch; null when it may not, as the store says it now.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public async Task<(Member Member, Branch Branch)?> FindAsync(string client, CancellationToken ct)
    {
        (_, Roll roll) = await ReadAsync(ct);
        return roll.Clients.TryGetValue(client, out Member? member) && roll.Branches.TryGetValue(member.Branch, out Branch? branch)
            && !roll.IsRevoked(client, member.Branch) ? (member, branch) : null;
    }

    /// <summary>Trusts a client's word alone, or no more: it holds from its next session, within 2 h. False: no such client.</summary>
    /// <exception cref="StoreTroubleException">Not known whether it does.</exception>
    public Task<bool> TrustAsync(string client, bool trusted, CancellationToken ct) =>
        ChangeAsync(roll => roll.Trusting(client, trusted) is { } next ? (next, true) : (roll, false), ct);

    private static string NewId(char kind) => kind + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(8));

    private async Task<T> ChangeAsync<T>(Func<Roll, (Roll Next, T Outcome)> change, CancellationToken ct)
    {
        for (int i = 0; i < Attempts; i++)
        {
            (string? etag, Roll roll) = await ReadAsync(ct);
            (Roll next, T outcome) = change(roll);
            if (next == roll) return outcome;
            if (await store.PutAsync(Name, _seal.Seal(next), etag, ct) == PutResult.Written)
            {
                Keep(next);
                return outcome;
            }
            await Task.Delay(Pause * (i + (random ?? Random.Shared).NextDouble()), time, ct);
        }
        throw new StoreTroubleException("The roll changes faster than it can be written.");
    }

    private async Task<(string? ETag, Roll Roll)> ReadAsync(CancellationToken ct)
    {
        long known = Roll.Sequence;
        StoredObject? there = await store.GetAsync(Name, ct);
        Roll? roll = Roll.Empty;
        if (there is not null && !_seal.TryOpen(there.Bytes.Span, out roll)) throw new StoreTroubleException(RollSeal.IsLater(there.Bytes.Span)
            ? "The roll of clients was made by a later version: run that one." : "The roll of clients cannot be opened with this grid's keys.");
        // A store reads what it was last written; what is older was put back by somebody, and may be from before a revocation.
        if (roll!.Sequence < known) throw new StoreTroubleException("The roll of clients is older than the one that was read before.");
        Keep(roll);
        return (there?.ETag, roll);
    }

    // An answer that overtook a later one changes nothing.
    private void Keep(Roll roll)
    {
        lock (_gate)
        {
            if (roll.Sequence > _roll.Sequence) _roll = roll;
        }
    }
}
