using GlobalCache.Master.Fleets;

namespace GlobalCache.Master.Nodes;

/// <summary>What a node says of itself, by its report or by being asked (<c>/status</c> on its private listener).</summary>
internal sealed record NodeLook
{
    /// <summary>When it said so.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>Its <c>/readyz</c>: store, keys and control document are good.</summary>
    public required bool Ready { get; init; }

    /// <summary>It has warmed up.</summary>
    public bool Warm { get; init; } = true;

    /// <summary>What it believes it is to do.</summary>
    public Intent Intent { get; init; }

    /// <summary>Requests a second over the last ten.</summary>
    public double RequestsPerSecond { get; init; }

    /// <summary>Requests being answered now.</summary>
    public int InFlight { get; init; }

    /// <summary>Since the last request of a client came.</summary>
    public TimeSpan Quiet { get; init; }

    /// <summary>The tightest of CPU, egress against the link, and requests in flight: 0 – 1, more when overloaded.</summary>
    public double Load { get; init; }
}

/// <summary>The nodes themselves, as the master reaches them: over HTTP, or simulated.</summary>
internal interface INodes
{
    /// <summary>The newest word of a node, asked for if its last report is old. Null: it does not answer.</summary>
    Task<NodeLook?> LookAsync(Instance instance, CancellationToken ct);

    /// <summary>Tells it what to do; the same word may be told again and again. False: it does not answer, or knows of a later epoch.</summary>
    Task<bool> TellAsync(Instance instance, Intent intent, long epoch, CancellationToken ct);

    /// <summary>“You are about to be ended.” True: it is draining, has nothing in flight, and knows of no later epoch. False: not so, or no answer.
    /// Having said so it is not <see cref="NodeLook.Ready"/> any more, so that nobody who comes after this master calls it back.</summary>
    Task<bool> RetireAsync(Instance instance, long epoch, CancellationToken ct);
}
