namespace GlobalCache.Client.Assets;

/// <summary>What a reader does next.</summary>
internal enum Step : byte
{
    /// <summary>Send these bytes.</summary>
    Send,

    /// <summary>The next byte is on its way.</summary>
    Wait,

    /// <summary>Nobody brings the next byte: ask for it again, or give up for the reason of the fetch that failed.</summary>
    Gone,
}

/// <summary>One viewer's request and how far it has been answered. Guarded by its assembly's lock, except <see cref="Started"/>.</summary>
internal sealed class Reader(ByteRange range)
{
    /// <summary>The requests to the grid that bring what this reader wants, its own and others'.</summary>
    public List<Fetch> Sources { get; } = [];

    public ByteRange Range { get; } = range;

    /// <summary>The answer's extent, known as soon as the asset's length is.</summary>
    public Slice? Slice { get; set; }

    /// <summary>The next byte to send.</summary>
    public long Position { get; set; } = range.From;

    /// <summary>
    /// The first byte that was not held when it was asked for; -1: all were. Until it has come, the grid may still say no, and
    /// nothing is sent: viewers ask from one byte before what they hold, and that byte alone is no answer.
    /// </summary>
    public long FirstMissing { get; set; } = -1;

    /// <summary>Body bytes sent.</summary>
    public long Sent { get; set; }

    /// <summary>Where the first of them came from: the cache grid has been sooner than the origin.</summary>
    public bool IsShared { get; set; }

    /// <summary>The status line is on its way to the viewer.</summary>
    public bool Started { get; set; }
}
