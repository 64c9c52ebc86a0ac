using System.Security.Cryptography;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Sealing;

namespace GlobalCache.Node.Vouching;

/// <summary>What a claimant is told.</summary>
/// <param name="Outcome">What the claim has brought about.</param>
/// <param name="Wanted">These very bytes are agreed on and not stored: please send them.</param>
/// <param name="Losers">Tags of branches that lost a contest by this claim.</param>
internal sealed record ClaimAnswer(Outcome Outcome, bool Wanted, IReadOnlyList<ulong> Losers)
{
    /// <summary>It says what is agreed on.</summary>
    public bool Agrees { get; init; }

    /// <summary>What stands now.</summary>
    public VouchRecord Record { get; init; } = VouchRecord.Empty;
}

/// <summary>What became of bytes that were sent.</summary>
internal enum Upload : byte
{
    /// <summary>They are public now, or were already.</summary>
    Stored,

    /// <summary>They are not what was agreed on.</summary>
    NotAgreed,

    /// <summary>Something else happened to the asset meanwhile; claim again.</summary>
    Overtaken,
}

/// <summary>
/// Vouching on plain object storage (SECURITY §4): <c>v/&lt;name&gt;</c> holds what is known, changed by compare-and-swap alone;
/// <c>a/&lt;name&gt;</c> holds the blob, whose presence makes the asset public, or a tombstone. Every step may be raced, repeated and cut off at
/// any store call: whoever comes next goes on from what stands there.
/// </summary>
internal sealed class Ledger(IObjectStore store, RecordSeal seal, Func<VouchingPolicy> policy, Func<string, Predicate<ulong>> revoked, TimeProvider time, Random? random = null)
{
    private const int Attempts = 8;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, List<Waiting>> _turns = [];

    private sealed record Waiting(Claim Claim, TaskCompletionSource<ClaimAnswer> Answer);

    /// <summary>Says that a claimant has received these bytes. Claims of one asset that come together are written down together.</summary>
    /// <exception cref="StoreTroubleException">Not known whether it was noted; to be repeated, which does no harm.</exception>
    public async Task<ClaimAnswer> ClaimAsync(string name, Claim claim)
    {
        var mine = new Waiting(claim, new TaskCompletionSource<ClaimAnswer>(TaskCreationOptions.RunContinuationsAsynchronously));
        bool first;
        lock (_gate)
        {
            first = !_turns.TryGetValue(name, out List<Waiting>? turn);
            if (first) _turns[name] = turn = [];
            turn!.Add(mine);
        }
        if (first) await TakeTurnsAsync(name);
        return await mine.Answer.Task;
    }

    /// <summary>Stores the agreed bytes, sealed by <paramref name="sealing"/> for the epoch it is given. Idempotent.</summary>
    /// <exception cref="StoreTroubleException">Not known whether they are stored; to be repeated.</exception>
    public async Task<Upload> PutAsync(string name, ReadOnlyMemory<byte> plain, Func<uint, byte[]> sealing, CancellationToken ct)
    {
        (_, VouchRecord record) = await ReadAsync(name, ct);
        if (!record.Agrees(SHA256.HashData(plain.Span))) return Upload.NotAgreed;
        byte[]? blob = null;
        for (int i = 0; i < Attempts; i++)
        {
            StoredObject? there = await store.PeekAsync($"a/{name}", SealedHeader.Length, ct);
            if (there is null && record.Epoch > 0)
            {
                // Expired. The tombstone comes first again, else a writer that is late by an epoch might come before us.
                await store.PutAsync($"a/{name}", Tombstone.Of(record.Epoch), ifMatch: null, ct);
                continue;
            }
            if (there is not null && IsBlob(there, record.Epoch)) return Upload.Stored;
            if (there is not null && !(Tombstone.TryRead(there.Bytes.Span, out uint epoch) && epoch == record.Epoch)) return Upload.Overtaken;
            blob ??= sealing(record.Epoch);
            if (await store.PutAsync($"a/{name}", blob, there?.ETag, ct) == PutResult.Written) return Upload.Stored;
        }
        throw new StoreTroubleException("The store refuses an object again and again.");
    }

    /// <summary>Takes an asset out of the public: a takedown, or a contest that was lost. Idempotent; returns when it cannot be served any more.</summary>
    /// <exception cref="StoreTroubleException">The decision may stand or not; to be repeated.</exception>
    public async Task WithdrawAsync(string name, CancellationToken ct)
    {
        for (int i = 0; i < Attempts; i++)
        {
            (string? etag, VouchRecord record) = await ReadAsync(name, ct);
            if (record.IsPublic)
            {
                record = Fold.Withdraw(record).Record;
                if (await WriteAsync(name, etag, record, ct) == PutResult.Refused)
                {
                    await BackOffAsync(i, ct);
                    continue;
                }
            }
            if (record.State == VouchState.Withdrawn) await FinishWithdrawAsync(name, record, ct);
            return;
        }
        throw new StoreTroubleException("A record changes faster than it can be written.");
    }

