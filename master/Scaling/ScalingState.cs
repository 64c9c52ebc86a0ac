using GlobalCache.Policy;

namespace GlobalCache.Master.Scaling;

/// <summary>
/// What <see cref="Decide"/> remembers from tick to tick: bounded, and changed by nothing else. The margins of the last day and the profile of the week can be
/// saved and restored (<see cref="ScalingMemory"/>); the last minutes are not worth it, and a new master waits until it has seen its own.
/// </summary>
internal sealed class ScalingState
{
    /// <summary>The last minutes.</summary>
    public Demand Demand { get; } = new();

    /// <summary>How far forecasts of the time a new node takes were missed.</summary>
    public Margin Ahead { get; } = new();

    /// <summary>How far demand rose within the time that closing a node takes to pay.</summary>
    public Margin PayBack { get; } = new();

    /// <summary>The profile of the week.</summary>
    public Season Season { get; } = new();

    /// <summary>When it was last decided upon figures; null: not yet.</summary>
    public DateTimeOffset? LastTick { get; set; }

    /// <summary>How many nodes demand needed then.</summary>
    public int LastNeed { get; set; }

    /// <summary>For how long fewer nodes would have sufficed, without a break.</summary>
    public TimeSpan CalmFor { get; set; }

    /// <summary>When closing was last decided, and not regretted since.</summary>
    public DateTimeOffset? LastIn { get; set; }

    /// <summary>How often the calm that is asked for is doubled, …</summary>
    public int Regrets { get; set; }

    /// <summary>… since when.</summary>
    public DateTimeOffset RegrettedAt { get; set; }

    /// <summary>No closing until then: demand collapsed.</summary>
    public DateTimeOffset OutageUntil { get; set; }

    /// <summary>Closings of the last hour.</summary>
    public Queue<DateTimeOffset> ScaleIns { get; } = new();

    /// <summary>Teaches the profile of the week what demand was, in slots of five minutes from <paramref name="first"/> on.</summary>
    public void Seed(DateTimeOffset first, ReadOnlySpan<double> means, ScalingPolicy policy) => Season.Seed(first, means, policy);
}
