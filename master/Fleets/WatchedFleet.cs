namespace GlobalCache.Master.Fleets;

/// <summary>A fleet that tells what it shows whenever it is asked: whose reports are taken follows from it.</summary>
internal sealed class WatchedFleet(IFleet fleet, Action<IReadOnlyList<Instance>> shown) : IFleet
{
    public async Task<IReadOnlyList<Instance>> DescribeAsync(CancellationToken ct)
    {
        IReadOnlyList<Instance> all = await fleet.DescribeAsync(ct);
        shown(all);
        return all;
    }

    public Task<LaunchAnswer> LaunchAsync(LaunchOrder order, CancellationToken ct) => fleet.LaunchAsync(order, ct);

    public Task MarkAsync(string id, Marks marks, CancellationToken ct) => fleet.MarkAsync(id, marks, ct);

    public Task TerminateAsync(string id, CancellationToken ct) => fleet.TerminateAsync(id, ct);
}
