namespace GlobalCache.Client.Assets;

/// <summary>The one question to the cache grid that belongs to an assembly. Guarded by the assembly's lock, but for <see cref="Asking"/>.</summary>
internal sealed class CacheQuestion
{
    private volatile Task? _asking;

    /// <summary>The question that is under way, or over; null: there was none.</summary>
    public Task? Asking => _asking;

    /// <summary>Asks, the first time; <paramref name="ask"/> is stopped when nobody needs the answer any more, and must not fault.</summary>
    public void Begin(Func<CancellationToken, Task> ask)
    {
        if (_asking is not null) return;
        Stopped = new CancellationTokenSource();
        _asking = ask(Stopped.Token);
    }

    /// <summary>Nobody needs it any more. Idempotent.</summary>
    public void Stop() => _ = Stopped?.CancelAsync();

    // Owns no timer, so it needs no disposal.
    private CancellationTokenSource? Stopped { get; set; }
}

/// <summary>
/// Who sent the bytes of one asset, as far as something may be claimed of them (SECURITY §4): one host that sent them all, or nobody. What has once
/// been mixed with bytes from the cache grid, or with another host's, stays so.
/// </summary>
internal struct Provenance
{
    private string? _sender;

    /// <summary>The one host that sent them all; null: nothing has come, or nothing may be claimed.</summary>
    public readonly string? Only => _sender is { Length: > 0 } one ? one : null;

    /// <summary>Some of them come from <paramref name="sender"/>.</summary>
    public void Add(string sender) => _sender = _sender is null || _sender == sender ? sender : "";

    /// <summary>Some of them come from a cache, or another way.</summary>
    public void Mixed() => _sender = "";
}
