using System.Net;
using GlobalCache.Client.Caps;
using GlobalCache.Client.Store;

namespace GlobalCache.Client.Resumption;

/// <summary>Where a client leaves its sessions, and by which clock their age is told.</summary>
/// <param name="File">The sealed record.</param>
/// <param name="Memory">A folder in memory, for the hot part too.</param>
/// <param name="Now">Null when the system does not tell: nothing is left, nothing taken up.</param>
internal sealed record ResumePlace(ResumeFile File, string Memory, Func<Moment?> Now)
{
    /// <summary>The place of the client whose store this is; null when the system has no files in memory.</summary>
    public static ResumePlace? Of(string store, LocalKey key) => CircuitPages.Folder() is not { } memory ? null
        : new ResumePlace(new ResumeFile(ResumeFile.PathFor(memory, store, key), key.Derive("globalcache-sessions-1")), memory, Moment.OfMachine);

    /// <summary>What the client before this one left, if it was alive less than <paramref name="within"/> ago in this boot.</summary>
    public ResumeRecord? Find(TimeSpan within) =>
        File.Read() is { } bytes && ResumeRecord.TryRead(bytes) is { } record && Now() is { } now
        && new CircuitPages(Memory, record.Pages).LastBeat() is { } beat && now.Since(new Moment(record.Boot, beat)) < within ? record : null;

    /// <summary>Clears away what a client before has left and nobody takes up: all but the pages of the name <paramref name="but"/>.</summary>
    public void Forget(string but)
    {
        if (File.Read() is { } bytes && ResumeRecord.TryRead(bytes) is { } record && record.Pages != but)
        {
            new CircuitPages(Memory, record.Pages).Clear();
            File.Delete();
        }
    }
}

/// <summary>
/// Keeps what the next client would need to go on with the sessions of this one, should this one be killed: the record when anything in it has changed,
/// at the latest a second after, and the moment it was last alive every second. A clean exit leaves nothing, nor does the last viewer's logout.
/// </summary>
internal sealed class ResumeKeeper : IAsyncDisposable
{
    private static readonly TimeSpan s_beat = TimeSpan.FromSeconds(1);

    // Where even memory takes so long, the viewer would rather be answered: then what is new is not safe yet.
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(500);

    private readonly ResumePlace _place;
    private readonly IPEndPoint _endpoint;
    private readonly Uri _loginUri;
    private readonly Func<IReadOnlyList<SessionRecord>> _sessions;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly CircuitPages _pages;
    private readonly ITimer _timer;
    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _one = new(1);
    private byte[] _written = [];
    private Task? _next;
    private bool _beating, _failing, _over;

    /// <param name="place">Where.</param>
    /// <param name="endpoint">Where viewers connect to.</param>
    /// <param name="loginUri">The grid.</param>
    /// <param name="pages">The hot part.</param>
    /// <param name="sessions">What is to be kept.</param>
    /// <param name="time">Wakes it.</param>
    /// <param name="log">Told once when it cannot be.</param>
    public ResumeKeeper(
        ResumePlace place, IPEndPoint endpoint, Uri loginUri, CircuitPages pages, Func<IReadOnlyList<SessionRecord>> sessions, TimeProvider time, ILogger log)
    {
        (_place, _endpoint, _loginUri, _pages, _sessions, _time, _log) = (place, endpoint, loginUri, pages, sessions, time, log);
        _timer = time.CreateTimer(_ => _ = Saving(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        place.Forget(but: pages.Name);
        _ = Saving();
    }

    /// <summary>Whether a record is of a client that viewers reached as they reach this one, on the way to the same grid.</summary>
    public static bool Suits(ResumeRecord record, IPEndPoint endpoint, Uri loginUri) =>
        record.Endpoint == endpoint.ToString() && record.LoginUri == loginUri.AbsoluteUri;

    /// <summary>Completes when what is so now would outlive this process, or cannot; soon in any case.</summary>
    public Task SaveAsync() => Task.WhenAny(Saving(), Task.Delay(s_patience, _time));

    public async ValueTask DisposeAsync()
    {
        await _one.WaitAsync();
        _over = true;
        Forget();
        _one.Release();
        await _timer.DisposeAsync();
    }

    /// <summary>One write under way, and at most one more behind it, which sees what all have who wait for it.</summary>
    private Task Saving()
    {
        lock (_gate) return _next ??= Task.Run(WriteAsync);
    }

    private async Task WriteAsync()
    {
        await _one.WaitAsync();
        lock (_gate) _next = null;
        try
        {
            if (!_over) Write();
            _failing = false;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            if (!_failing) Log.NotKept(_log, e.Message);
            _failing = true;
        }
        finally
        {
            _one.Release();
        }
    }

    private void Write()
    {
        IReadOnlyList<SessionRecord> sessions = _sessions();
        if (sessions.Count == 0 || _place.Now() is not { } now)
        {
            Forget();
            return;
        }
        if (!_beating) _beating = _timer.Change(s_beat, s_beat);
        _pages.Beat(now.Up);
        byte[] record = new ResumeRecord(now.Boot, _pages.Name, _endpoint.ToString(), _loginUri.AbsoluteUri, sessions).ToBytes();
        if (record.AsSpan().SequenceEqual(_written)) return;
        _place.File.Write(record);
        _written = record;
    }

    private void Forget()
    {
        // Without a viewer there is nothing to be woken for.
        if (_beating) _timer.Change(Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        _beating = false;
        _place.File.Delete();
        _pages.Clear();
        _written = [];
    }
}
