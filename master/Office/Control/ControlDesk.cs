using System.Security.Cryptography;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>A change of the control document is refused: all that is wrong with it, a line each. Nothing has been changed.</summary>
internal sealed class ControlRefusedException(IReadOnlyList<string> wrong) : Exception(string.Join('\n', wrong));

/// <summary>
/// Writes <c>control/current</c> for whoever holds the control key: by compare-and-swap alone, so that of two changes at once neither is lost. A running node passes
/// what it has in force: by that a document that was damaged, put back or removed in the store is mended. Safe for concurrent use.
/// </summary>
internal sealed class ControlDesk(IObjectStore store, ECDsa key, ControlFollower? follower, TimeProvider time, Random? random = null) : IDisposable
{
    private const int Attempts = 16;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(20);
    private static readonly ControlDocument Nothing = new() { Sequence = 0, Issued = DateTimeOffset.UnixEpoch };

    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>What lies in the store now, or is in force where that is no good; nothing at all has the sequence 0.</summary>
    /// <exception cref="StoreTroubleException">Not known.</exception>
    public async Task<ControlDocument> ReadAsync(CancellationToken ct) => (await BaseAsync(ct)).Document;

    /// <summary>Changes the document, where <paramref name="change"/> does not return the one it is given.</summary>
    /// <returns>The document as it stands then.</returns>
    /// <exception cref="StoreTroubleException">Not known whether it stands; to be repeated.</exception>
    /// <exception cref="ControlRefusedException">It would not be valid.</exception>
    public async Task<ControlDocument> ChangeAsync(Func<ControlDocument, ControlDocument> change, CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            for (int i = 0; i < Attempts; i++)
            {
                (string? etag, ControlDocument document, bool mend) = await BaseAsync(ct);
                ControlDocument next = change(document);
                if (next == document && !mend) return document;
                next = next with { Sequence = document.Sequence + 1, Issued = time.GetUtcNow() };
                byte[] signed = ControlEnvelope.TrySign(next, key, out IReadOnlyList<string> wrong) ?? throw new ControlRefusedException(wrong);
                if (await store.PutAsync(ControlFollower.Name, signed, etag, ct) == PutResult.Written)
                {
                    follower?.Adopt(next);
                    return next;
                }
                await Task.Delay(Pause * (i + (random ?? Random.Shared).NextDouble()), time, ct);
            }
            throw new StoreTroubleException("The control document changes faster than it can be written.");
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _turn.Dispose();
        key.Dispose();
    }

    /// <summary>What the next one is built on, and whether the one in the store must be replaced whatever is changed.</summary>
    private async Task<(string? ETag, ControlDocument Document, bool Mend)> BaseAsync(CancellationToken ct)
    {
        StoredObject? there = await store.GetAsync(ControlFollower.Name, ct);
        ControlDocument? inForce = follower?.Current?.Document, read = null;
        ControlFault fault = there is null ? ControlFault.None : ControlEnvelope.Open(there.Bytes.Span, key, out read);
        if (fault is ControlFault.Version or ControlFault.Invalid) throw new StoreTroubleException("The control document was made by a later version: run that one.");
        if (read is not null && read.Sequence >= (inForce?.Sequence ?? 0)) return (there!.ETag, read, false);
        if (inForce is not null) return (there?.ETag, inForce, true);
        return there is null ? (null, Nothing, false)
            : throw new StoreTroubleException("The control document in the store is damaged or not signed by this grid's control key, and no running node holds a good one here.");
    }
}
