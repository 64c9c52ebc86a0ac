namespace GlobalCache.Client.Circuits;

/// <summary>What one circuit has done; read for the status page and by tests.</summary>
internal sealed class CircuitCounters
{
    public long Forwarded { get; set; }

    public long Swallowed { get; set; }

    public long Injected { get; set; }

    public long Held { get; set; }

    /// <summary>Datagrams with no readable header, dropped.</summary>
    public long Malformed { get; set; }

    /// <summary>Copies of numbers older than the map remembers, dropped.</summary>
    public long Forgotten { get; set; }

    /// <summary>Acks for numbers nobody has sent, dropped.</summary>
    public long UnknownAcks { get; set; }
}
