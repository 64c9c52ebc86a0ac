using System.Net;

namespace GlobalCache.Master.Fleets;

/// <summary>One machine of the owner's.</summary>
/// <param name="Address">Where clients find its node; the DNS shows it.</param>
/// <param name="Inside">Where the master does; null: the same.</param>
internal sealed record GivenMachine(IPAddress Address, IPAddress? Inside = null);

/// <summary>Machines of the grid's owner: there are as many as there are, and none is opened or closed here. What they are to do is remembered by this process alone.</summary>
internal sealed class GivenFleet : IFleet
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Instance> _machines;

    /// <param name="machines">Where their nodes listen; a node is known by the address clients use (<c>--member</c> with hyphens for dots and colons).</param>
    /// <param name="now">They are there from here on.</param>
    public GivenFleet(IReadOnlyList<GivenMachine> machines, DateTimeOffset now) => _machines = machines.Select((machine, slot) => new Instance
    {
        Id = IdOf(machine.Address),
        Slot = slot,
        State = InstanceState.Running,
        Address = machine.Address,
        PrivateAddress = machine.Inside ?? machine.Address,
        Launched = now,
        Marks = new Marks(Intent.Serve, 0),
    }).ToDictionary(m => m.Id, StringComparer.Ordinal);

    /// <summary>What the node at an address is to call itself.</summary>
    public static string IdOf(IPAddress address) => address.ToString().Replace('.', '-').Replace(':', '-').Replace("%", "-", StringComparison.Ordinal);

    public Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct)
    {
        lock (_gate) return Task.FromResult<IReadOnlyList<Instance>>([.. _machines.Values]);
    }

    public Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct) =>
        Task.FromResult(new LaunchAnswer(LaunchOutcome.NoCapacity, "The machines are given (--nodes): start another there, and name it."));

    public Task MarkAsync(string id, Marks marks, CancellationToken ct)
    {
        lock (_gate)
        {
            if (_machines.TryGetValue(id, out Instance? machine)) _machines[id] = machine with { Marks = marks };
        }
        return Task.CompletedTask;
    }

    // A machine that was ended for being lost is one of the fleet again as soon as its node answers.
    public Task TerminateAsync(string id, CancellationToken ct) => MarkAsync(id, new Marks(Intent.Serve, 0), ct);
}
