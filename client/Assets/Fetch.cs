namespace GlobalCache.Client.Assets;

/// <summary>How a request to the grid ended.</summary>
internal enum FetchEnd : byte
{
    Running,

    /// <summary>The body came to the end it had announced.</summary>
    Delivered,

    /// <summary>An answer whose bytes cannot be joined: an error status, a redirect, an unknown length. It belongs to its owner alone.</summary>
    Opaque,

    /// <summary>No answer, a 5xx, or a body that broke off.</summary>
    Failed,

    /// <summary>The answer contradicts what is held: another length, or another byte.</summary>
    Conflict,

    /// <summary>Nobody wants it any more.</summary>
    Stopped,
}

/// <summary>One request to the grid for a part of an asset. All but <see cref="Asked"/> is guarded by its assembly's lock.</summary>
internal sealed class Fetch(Assembly assembly, Interval asked, bool ranged, Reader? owner)
{
    private HttpResponseMessage? _answer;

    public Assembly Assembly { get; } = assembly;

    /// <summary>What was asked for, in bytes of the asset.</summary>
    public Interval Asked { get; } = asked;

    /// <summary>The Range header to send; none when a viewer's own request had none and nothing of the asset is held.</summary>
    public string? Range { get; } = !ranged ? null
        : asked.End == Interval.Open ? $"bytes={asked.Start}-" : $"bytes={asked.Start}-{asked.End - 1}";

    /// <summary>Whose request this is. Null: the background's.</summary>
    public Reader? Owner { get; } = owner;

    /// <summary>What is still to come; narrowed by the answer's headers, then byte by byte.</summary>
    public Interval Coming { get; set; } = asked;

    /// <summary>Length of the answer's body; 0 before there is one.</summary>
    public long Announced { get; set; }

    public FetchEnd End { get; set; }

    public bool HasFailed => End is FetchEnd.Opaque or FetchEnd.Failed or FetchEnd.Conflict;

    /// <summary>The grid's status where <see cref="End"/> is <see cref="FetchEnd.Opaque"/>.</summary>
    public int Status { get; set; }

    /// <summary>Seconds the viewer is told to wait where <see cref="End"/> is <see cref="FetchEnd.Failed"/>.</summary>
    public int RetryAfterSeconds { get; set; } = 5;

    /// <summary>Ends the request early: nobody wants it. Owns no timer, so it needs no disposal.</summary>
    public CancellationTokenSource Stop { get; } = new();

    /// <summary>Leaves an opaque answer for the owner.</summary>
    public void Hand(HttpResponseMessage? answer) => _answer = answer;

    /// <summary>The opaque answer, once; the taker disposes it.</summary>
    public HttpResponseMessage? TakeAnswer() => Interlocked.Exchange(ref _answer, null);
}
