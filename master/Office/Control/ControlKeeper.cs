using System.Security.Cryptography;
using System.Text;
using GlobalCache.Office.Enrolment;
using GlobalCache.Office.Keys;
using GlobalCache.Office.Stores;
using GlobalCache.Policy;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>
/// What a node of a grid of one's own does as its own master: declares the policy it was started with, publishes the key of its sessions, carries revocations from
/// the roll into the control document and mends that one in the store. Every 15 s, each time from what stands there.
/// </summary>
internal sealed class ControlKeeper(
    ControlFollower follower, ControlDesk desk, EnrolmentDesk enrolment, SessionIssuer issuer, OfficeKey key, GridPolicy? declared, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan s_retry = TimeSpan.FromSeconds(2);

    private volatile Declaration? _declared = declared is null ? null : new(declared);
    private volatile TaskCompletionSource _said = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _begun;
    private bool _told;

    private sealed record Declaration(GridPolicy Policy)
    {
        public string Hash { get; } = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Policy.ToJson())));
    }

    /// <summary>How many nodes serve, where a master runs them: they share the quotas. Null, or without one: as the policy says.</summary>
    public Func<int?> Nodes { get; set; } = () => null;

    /// <summary>Whether the start's own changes stand: before, nobody is served.</summary>
    public bool HasBegun => _begun;

    /// <summary>Declares another policy: it is published at the next look, and takes effect on all nodes within 30 s.</summary>
    public void Declare(GridPolicy policy)
    {
        _declared = new Declaration(policy);
        _said.TrySetResult();
    }

    /// <summary>Reads what stands there and brings it up to date. False: not possible now, and told in the log.</summary>
    public async Task<bool> RunOnceAsync(CancellationToken ct)
    {
        await follower.ReadAsync(ct);
        try
        {
            Roll roll = await enrolment.RefreshAsync(ct);
            Declaration? said = _declared;
            if (follower.Current is { } view) issuer.Prepare(view.Document, time.GetUtcNow());
            if (follower.Current is not { } known || Change(known.Document, roll) != known.Document || (follower.Wrong is not null && follower.Mendable))
                await desk.ChangeAsync(document => Change(document, roll), ct);
            issuer.Published();
            // It stands: from here on it gives way to what others declare, until it is said anew.
            Interlocked.CompareExchange(ref _declared, null, said);
            (_begun, _told) = (true, false);
            return true;
        }
        catch (Exception e) when (e is StoreTroubleException or ControlRefusedException)
        {
            if (!_told) log.ControlNotWritten(e.Message);
            _told = true;
            return false;
        }
    }

    /// <summary>Goes on until <paramref name="ct"/>; oftener until it has begun.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        try
        {
            while (true)
            {
                await PauseAsync(_begun ? ControlFollower.RereadEvery : s_retry, ct);
                await RunOnceAsync(ct);
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    /// <summary>Waits, but no longer than until something is declared.</summary>
    private async Task PauseAsync(TimeSpan most, CancellationToken ct)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAny(Task.Delay(most, time, over.Token), _said.Task);
        await over.CancelAsync();
        ct.ThrowIfCancellationRequested();
        if (_said.Task.IsCompleted) _said = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }

    private ControlDocument Change(ControlDocument document, Roll roll)
    {
        DateTimeOffset now = time.GetUtcNow();
        // What was set since the last start with the same options stays; other options are a new word.
        if (_declared is { } said && document.Declared != said.Hash) document = document with { Policy = said.Policy, Declared = said.Hash };
        if (Nodes() is { } nodes && document.Policy.Nodes != nodes) document = document with { Policy = document.Policy with { Nodes = nodes } };
        issuer.Prepare(document, now);
        return Revocations.Apply(issuer.Apply(document, now), roll, key, now);
    }
}
