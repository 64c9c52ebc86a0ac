using System.Security.Cryptography;
using GlobalCache.Office.Stores;
using GlobalCache.Policy.Wire;

namespace GlobalCache.Office.Control;

/// <summary>
/// Follows <c>control/current</c> (SECURITY §3): reads it every 15 s, whole only when it has changed. What is older than the one in force, not signed by the control
/// key or invalid is refused whole, and the one in force stays so; likewise while the store cannot be read. Needs nobody but the store, so what holds goes on
/// holding when its writer is gone. Safe for concurrent use.
/// </summary>
internal sealed class ControlFollower(IObjectStore store, ECDsa controlKey, TimeProvider time, ILogger log) : IDisposable
{
    public const string Name = "control/current";

    /// <summary>With the time one read may take, what is published holds everywhere within 30 s.</summary>
    public static readonly TimeSpan RereadEvery = TimeSpan.FromSeconds(15);

    // Anybody can invent key ids: they bring about one read in this time, however many.
    private static readonly TimeSpan ForUnknownKeys = TimeSpan.FromSeconds(2);

    private readonly SemaphoreSlim _turn = new(1);
    private readonly Lock _gate = new();
    private volatile ControlView? _current;
    private string? _etag, _wrong;
    private long _read, _refused, _unknownAt;
    private bool _everRead, _everUnknown, _troubled;

    /// <summary>What is in force; null: nothing has been read yet.</summary>
    public ControlView? Current => _current;

    /// <summary>What lies in the store is not what is in force: what is wrong with it; else null.</summary>
    public string? Wrong => Volatile.Read(ref _wrong);

    /// <summary>It can be written over: it is no later version's.</summary>
    public bool Mendable { get; private set; } = true;

    /// <summary>Documents refused.</summary>
    public long Refused => Volatile.Read(ref _refused);

    /// <summary>How long ago the store was last read.</summary>
    public TimeSpan Age => Volatile.Read(ref _everRead) ? time.GetElapsedTime(Volatile.Read(ref _read)) : Timeout.InfiniteTimeSpan;

    /// <summary>What is in force.</summary>
    /// <exception cref="StoreTroubleException">Nothing is known yet.</exception>
    public ControlView Known => _current ?? throw new StoreTroubleException("The control document has not been read yet.");

    /// <summary>Reads what lies in the store now. Never fails: what could not be read is told in the log, once.</summary>
    public async Task ReadAsync(CancellationToken ct)
    {
        await _turn.WaitAsync(ct);
        try
        {
            // The first byte tells whether it is another.
            StoredObject? there = await store.PeekAsync(Name, 1, ct);
            if (there is not null && there.ETag != _etag) there = await store.GetAsync(Name, ct);
            (_read, _troubled) = (time.GetTimestamp(), false);
            Volatile.Write(ref _everRead, true);
            if (there is null) Missing();
            else if (there.ETag != _etag) Judge(there);
        }
        catch (StoreTroubleException e)
        {
            if (!_troubled) log.ControlNotRead(e.Message);
            _troubled = true;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Reads at once, because a session names a key that is not known; not oftener than every 2 s. False: not now.</summary>
    public async ValueTask<bool> ReadForUnknownKeyAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            if (_everUnknown && time.GetElapsedTime(_unknownAt) < ForUnknownKeys) return false;
            (_everUnknown, _unknownAt) = (true, time.GetTimestamp());
        }
        await ReadAsync(ct);
        return true;
    }

    /// <summary>Follows the store until <paramref name="ct"/>.</summary>
    public async Task FollowAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(RereadEvery, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct)) await ReadAsync(ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // Asked to stop.
        }
    }

    /// <summary>This document has just been written by us.</summary>
    public void Adopt(ControlDocument document)
    {
        lock (_gate)
        {
            // One that overtook a later one changes nothing.
            if (_current is { } known && document.Sequence <= known.Document.Sequence) return;
            _current = new ControlView(document, _current);
        }
    }

    public void Dispose()
    {
        _turn.Dispose();
        controlKey.Dispose();
    }

    private void Judge(StoredObject there)
    {
        _etag = there.ETag;
        ControlFault fault = ControlEnvelope.Open(there.Bytes.Span, controlKey, out ControlDocument? document);
        Mendable = fault is not (ControlFault.Version or ControlFault.Invalid);
        if (document is not null && document.Sequence >= (_current?.Document.Sequence ?? 0))
        {
            Adopt(document);
            if (Wrong is not null) log.ControlGoodAgain();
            Volatile.Write(ref _wrong, null);
            return;
        }
        Refuse(fault switch
        {
            ControlFault.None => "it is older than the one in force",
            ControlFault.Signature => "it is not signed by the grid's control key",
            ControlFault.Version => "it was made by a later version",
            ControlFault.Invalid => "it is signed but holds what this version does not allow: a later one made it",
            _ => "it is damaged",
        });
    }

    private void Missing()
    {
        _etag = null;
        if (_current is not null && Wrong != "it is gone") Refuse("it is gone");
    }

    private void Refuse(string wrong)
    {
        Volatile.Write(ref _wrong, wrong);
        Interlocked.Increment(ref _refused);
        log.ControlRefused(wrong);
    }
}

/// <summary>What is logged of the control document, 6050 – 6069.</summary>
internal static partial class ControlLog
{
    [LoggerMessage(6050, LogLevel.Error, "The control document in the store is refused, the one in force stays so: {wrong}.")]
    public static partial void ControlRefused(this ILogger log, string wrong);

    [LoggerMessage(6051, LogLevel.Warning, "The control document was not read, the one in force stays so: {reason}")]
    public static partial void ControlNotRead(this ILogger log, string reason);

    [LoggerMessage(6052, LogLevel.Information, "The control document in the store is good again.")]
    public static partial void ControlGoodAgain(this ILogger log);

    [LoggerMessage(6053, LogLevel.Warning, "The control document could not be brought up to date: {reason}")]
    public static partial void ControlNotWritten(this ILogger log, string reason);
}
