using System.Net;

namespace GlobalCache.Master.Fleets;

/// <summary>What a node is to do. Written on the instance before anything is done about it (SCALING §4).</summary>
internal enum Intent
{
    /// <summary>To be in the DNS, and to serve.</summary>
    Serve,

    /// <summary>To leave the DNS, to serve whoever still comes, and then to go.</summary>
    Drain,
}

/// <summary>What the cloud says of an instance.</summary>
internal enum InstanceState
{
    /// <summary>Asked for; it has no address yet, or none that answers.</summary>
    Pending,

    /// <summary>It runs, as far as the cloud can tell.</summary>
    Running,

    /// <summary>It is being stopped, by whomever.</summary>
    Stopping,

    /// <summary>It is no more; the cloud shows it for a while yet.</summary>
    Terminated,
}

/// <summary>
/// The tags of an instance that change during its life, and that a new master begins with (SCALING §4): <c>gc:intent</c>, <c>gc:drain-since</c>,
/// <c>gc:dns-removed-at</c> and <c>gc:epoch</c>.
/// </summary>
/// <param name="Intent">What it is to do.</param>
/// <param name="Epoch">The epoch of the lease under which this was written.</param>
/// <param name="DrainSince">When it was told to go.</param>
/// <param name="DnsRemovedAt">When its leaving the DNS was found to be in force everywhere.</param>
internal sealed record Marks(Intent Intent, long Epoch, DateTimeOffset? DrainSince = null, DateTimeOffset? DnsRemovedAt = null);

/// <summary>An instance as the fleet shows it.</summary>
internal sealed record Instance
{
    /// <summary>The cloud's own name for it.</summary>
    public required string Id { get; init; }

    /// <summary>Its place in the fleet, <c>gc:slot</c>: 0 … Max − 1. Two instances of one slot differ in generation.</summary>
    public int Slot { get; init; }

    /// <summary>How many have had this slot before it, <c>gc:gen</c>.</summary>
    public int Generation { get; init; }

    /// <summary>What the cloud says of it.</summary>
    public required InstanceState State { get; init; }

    /// <summary>Where clients reach it, and what the DNS is to say; null: not known yet.</summary>
    public IPAddress? Address { get; init; }

    /// <summary>Where the master reaches it, and whence its reports come; null: not known yet.</summary>
    public IPAddress? PrivateAddress { get; init; }

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset Launched { get; init; }

    /// <summary>What it costs by (a name of the policy's price table); empty: nothing.</summary>
    public string Type { get; init; } = "";

    /// <summary>The tags that change; null: they are absent or not ours, so it is foreign, and never touched.</summary>
    public Marks? Marks { get; init; }
}

/// <summary>One more node, to be asked for once, however often it is asked.</summary>
/// <param name="Slot">Its place.</param>
/// <param name="Generation">See <see cref="Instance.Generation"/>.</param>
/// <param name="Attempt">Rises when the cloud has refused an earlier one.</param>
/// <param name="Epoch">Of the lease.</param>
internal sealed record LaunchOrder(int Slot, int Generation, int Attempt, long Epoch);

/// <summary>What became of an order.</summary>
internal enum LaunchOutcome
{
    /// <summary>It is being started.</summary>
    Launched,

    /// <summary>There is none to be had where this attempt asked; the next one may ask in another zone, or for another type.</summary>
    NoCapacity,

    /// <summary>Too many calls, or trouble on the way: it may have been started. The same order may be repeated.</summary>
    Unknown,

    /// <summary>It is not allowed (permission, account limits): no use in trying again soon.</summary>
    Refused,
}

/// <summary>The answer to an order.</summary>
/// <param name="Outcome">What became of it.</param>
/// <param name="Reason">For people, one sentence; empty when it was launched.</param>
/// <param name="Instance">Of a launched one; the fleet may not show it for a minute yet.</param>
internal sealed record LaunchAnswer(LaunchOutcome Outcome, string Reason = "", Instance? Instance = null);

/// <summary>The fleet cannot say, or did not do it as far as is known. The message is a sentence for people; the call is to be repeated in a later pass.</summary>
internal sealed class FleetTroubleException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Machines that nodes run on: processes of this machine, EC2, or simulated ones. Every call may be repeated without harm.</summary>
internal interface IFleet
{
    /// <summary>All instances that bear the fleet's tag, with those that are gone while the cloud still shows them.</summary>
    /// <exception cref="FleetTroubleException">Not known.</exception>
    Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct);

    /// <summary>Asks for one more. The tags are there from its first moment on; the same order never makes two.</summary>
    Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct);

    /// <summary>Writes what is to be done, before it is.</summary>
    /// <exception cref="FleetTroubleException">Not known whether it stands.</exception>
    Task MarkAsync(string id, Marks marks, CancellationToken ct);

    /// <summary>Ends it for good; no harm when it is gone already.</summary>
    /// <exception cref="FleetTroubleException">Not known whether it was heard.</exception>
    Task TerminateAsync(string id, CancellationToken ct);
}