    private async Task TakeTurnsAsync(string name)
    {
        while (true)
        {
            List<Waiting> turn;
            lock (_gate)
            {
                turn = _turns[name];
                if (turn.Count == 0)
                {
                    _turns.Remove(name);
                    return;
                }
                _turns[name] = [];
            }
            try
            {
                ClaimAnswer[] answers = await FoldAllAsync(name, turn);
                for (int i = 0; i < answers.Length; i++) turn[i].Answer.SetResult(answers[i]);
            }
            catch (Exception e)
            {
                foreach (Waiting waiting in turn) waiting.Answer.TrySetException(e);
            }
        }
    }

    private async Task<ClaimAnswer[]> FoldAllAsync(string name, List<Waiting> turn)
    {
        for (int i = 0; i < Attempts; i++)
        {
            (string? etag, VouchRecord record) = await ReadAsync(name, CancellationToken.None);
            if (record.State == VouchState.Withdrawn)
            {
                await FinishWithdrawAsync(name, record, CancellationToken.None);
                continue;
            }
            VouchRecord next = record;
            var folded = new Folded[turn.Count];
            for (int c = 0; c < folded.Length; c++)
            {
                folded[c] = Fold.Apply(next, turn[c].Claim, policy(), time.GetUtcNow(), revoked(name));
                next = folded[c].Record;
            }
            if (next != record && await WriteAsync(name, etag, next, CancellationToken.None) == PutResult.Refused)
            {
                await BackOffAsync(i, CancellationToken.None);
                continue;
            }
            if (next.State == VouchState.Withdrawn) await FinishWithdrawAsync(name, next, CancellationToken.None);
            bool missing = turn.Exists(w => next.Agrees(w.Claim.Hash.Span)) && await IsMissingAsync(name, next.Epoch);
            return [.. folded.Select((f, c) => next.Agrees(turn[c].Claim.Hash.Span)
                ? new ClaimAnswer(f.Outcome, missing, f.Losers) { Agrees = true, Record = next } : new ClaimAnswer(f.Outcome, Wanted: false, f.Losers) { Record = next })];
        }
        throw new StoreTroubleException("A record changes faster than it can be written.");
    }

    /// <summary>The decision stands: puts the tombstone in place, then opens the record for the next epoch. Whoever sees it may do it.</summary>
    private async Task FinishWithdrawAsync(string name, VouchRecord record, CancellationToken ct)
    {
        for (int i = 0; ; i++)
        {
            StoredObject? there = await store.PeekAsync($"a/{name}", SealedHeader.Length, ct);
            if (there is not null && EpochOf(there) >= record.Epoch) break;
            if (await store.PutAsync($"a/{name}", Tombstone.Of(record.Epoch), there?.ETag, ct) == PutResult.Written) break;
            if (i == Attempts) throw new StoreTroubleException("The store refuses a tombstone again and again.");
            await BackOffAsync(i, ct);
        }
        (string? etag, VouchRecord now) = await ReadAsync(name, ct);
        // Refused: somebody else has done it.
        if (now.State == VouchState.Withdrawn && now.Epoch == record.Epoch)
            await WriteAsync(name, etag, now with { Revision = now.Revision + 1, State = VouchState.Open }, ct);
    }

    private async Task<bool> IsMissingAsync(string name, uint epoch) =>
        await store.PeekAsync($"a/{name}", SealedHeader.Length, CancellationToken.None) is not { } there || !IsBlob(there, epoch);

    private async Task<(string? ETag, VouchRecord Record)> ReadAsync(string name, CancellationToken ct)
    {
        if (await store.GetAsync($"v/{name}", ct) is not { } there) return (null, VouchRecord.Empty);
        // Nobody but a node writes here; what does not open is damage, and to build on it would give the asset away.
        return seal.TryOpen(name, there.Bytes.Span, out VouchRecord record) ? (there.ETag, record)
            : throw new StoreTroubleException("A vouching record cannot be opened.");
    }

    private ValueTask<PutResult> WriteAsync(string name, string? etag, VouchRecord record, CancellationToken ct) =>
        store.PutAsync($"v/{name}", seal.Seal(name, record), etag, ct);

    private Task BackOffAsync(int attempt, CancellationToken ct) => Task.Delay(Pause * (attempt + (random ?? Random.Shared).NextDouble()), time, ct);

    private static bool IsBlob(StoredObject there, uint epoch) => SealedHeader.Read(there.Bytes.Span, out SealedHeader header) == SealFault.None && header.Epoch == epoch;

    private static uint EpochOf(StoredObject there) => Tombstone.TryRead(there.Bytes.Span, out uint epoch) ? epoch
        : SealedHeader.Read(there.Bytes.Span, out SealedHeader header) == SealFault.None ? header.Epoch
        : throw new StoreTroubleException("An object under a/ is neither blob nor tombstone.");
}
